"""``compact`` on tables of CSV objects: fewer files, the same rows, and nothing else changes for the jobs and readers."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from lakewright.log.log import Log
from lakewright.log.state import TableState
from lakewright.parquet import arrow, merging
from lakewright.runs.lease import Lease
from lakewright.runs.receipts import folding
from lakewright.storage.uris import open_lake
from tests.conftest import Bench
from tests.lakewright.runs import test_maintenance as erasure

Row = dict[str, Any]


class CompactBench(Bench):
    """``Bench`` for appended tables, read without Spark."""

    def batch(self, number: int, text: str = "", day: str = "01") -> None:
        """Append one object, as a batch of its own."""
        self.put(f"{number:03d}.csv", text or f"id,name\n{number},n{number}\n", day)
        assert self.run()["exit_code"] == 0

    def compact(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        answer = self.command("compact", "--json", *arguments)
        assert answer.exit_code == exit_code, answer.stderr
        (entry,) = answer.data
        return dict(entry)

    def state(self) -> TableState:
        return Log(open_lake(str(self.lake)), "state/people/people/").read()[0]

    def files(self, day: str = "01") -> list[Path]:
        return sorted(self.lake.glob(f"refined/people/year=2026/month=08/day={day}/*.parquet"))

    def table(self, *columns: str) -> list[tuple[Any, ...]]:
        """Read the table by its folder, as users do."""
        rows = ds.dataset(str(self.lake / "refined/people"), partitioning="hive").to_table(
            columns=list(columns or ("id", "name"))
        )
        return sorted((tuple(row.values()) for row in rows.to_pylist()), key=repr)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CompactBench]:
    without_spark: Any = None
    (tmp_path / "lake").mkdir()
    bench = CompactBench(tmp_path, without_spark)
    bench.feed(target__fill="append")
    yield bench
    assert [path for path in bench.strays() if not path.startswith("corrections/")] == []
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_the_files_of_many_batches_become_one_and_a_second_time_nothing_happens(bench: CompactBench) -> None:
    for number in range(12):
        bench.batch(number)
    bench.batch(99, day="02")
    rows, state = bench.table(), bench.state()
    assert len(bench.files()) == 12
    entry = bench.compact()
    assert entry["compactions"] == [
        {"batch": 14, "files": 12, "into": 1, "rows": 12, "partitions": ["year=2026/month=08/day=01"]}
    ]
    assert bench.table() == rows
    assert [file.name[:7] for file in bench.files()] == ["000014-"]
    assert pq.read_table(bench.files()[0], partitioning=None)["id"].to_pylist() == list(range(12))
    after = bench.state()
    assert (after.objects, after.columns, after.layout) == (state.objects, state.columns, state.layout)
    assert (after.last.counts.read, after.last.counts.written) == (0, 0)  # type: ignore[union-attr]
    assert bench.compact()["compactions"] == []
    assert bench.state() == after
    assert bench.run()["status"] == "nothing_new"


def test_a_dry_run_writes_nothing(bench: CompactBench) -> None:
    for number in range(3):
        bench.batch(number)
    before = {path: path.stat().st_mtime_ns for path in bench.lake.rglob("*") if path.is_file()}
    entry = bench.compact("--dry-run")
    assert [(each["files"], each["into"], each["rows"]) for each in entry["compactions"]] == [(3, 1, 3)]
    assert entry["compactions"][0]["bytes"] == sum(path.stat().st_size for path in bench.files())
    assert before == {path: path.stat().st_mtime_ns for path in bench.lake.rglob("*") if path.is_file()}
    lines = bench.command("compact", "--dry-run").stdout.splitlines()
    assert lines[0] == "compaction of people → people"
    assert lines[1].split(maxsplit=2)[:2] == ["would", "merge"]
    assert "3 small files into 1 file of 3 rows" in lines[1]
    assert "3 small files merged into 1 file of 3 rows" in bench.command("compact").stdout
    assert bench.command("compact").stdout.splitlines()[1].endswith("none to merge, nothing to do")
    receipt = json.loads(bench.command("receipt", "--json", "--run", entry_run(bench)).stdout)[0]
    assert (receipt["job"], receipt["verb"]) == ("compact", "compact")
    assert receipt["batches"][0]["compacted"] == {"files": 3, "into": 1, "rows": 3}
    assert receipt["counts"]["read"] == 0


def entry_run(bench: CompactBench) -> str:
    last = bench.state().last
    assert last is not None
    return last.run


@pytest.mark.parametrize(
    ("arguments", "compacted"),
    [
        pytest.param(["--date", "2026-08-02"], ["02"], id="date"),
        pytest.param(["--partition", "year=2026,month=8"], ["01", "02"], id="partition"),
    ],
)
def test_partitions_are_selected(bench: CompactBench, arguments: list[str], compacted: list[str]) -> None:
    for number, day in enumerate(("01", "01", "02", "02")):
        bench.batch(number, day=day)
    bench.compact(*arguments)
    assert [day for day in ("01", "02") if len(bench.files(day)) == 1] == compacted


def test_a_partition_that_does_not_exist_is_refused(bench: CompactBench) -> None:
    bench.batch(1)
    entry = bench.compact("--date", "2026-08-03", exit_code=2)
    assert entry["error"] == "the table has no partition year=2026/month=08/day=03"


def test_an_empty_table_has_nothing_to_compact(bench: CompactBench) -> None:
    assert bench.compact()["compactions"] == []


def test_files_get_all_columns_and_keep_dropped_ones(bench: CompactBench) -> None:
    columns = {"id": "long", "name": "string"}
    bench.batch(1)
    more = {"at": "timestamp", "on": "date", "price": "decimal(9,2)", "size": "int", "share": "double", "ok": "boolean"}
    bench.feed(target__fill="append", source__columns={"id": "long", **more, "name": "string"})
    texts = {
        "at": "2026-08-01 10:00:00",
        "on": "2026-08-01",
        "price": "1.50",
        "size": "3",
        "share": "0.5",
        "ok": "true",
    }
    bench.batch(2, f"id,{','.join(texts)},name\n2,{','.join(texts.values())},b\n")
    bench.feed(target__fill="append", source__columns={"id": "long", **more})
    bench.batch(3, f"id,{','.join(texts)}\n3,{','.join(texts.values())}\n")
    bench.compact()
    (file,) = bench.files()
    rows = pq.read_table(file, partitioning=None)
    assert rows.column_names == ["id", *more, "name"]
    at, on = datetime(2026, 8, 1, 10, tzinfo=UTC), datetime(2026, 8, 1).date()
    assert [tuple(row.values())[:3] for row in rows.to_pylist()] == [(1, None, None), (2, at, on), (3, at, on)]
    assert rows["name"].to_pylist() == ["n1", "b", None]
    types = {name: str(rows.schema.field(name).type) for name in more}
    assert types == {
        "at": "timestamp[us, tz=UTC]",
        "on": "date32[day]",
        "price": "decimal128(9, 2)",
        "size": "int32",
        "share": "double",
        "ok": "bool",
    }
    assert columns.keys() <= set(rows.column_names)


def test_columns_that_no_file_has_yet_are_null(bench: CompactBench) -> None:
    bench.batch(1)
    bench.batch(2)
    bench.feed(target__fill="append", source__columns={"id": "long", "name": "string", "more": "decimal(5,1)"})
    bench.batch(3, "id,name,more\n3,c,1.5\n", day="02")
    bench.compact()
    assert bench.table("id", "more")[:2] == [(1, None), (2, None)]
    (file,) = bench.files()
    assert str(pq.read_schema(file).field("more").type) == "decimal128(5, 1)"


def test_partition_columns_among_the_declared_ones_stay_in_the_folders(bench: CompactBench) -> None:
    bench.feed(target__fill="append", target__partition_by=["name"], source__columns={"id": "long", "name": "string"})
    for number in range(3):
        bench.batch(number, f"id,name\n{number},a b\n{number},c\n")
    entry = bench.compact()
    assert entry["compactions"][0]["partitions"] == ["name=a b", "name=c"]
    assert bench.table() == sorted((number, name) for number in range(3) for name in ("a b", "c"))
    assert bench.compact("--date", "2026-08-01", exit_code=2)["error"].startswith("the table has no partition year=")


def test_partitions_are_named_although_the_receipt_folds_them(
    bench: CompactBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        bench.batch(number, day=f"{1 + number % 2:02}")
    monkeypatch.setattr(folding, "LONGEST", 1)
    (compaction,) = bench.compact()["compactions"]
    assert compaction["partitions"] == ["year=2026/month=08/day=01", "year=2026/month=08/day=02"]


def test_a_table_without_partitions_is_compacted(bench: CompactBench) -> None:
    bench.feed(target__fill="append", target__partition_by=[])
    for number in range(3):
        bench.batch(number)
    assert bench.compact()["compactions"][0]["partitions"] == [""]
    assert bench.table() == [(number, f"n{number}") for number in range(3)]
    assert bench.compact("--date", "2026-08-01", exit_code=2)["error"].startswith("the table has no partition")


def test_the_compression_is_that_of_the_feed_now(bench: CompactBench) -> None:
    bench.batch(1)
    bench.feed(target__fill="append", target__compression="zstd")
    bench.batch(2)
    bench.compact()
    (file,) = bench.files()
    assert pq.read_metadata(file).row_group(0).column(0).compression == "ZSTD"
    assert pq.read_metadata(file).num_row_groups == 1


def test_a_partition_that_is_rebuilt_replaces_the_merged_file(bench: CompactBench) -> None:
    bench.feed(target__fill="append")
    for number in range(3):
        bench.batch(number)
    bench.compact()
    bench.feed()
    assert bench.run(verb="rebuild")["exit_code"] == 0
    assert bench.table() == [(number, f"n{number}") for number in range(3)]
    bench.put("001.csv", "id,name\n1,rewritten\n")
    assert bench.run()["exit_code"] == 0
    assert bench.table() == [(0, "n0"), (1, "rewritten"), (2, "n2")]


def test_a_rewritten_object_is_refused_as_before(bench: CompactBench) -> None:
    for number in range(3):
        bench.batch(number)
    bench.compact()
    bench.put("001.csv", "id,name\n1,rewritten twice\n")
    assert bench.run()["exit_code"] == 3
    assert bench.table() == [(number, f"n{number}") for number in range(3)]


def test_rows_are_erased_from_a_merged_file(bench: CompactBench) -> None:
    bench.feed(target__fill="append", maintained_by=["erasure"])
    for number in range(3):
        bench.batch(number)
    bench.compact()
    receipt = erasure.run(bench, 1)
    assert (receipt.error, receipt.counts.deleted) == ("", 1)
    assert bench.table() == [(0, "n0"), (2, "n2")]
    assert bench.run()["status"] == "nothing_new"


def test_corrected_rows_are_replayed_into_a_compacted_table(bench: CompactBench) -> None:
    bench.batch(1, "id,name\n1,a\nx,b\n")
    bench.batch(2)
    bench.compact()
    bench.feed(target__fill="append", source__columns={"id": "string", "name": "string"})
    assert bench.run(verb="replay")["exit_code"] == 2  # a published column never changes its type
    bench.feed(target__fill="append")
    sheet = bench.root / "rows.csv"
    assert bench.command("quarantine", "--csv", str(sheet)).exit_code == 0
    sheet.write_text(sheet.read_text().replace(",x,", ",7,"))
    assert bench.run("--csv", str(sheet), verb="replay")["exit_code"] == 0
    assert bench.table() == [(1, "a"), (2, "n2"), (7, "b")]
    bench.batch(3)
    assert bench.compact()["compactions"][0]["files"] == 3
    assert bench.table() == [(1, "a"), (2, "n2"), (3, "n3"), (7, "b")]


def test_a_table_whose_layout_differs_from_the_feed_is_refused(bench: CompactBench) -> None:
    for number in range(2):
        bench.batch(number)
    bench.feed(target__fill="append", target__partition_by=["year"])
    for arguments in ([], ["--dry-run"]):
        entry = bench.compact(*arguments, exit_code=2)
        assert entry["error"].startswith("the table's layout is refined/people/ by year/month/day")
    assert len(bench.files()) == 2


def test_an_open_batch_of_the_feed_is_finished_first(bench: CompactBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        bench.batch(number)
    bench.put("002.csv", "id,name\n2,n2\n")
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        bench.run()
    for arguments in ([], ["--dry-run"]):
        assert bench.compact(*arguments, exit_code=2)["error"] == "batch 3 of feed people is open; `run` it first"
    assert bench.run()["exit_code"] == 0
    assert bench.compact()["compactions"][0]["files"] == 3


@pytest.mark.parametrize("verb", ["run", "compact", "rebuild"])
def test_an_interrupted_compaction_is_dropped_by_the_next_run(
    bench: CompactBench, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    for number in range(3):
        bench.batch(number)
    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", _fail)
        bench.compact(exit_code=1)
    bench.put("003.csv", "id,name\n3,n3\n")
    (planned,) = bench.command("plan", "--json").data
    assert planned["open_batch"]["then"] == "dropped, since compact did not finish it"
    assert bench.command("status", "--json").data[0]["error"].endswith("; `run` drops it")
    assert bench.command(verb).exit_code == 0
    log = Log(open_lake(str(bench.lake)), "state/people/people/")
    ended = [(each.number, each.status, each.reason) for each in log.outcomes(after=3)]
    assert ended[0] == (4, "dropped", "compact did not finish it")
    assert [status for _, status, _ in ended[1:]] == ["committed"]
    assert bench.run()["exit_code"] == 0
    assert bench.table() == [(number, f"n{number}") for number in range(4)]


def test_a_second_compaction_waits_for_the_lease_of_the_first(bench: CompactBench) -> None:
    for number in range(2):
        bench.batch(number)
    with Lease(open_lake(str(bench.lake)), "state/people/people/", run="other", seconds=2):
        entry = bench.compact(exit_code=4)
    assert entry["error"].startswith("another run holds the target")
    assert len(bench.files()) == 2


def test_a_compaction_that_another_run_overtakes_leaves_nothing_behind(
    bench: CompactBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        bench.batch(number)
    bench.put("003.csv", "id,name\n3,n3\n")
    write = Log.write_outcome

    def overtaken(log: Log, outcome: Any) -> None:
        if outcome.attempt and not outcome.counts.read:  # the compaction's, after another run has dropped its batch
            write(log, type(outcome)(format=1, number=outcome.number, status="dropped", run="other"))
        write(log, outcome)

    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", overtaken)
        assert "another run wrote" in bench.compact(exit_code=4)["error"]
    assert bench.run()["exit_code"] == 0
    assert bench.table() == [(number, f"n{number}") for number in range(4)]


@pytest.mark.parametrize(
    ("damage", "exit_code", "error"),
    [
        pytest.param(
            Path.unlink,
            1,
            "is in the log and not in the lake; restore it, or run `rebuild`; nothing was merged",
            id="a-file-is-missing",
        ),
        pytest.param(
            lambda path: path.write_bytes(b""), 1, "is damaged; restore it, or run `rebuild`", id="a-file-is-empty"
        ),
        pytest.param(
            lambda path: path.write_bytes(
                path.read_bytes()[:4] + bytes(path.stat().st_size - 12) + path.read_bytes()[-8:]
            ),
            1,
            "is damaged; restore it, or run `rebuild`",
            id="a-file-of-zeros",
        ),
        pytest.param(
            lambda path: pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"]}), path),
            1,
            "has 2 rows instead of 1; nothing was merged",
            id="a-file-has-other-rows",
        ),
        pytest.param(
            lambda path: pq.write_table(pa.table({"id": ["x"], "name": ["a"]}), path),
            3,
            "files of year=2026/month=08/day=01 have column id with different types; run `rebuild`",
            id="a-column-of-another-type",
        ),
    ],
)
def test_files_that_are_not_as_the_log_says_are_not_merged(
    bench: CompactBench, damage: Callable[[Path], Any], exit_code: int, error: str
) -> None:
    for number in range(3):
        bench.batch(number)
    path = bench.files()[1]
    whole = path.read_bytes()
    damage(path)
    entry = bench.compact(exit_code=exit_code)
    assert entry["error"].endswith(error)
    path.write_bytes(whole)
    assert bench.run()["status"] == "nothing_new"
    assert len(bench.files()) == 3


def test_nothing_is_published_if_a_merged_file_lacks_rows(bench: CompactBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        bench.batch(number)
    concat = pa.concat_tables
    monkeypatch.setattr(merging.pa, "concat_tables", lambda tables, **options: concat(tables, **options).slice(1))
    entry = bench.compact(exit_code=1)
    assert entry["error"] == (
        "3 files of year=2026/month=08/day=01 have 3 rows, and the merged one has 1; nothing was published"
    )
    monkeypatch.undo()
    assert bench.run()["status"] == "nothing_new"
    assert bench.table() == [(number, f"n{number}") for number in range(3)]


def test_rows_that_are_larger_in_memory_than_expected_become_several_files(
    bench: CompactBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(arrow, "FILE_BYTES", 1)
        for number in range(6):
            bench.batch(number)
    monkeypatch.setattr(merging, "_READ_AT_ONCE", 2)
    monkeypatch.setattr(merging, "_MOST_BYTES", 1)
    entry = bench.compact()
    assert [(each["files"], each["into"]) for each in entry["compactions"]] == [(6, 3)]
    assert bench.table() == [(number, f"n{number}") for number in range(6)]


def test_a_table_is_compacted_on_worker_processes(bench: CompactBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        bench.batch(number, day=f"0{number % 2 + 1}")
    monkeypatch.setattr("lakewright.engine.choice._SMALL_BYTES", -1)
    assert bench.compact()["compactions"][0]["into"] == 2
    assert len(bench.table()) == 4


# Automatically


def test_a_run_compacts_above_the_number_of_small_files(bench: CompactBench) -> None:
    bench.feed(target__fill="append", compact_above=3)
    bench.batch(99, day="02")
    for number in range(3):
        bench.batch(number)
    assert len(bench.files()) == 3
    bench.put("003.csv", "id,name\n3,n3\nx,rejected\n")
    receipt = bench.run()
    assert (receipt["status"], receipt["verb"], receipt["counts"]["read"]) == ("committed", "run", 2)
    assert (receipt["warnings"], [batch["number"] for batch in receipt["batches"]]) == ([], [5])
    assert len(bench.files()) == 1
    assert bench.table() == [(number, f"n{number}") for number in (0, 1, 2, 3, 99)]
    receipts = [
        json.loads(path.read_text()) for path in sorted((bench.lake / "state/people/people/receipts").iterdir())
    ]
    assert [(each["job"], each["batches"][0]["number"]) for each in receipts[-2:]] == [
        ("csv_to_parquet", 5),
        ("compact", 6),
    ]
    shown = bench.command("receipt").stdout
    assert f"{receipt['run']}\n" in shown
    assert f"  compact: committed (receipt --run {receipts[-1]['run']})" in shown
    (last,) = bench.command("receipt", "--run", receipts[-1]["run"], "--json").data
    assert (last["job"], last["maintained_by"]) == ("compact", [])
    assert bench.run()["status"] == "nothing_new"


def test_the_restored_receipt_of_a_compaction_names_it(bench: CompactBench) -> None:
    bench.feed(target__fill="append", compact_above=2)
    for number in range(3):
        bench.batch(number)
    state = bench.lake / "state/people/people"
    compaction = max((state / "receipts").iterdir())
    written = json.loads(compaction.read_text())
    compaction.unlink()
    (state / "log/head.json.gz").unlink()
    bench.run()
    restored = json.loads(compaction.read_text())
    assert "written by run" in restored["error"]
    for same in ("job", "verb", "status", "batches", "counts", "config_hash"):
        assert restored[same] == written[same]


def test_a_run_that_commits_nothing_does_not_compact(bench: CompactBench) -> None:
    for number in range(5):
        bench.batch(number)
    bench.feed(target__fill="append", compact_above=2)
    assert bench.run()["status"] == "nothing_new"
    assert len(bench.files()) == 5


def test_a_compaction_that_fails_does_not_fail_the_run(bench: CompactBench) -> None:
    bench.feed(target__fill="append", compact_above=2)
    for number in range(2):
        bench.batch(number)
    lost = bench.files()[0]
    kept = lost.read_bytes()
    lost.unlink()
    bench.put("002.csv", "id,name\n2,n2\n")
    answer = bench.command("run", "--json")
    assert answer.exit_code == 0
    (warning,) = answer.data[0]["warnings"]
    assert warning.startswith("compact after batch 3 failed: refined/people/year=2026/month=08/day=01/000001-")
    assert warning.endswith("nothing was merged; the batch is committed")
    lost.write_bytes(kept)
    bench.batch(3)
    assert len(bench.files()) == 1
    assert bench.table() == [(number, f"n{number}") for number in range(4)]


def test_batches_that_fill_a_partition_rewrite_its_rows_logarithmically_often(bench: CompactBench) -> None:
    bench.feed(target__fill="append", compact_above=3)
    rows, rewritten = {}, 0
    for number in range(16):
        bench.batch(number)
        state = bench.state()
        assert state.last is not None
        rewritten += sum(rows.get(path, 1) for path in state.last.deleted())
        rows = {file.path: file.rows for file in state.files.values()}
        assert len(bench.files()) <= 3
    assert rewritten <= 16 * 3


def _fail(*_: object) -> None:
    raise OSError("disk full")


def test_a_dropped_column_of_two_types_is_named_also_across_reads(
    bench: CompactBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "_READ_AT_ONCE", 1)
    for number in range(3):
        bench.batch(number)
    for number, old in ((1, 5), (2, "five")):
        path = bench.files()[number]
        pq.write_table(pq.read_table(path, partitioning=None).append_column("old", pa.array([old])), path)
    error = bench.compact(exit_code=3)["error"]
    assert error.endswith("files of year=2026/month=08/day=01 have column old with different types; run `rebuild`")
