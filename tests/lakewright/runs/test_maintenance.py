"""A small job that erases rows of a table which another job fills, from its files and from its inputs."""

import re
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from jobs.cli.registry import load_feed
from lakewright.config import Conf
from lakewright.errors import ConfigError
from lakewright.log.actions import AddFiles, RemoveFiles, TakeObjects
from lakewright.log.log import Log
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.runs.job import AnyJob, Batch, Staged
from lakewright.runs.maintenance import maintain
from lakewright.runs.progress import LogProgress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.conftest import Bench


def erase(batch: Batch, *, key: int) -> Staged:
    """Erase the rows of one key: rewrite the inputs first, then stage the files of the table without them."""
    taken, removed, added, read, deleted = [], [], [], 0, 0
    for found in batch.state.objects.values():
        text = batch.lake.read(found.path).decode()
        without = re.sub(rf"(?m)^{key},.*\n", "", text)
        if without != text:
            assert batch.lake.replace(found.path, without.encode(), etag=found.etag)
        now = batch.lake.stat(found.path)
        assert now is not None
        taken.append(SourceObject(found.path, now.size, now.etag, found.values))
    for file in batch.state.files.values():
        rows = pq.read_table(pa.BufferReader(batch.lake.read(file.path)))
        kept = rows.filter(pc.not_equal(rows["id"], key))
        if kept.num_rows == rows.num_rows:
            continue
        read, deleted = read + rows.num_rows, deleted + rows.num_rows - kept.num_rows
        removed.append(file.path)
        if kept.num_rows:
            folder, _, name = file.path.rpartition("/")
            sink = pa.BufferOutputStream()
            pq.write_table(kept, sink)
            body, staged = bytes(sink.getvalue()), f"{batch.folder}{file.partition}/{name}"
            batch.lake.create(staged, body)
            path = f"{folder}/{batch.prefix}{name}"
            added.append(DataFile(path, staged, file.partition, kept.num_rows, len(body)))
    written = sum(file.rows for file in added)
    return Staged(
        counts=Counts(read=read, written=read - deleted, deleted=deleted),
        in_table=written + deleted,
        actions=[TakeObjects(taken), RemoveFiles(removed), AddFiles(added)],
    )


def owner(bench: Bench) -> tuple[Lake, AnyJob]:
    lake = open_lake(str(bench.lake))
    (job,) = load_feed(Conf(str(bench.root / "conf")), "people").targets(lake, [])
    return lake, job


def run(bench: Bench, key: int, **how: Any) -> Receipt:
    lake, job = owner(bench)
    work = how.get("work", lambda batch: erase(batch, key=key))
    return maintain(lake, job, by="erasure", work=work, progress=LogProgress())


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.feed(maintained_by=["erasure"])
    bench.put("a.csv", "id,name\n1,Ada\n2,Bo\n")
    bench.put("b.csv", "id,name\n2,Bo\n3,Cy\n", day="02")
    assert bench.run()["exit_code"] == 0
    return bench


def test_the_owner_neither_reprocesses_nor_resurrects(filled: Bench) -> None:
    receipt = run(filled, 2)
    assert (receipt.status, receipt.job, receipt.verb, receipt.error) == ("committed", "erasure", "maintain", "")
    assert (receipt.counts.read, receipt.counts.written, receipt.counts.deleted) == (4, 2, 2)
    assert filled.rows() == [(1, "Ada"), (3, "Cy")]
    assert filled.run()["status"] == "nothing_new"
    filled.put("c.csv", "id,name\n4,Di\n")  # the whole partition is made again from its inputs
    assert filled.run()["counts"]["written"] == 2
    assert filled.rows() == [(1, "Ada"), (3, "Cy"), (4, "Di")]
    assert filled.run(verb="rebuild")["exit_code"] == 0
    assert filled.rows() == [(1, "Ada"), (3, "Cy"), (4, "Di")]
    assert filled.strays() == []


def test_a_job_that_the_feed_does_not_name_is_refused(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,Ada\n")
    bench.run()
    with pytest.raises(
        ConfigError, match="feed people does not allow erasure to change its tables; add it to maintained_by"
    ):
        run(bench, 1)
    assert bench.rows() == [(1, "Ada")]


def test_a_table_that_commits_by_itself_is_left_to_its_own_job(filled: Bench) -> None:
    class Committing:
        def applied(self, plan: Any) -> None:
            raise AssertionError

        def commit(self, batch: Any, rows: Any, staged: Any) -> None:
            raise AssertionError

    lake, job = owner(filled)
    of_hudi = replace(job, sink=cast(Any, Committing()))
    with pytest.raises(ConfigError, match=r"refined/people/ has commits of its own; only its own job can change it"):
        maintain(lake, of_hudi, by="erasure", work=lambda batch: erase(batch, key=2), progress=LogProgress())
    assert Log(lake, job.target.state_folder).read()[0].number == 1


@pytest.mark.slow
def test_an_open_batch_of_the_owner_is_left_to_it(filled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled.put("c.csv", "id,name\n4,Di\n", day="03")
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        filled.run()
    receipt = run(filled, 2)
    assert (receipt.exit_code, receipt.error) == (2, "batch 2 of feed people is open; `run` it first")
    assert path.exists()
    assert filled.run()["exit_code"] == 0
    assert run(filled, 2).exit_code == 0
    assert filled.rows() == [(1, "Ada"), (3, "Cy"), (4, "Di")]


@pytest.mark.slow
def test_maintenance_that_was_cut_off_is_dropped_by_the_owner_and_can_be_done_again(
    filled: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        assert run(filled, 2).exit_code == 1
    receipt = filled.run()  # the inputs have changed, and are taken again
    assert [(batch["status"], batch["reason"]) for batch in receipt["batches"]] == [
        ("dropped", "erasure did not finish it"),
        ("committed", ""),
    ]
    assert filled.rows() == [(1, "Ada"), (3, "Cy")]
    again = run(filled, 2)
    assert (again.exit_code, again.counts.deleted) == (0, 0)
    assert filled.rows() == [(1, "Ada"), (3, "Cy")]
    assert filled.strays() == []


@pytest.mark.slow
def test_maintenance_that_was_cut_off_is_done_once_by_its_next_run(
    filled: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        run(filled, 2)
    receipt = run(filled, 2)
    assert [(batch["status"], batch["reason"]) for batch in receipt.batches] == [
        ("dropped", "erasure did not finish it"),
        ("committed", ""),
    ]
    assert receipt.counts.deleted == 2
    assert filled.rows() == [(1, "Ada"), (3, "Cy")]


@pytest.mark.slow
def test_a_receipt_adds_up_what_actions_of_one_kind_report(filled: Bench) -> None:
    def split(batch: Batch) -> Staged:
        staged = erase(batch, key=2)
        taken, removed, added = staged.actions
        assert isinstance(removed, RemoveFiles)
        parts = [RemoveFiles([path]) for path in removed.paths]
        return replace(staged, actions=[taken, *parts, added])

    (report,) = run(filled, 2, work=split).batches
    assert len(report["removed"]) == 2


def test_rows_that_do_not_add_up_are_not_published(filled: Bench) -> None:
    def lose(batch: Batch) -> Staged:
        return Staged(counts=Counts(read=4, written=4), in_table=3, actions=[RemoveFiles(list(batch.state.files))])

    receipt = run(filled, 2, work=lose)
    assert receipt.exit_code == 1
    assert "nothing was published" in receipt.error
    assert filled.rows() == [(1, "Ada"), (2, "Bo"), (2, "Bo"), (3, "Cy")]


def _fail(*_: object) -> None:
    raise OSError("disk full")
