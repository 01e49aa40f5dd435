"""Change data that was once lost silently: binary keys, changed keys, columns, reloads, omitted values."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.hudi import sink as hudi_sink
from lakewright.log.log import Log
from tests.cdc import STORAGES, STORAGES_BY_MERGE_ON_READ, CdcBench, matrix

LOAD, LOAD2, LOAD3 = (f"LOAD0000000{n}.parquet" for n in (1, 2, 3))
FIRST, SECOND, THIRD = (f"20260801-10{minute}00000.parquet" for minute in (15, 20, 25))
PEOPLE = pa.schema([("id", pa.int32()), ("name", pa.string())])


def at(second: float) -> str:
    return f"2026-08-01 10:00:{second:09.6f}"


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed(tables={"t": {"key": "id"}})
    yield bench
    bench.remove()


def put(cdc: CdcBench, name: str, rows: list[tuple[Any, ...]], schema: pa.Schema = PEOPLE, table: str = "t") -> Path:
    return cdc.put(name, rows, schema, table=table)


def rows(cdc: CdcBench, *columns: str, table: str = "t") -> list[tuple[Any, ...]]:
    return cdc.rows(*(columns or ("id", "name")), table=table)


def columns(cdc: CdcBench, table: str = "t") -> list[str]:
    names = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr" / table)).columns
    return sorted(name for name in names if not name.startswith("_"))


def ran(receipt: dict[str, Any]) -> dict[str, int]:
    assert receipt["exit_code"] == 0, receipt["error"]
    return {name: count for name, count in receipt["counts"].items() if count}


@pytest.mark.slow
def test_binary_keys_are_distinct(cdc: CdcBench) -> None:
    schema = pa.schema([("id", pa.binary()), ("name", pa.string())])
    put(cdc, LOAD, [(bytes([0, n]), f"{n}") for n in range(128, 256)], schema)
    assert ran(cdc.run()) == {"read": 128, "written": 128}
    put(cdc, FIRST, [("D", at(1), b"\0\xc8", None), ("U", at(1), b"\0\xc9", "new")], schema)
    receipt = cdc.run()
    assert ran(receipt) == {"read": 2, "written": 1, "deleted": 1}
    commit = receipt["batches"][0]["table_commit"]
    assert (commit["inserted"], commit["updated"], commit["deleted"]) == (0, 1, 1)
    names = {bytes(key): name for key, name in rows(cdc)}
    assert names == {bytes([0, n]): "new" if n == 201 else f"{n}" for n in range(128, 256) if n != 200}
    assert ("00C9", "new") in rows(cdc, "_record_key", "name")


@pytest.mark.slow
def test_keys_must_be_valid_utf8(cdc: CdcBench, tmp_path: Path) -> None:
    """Hudi would confuse them; some Parquet writers do not validate strings."""
    frame = cdc.spark.createDataFrame([(bytearray([97, n]), f"{n}") for n in range(126, 130)], "b binary, name string")
    folder = cdc.lake / "raw/hr/t"
    frame.select(F.col("b").cast("string").alias("id"), "name").coalesce(1).write.parquet(str(tmp_path / "x"))
    folder.mkdir(parents=True)
    next((tmp_path / "x").glob("part-*.parquet")).rename(folder / LOAD)
    cdc.feed(tables={"t": {"key": "id"}}, max_rejected=0.6)
    receipt = cdc.run()
    assert ran(receipt) == {"read": 4, "written": 2, "rejected": 2}
    assert receipt["rules"] == {"id: encoding": 2}
    assert sorted(key for key, _ in rows(cdc)) == ["a\x7e", "a\x7f"]


@pytest.mark.slow
def test_a_binary_partition_column_is_refused(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id", "partition_by": "p"}})
    put(cdc, LOAD, [(1, b"\xff")], pa.schema([("id", pa.int32()), ("p", pa.binary())]))
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert receipt["error"].startswith("t: partition column 'p' is binary")


@pytest.mark.slow
@pytest.mark.parametrize(("storage", "partition_by"), [("copy_on_write", ""), ("merge_on_read", "name")])
def test_a_commit_with_wrong_counts_is_rolled_back(
    cdc: CdcBench, monkeypatch: pytest.MonkeyPatch, storage: str, partition_by: str
) -> None:
    cdc.feed(tables={"t": {"key": "id", "storage": storage, "partition_by": partition_by}})

    def dropping_rows(write: Any) -> Any:
        return lambda changes, *args, **kwargs: write(changes.where(F.col("id") != 2), *args, **kwargs)

    put(cdc, LOAD, [(1, "Ada"), (2, "Bo"), (3, "Cy")])
    with monkeypatch.context() as patched:
        patched.setattr(hudi_sink, "write_load", dropping_rows(hudi_sink.write_load))
        receipt = cdc.run()
    assert receipt["exit_code"] == 1
    message = "3 rows to write and 0 to delete were passed to Hudi, which counts 2 inserted, 0 updated and 0 deleted"
    assert receipt["error"] == f"refined/hr/t/: {message}; the commit was rolled back"
    assert cdc.batches("t") == []
    assert ran(cdc.run()) == {"read": 3, "written": 3}

    put(cdc, FIRST, [("U", at(1), 1, "Ada 2"), ("D", at(1), 2, None)])
    with monkeypatch.context() as patched:
        patched.setattr(hudi_sink, "write_changes", dropping_rows(hudi_sink.write_changes))
        receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert "passed to Hudi, which counts" in receipt["error"]
    assert rows(cdc) == [(1, "Ada"), (2, "Bo"), (3, "Cy")]
    assert ran(cdc.run()) == {"read": 2, "written": 1, "deleted": 1}
    assert rows(cdc) == [(1, "Ada 2"), (3, "Cy")]
    assert cdc.batches("t") == [1, 2]
    assert cdc.strays("t") == []


@pytest.mark.slow
def test_a_commit_of_a_newer_version_is_refused(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise RuntimeError("killed")

    put(cdc, LOAD, [(1, "Ada")])
    with monkeypatch.context() as patched:
        patched.setattr(hudi_sink, "FORMAT", hudi_sink.FORMAT + 1)
        patched.setattr(Log, "write_outcome", die)
        assert cdc.run()["exit_code"] == 1
    receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert receipt["error"].startswith("batch 1 of refined/hr/t/ was committed by another version (format 2; this one")
    assert (cdc.batches("t"), rows(cdc)) == ([1], [(1, "Ada")])


@pytest.mark.slow
def test_a_wrong_commit_is_also_detected_by_the_next_run(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    write, message = hudi_sink.write_load, "which counts 1 inserted, 0 updated and 0 deleted"

    def die(*_: Any) -> bool:
        raise RuntimeError("killed")

    put(cdc, LOAD, [(1, "Ada"), (2, "Bo")])
    with monkeypatch.context() as patched:
        patched.setattr(hudi_sink, "write_load", lambda rows, *args, **how: write(rows.where("id = 1"), *args, **how))
        patched.setattr(hudi_sink, "roll_back", die)
        assert cdc.run()["exit_code"] == 1
    assert cdc.batches("t") == [1]
    with monkeypatch.context() as patched:
        patched.setattr(hudi_sink, "roll_back", lambda *_: False)
        receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert f"{message}; it could not be rolled back; the next run will try again" in receipt["error"]
    receipt = cdc.run()
    assert receipt["error"].endswith(f"{message}; the commit was rolled back")
    assert ran(cdc.run()) == {"read": 2, "written": 2}
    assert rows(cdc) == [(1, "Ada"), (2, "Bo")]


@pytest.mark.slow
@pytest.mark.parametrize("index", ["global_simple", pytest.param("record_index", marks=matrix)])
def test_an_update_that_changes_the_key_deletes_the_old_one(cdc: CdcBench, index: str) -> None:
    both = pa.schema([*PEOPLE, ("place", pa.string()), ("BI_id", pa.int32()), ("BI_note", pa.string())])
    cdc.feed(
        tables={"t": {"key": "id", "partition_by": "place", "index": index}},
        source__before_image_prefix="BI_",
        target__on_update_of_unknown_key="refuse",
    )
    put(cdc, LOAD, [(1, "Ada", "x"), (2, "Bo", "x"), (3, "Cy", "y")], pa.schema([*PEOPLE, ("place", pa.string())]))
    cdc.run()
    changes = [
        ("U", at(1), 9, "Ada", "x", 1, None),
        ("U", at(2), 2, "Bo 2", "y", 2, None),
        ("U", at(3), 4, "Cy", "y", 3, None),
        ("U", at(4), 3, "Cy", "x", 4, None),  # and back
        ("U", at(5), 8, "Eve", "x", None, None),
        ("D", at(6), 8, None, None, None, None),
    ]
    put(cdc, FIRST, changes, both)
    receipt = cdc.run()
    assert ran(receipt) == {"read": 6, "written": 3, "deleted": 1, "superseded": 2, "rekeyed": 2}
    assert receipt["dropped_columns"] == ["BI_id", "Op", "ts"]
    assert rows(cdc, "id", "name", "place") == [(2, "Bo 2", "y"), (3, "Cy", "x"), (9, "Ada", "x")]
    assert columns(cdc) == ["BI_note", "id", "name", "place"]  # without a column note, BI_note is not a before image
    late = [("U", at(0.5), 1, "Ada 0", "x", 1, None), ("U", at(0.6), 7, "Gus", "y", 1, None)]
    put(cdc, SECOND, late, both)
    assert ran(cdc.run()) == {"read": 2, "written": 1, "superseded": 1}
    assert (1, "Ada 0", "x") not in rows(cdc, "id", "name", "place")


@pytest.mark.slow
def test_updates_of_unknown_keys_are_counted_or_refused(cdc: CdcBench) -> None:
    put(cdc, LOAD, [(1, "Ada"), (2, "Bo")])
    put(cdc, FIRST, [("U", at(1), 9, "Ada"), ("I", at(1), 3, "Cy"), ("U", at(2), 3, "Cy 2"), ("U", at(1), 2, "Bo 2")])
    cdc.run()
    put(cdc, SECOND, [("U", at(3), 8, "Ada"), ("I", at(3), 4, "Di"), ("U", at(4), 4, "Di 2"), ("U", at(3), 2, "Bo 3")])
    receipt = cdc.run()
    assert ran(receipt) == {"read": 4, "written": 3, "superseded": 1}
    assert receipt["batches"][0]["table_commit"]["updates_of_unknown_keys"] == 1
    assert receipt["warnings"][0].startswith(
        "updates of keys that the table does not have, inserted as new rows: 1 or more"
    )
    cdc.feed(tables={"t": {"key": "id"}}, target__on_update_of_unknown_key="refuse")
    put(cdc, THIRD, [("U", at(5), 7, "?"), ("U", at(5), 6, "?"), ("U", at(5), 1, "Ada 5")])
    put(cdc, SECOND.replace("2000000", "2000001"), [("U", at(4), 1, "Ada 4")])
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert receipt["refused"] == {
        f"raw/hr/t/{THIRD}": "2 updates of keys that the table does not have: their keys may have changed at the "
        "source; let the replication write before images (source.before_image_prefix)"
    }
    assert (1, "Ada 4") in rows(cdc)  # earlier files are applied


@pytest.mark.slow
def test_source_columns_named_like_replication_columns_are_kept(cdc: CdcBench) -> None:
    own = pa.schema(
        [("id", pa.int32()), ("op", pa.string()), ("schema_name", pa.string()), ("table_name", pa.string())]
    )
    cdc.feed(tables={"t": {"key": "id"}}, source__replication_columns=[])
    put(cdc, LOAD, [(1, "x", "hr", "jobs")], own)
    put(cdc, FIRST, [("U", at(1), 1, "y", "hr", "people"), ("I", at(2), 2, "I", "dev", "jobs")], own)
    plan = cdc.command("plan", "--json").data[0]
    assert plan["dropped_columns"] == ["Op"]
    receipt = cdc.run()
    assert ran(receipt) == {"read": 3, "written": 2, "superseded": 1}
    assert receipt["dropped_columns"] == ["Op"]
    assert rows(cdc, "id", "op", "schema_name", "table_name", "ts") == [
        (1, "y", "hr", "people", at(1)),
        (2, "I", "dev", "jobs", at(2)),
    ]
    put(cdc, SECOND, [("D", at(3), 1, None, None, None), ("U", at(4), 2, "U", "dev", "jobs")], own)
    assert ran(cdc.run()) == {"read": 2, "written": 1, "deleted": 1}
    assert rows(cdc, "id", "op") == [(2, "U")]


@pytest.mark.slow
def test_a_time_column_of_the_source_is_kept(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}}, source={"path": "raw/hr/", "time_column": "updated_at"})
    own = pa.schema([*PEOPLE, ("updated_at", pa.timestamp("us"))])
    moment = dt.datetime(2026, 8, 1, 10)
    put(cdc, LOAD, [(1, "Ada", moment)], own)
    assert ran(cdc.run()) == {"read": 1, "written": 1}
    assert rows(cdc, "id", "updated_at") == [(1, moment)]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["refuse", "drop", "keep"])
def test_files_of_different_loads_are_not_mixed(cdc: CdcBench, way: str) -> None:
    timed = pa.schema([*PEOPLE, ("ts", pa.string())])
    put(cdc, LOAD, [(1, "a", at(0)), (2, "b", at(0))], timed)
    put(cdc, LOAD2, [(3, "c", at(0)), (4, "d", at(0))], timed)
    put(cdc, FIRST, [("U", at(10), 1, "a2")])
    cdc.run()
    cdc.feed(tables={"t": {"key": "id"}}, target__on_stale_load=way)
    put(cdc, LOAD, [(1, "a3", "2026-08-01 10:18:00"), (2, "b3", "2026-08-01 10:18:00")], timed)
    put(cdc, LOAD3, [(6, "f", "2026-08-01 10:18:01")], timed)
    put(cdc, SECOND, [("I", "2026-08-01 10:19:00", 5, "e")])
    late = "20260801-101700000.parquet"
    put(cdc, late, [("U", "2026-08-01 10:17:00", 2, "older than the new load, younger than the old one")])
    assert cdc.run()["exit_code"] == 3
    receipt = cdc.run(verb="rebuild")
    if way == "refuse":
        assert receipt["exit_code"] == 3
        assert receipt["error"].startswith(f"raw/hr/t/{LOAD} was rewritten and raw/hr/t/{LOAD2} was not: ")
        assert rows(cdc) == [(1, "a2"), (2, "b"), (3, "c"), (4, "d")]
        return
    new = [(1, "a3"), (2, "b3"), (5, "e"), (6, "f")]
    ignored = {f"raw/hr/t/{FIRST}": "older than the full load", f"raw/hr/t/{late}": "older than the full load"}
    if way == "drop":
        assert receipt["ignored"] == ignored | {f"raw/hr/t/{LOAD2}": "of an older full load"}
        assert rows(cdc) == new
    else:
        # The unchanged file has the times of the old load, but belongs to the new one.
        assert set(receipt["ignored"]) >= {f"raw/hr/t/{FIRST}"}
        assert {key for key, _ in rows(cdc)} == {1, 2, 3, 4, 5, 6}
    assert ran(cdc.run()) == {}
    receipt = cdc.run(verb="rebuild")
    assert {key for key, _ in rows(cdc)} == ({1, 2, 5, 6} if way == "drop" else {1, 2, 3, 4, 5, 6})


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_values_omitted_by_updates_are_kept(cdc: CdcBench, storage: str) -> None:
    whole = pa.schema([*PEOPLE, ("bio", pa.string())])
    cdc.feed(
        tables={
            name: {"key": "id", "storage": storage, **how}
            for name, how in {
                "plain": {},
                "nulls": {"keep_when_null": ["bio"]},
                "absent": {"keep_when_absent": True},
            }.items()
        }
    )
    for table in ("plain", "nulls", "absent"):
        put(cdc, LOAD, [(1, "Ada", "long"), (2, "Bo", "other"), (3, "Cy", "gone")], whole, table)
    assert cdc.command("run").exit_code == 0
    for table in ("plain", "nulls", "absent"):
        put(cdc, FIRST, [("U", at(1), 1, "Ada B", None), ("D", at(1), 3, None, None)], whole, table)
        put(cdc, SECOND, [("U", at(2), 2, "Bo B"), ("I", at(2), 4, "Di")], PEOPLE, table)
    answer = cdc.command("run", "--json")
    assert answer.exit_code == 0, answer.stderr
    receipts = {receipt["target"]: receipt for receipt in answer.data}
    for table, first, second in (("plain", None, None), ("nulls", "long", "other"), ("absent", None, "other")):
        expected = [(1, "Ada B", first), (2, "Bo B", second), (4, "Di", None)]
        assert rows(cdc, "id", "name", "bio", table=table) == expected, table
        warned = (
            []
            if table != "plain"
            else [
                f"column 'bio' is absent from 1 files, first raw/hr/{table}/{SECOND}: it becomes null in the rows that they "
                f"update; tables.{table}.keep_when_absent: true keeps its values"
            ]
        )
        assert receipts[table]["warnings"] == warned


@pytest.mark.slow
def test_table_names_with_a_leading_underscore(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}})
    for table in ("t", "_post_to_tag", "_log"):
        put(cdc, LOAD, [(1, "Ada")], table=table)
    answer = cdc.command("run", "--json")
    assert answer.exit_code == 2
    by_name = {receipt["target"]: receipt for receipt in answer.data}
    assert "table _log in raw/hr/_log/ is not configured" in by_name["_log"]["error"]
    assert by_name["t"]["status"] == "committed"
    plan = {entry["target"]: entry["exit_code"] for entry in cdc.command("plan", "--json").data}
    assert plan == {"t": 0, "_post_to_tag": 2, "_log": 2}
    cdc.feed(tables={"t": {"key": "id"}, "_post_to_tag": {"key": "id"}, "_log": {}})
    assert cdc.command("run").exit_code == 0
    put(cdc, FIRST, [("U", at(1), 1, "Ada 2")], table="_post_to_tag")
    assert cdc.command("run").exit_code == 0
    assert rows(cdc, table="_post_to_tag") == [(1, "Ada 2")]
    assert [row["name"] for row in cdc.spark.read.parquet(str(cdc.lake / "refined/hr/_log")).collect()] == ["Ada"]


def damage(path: Path) -> None:
    """Damage the pages of a file, but not its footer."""
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(36)
    path.write_bytes(bytes(content))


@pytest.mark.slow
def test_nothing_later_than_a_damaged_file_is_applied(cdc: CdcBench) -> None:
    put(cdc, LOAD, [(1, "a")])
    put(cdc, FIRST, [("U", at(1), 1, "b")])
    damaged = put(cdc, SECOND, [("U", at(2), 1, "c")] * 50)
    put(cdc, THIRD, [("U", at(3), 1, "d")])
    whole = damaged.read_bytes()
    damage(damaged)
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert list(receipt["refused"]) == [f"raw/hr/t/{SECOND}"]
    assert receipt["refused"][f"raw/hr/t/{SECOND}"].startswith("damaged Parquet file: ")
    assert rows(cdc) == [(1, "b")]
    assert cdc.run()["exit_code"] == 3
    assert rows(cdc) == [(1, "b")]
    assert cdc.run(verb="rebuild")["exit_code"] == 3
    assert rows(cdc) == [(1, "b")]
    damaged.write_bytes(whole)
    assert ran(cdc.run())["read"] == 51
    assert rows(cdc) == [(1, "d")]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["id", ""])
def test_nothing_is_applied_after_a_damaged_load(cdc: CdcBench, key: str) -> None:
    cdc.feed(tables={"t": {"key": key}})
    damage(put(cdc, LOAD, [(n, "a") for n in range(50)]))
    put(cdc, LOAD2, [(100, "a")])
    put(cdc, FIRST, [("U", at(1), 1, "b")])
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert list(receipt["refused"]) == [f"raw/hr/t/{LOAD}"]
    assert not list((cdc.lake / "refined").rglob("*.parquet"))
    assert cdc.strays("t") == []


@pytest.mark.slow
def test_files_without_rows(cdc: CdcBench) -> None:
    for table in ("keyed", "appended"):
        cdc.feed(tables={"keyed": {"key": "id"}, "appended": {}})
        put(cdc, LOAD, [], table=table)
    assert cdc.command("run").exit_code == 0
    for table in ("keyed", "appended"):
        put(cdc, FIRST, [], table=table)
    assert cdc.command("run").exit_code == 0
    for table in ("keyed", "appended"):
        put(cdc, SECOND, [("I", at(1), 1, "a"), ("D", at(2), 1, None)], table=table)
    assert cdc.command("run").exit_code == 0
    assert rows(cdc, table="keyed") == []


NAMED_BI = pa.schema([*PEOPLE, ("BI_id", pa.int32())])
WITH_BIO = pa.schema([*PEOPLE, ("bio", pa.string())])
PLACED = pa.schema([*PEOPLE, ("place", pa.string())])


@pytest.mark.slow
def test_rows_that_move_onto_keys_of_other_rows(cdc: CdcBench) -> None:
    shift = [("U", at(1), 2, "a", 1), ("U", at(1), 3, "b", 2), ("U", at(1), 4, "c", 3)]
    swap = [("U", at(1), 2, "a", 1), ("U", at(1), 1, "b", 2)]
    moved_on = [("U", at(1), 9, "a", 1), ("U", at(2), 8, "a", 9)]
    expected = {
        "shift": (shift, [(2, "a"), (3, "b"), (4, "c")]),
        "swap": (swap, [(1, "b"), (2, "a"), (3, "c")]),
        "moved_on": (moved_on, [(2, "b"), (3, "c"), (8, "a")]),
    }
    cdc.feed(tables={table: {"key": "id"} for table in expected}, source__before_image_prefix="BI_")
    for table in expected:
        put(cdc, LOAD, [(1, "a"), (2, "b"), (3, "c")], table=table)
    assert cdc.command("run").exit_code == 0
    for table, (changes, _) in expected.items():
        put(cdc, FIRST, changes, NAMED_BI, table)
    answer = cdc.command("run", "--json")
    assert answer.exit_code == 0
    assert not any(receipt["warnings"] for receipt in answer.data)
    assert {table: rows(cdc, table=table) for table in expected} == {
        table: left for table, (_, left) in expected.items()
    }
    # The moves are idempotent.
    for table, (changes, _) in expected.items():
        put(cdc, SECOND, changes, NAMED_BI, table)
    put(cdc, THIRD, [("U", at(9), 7, "a", 8)], NAMED_BI, "moved_on")
    assert cdc.command("run").exit_code == 0
    assert rows(cdc, table="moved_on") == [(2, "b"), (3, "c"), (7, "a")]


@pytest.mark.slow
def test_an_incomplete_statement_is_reported(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}}, source__before_image_prefix="BI_")
    put(cdc, LOAD, [(1, "a"), (2, "b")])
    put(cdc, FIRST, [("U", at(1), 2, "a", 1)], NAMED_BI)
    receipt = cdc.run()
    assert receipt["warnings"][0].startswith(
        "keys with two rows at the end of the batch, of which the later one is kept: 1"
    )
    put(cdc, SECOND, [("U", at(1), 3, "b", 2)], NAMED_BI)
    cdc.run()
    assert cdc.run(verb="rebuild")["exit_code"] == 0
    assert rows(cdc) == [(2, "a"), (3, "b")]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_late_changes_do_not_provide_values_to_newer_ones(cdc: CdcBench, storage: str) -> None:
    cdc.feed(tables={"t": {"key": "id", "storage": storage, "keep_when_null": ["bio"]}})
    put(cdc, LOAD, [(1, "a", "x"), (2, "a", "x")], WITH_BIO)
    put(cdc, SECOND, [("U", at(20), 1, "b", "y"), ("I", at(20), 2, "b", "y")], WITH_BIO)
    cdc.run()
    put(cdc, FIRST, [("U", at(15), 1, "late", "w"), ("D", at(15), 2, None, None)], WITH_BIO)
    put(cdc, THIRD, [("U", at(30), 1, "c", None), ("U", at(30), 2, "c", None)], WITH_BIO)
    assert ran(cdc.run()) == {"read": 4, "written": 2, "superseded": 2}
    expected = [(1, "c", "y"), (2, "c", "y")]
    assert rows(cdc, "id", "name", "bio") == expected
    cdc.run(verb="rebuild")
    assert rows(cdc, "id", "name", "bio") == expected


@pytest.mark.slow
def test_columns_that_differ_from_replication_columns_only_in_case(cdc: CdcBench) -> None:
    with_op = pa.schema([*PEOPLE, ("op", pa.string())])
    cdc.feed(tables={"t": {"key": "id"}, "appended": {}})
    for table in ("t", "appended"):
        put(cdc, LOAD, [(1, "a"), (2, "b")], table=table)
        put(cdc, FIRST, [("U", at(1), 1, "a2")], table=table)
        put(cdc, SECOND, [("I", at(2), 3, "c", "own")], with_op, table)
    answer = cdc.command("run", "--json")
    by_name = {receipt["target"]: receipt for receipt in answer.data}
    assert by_name["t"]["exit_code"] == 0
    assert rows(cdc, "id", "op") == [(1, None), (2, None), (3, "own")]
    assert by_name["appended"]["exit_code"] == 2
    assert (
        "appended has a column 'op', but an append-only table stores the kind of each change as 'Op'"
        in by_name["appended"]["error"]
    )


def test_year_month_and_day_are_ordinary_columns_of_an_appended_table(cdc: CdcBench) -> None:
    dates = [("year", pa.int32()), ("Month", pa.string()), ("day", pa.date32())]
    cdc.feed(tables={"t": {}, "placed": {"partition_by": "year"}})
    for table in ("t", "placed"):
        row = (1, "a", 1999, "12", dt.date(1999, 12, 31))
        put(cdc, LOAD, [row], pa.schema([*PEOPLE, *dates]), table)
    by_name = {receipt["target"]: receipt for receipt in cdc.command("run", "--json").data}
    for table in ("t", "placed"):
        assert by_name[table]["exit_code"] == 0, by_name[table]["error"]
        frame = cdc.spark.read.parquet(str(cdc.lake / "refined/hr" / table))
        (row,) = frame.select("id", "year", "Month", "day", "Op").collect()
        assert (row["id"], int(row["year"]), *row[2:]) == (1, 1999, "12", dt.date(1999, 12, 31), "I")


@pytest.mark.slow
def test_before_images_that_are_null_or_have_no_column(cdc: CdcBench) -> None:
    before = pa.schema([*PLACED, ("BI_ID", pa.int32()), ("BI_place", pa.string())])
    alone = pa.schema([("id", pa.int32()), ("place", pa.string()), ("BI_id", pa.int32()), ("BI_name", pa.string())])
    cdc.feed(tables={"t": {"key": "id", "partition_by": "place", "index": "simple"}}, source__before_image_prefix="BI_")
    put(cdc, LOAD, [(1, "a", None), (2, "b", "p")], PLACED)
    cdc.run()
    put(cdc, FIRST, [("U", at(1), 9, "a", "p", 1, None)], before)
    put(cdc, SECOND, [("U", at(2), 2, "p", 2, "b")], alone)
    receipt = cdc.run()
    assert ran(receipt) == {"read": 2, "written": 2, "rekeyed": 1}
    assert columns(cdc) == ["id", "name", "place"]
    assert rows(cdc, "id", "name", "place") == [(2, None, "p"), (9, "a", "p")]


@pytest.mark.slow
def test_changes_that_once_blocked_a_table(cdc: CdcBench) -> None:
    texts = pa.schema([("id", pa.string()), ("name", pa.string())])
    cdc.feed(
        tables={
            "deletes_first": {"key": "id", "partition_by": "place"},
            "empty_key": {"key": "id"},
            "metadata": {"key": "id"},
            "key_alone": {"key": "id"},
        },
        source__before_image_prefix="BI_",
        max_rejected=0.9,
    )
    key_alone = pa.schema([("id", pa.int32())])
    put(cdc, FIRST, [("D", at(1), 1)], key_alone, "deletes_first")
    put(cdc, LOAD, [("a", "r")], texts, "empty_key")
    put(cdc, LOAD, [(1, "x")], pa.schema([("id", pa.int32()), ("_metadata", pa.string())]), "metadata")
    put(cdc, LOAD, [(1, "x"), (2, "y")], PEOPLE, "key_alone")
    by_name = {receipt["target"]: receipt for receipt in cdc.command("run", "--json").data}
    assert by_name["deletes_first"]["exit_code"] == 3
    assert "no file has the partition column 'place' yet" in by_name["deletes_first"]["error"]
    assert by_name["metadata"]["exit_code"] == 3
    assert "column '_metadata' cannot be a column of the table" in by_name["metadata"]["error"]

    put(cdc, SECOND, [("I", at(2), 1, "x", "p")], PLACED, "deletes_first")
    put(cdc, FIRST, [("U", at(1), "b", "e", "")], pa.schema([*texts, ("BI_id", pa.string())]), "empty_key")
    put(cdc, FIRST, [("U", at(1), 1), ("D", at(1), 2)], key_alone, "key_alone")
    by_name = {receipt["target"]: receipt for receipt in cdc.command("run", "--json").data}
    assert rows(cdc, table="deletes_first") == [(1, "x")]
    assert rows(cdc, table="empty_key") == [("a", "r"), ("b", "e")]
    assert by_name["key_alone"]["rules"] == {"id: no_values": 1}
    assert rows(cdc, table="key_alone") == [(1, "x")]


@pytest.mark.slow
def test_updates_of_one_unknown_key_in_many_files(cdc: CdcBench) -> None:
    put(cdc, LOAD, [(1, "a")])
    cdc.run()
    cdc.feed(tables={"t": {"key": "id"}}, target__on_update_of_unknown_key="refuse")
    put(cdc, FIRST, [("U", at(0), 1, "b")])
    names = [f"20260801-103{n}00000.parquet" for n in range(7)]
    for second, name in enumerate(names, start=1):
        put(cdc, name, [("U", at(second), 9, "?")])
    receipt = cdc.run()
    assert (receipt["exit_code"], list(receipt["refused"])) == (3, [f"raw/hr/t/{names[0]}"])
    assert rows(cdc) == [(1, "b")]


@pytest.mark.slow
def test_damaged_footers_are_refused(cdc: CdcBench) -> None:
    put(cdc, LOAD, [(1, "a")])
    path = put(cdc, FIRST, [("U", at(1), 1, "b")])
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for place in range(len(whole) - 8 - length, len(whole) - 8, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        answer = cdc.command("plan", "--json")
        assert answer.exit_code in (0, 3), answer.stderr
        refused += answer.exit_code == 3
        if answer.exit_code == 3:
            assert "20260801-101500000.parquet" in answer.last_line
    assert refused
