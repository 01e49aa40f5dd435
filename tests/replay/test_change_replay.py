"""Replay of rejected changes: each takes its own place in the order."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lakewright.quarantine.cells import cell_of, value_of
from tests.cdc import CdcBench

pytestmark = pytest.mark.slow

LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD = (f"20260801-10{minute}00000.parquet" for minute in (15, 20, 25))
PEOPLE = pa.schema([("id", pa.int32()), ("name", pa.string()), ("day", pa.date32())])


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed(tables={"t": {"key": "id"}}, max_rejected=0.9)
    yield bench
    bench.remove()


def put(cdc: CdcBench, name: str, rows: list[tuple[Any, ...]]) -> None:
    cdc.put(name, [(*row, None) for row in rows], PEOPLE, table="t")


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}"


def edit(cdc: CdcBench, change: Callable[[dict[str, Any]], Mapping[str, str] | None]) -> list[str]:
    """Write the quarantine to a CSV, change its rows, and return the arguments of a replay with it."""
    path = cdc.root / "edited.csv"
    path.unlink(missing_ok=True)
    assert cdc.command("quarantine", "--csv", str(path)).exit_code == 0
    header, *lines = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True))
    names = [value_of(cell) for cell in header]
    kept = []
    for line in lines:
        values = change(dict(zip(names, map(value_of, line), strict=True)))
        if values is not None:
            kept.append(
                [cell_of(values[name]) if name in values else cell for name, cell in zip(names, line, strict=True)]
            )
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    return ["--csv", str(path)]


def ids(cdc: CdcBench) -> list[tuple[Any, ...]]:
    return cdc.rows("id", "name", table="t")


def test_a_replayed_change_takes_its_own_place(cdc: CdcBench) -> None:
    """Of the changes without a key, those of 1 and 2 are older than what the table has, those of 3 and 4 are newer."""
    put(cdc, LOAD, [(1, "old"), (2, "old"), (3, "old"), (4, "old"), (5, "old")])
    put(
        cdc,
        FIRST,
        [
            ("U", at(1), None, "late for 1"),
            ("D", at(2), None, "late for 2"),
            ("U", at(3), None, "new for 3"),
            ("D", at(4), None, "new for 4"),
            ("U", at(5), None, "still wrong"),
            ("U", at(6), 5, "new"),
        ],
    )
    put(cdc, SECOND, [("U", at(11), 1, "newer"), ("U", at(12), 2, "newer"), ("I", at(13), 6, "six")])
    first = cdc.run()
    assert (first["exit_code"], first["counts"]["rejected"]) == (0, 5)

    def change(row: dict[str, Any]) -> dict[str, str] | None:
        return None if row["name"] == "still wrong" else {"id": row["name"][-1]}

    done = cdc.run(*edit(cdc, change), verb="replay")
    assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 4}), done["error"]
    counts = done["counts"]
    assert (counts["read"], counts["written"], counts["deleted"], counts["superseded"]) == (4, 1, 1, 2)
    expected = [(1, "newer"), (2, "newer"), (3, "new for 3"), (5, "new"), (6, "six")]
    assert ids(cdc) == expected
    again = cdc.run(verb="replay")
    assert again["replayed"] == {"still_rejected": 1}
    rebuilt = cdc.run(verb="rebuild")
    assert (rebuilt["exit_code"], rebuilt["counts"]["rejected"]) == (0, 1), rebuilt["error"]
    assert ids(cdc) == expected


def test_a_change_of_a_deleted_key_does_not_restore_it(cdc: CdcBench) -> None:
    put(cdc, LOAD, [(1, "old"), (9, "other")])
    put(cdc, FIRST, [("U", at(1), None, "before it was deleted"), ("U", at(2), 9, "new")])
    put(cdc, SECOND, [("D", at(11), 1, None)])
    cdc.run()
    done = cdc.run(*edit(cdc, lambda _: {"id": "1"}), verb="replay")
    assert (done["counts"]["superseded"], ids(cdc)) == (1, [(9, "new")])
    (cdc.lake / "raw/hr/t" / FIRST).unlink()
    assert [cdc.run(verb=verb)["status"] for verb in ("run", "replay")] == ["nothing_new"] * 2


def test_changes_of_a_refused_batch_are_replayed_with_it(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}})
    put(cdc, LOAD, [(1, "old"), (None, "two")])
    put(cdc, FIRST, [("U", at(1), 1, "new"), ("X", at(2), 1, "newest")])
    assert cdc.run()["exit_code"] == 3
    done = cdc.run(*edit(cdc, lambda row: {"id": "2"} if row["id"] is None else {"Op": "U"}), verb="replay")
    assert done["exit_code"] == 0, done["error"]
    assert ids(cdc) == [(1, "newest"), (2, "two")]
    assert cdc.run(verb="rebuild")["exit_code"] == 0
    assert ids(cdc) == [(1, "newest"), (2, "two")]


def test_changes_of_a_table_without_a_key_are_appended_in_their_place(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {}}, max_rejected=0.9, target__on_missing_source="rebuild")
    put(cdc, FIRST, [("I", at(1), 1, "a"), ("X", at(2), 2, "b"), ("I", at(3), 3, "c")])
    cdc.run()
    done = cdc.run(*edit(cdc, lambda _: {"Op": "U"}), verb="replay")
    assert (done["exit_code"], done["counts"]["written"]) == (0, 1), done["error"]
    frame = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/t"))
    rows = [tuple(row) for row in frame.orderBy("_change_order").select("Op", "id", "_change_order").collect()]
    assert [row[:2] for row in rows] == [("I", 1), ("U", 2), ("I", 3)]
    assert rows[1][2].endswith(f" {FIRST} 0000000001")
    cdc.run(verb="rebuild")
    frame = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/t"))
    assert [tuple(row) for row in frame.orderBy("_change_order").select("Op", "id", "_change_order").collect()] == rows
    (cdc.lake / "raw/hr/t" / FIRST).unlink()
    assert [cdc.run(verb=verb)["status"] for verb in ("run", "replay")] == ["nothing_new"] * 2
    assert cdc.spark.read.parquet(str(cdc.lake / "refined/hr/t")).count() == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"id": "one"}, "the value of 'id' cannot be written as int32", id="no-number"),
        pytest.param({"id": "1", "day": "1 May"}, "the value of 'day' cannot be written as date32", id="no-date"),
    ],
)
def test_a_text_that_is_no_value_of_its_column_is_refused(cdc: CdcBench, values: dict[str, str], message: str) -> None:
    put(cdc, FIRST, [("I", at(1), 1, "a"), ("I", at(2), None, "b")])
    cdc.run()
    done = cdc.run(*edit(cdc, lambda _: values), verb="replay")
    assert (done["exit_code"], message in done["error"]) == (2, True), done["error"]
    assert not (cdc.lake / "corrections").exists()
