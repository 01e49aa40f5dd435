"""Maintenance by a small job that erases rows from the files and the inputs of another job's table."""

import re
from dataclasses import replace
from typing import Any, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from jobs.cli.registry import load_feed
from lakewright.config_files import Conf
from lakewright.engine.choice import EngineChoice
from lakewright.errors import ConfigError
from lakewright.log.actions.files import AddFiles, RemoveFiles
from lakewright.log.actions.objects import TakeObjects
from lakewright.log.log import Log
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.runs.job.batch import Batch, Staged
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.maintenance import maintain
from lakewright.runs.progress import SilentProgress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.conftest import Bench


def erase(batch: Batch, *, key: int) -> Staged:
    """Erase the rows of one key: first from the inputs, then from the files of the table."""
    objects, removed, added, read, deleted = [], [], [], 0, 0
    for committed in batch.state.objects.values():
        text = batch.lake.read(committed.path).decode()
        without = re.sub(rf"(?m)^{key},.*\n", "", text)
        if without != text:
            assert batch.lake.replace(committed.path, without.encode(), etag=committed.etag)
        stored = batch.lake.stat(committed.path)
        assert stored is not None
        objects.append(SourceObject(committed.path, stored.size, stored.etag, committed.values))
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
        actions=[TakeObjects(objects), RemoveFiles(removed), AddFiles(added)],
    )


def owner(bench: Bench) -> tuple[Lake, AnyJob]:
    lake = open_lake(str(bench.lake))
    (job,) = load_feed(Conf(str(bench.root / "conf")), "people").targets(lake, [])
    return lake, job


def run(bench: Bench, key: int, **options: Any) -> Receipt:
    lake, job = owner(bench)
    work = options.get("work", lambda batch: erase(batch, key=key))
    return maintain(lake, job, by="erasure", work=work, progress=SilentProgress(), engines=EngineChoice())


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.feed(maintained_by=["erasure"])
    bench.put("a.csv", "id,name\n1,Ada\n2,Bo\n")
    bench.put("b.csv", "id,name\n2,Bo\n3,Cy\n", day="02")
    assert bench.run()["exit_code"] == 0
    return bench


def test_the_owner_neither_reprocesses_nor_restores_erased_rows(filled: Bench) -> None:
    receipt = run(filled, 2)
    assert (receipt.status, receipt.job, receipt.verb, receipt.error) == ("committed", "erasure", "maintain", "")
    assert (receipt.counts.read, receipt.counts.written, receipt.counts.deleted) == (4, 2, 2)
    assert filled.rows() == [(1, "Ada"), (3, "Cy")]
    assert filled.run()["status"] == "nothing_new"
    filled.put("c.csv", "id,name\n4,Di\n")  # the whole partition is rebuilt from its inputs
    assert filled.run()["counts"]["written"] == 2
    assert filled.rows() == [(1, "Ada"), (3, "Cy"), (4, "Di")]
    assert filled.run(verb="rebuild")["exit_code"] == 0
    assert filled.rows() == [(1, "Ada"), (3, "Cy"), (4, "Di")]
    assert filled.strays() == []


def test_a_job_that_is_not_in_maintained_by_is_refused(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,Ada\n")
    bench.run()
    with pytest.raises(
        ConfigError, match="feed people does not allow erasure to change its tables; add it to maintained_by"
    ):
        run(bench, 1)
    assert bench.rows() == [(1, "Ada")]


def test_a_table_with_commits_of_its_own_is_refused(filled: Bench) -> None:
    class Committing:
        def check_engine(self) -> None:
            raise AssertionError

        def applied(self, plan: Any) -> None:
            raise AssertionError

        def committed(self, plan: Any) -> None:
            raise AssertionError

        def rewrites_table(self, state: Any, types: Any) -> None:
            raise AssertionError

        def commit(self, batch: Any, rows: Any, staged: Any) -> None:
            raise AssertionError

    lake, job = owner(filled)
    of_hudi = replace(job, sink=cast(Any, Committing()))
    with pytest.raises(ConfigError, match=r"refined/people/ has commits of its own; only its own job can change it"):
        maintain(
            lake,
            of_hudi,
            by="erasure",
            work=lambda batch: erase(batch, key=2),
            progress=SilentProgress(),
            engines=EngineChoice(),
        )
    assert Log(lake, job.target.state_folder).read()[0].number == 1


@pytest.mark.slow
def test_maintenance_is_refused_while_the_owner_has_an_open_batch(
    filled: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_interrupted_maintenance_is_dropped_by_the_owner_and_can_be_repeated(
    filled: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        assert run(filled, 2).exit_code == 1
    receipt = filled.run()  # the inputs have changed, and are processed again
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
def test_interrupted_maintenance_is_completed_once_by_its_next_run(
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
def test_a_receipt_merges_the_reports_of_actions_of_one_kind(filled: Bench) -> None:
    def split(batch: Batch) -> Staged:
        staged = erase(batch, key=2)
        objects, removed, added = staged.actions
        assert isinstance(removed, RemoveFiles)
        parts = [RemoveFiles([path]) for path in removed.paths]
        return replace(staged, actions=[objects, *parts, added])

    (report,) = run(filled, 2, work=split).batches
    assert len(report["removed"]) == 2


@pytest.mark.parametrize(
    "staged",
    [
        pytest.param(Staged(Counts(read=4, written=4), in_table=3), id="a-row-is-not-staged"),
        pytest.param(Staged(Counts(read=4, written=3), in_table=3), id="a-row-is-nowhere"),
        pytest.param(Staged(Counts(read=4, written=3, skipped=1), in_table=3), id="a-skipped-record-has-no-kind"),
    ],
)
def test_nothing_is_published_if_row_counts_do_not_add_up(filled: Bench, staged: Staged) -> None:
    def lose(batch: Batch) -> Staged:
        return replace(staged, actions=[RemoveFiles(list(batch.state.files))])

    receipt = run(filled, 2, work=lose)
    assert receipt.exit_code == 1
    assert "nothing was published" in receipt.error
    assert filled.rows() == [(1, "Ada"), (2, "Bo"), (2, "Bo"), (3, "Cy")]


def test_skipped_records_are_part_of_the_sum(filled: Bench) -> None:
    def skip(batch: Batch) -> Staged:
        staged = erase(batch, key=2)
        counts = msgspec.structs.replace(staged.counts, read=staged.counts.read + 3, skipped=3)
        return replace(staged, counts=counts, skipped={"comment": 1, "footer": 2})

    receipt = run(filled, 2, work=skip)
    assert (receipt.exit_code, receipt.counts.skipped, receipt.skipped) == (0, 3, {"comment": 1, "footer": 2})
    assert receipt.batches[0]["skipped"] == receipt.skipped
    assert receipt.checks == {"every row accounted for": True}


def _fail(*_: object) -> None:
    raise OSError("disk full")
