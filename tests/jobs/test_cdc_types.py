"""Types of change data: widened columns, casts, times, nanoseconds, nested values, reserved names."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.cdc import STORAGES, STORAGES_BY_MERGE_ON_READ, CdcBench, matrix

LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD = (f"20260801-10{minute}00000.parquet" for minute in (15, 20, 25))


def at(second: float) -> str:
    return f"2026-08-01 10:00:{second:09.6f}"


def schema(kind: Any, key: Any = None, place: Any = None) -> pa.Schema:
    return pa.schema([("id", key or pa.int32()), ("x", kind), ("p", place or pa.string())])


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    yield bench
    bench.remove()


def put(cdc: CdcBench, name: str, rows: list[tuple[Any, ...]], kind: Any, **others: Any) -> Path:
    return cdc.put(name, rows, schema(kind, **others), table="t")


def ran(receipt: dict[str, Any]) -> dict[str, Any]:
    assert receipt["exit_code"] == 0, receipt["error"]
    return receipt


def type_and_rows(cdc: CdcBench) -> tuple[str, list[tuple[Any, ...]]]:
    """Return the type of x, and the rows."""
    frame = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr/t"))
    return dict(frame.dtypes)["x"], cdc.rows("id", "x", "p", table="t")


def appended(cdc: CdcBench) -> tuple[str, list[tuple[Any, ...]]]:
    frame = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/t"))
    return dict(frame.dtypes)["x"], sorted(map(tuple, frame.select("id", "x", "p", "Op").collect()), key=repr)


WIDER = [
    pytest.param(pa.int32(), pa.int64(), 7, 2**40, "bigint", id="int-to-bigint", marks=matrix),
    pytest.param(
        pa.decimal128(10, 2), pa.decimal128(20, 4), Decimal("-1.10"), Decimal("5.0001"), "decimal(20,4)", id="decimal"
    ),
    pytest.param(
        pa.int64(), pa.decimal128(20, 0), 2**62 + 1, Decimal(2**64 - 1), "decimal(20,0)", id="unsigned", marks=matrix
    ),
    pytest.param(pa.float32(), pa.float64(), 0.1, 0.1, "double", id="float-to-double"),
]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
@pytest.mark.parametrize(("narrow", "wide", "old", "new", "kind"), WIDER)
def test_a_column_is_widened(
    cdc: CdcBench, storage: str, narrow: Any, wide: Any, old: Any, new: Any, kind: str
) -> None:
    cdc.feed(tables={"t": {"key": "id", "partition_by": "p"}}, target__storage=storage)
    put(cdc, LOAD, [(1, old, "a"), (2, None, "b"), (3, old, "a")], narrow)
    ran(cdc.run())
    put(cdc, FIRST, [("U", at(1), 2, old, "b")], narrow)
    ran(cdc.run())
    put(cdc, SECOND, [("U", at(2), 1, new, "a"), ("D", at(2), 3, None, None)], wide)
    changes = [f"widened x from {before_of(narrow)} to {kind}"]
    assert cdc.command("plan", "--json").data[0]["schema_changes"] == changes
    receipt = ran(cdc.run())
    assert receipt["schema_changes"] == changes
    assert {name: count for name, count in receipt["counts"].items() if count} == {
        "read": 2,
        "written": 1,
        "deleted": 1,
    }
    kept = pa.scalar(old, narrow).as_py()  # a float differs from the double with the same text
    assert type_and_rows(cdc) == (kind, [(1, new, "a"), (2, kept, "b")])
    put(cdc, THIRD, [("U", at(3), 1, old, "b")], narrow)  # a narrower file is widened on reading
    assert ran(cdc.run())["schema_changes"] == []
    expected = (kind, [(1, kept, "b"), (2, kept, "b")])
    assert type_and_rows(cdc) == expected
    assert cdc.batches("t") == [1, 2, 3, 4]
    assert ran(cdc.run(verb="rebuild"))["status"] == "committed"
    assert type_and_rows(cdc) == expected


def before_of(kind: Any) -> str:
    return {pa.int32(): "int", pa.int64(): "bigint", pa.float32(): "float"}.get(kind, "decimal(10,2)")


@pytest.mark.slow
@pytest.mark.parametrize(("narrow", "wide", "old", "new", "kind"), WIDER)
def test_a_column_of_an_appended_table_is_widened(
    cdc: CdcBench, narrow: Any, wide: Any, old: Any, new: Any, kind: str
) -> None:
    cdc.feed(tables={"t": {"partition_by": "p"}})
    put(cdc, LOAD, [(1, old, "a=b %"), (2, None, None)], narrow)
    ran(cdc.run())
    put(cdc, FIRST, [("I", at(1), 3, new, "c")], wide)
    receipt = ran(cdc.run())
    assert receipt["counts"]["written"] == 1
    assert receipt["schema_changes"] == [f"widened x from {before_of(narrow)} to {kind}"]
    kept = pa.scalar(old, narrow).as_py()
    rows = [(1, kept, "a=b %", "I"), (2, None, None, "I"), (3, new, "c", "I")]
    assert appended(cdc) == (kind, rows)
    assert cdc.strays("t") == []
    put(cdc, SECOND, [("D", at(2), 1, old, "c")], narrow)
    ran(cdc.run())
    assert appended(cdc) == (kind, sorted([*rows, (1, kept, "c", "D")], key=repr))
    ran(cdc.run(verb="rebuild"))
    assert appended(cdc) == (kind, sorted([*rows, (1, kept, "c", "D")], key=repr))


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_widening_a_column_keeps_empty_partition_values(cdc: CdcBench, storage: str) -> None:
    """Null and empty strings share a folder, from whose name Hudi 0.15 reads partition values."""
    cdc.feed(tables={"t": {"key": "id", "partition_by": "p"}}, target__storage=storage)
    put(cdc, LOAD, [(1, 1, ""), (2, 2, None)], pa.int32())
    ran(cdc.run())
    put(cdc, FIRST, [("I", at(1), 3, 0.5, "a")], pa.float64())
    ran(cdc.run())
    assert cdc.rows("id", "x", "p", table="t") == [(1, 1.0, ""), (2, 2.0, None), (3, 0.5, "a")]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_key_and_partition_are_widened_if_their_text_is_unchanged(cdc: CdcBench, storage: str) -> None:
    cdc.feed(tables={"t": {"key": "id", "partition_by": "p"}}, target__storage=storage)
    narrow = {"key": pa.decimal128(5, 1), "place": pa.int32()}
    wide = {"key": pa.decimal128(9, 1), "place": pa.int64()}
    one, two = Decimal("1.5"), Decimal("2.0")
    put(cdc, LOAD, [(one, "a", 1), (two, "b", 2)], pa.string(), **narrow)
    ran(cdc.run())
    put(cdc, FIRST, [("U", at(1), one, "c", 2), ("D", at(1), two, None, None)], pa.string(), **wide)
    assert ran(cdc.run())["schema_changes"] == [
        "widened id from decimal(5,1) to decimal(9,1)",
        "widened p from int to bigint",
    ]
    put(cdc, SECOND, [("I", at(2), Decimal("12345678.9"), "d", 2**40)], pa.string(), **wide)
    ran(cdc.run())
    rows = [(one, "c", 2), (Decimal("12345678.9"), "d", 2**40)]
    assert type_and_rows(cdc) == ("string", sorted(rows, key=repr))

    put(cdc, THIRD, [("U", at(3), Decimal("1.50"), "e", 2)], pa.string(), **(wide | {"key": pa.decimal128(9, 2)}))
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert "column 'id' of the key or partition grows from decimal(9,1) to decimal(10,2)" in receipt["error"]
    assert cdc.command("plan").exit_code == 3
    ran(cdc.run(verb="rebuild"))
    assert type_and_rows(cdc) == ("string", sorted([(one, "e", 2), rows[1]], key=repr))


@pytest.mark.slow
def test_a_column_of_an_empty_table_is_widened(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}})
    put(cdc, LOAD, [(1, Decimal("1.1"), "a")], pa.decimal128(10, 2))
    put(cdc, FIRST, [("D", at(1), 1, None, None)], pa.decimal128(10, 2))
    ran(cdc.run())
    put(cdc, SECOND, [("I", at(2), 2, Decimal("1.1234"), "a")], pa.decimal128(20, 4))
    ran(cdc.run())
    assert type_and_rows(cdc) == ("decimal(20,4)", [(2, Decimal("1.1234"), "a")])


@pytest.mark.slow
def test_omitted_values_and_late_changes_with_a_widened_column(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id", "keep_when_null": "x"}})
    put(cdc, LOAD, [(1, Decimal("1.10"), "a"), (2, Decimal("2.20"), "a")], pa.decimal128(10, 2))
    put(cdc, SECOND, [("U", at(5), 2, Decimal("5.50"), "z")], pa.decimal128(10, 2))
    ran(cdc.run())
    changes = [("U", at(1), 2, Decimal("9.9999"), "late"), ("U", at(6), 1, None, "b")]
    put(cdc, THIRD, changes, pa.decimal128(20, 4))
    ran(cdc.run())
    assert type_and_rows(cdc) == ("decimal(20,4)", [(1, Decimal("1.1000"), "b"), (2, Decimal("5.5000"), "z")])


@pytest.mark.slow
def test_cast_rejects_inexact_values_and_rebuild_applies_it(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id"}}, max_rejected=0.5)
    put(cdc, LOAD, [(1, 1.25, "a"), (2, 0.1, "b")], pa.float64())
    ran(cdc.run())
    put(
        cdc,
        FIRST,
        [("U", at(1), 1, "2.50", "a"), ("U", at(1), 2, "n/a", "b"), ("I", at(2), 3, "1.23456", "c")],
        pa.string(),
    )
    refused = cdc.run()
    assert refused["exit_code"] == 3
    assert "column 'x' is string, but double in the table; no type fits both without loss" in refused["error"]
    assert "such as {x: string}, and run `rebuild`" in refused["error"]
    cdc.feed(tables={"t": {"key": "id", "cast": {"X": "Decimal(20, 4)"}}}, max_rejected=0.5)
    assert "`cast` cannot convert to decimal(20,4) without loss" in cdc.run()["error"]
    receipt = ran(cdc.run(verb="rebuild"))
    assert receipt["rules"] == {"x: inexact": 2}
    assert receipt["counts"]["rejected"] == 2
    assert [row["fields"]["x"] for row in cdc.quarantine("t")] == ["n/a", "1.23456"]
    assert type_and_rows(cdc) == ("decimal(20,4)", [(1, Decimal("2.5"), "a"), (2, Decimal("0.1"), "b")])
    cdc.feed(tables={"t": {"key": "id", "cast": {"X": "string"}}})
    ran(cdc.run(verb="rebuild"))
    assert type_and_rows(cdc)[1] == [(1, "2.50", "a"), (2, "n/a", "b"), (3, "1.23456", "c")]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_times_dictionaries_nulls_and_nanoseconds(cdc: CdcBench, storage: str) -> None:
    kinds = [
        ("id", pa.int32()),
        ("clock", pa.time64("us")),
        ("millis", pa.time32("ms")),
        ("nanos", pa.timestamp("ns")),
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("bytes", pa.large_binary()),
        ("nothing", pa.null()),
        ("length", pa.duration("us")),
        ("day", pa.date64()),
    ]
    noon, moment, day = dt.time(12, 34, 56, 7), 1_600_000_000_123_456_000, dt.date(2026, 8, 1)
    row = (noon, dt.time(23, 59, 59, 999000), moment, "b", b"\xff", None, dt.timedelta(seconds=1), day)
    cdc.feed(tables={"t": {"key": "id"}}, target__storage=storage, max_rejected=0.5)
    cdc.put(LOAD, [(1, *row), (2, *[None] * 8)], pa.schema(kinds), table="t")
    changes = [
        ("I", moment + 2, 3, *row),
        ("U", moment + 1, 3, *[None] * 8),  # older than the row before it
        ("I", moment, 4, *row[:2], moment + 1, *row[3:]),
    ]
    cdc.put(FIRST, changes, pa.schema([("ts", pa.timestamp("ns")), *kinds]), table="t", has_times=False)
    receipt = ran(cdc.run())
    assert receipt["rules"] == {"nanos: inexact": 1}
    assert [row["fields"]["nanos"] for row in cdc.quarantine("t")] == [str(moment + 1)]
    frame = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr/t"))
    assert "nothing" not in frame.columns
    texts = frame.selectExpr("id", "clock", "millis", "string(nanos)", "kind", "hex(bytes)", "length", "string(day)")
    there = ("12:34:56.000007", "23:59:59.999", "2020-09-13 12:26:40.123456", "b", "FF", 1_000_000, "2026-08-01")
    assert sorted(map(tuple, texts.collect()), key=repr) == [(1, *there), (2, *[None] * 7), (3, *there)]


@pytest.mark.slow
def test_a_compaction_that_was_killed_is_finished_before_types_change(
    cdc: CdcBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdc.feed(tables={"t": {"key": "id", "storage": "merge_on_read"}})
    put(cdc, LOAD, [(1, Decimal("1.00"), "a"), (2, Decimal("2.00"), "b")], pa.decimal128(10, 2))
    ran(cdc.run())
    put(cdc, FIRST, [("U", at(1), 1, Decimal("1.50"), "a"), ("D", at(2), 2, None, None)], pa.decimal128(10, 2))
    ran(cdc.run())
    with monkeypatch.context() as killed:
        killed.setattr("lakewright.hudi.compaction._compact", Mock(side_effect=RuntimeError))
        assert cdc.command("compact").exit_code == 1
    put(cdc, SECOND, [("I", at(3), 3, Decimal("3.1234"), "c")], pa.decimal128(20, 4))
    ran(cdc.run())
    assert cdc.command("compact").exit_code == 0
    assert type_and_rows(cdc) == ("decimal(20,4)", [(1, Decimal("1.5000"), "a"), (3, Decimal("3.1234"), "c")])


@pytest.mark.slow
def test_a_cast_of_nanoseconds_rejects_what_it_would_alter(cdc: CdcBench) -> None:
    midnight = 1_785_542_400_000_000_000
    cdc.feed(tables={"t": {"key": "id", "cast": {"x": "date"}}}, max_rejected=0.5)
    put(cdc, LOAD, [(1, midnight, "a"), (2, midnight + 36_900_000_000_000, "b")], pa.timestamp("ns"))
    assert ran(cdc.run())["rules"] == {"x: inexact": 1}
    assert type_and_rows(cdc) == ("date", [(1, dt.date(2026, 8, 1), "a")])


@pytest.mark.slow
def test_a_delete_is_not_rejected_for_values_that_it_does_not_need(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id", "cast": {"x": "decimal(10,2)"}}}, max_rejected=0.5)
    put(cdc, LOAD, [(1, "1.00", "a"), (2, "2.00", "b")], pa.string())
    ran(cdc.run())
    put(cdc, FIRST, [("U", at(1), 1, "n/a", "a"), ("D", at(2), 1, "n/a", "a")], pa.string())
    assert ran(cdc.run())["rules"] == {"x: inexact": 1}
    assert type_and_rows(cdc)[1] == [(2, Decimal("2.00"), "b")]


NESTED: Any = pa.struct(
    [("a", pa.list_(pa.int16())), ("m", pa.map_(pa.string(), pa.list_(pa.struct([("d", pa.date32())]))))]
)


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_nested_columns(cdc: CdcBench, storage: str) -> None:
    cdc.feed(tables={"t": {"key": "id", "partition_by": "p"}}, target__storage=storage)
    day = dt.date(2026, 8, 1)
    first = {"a": [1, None], "m": [("k", [{"d": day}, None])]}
    put(cdc, LOAD, [(1, first, "a"), (2, None, "a"), (3, {"a": None, "m": []}, "b"), (4, first, "b")], NESTED)
    ran(cdc.run())
    changes = [
        ("U", at(1), 1, {"a": [], "m": [("n", None)]}, "a"),
        ("U", at(1), 2, first, "b"),
        ("D", at(1), 3, None, None),
    ]
    put(cdc, FIRST, changes, NESTED)
    ran(cdc.run())
    if storage == "merge_on_read":
        assert cdc.command("compact", "--json").exit_code == 0
    frame = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr/t"))
    text = "{[1, null], {k -> [{2026-08-01}, null]}}"
    rows = frame.selectExpr("id", "string(x)", "p").collect()
    assert sorted(map(tuple, rows)) == [(1, "{[], {n -> null}}", "a"), (2, text, "b"), (4, text, "b")]
    assert dict(frame.dtypes)["x"] == "struct<a:array<int>,m:map<string,array<struct<d:date>>>>"


def test_a_nested_key_is_refused(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id", "partition_by": "x"}})
    put(cdc, LOAD, [(1, [1], "a")], pa.list_(pa.int32()))
    assert "t: column 'x' of the key or partition is nested" in cdc.run()["error"]


def test_a_cast_must_name_a_column_and_a_type(cdc: CdcBench) -> None:
    cdc.feed(tables={"t": {"key": "id", "cast": {"y": "string"}}})
    put(cdc, LOAD, [(1, 1, "a")], pa.int32())
    assert "t: cast names 'y', which is not a column of the table" in cdc.run()["error"]
    cdc.feed(tables={"t": {"key": "id", "cast": {"x": "decimal(40,2)"}}})
    answer = cdc.command("run")
    assert (answer.exit_code, "'decimal(40,2)' is not one of string, boolean" in answer.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["id", ""], ids=["keyed", "appended"])
def test_names_that_spark_uses(cdc: CdcBench, key: str) -> None:
    """``_metadata`` is not a table column; a dropped one does not hide a row's file and position."""
    cdc.feed(tables={"t": {"key": key}} if key else {"t": {}}, source__replication_columns=["ts", "_metadata", "odd"])
    names = pa.schema(
        [
            ("id", pa.int32()),
            ("_metadata", pa.string()),
            ("odd", pa.decimal256(50, 0)),
            ("_corrupt_record", pa.string()),
            ("count", pa.int32()),
            ("file", pa.string()),
        ]
    )
    cdc.put(LOAD, [(1, "m", Decimal(1), "c", 5, "f")], names, table="t")
    cdc.put(FIRST, [("I", at(1), 2, "m", None, "c", 6, "f")], names, table="t")
    assert cdc.command("plan").exit_code == 0
    ran(cdc.run())
    reader = cdc.spark.read.format("hudi") if key else cdc.spark.read.format("parquet")
    frame = reader.load(str(cdc.lake / "refined/hr/t")).select("id", "_corrupt_record", "count", "file")
    assert sorted(map(tuple, frame.collect())) == [(1, "c", 5, "f"), (2, "c", 6, "f")]
    cdc.feed(tables={"t": {"key": key}} if key else {"t": {}}, source__replication_columns=["ts", "odd"])
    cdc.put(SECOND, [("I", at(2), 3, "m", None, "c", 7, "f")], names, table="t")
    for verb in ("plan", "run"):
        answer = cdc.command(verb)
        assert answer.exit_code == 3
        assert "column '_metadata' cannot be a column of the table" in answer.stderr + answer.stdout
