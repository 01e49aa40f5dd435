"""The job from DMS files to Hudi tables, through the command line, on a local lake."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hudi import HudiTableBuilder
from pyspark.sql import SparkSession

from lakewright.hudi import sink as hudi_sink
from lakewright.hudi import tombstones
from lakewright.log.log import Log
from tests.cdc import EMPLOYEES, STORAGES, STORAGES_BY_MERGE_ON_READ, CdcBench, matrix, needs_table_version_8
from tests.conftest import freeze_day

LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD = (f"20260801-10{minute}00000.parquet" for minute in (15, 20, 25))
ANN, BOB, CID = (1, "Ann", "IT"), (2, "Bob", "HR"), (3, "Cid", "IT")


def at(second: float) -> str:
    return f"2026-08-01 10:00:{second:09.6f}"


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed()
    yield bench
    bench.remove()


def rows_without_spark(cdc: CdcBench) -> list[tuple[Any, ...]]:
    """Read the table of employees with hudi-rs."""
    table = HudiTableBuilder.from_base_uri(str(cdc.lake / "refined/hr/employees")).build()
    rows = pa.Table.from_batches(table.read()).to_pylist()
    return sorted((row["emp_no"], row["name"], row["department"]) for row in rows)


def counts(receipt: dict[str, Any]) -> dict[str, int]:
    assert receipt["exit_code"] == 0, receipt["error"]
    return {name: count for name, count in receipt["counts"].items() if count}


@pytest.mark.parametrize("storage", [pytest.param("copy_on_write", marks=[pytest.mark.slow, matrix]), "merge_on_read"])
def test_a_load_then_changes_then_refusals(cdc: CdcBench, storage: str) -> None:
    """A load, upserts and deletes, refusals: an overview of the fast tests."""
    cdc.feed(target__storage=storage, max_rejected=0.5)
    cdc.put(LOAD, [ANN, BOB, CID, (None, "?", "IT")])
    receipt = cdc.run()
    assert counts(receipt) == {"read": 4, "written": 3, "rejected": 1}
    assert receipt["rules"] == {"emp_no: null_key": 1}
    assert cdc.rows() == [ANN, BOB, CID]
    (rejected,) = cdc.quarantine()
    assert rejected["object"] == "raw/hr/employees/LOAD00000001.parquet"
    assert rejected["fields"] == {"emp_no": None, "name": "?", "department": "IT"}
    assert (rejected["position"], rejected["text"]) == (3, '{"emp_no":null,"name":"?","department":"IT"}')

    changes = [
        ("I", at(0), 8, "Hal", "HR"),
        ("D", at(1), 8, None, None),
        ("I", at(2), 8, "Hal", "IT"),
        ("U", at(1), 2, "Bob", "IT"),
        ("U", at(1), 2, "Bob", "R&D/lab"),
        ("D", at(1), 3, None, None),
        ("D", at(1), 77, None, None),
    ]
    cdc.put(FIRST, changes)
    receipt = cdc.run()
    assert counts(receipt) == {"read": 7, "written": 2, "deleted": 2, "superseded": 3}
    assert receipt["checks"] == {"every row accounted for": True}
    assert (
        receipt["batches"][0]["table_commit"]["action"]
        == {
            "copy_on_write": "commit",
            "merge_on_read": "deltacommit",
        }[storage]
    )
    expected = [ANN, (2, "Bob", "R&D/lab"), (8, "Hal", "IT")]
    assert cdc.rows() == expected
    assert cdc.batches() == [1, 2]
    assert cdc.run()["status"] == "nothing_new"
    assert cdc.batches() == [1, 2]
    assert cdc.strays() == []
    columns = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr/employees")).columns
    assert sorted(name for name in columns if not name.startswith("_hoodie")) == [
        "_change_order",
        "department",
        "emp_no",
        "name",
    ]

    cdc.put(SECOND, [("U", at(3), 1, "x", "IT"), ("X", at(3), 2, "no kind", "IT"), ("U", "soon", 8, "no time", "IT")])
    receipt = cdc.run()
    assert (receipt["exit_code"], receipt["rules"]) == (3, {"Op: kind": 1, "ts: order": 1})
    other = "merge_on_read" if storage == "copy_on_write" else "copy_on_write"
    cdc.feed(target__storage=other, max_rejected=0.7)
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert f"is '{storage.upper()}', but '{other.upper()}' in the feed" in receipt["error"]
    assert cdc.rows() == rows_without_spark(cdc) == expected
    assert cdc.batches() == [1, 2]
    assert cdc.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_a_reader_without_spark_sees_the_same(cdc: CdcBench, storage: str) -> None:
    cdc.feed(target__storage=storage)
    cdc.put(LOAD, [ANN, BOB, CID])
    cdc.run()
    cdc.put(FIRST, [("U", at(1), 2, "Bob", "IT"), ("D", at(1), 3, None, None), ("I", at(2), 8, "Hal", "HR")])
    cdc.run()
    assert rows_without_spark(cdc) == cdc.rows() == [ANN, (2, "Bob", "IT"), (8, "Hal", "HR")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("storage", "at"),
    [
        pytest.param("copy_on_write", at, id="copy_on_write", marks=matrix),
        pytest.param("merge_on_read", "2026-08-01 10:00:00.12345678{}".format, id="merge_on_read-nanoseconds"),
    ],
)
def test_late_changes_lose(cdc: CdcBench, storage: str, at: Callable[[int], str]) -> None:
    cdc.feed(target__storage=storage)
    cdc.put(LOAD, [ANN, BOB, CID, (4, "Dan", "IT")])
    cdc.put(
        SECOND,
        [
            ("U", at(5), 1, "Ann 5", "HR"),
            ("D", at(5), 2, None, None),
            ("U", at(5), 3, "Cid 5", "IT"),
            ("D", at(5), 9, None, None),
        ],
    )
    assert counts(cdc.run()) == {"read": 8, "written": 3, "deleted": 2, "superseded": 3}
    late = [
        ("U", at(3), 1, "Ann 3", "IT"),  # older than the row, in its former partition
        ("U", at(3), 2, "Bob 3", "HR"),  # older than the delete
        ("D", at(3), 3, None, None),  # an older delete
        ("I", at(3), 9, "Ida", "HR"),  # older than the delete of an unknown key
        ("U", at(3), 4, "Dan 3", "IT"),  # late, but the newest of its key
        ("U", at(6), 3, "Cid 6", "IT"),  # not late
    ]
    cdc.put(FIRST, late[:-1])
    cdc.put(THIRD, late[-1:])
    assert counts(cdc.run()) == {"read": 6, "written": 2, "superseded": 4}
    expected = [(1, "Ann 5", "HR"), (3, "Cid 6", "IT"), (4, "Dan 3", "IT")]
    assert cdc.rows() == expected
    cdc.put("LOAD00000002.parquet", [(2, "Bob 0", "HR"), (1, "Ann 0", "IT"), (5, "Eve", "HR")])
    assert counts(cdc.run()) == {"read": 3, "written": 1, "superseded": 2}
    assert cdc.rows() == [*expected, (5, "Eve", "HR")]
    assert cdc.batches() == [1, 2, 3]
    assert cdc.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_a_key_that_moves_and_returns(cdc: CdcBench, storage: str) -> None:
    """Log files of merge_on_read delete a key that its base file still has."""
    cdc.feed(target__storage=storage)
    cdc.put(LOAD, [ANN, BOB])
    assert cdc.run()["exit_code"] == 0
    places = ["HR", "HR", "IT", "Sales", "HR"]
    for n, place in enumerate(places, start=1):
        cdc.put(f"20260801-1020{n:02}000.parquet", [("U", at(n), 1, f"Ann {n}", place)])
        assert counts(cdc.run()) == {"read": 1, "written": 1}
        assert cdc.rows() == rows_without_spark(cdc) == [(1, f"Ann {n}", place), BOB]
    cdc.put("20260801-102100000.parquet", [("D", at(9), 1, None, None)])
    assert counts(cdc.run()) == {"read": 1, "deleted": 1}
    assert cdc.rows() == [BOB]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_a_table_that_starts_and_ends_empty(cdc: CdcBench, storage: str) -> None:
    cdc.feed(target__storage=storage)
    cdc.put(LOAD, [])
    cdc.put("20260801-100000000.parquet", [("D", at(0), 1, None, None)])
    assert counts(cdc.run()) == {"read": 1, "deleted": 1}
    cdc.put(FIRST, [("D", at(1), 2, None, None), ("I", at(1), *CID)])
    assert counts(cdc.run()) == {"read": 2, "written": 1, "deleted": 1}
    assert cdc.rows() == [CID]
    cdc.put(SECOND, [("D", at(2), 3, None, None)])
    assert counts(cdc.run()) == {"read": 1, "deleted": 1}
    assert cdc.rows() == []
    cdc.put(THIRD, [("I", at(3), *ANN)])
    assert counts(cdc.run()) == {"read": 1, "written": 1}
    assert cdc.rows() == [ANN]
    assert cdc.batches() == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "storage"),
    [
        ("global_bloom", "copy_on_write"),
        ("record_index", "merge_on_read"),
        ("simple", "merge_on_read"),
        ("bloom", "copy_on_write"),
        pytest.param("global_bloom", "merge_on_read", marks=matrix),
        pytest.param("record_index", "copy_on_write", marks=matrix),
        pytest.param("simple", "copy_on_write", marks=matrix),
        pytest.param("bloom", "merge_on_read", marks=matrix),
    ],
)
def test_every_index(cdc: CdcBench, storage: str, index: str) -> None:
    cdc.feed(target__storage=storage, target__index=index)
    cdc.put(LOAD, [ANN, BOB, CID])
    assert counts(cdc.run()) == {"read": 3, "written": 3}
    if index in ("simple", "bloom"):  # for tables whose keys stay in one partition, with deletes that have it
        changes = [("U", at(1), 2, "Bobby", "HR"), ("D", at(1), *CID), ("I", at(2), 8, "Hal", "HR")]
        expected = [ANN, (2, "Bobby", "HR"), (8, "Hal", "HR")]
    else:
        changes = [("U", at(1), 2, "Bobby", "IT"), ("D", at(1), 3, None, None), ("I", at(2), 8, "Hal", "HR")]
        expected = [ANN, (2, "Bobby", "IT"), (8, "Hal", "HR")]
    cdc.put(FIRST, changes)
    assert counts(cdc.run()) == {"read": 3, "written": 2, "deleted": 1}
    assert cdc.rows() == expected
    cdc.put(SECOND, [("I", at(3), 3, "Cid again", "IT")])
    assert counts(cdc.run()) == {"read": 1, "written": 1}
    assert cdc.rows() == [ANN, expected[1], (3, "Cid again", "IT"), expected[2]]


@pytest.mark.slow
@needs_table_version_8
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_table_version_8(cdc: CdcBench, storage: str) -> None:
    cdc.feed(target__storage=storage, target__table_version=8)
    cdc.put(LOAD, [ANN, BOB, CID])
    assert counts(cdc.run()) == {"read": 3, "written": 3}
    cdc.put(FIRST, [("U", at(1), 2, "Bobby", "IT"), ("D", at(1), 3, None, None), ("I", at(2), 8, "Hal", "HR")])
    assert counts(cdc.run()) == {"read": 3, "written": 2, "deleted": 1}
    cdc.put(SECOND, [("I", at(3), 3, "Cid again", "IT"), ("U", at(3), 2, "Bob", "HR")])
    assert counts(cdc.run()) == {"read": 2, "written": 2}
    assert cdc.rows() == [ANN, BOB, (3, "Cid again", "IT"), (8, "Hal", "HR")]
    assert cdc.batches() == [1, 2, 3]
    properties = (cdc.lake / "refined/hr/employees/.hoodie/hoodie.properties").read_text()
    assert "hoodie.table.version=8" in properties.splitlines()


@pytest.mark.slow
def test_old_commits_are_cleaned(cdc: CdcBench) -> None:
    cdc.feed(target__keep_commits=2)
    cdc.put(LOAD, [ANN])
    cdc.run()
    for n in range(1, 6):
        cdc.put(f"20260801-1020{n:02}000.parquet", [("U", at(n), 1, f"Ann {n}", "IT")])
        assert cdc.run()["exit_code"] == 0
    kept = list((cdc.lake / "refined/hr/employees/department=IT").glob("*.parquet"))
    assert len(kept) == 3, "the newest, and what the two commits before it can be read from"
    assert cdc.rows() == [(1, "Ann 5", "IT")]
    assert cdc.batches() == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_tombstones_expire(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "MOST_FILES", 1)
    freeze_day(monkeypatch, "2026-08-01")
    cdc.feed(target__keep_deleted_days=10)
    cdc.put(LOAD, [(n, "x", "IT") for n in range(1, 5)])
    cdc.run()

    def remembered() -> list[set[str]]:
        files = sorted((cdc.lake / "state/hr/employees/deleted").glob("*"))
        return [{row["_record_key"] for row in pq.read_table(file).to_pylist()} for file in files]

    for n, when in enumerate(["2026-08-01", "2026-08-08", "2026-08-14"], start=1):
        freeze_day(monkeypatch, when)
        cdc.put(f"20260801-1020{n:02}000.parquet", [("D", at(30 + n), n, None, None)])
        cdc.run()
        assert len(remembered()) == 1, "tombstone files are merged"
    assert remembered() == [{"2", "3"}]
    cdc.put(FIRST, [("U", at(1), n, "late", "IT") for n in (1, 2, 3)])
    assert counts(cdc.run()) == {"read": 3, "written": 1, "superseded": 2}
    assert cdc.rows() == [(1, "late", "IT"), (4, "x", "IT")]
    freeze_day(monkeypatch, "2026-08-25")
    cdc.put(SECOND, [("U", at(50), 4, "y", "IT")])
    cdc.run()
    assert remembered() == [], "a batch without deletes removes a file whose tombstones have all expired"
    assert cdc.strays() == []


VALUES = [None, "", "a/b", "k=v", "100%", "%2F", "R&D", "Zürich", "a b", "a:b", "x'y\"z", "__HIVE", "日本", "."]


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_similar_partition_values_and_keys_are_distinct(cdc: CdcBench, storage: str) -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("n", pa.int32()), ("place", pa.string())])
    cdc.feed(tables={"t": {"key": "a, b", "partition_by": "place"}}, target__storage=storage)
    keys = [("a,b", "c"), ("a", "b,c"), ("a", ""), ("", "a"), ("a,", "b"), ("a", ",b"), ("%2C", "x"), (",", "x")]
    rows = [(*key, n, VALUES[n]) for n, key in enumerate(keys)]
    more = [(f"k{n}", "", n, value) for n, value in enumerate([*VALUES, None, ""])]
    cdc.put(LOAD, rows + more, schema, table="t")
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows("a", "b", "n", "place", table="t") == sorted(rows + more, key=repr)
    changes = [("U", at(1), *key, n + 100, VALUES[-n - 1]) for n, key in enumerate(keys[1:])]
    changes += [("U", at(1), f"k{n}", "", n + 1000, value) for n, value in enumerate(VALUES) if n % 2]
    changes += [("U", at(1), f"k{len(VALUES)}", "", 1, ""), ("U", at(1), f"k{len(VALUES) + 1}", "", 1, None)]
    changes += [("D", at(1), f"k{n}", "", None, None) for n in range(0, len(VALUES), 4)]
    cdc.put(FIRST, changes, schema, table="t")
    assert cdc.run()["exit_code"] == 0
    expected = {row[:2]: row for row in rows + more} | {change[2:4]: change[2:] for change in changes}
    gone = {change[2:4] for change in changes if change[0] == "D"}
    assert cdc.rows("a", "b", "n", "place", table="t") == sorted(
        (row for key, row in expected.items() if key not in gone), key=repr
    )


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
def test_partitions_of_every_type(cdc: CdcBench, storage: str) -> None:
    values: dict[str, tuple[pa.DataType, Any, Any]] = {
        "int": (pa.int32(), 7, -7),
        "date": (pa.date32(), dt.date(2026, 8, 1), dt.date(1500, 2, 28)),
        "time": (pa.timestamp("us"), dt.datetime(2026, 8, 1, 12), dt.datetime(2026, 8, 1, 12, 0, 0, 1)),
        "decimal": (pa.decimal128(9, 2), Decimal("1.50"), Decimal("-0.05")),
        "flag": (pa.bool_(), True, False),
        "double": (pa.float64(), 1.5, -1e300),
    }
    tables: dict[str, Any] = {name: {"key": "id", "partition_by": "p"} for name in values}
    tables["two"] = {"key": "id", "partition_by": ["held_key", "p"]}
    cdc.feed(tables=tables, target__storage=storage, targets_at_once=2)
    values["two"] = values["date"]
    for name, (kind, here, there) in values.items():
        schema = pa.schema([("id", pa.string()), ("p", kind), ("held_key", pa.string())])
        cdc.put(LOAD, [("moves", here, "x"), ("goes", here, "x"), ("stays", there, "x")], schema, table=name)
        changes = [
            ("U", at(1), "moves", there, "x"),
            ("U", at(1), "stays", there, "y"),
            ("D", at(1), "goes", None, None),
        ]
        cdc.put(FIRST, changes, schema, table=name)
        (cdc.lake / f"raw/hr/{name}/{FIRST}").rename(cdc.root / f"{name}.parquet")
    assert cdc.command("run").exit_code == 0
    for name in values:
        (cdc.root / f"{name}.parquet").rename(cdc.lake / f"raw/hr/{name}/{FIRST}")
    assert cdc.command("run").exit_code == 0
    for name, (_, _, there) in values.items():
        expected = [("moves", there, "x"), ("stays", there, "y")]
        assert cdc.rows("id", "p", "held_key", table=name) == expected, name


@pytest.mark.slow
def test_columns_may_be_added_widened_and_reordered(cdc: CdcBench) -> None:
    cdc.put(LOAD, [ANN, BOB, CID])
    cdc.run()
    wide = pa.schema(
        [("name", pa.string()), ("emp_no", pa.int64()), ("department", pa.string()), ("pay", pa.float64())]
    )
    cdc.put(FIRST, [("U", at(1), "Ann", 1, "IT", 1.5), ("I", at(1), "Big", 2**40, "IT", None)], wide)
    plan = cdc.command("plan", "--json").data[0]
    changes = ["widened emp_no from int to bigint", "added pay double", "reordered: name, emp_no, department"]
    assert plan["schema_changes"] == changes
    assert cdc.run()["schema_changes"] == changes
    columns = ("emp_no", "name", "department", "pay")
    expected = [(1, "Ann", "IT", 1.5), (2**40, "Big", "IT", None), (2, "Bob", "HR", None), (3, "Cid", "IT", None)]
    assert cdc.rows(*columns) == sorted(expected, key=repr)

    narrow = pa.schema([("emp_no", pa.int32()), ("department", pa.string())])
    cdc.put(SECOND, [("U", at(2), 1, "HR")], narrow)
    cdc.put(THIRD, [("D", at(3), 3)], pa.schema([("emp_no", pa.int32())]))
    receipt = cdc.run()
    assert receipt["schema_changes"] == [
        "name is absent from a file; the column stays",
        "pay is absent from a file; the column stays",
    ]
    expected = [(1, None, "HR", None), (2**40, "Big", "IT", None), (2, "Bob", "HR", None)]
    assert cdc.rows(*columns) == sorted(expected, key=repr)

    before = sorted(path.name for path in (cdc.lake / "refined").rglob("*"))
    odd = pa.schema([("emp_no", pa.string()), ("name", pa.string()), ("department", pa.string())])
    path = cdc.put("20260801-103000000.parquet", [("U", at(4), "1", "Ann", "IT")], odd)
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert "column 'emp_no' is string, but bigint in the table; no type fits both without loss" in receipt["error"]
    assert path.name in receipt["error"]
    assert sorted(path.name for path in (cdc.lake / "refined").rglob("*")) == before


@pytest.mark.slow
def test_types_are_read_exactly(cdc: CdcBench) -> None:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("day", pa.date32()),
            ("micros", pa.timestamp("us")),
            ("millis", pa.timestamp("ms", tz="UTC")),
            ("amount", pa.decimal128(20, 4)),
            ("flag", pa.bool_()),
            ("tiny", pa.uint8()),
            ("small", pa.int16()),
            ("huge", pa.uint64()),
            ("bytes", pa.binary()),
        ]
    )
    old = dt.datetime(1582, 10, 4, 1, 2, 3, 456789)
    row = (
        1,
        dt.date(1500, 2, 28),
        old,
        old.replace(microsecond=0),
        Decimal("-1.2345"),
        True,
        255,
        -7,
        2**64 - 1,
        b"\xff",
    )
    cdc.feed(tables={"t": {"key": "id"}})
    cdc.put(LOAD, [row], schema, table="t")
    cdc.put(FIRST, [("I", at(1), 2, *row[1:])], schema, table="t")
    assert cdc.run()["exit_code"] == 0
    cdc.put(SECOND, [("I", at(2), 3, *row[1:])], schema, table="t")
    assert cdc.run()["exit_code"] == 0
    frame = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr/t"))
    texts = frame.selectExpr(
        "id", "string(day)", "string(micros)", "string(millis)", "amount", "flag", "tiny", "small", "huge", "hex(bytes)"
    )
    assert sorted(tuple(row) for row in texts.collect()) == [
        (
            n,
            "1500-02-28",
            "1582-10-04 01:02:03.456789",
            "1582-10-04 01:02:03",
            Decimal("-1.2345"),
            True,
            255,
            -7,
            2**64 - 1,
            "FF",
        )
        for n in (1, 2, 3)
    ]


@pytest.mark.slow
def test_a_reload_is_refused_and_rebuilt_without_older_changes(cdc: CdcBench) -> None:
    cdc.put(LOAD, [ANN, BOB])
    cdc.put(FIRST, [("U", at(1), 1, "changed", "IT"), ("D", at(1), 2, None, None)])
    assert cdc.run()["exit_code"] == 0
    schema = pa.schema([*EMPLOYEES, ("ts", pa.string())])
    cdc.put("20260801-102100000.parquet", [("U", at(2), 1, "waited, and is older than the load", "IT")])
    cdc.put(LOAD, [(*ANN, "2026-08-01 10:22:00.000000"), (*CID, "2026-08-01 10:22:01.000000")], schema)
    cdc.put(THIRD, [("U", "2026-08-01 10:24:00.000000", 3, "Cid after the load", "IT")])
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert f"raw/hr/employees/{LOAD} was rewritten" in receipt["error"]
    assert "run `rebuild`" in receipt["error"]
    receipt = cdc.run(verb="rebuild")
    assert receipt["exit_code"] == 0, receipt
    assert cdc.rows() == [ANN, (3, "Cid after the load", "IT")]
    assert receipt["ignored"] == {
        f"raw/hr/employees/{name}": "older than the full load" for name in (FIRST, "20260801-102100000.parquet")
    }
    assert cdc.run()["status"] == "nothing_new"
    cdc.put("20260801-103000000.parquet", [("D", "2026-08-01 10:29:00.000000", 3, None, None)])
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows() == [ANN]
    assert cdc.run(verb="rebuild")["exit_code"] == 0
    assert cdc.rows() == [ANN]
    assert cdc.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"target__storage": "merge_on_read"},
            "hoodie.table.type of refined/hr/employees/ is 'COPY_ON_WRITE', but 'MERGE_ON_READ' in the feed",
            id="storage",
        ),
        pytest.param(
            {"target__table_version": 8},
            "hoodie.table.version of refined/hr/employees/ is '6', but '8'",
            id="version",
            marks=needs_table_version_8,
        ),
        pytest.param(
            {"tables": {"employees": {"key": "name", "partition_by": "department"}}},
            "hoodie.table.recordkey.fields of refined/hr/employees/ is 'emp_no', but 'name' in the feed",
            id="key",
        ),
        pytest.param(
            {"tables": {"employees": {"key": "emp_no,name", "partition_by": "department"}}},
            "hoodie.table.recordkey.fields of refined/hr/employees/ is 'emp_no', but '_record_key' in the feed",
            id="longer-key",
        ),
        pytest.param(
            {"tables": {"employees": {"key": "emp_no"}}},
            "hoodie.table.partition.fields of refined/hr/employees/ is 'department', but '' in the feed",
            id="partition",
        ),
    ],
)
def test_a_feed_that_differs_from_its_table_is_refused(
    cdc: CdcBench, one_load: Path, changes: Any, message: str
) -> None:
    import shutil

    shutil.copytree(one_load, cdc.lake, dirs_exist_ok=True)
    cdc.feed(**changes)
    cdc.put(FIRST, [("D", at(1), 1, None, None)])
    plan = cdc.command("plan", "--json")
    receipt = cdc.run()
    assert plan.exit_code == receipt["exit_code"] == 2
    assert plan.data[0]["error"] == receipt["error"]
    assert receipt["error"].startswith(message)
    assert "run `rebuild`" in receipt["error"]
    assert cdc.rows() == [ANN, BOB, CID]


@pytest.mark.slow
def test_another_composite_key_is_refused(cdc: CdcBench) -> None:
    """Hudi does not notice: such a table has one text column as its key."""
    cdc.feed(tables={"employees": {"key": "emp_no, name", "partition_by": "department"}})
    cdc.put(LOAD, [ANN, BOB])
    assert cdc.run()["exit_code"] == 0
    cdc.feed(tables={"employees": {"key": "name, emp_no", "partition_by": "department"}})
    cdc.put(FIRST, [("D", at(1), *ANN)])
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert "key emp_no, name, the feed's is" in receipt["error"]
    assert "key name, emp_no; run `rebuild`" in receipt["error"]
    assert cdc.rows() == [ANN, BOB]


@pytest.fixture(scope="module")
def one_load(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    """A lake with a table after a load and one batch of changes."""
    bench = CdcBench(tmp_path_factory.mktemp("one_load"), spark)
    bench.feed()
    bench.put(LOAD, [ANN, BOB])
    bench.run()
    bench.put("20260801-100000000.parquet", [("I", at(0), *CID)])
    bench.run()
    return bench.lake


@pytest.mark.slow
def test_a_restored_or_dropped_table_is_detected(cdc: CdcBench, one_load: Path) -> None:
    import shutil

    shutil.copytree(one_load, cdc.lake, dirs_exist_ok=True)
    table = cdc.lake / "refined/hr/employees"
    for instant in sorted((table / ".hoodie").glob("*.commit*"))[-3:]:
        instant.unlink()
    receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert "the log ends with batch 2, the timeline of refined/hr/employees/ with batch 1" in receipt["error"]
    assert "run `rebuild`" in receipt["error"]
    shutil.rmtree(table)
    receipt = cdc.run()
    assert "the log ends with batch 2, but refined/hr/employees/ has no Hudi table" in receipt["error"]
    assert cdc.run(verb="rebuild")["exit_code"] == 0
    assert cdc.rows() == [ANN, BOB, CID]
    assert cdc.batches() == [3]
    shutil.rmtree(cdc.lake / "state")
    assert "the log ends with batch 0, the timeline of refined/hr/employees/ with batch 3" in cdc.run()["error"]


@pytest.mark.slow
def test_properties_left_empty_by_a_killed_write(cdc: CdcBench, one_load: Path) -> None:
    import shutil

    shutil.copytree(one_load, cdc.lake, dirs_exist_ok=True)
    properties = cdc.lake / "refined/hr/employees/.hoodie/hoodie.properties"
    backup = properties.with_name("hoodie.properties.backup")
    shutil.copy(properties, backup)
    properties.write_text("")
    receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert receipt["error"].endswith(
        "copy its backup refined/hr/employees/.hoodie/hoodie.properties.backup over it and run again"
    )
    backup.rename(properties)
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows() == [ANN, BOB, CID]


@pytest.mark.slow
def test_a_target_folder_with_other_files_is_refused(cdc: CdcBench, one_load: Path) -> None:
    import shutil

    path = cdc.lake / "refined/hr/employees/data.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"somebody's")
    cdc.put(LOAD, [ANN])
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert "contains refined/hr/employees/data.parquet, but is not a Hudi table" in receipt["error"]
    assert path.read_bytes() == b"somebody's"
    shutil.rmtree(cdc.lake / "refined")
    shutil.copytree(one_load / "refined", cdc.lake / "refined")
    cdc.feed(tables={"employees": {}})
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert "is a Hudi table, but the table has no key now" in receipt["error"]


@pytest.mark.slow
def test_a_write_without_a_commit_fails(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    cdc.put(LOAD, [ANN])
    with monkeypatch.context() as patch:
        patch.setattr(hudi_sink, "write_load", lambda *args, **kwargs: None)
        receipt = cdc.run()
    assert receipt["exit_code"] == 1
    assert "the timeline of refined/hr/employees/ has no commit of batch 1" in receipt["error"]
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows() == [ANN]
    assert cdc.batches() == [1]


@pytest.mark.slow
def test_a_committed_batch_is_not_dropped(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    cdc.put(LOAD, [ANN])
    with monkeypatch.context() as patch:
        patch.setattr(Log, "write_outcome", fail)
        assert cdc.run()["exit_code"] == 1
    receipt = cdc.run("--drop-open")
    assert [(batch["number"], batch["status"]) for batch in receipt["batches"]] == [(1, "committed")]
    assert cdc.rows() == [ANN]
    assert cdc.batches() == [1]


@pytest.mark.slow
def test_a_failure_after_the_commit_does_not_repeat_it(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = hudi_sink.write_load

    def write_and_fail(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise RuntimeError("cleaning failed")

    monkeypatch.setattr(hudi_sink, "write_load", write_and_fail)
    cdc.put(LOAD, [ANN])
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows() == [ANN]
    assert cdc.batches() == [1]


@pytest.mark.slow
def test_invalid_files(cdc: CdcBench) -> None:
    cdc.put(LOAD, [])
    cdc.put(FIRST, [])
    assert counts(cdc.run()) == {}
    assert cdc.rows() == []
    assert cdc.batches() == [1]
    cdc.put(SECOND, [("I", at(1), *ANN)])
    (cdc.lake / "raw/hr/employees/notes.txt").write_text("x")
    broken = cdc.put(THIRD, [("I", at(1), *BOB)])
    broken.write_bytes(broken.read_bytes()[:-20])
    (cdc.lake / "raw/hr/employees/20260801-110000000.parquet").write_bytes(b"")
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert sorted(receipt["refused"]) == [f"raw/hr/employees/{name}" for name in (THIRD, "20260801-110000000.parquet")]
    assert "not a readable Parquet file" in receipt["error"]
    assert receipt["ignored"] == {"raw/hr/employees/notes.txt": "not named .parquet"}
    assert cdc.rows() == [ANN]  # changes before the damaged files
    for path in (broken, cdc.lake / "raw/hr/employees/20260801-110000000.parquet"):
        path.unlink()
    folder = cdc.lake / "raw/hr/employees/2026/08/01"
    folder.mkdir(parents=True)
    cdc.put(SECOND.replace("2000000", "2100000"), [("U", at(2), *ANN)]).rename(folder / "a+b %41 é.parquet")
    assert counts(cdc.run()) == {"read": 1, "written": 1}
    ((order,),) = cdc.rows("_change_order")
    assert order == "120260801100002000000 2026/08/01/a+b %41 é.parquet 0000000000"


@pytest.mark.slow
def test_rejected_rows_expire_between_commits(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    cdc.feed(max_rejected=0.5, quarantine_days=5)
    freeze_day(monkeypatch, "2026-08-01")
    cdc.put(LOAD, [ANN, BOB, (None, "?", "IT")])
    assert cdc.run()["exit_code"] == 0
    freeze_day(monkeypatch, "2026-08-06")
    receipt = cdc.run()
    assert (receipt["status"], [batch["status"] for batch in receipt["batches"]]) == ("nothing_new", ["expired"])
    assert cdc.quarantine() == []
    cdc.put(FIRST, [("U", at(1), 1, "Anne", "IT"), ("U", "soon", 2, "?", "IT")])
    assert cdc.run()["exit_code"] == 0
    assert cdc.batches() == [1, 3]
    assert cdc.rows() == [(1, "Anne", "IT"), BOB]
    (row,) = cdc.quarantine()
    fields = {"Op": "U", "ts": "soon", "emp_no": "2", "name": "?", "department": "IT"}
    assert (row["position"], row["fields"], json.loads(row["text"])) == (1, fields, fields)
    assert [(reason["rule"], reason["column"]) for reason in row["reasons"]] == [("order", "ts")]
    assert (cdc.strays(), str(row["first_seen"])) == ([], "2026-08-06")


@pytest.mark.slow
def test_too_many_rejected_rows_leave_the_table_unchanged(cdc: CdcBench) -> None:
    cdc.put(LOAD, [ANN])
    cdc.run()
    cdc.put(FIRST, [("U", at(1), 1, "x", "IT"), ("X", at(1), 2, "?", "IT"), ("U", "soon", 3, "?", "IT")])
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert receipt["rules"] == {"Op: kind": 1, "ts: order": 1}
    assert cdc.batches() == [1]
    assert cdc.rows() == [ANN]
    assert len(cdc.quarantine()) == 2
    assert cdc.run("--set", "max_rejected=0.7")["exit_code"] == 0
    assert cdc.rows() == [(1, "x", "IT")]
    assert cdc.batches() == [1, 3]


@pytest.mark.slow
def test_replication_columns_are_kept_if_configured(cdc: CdcBench) -> None:
    cdc.feed(target__keep_columns=["ts", "Op"])
    cdc.put(LOAD, [ANN])
    cdc.put(FIRST, [("I", at(1), *BOB)])
    cdc.run()
    assert cdc.rows("emp_no", "Op", "ts") == [(1, None, None), (2, "I", at(1))]


@pytest.mark.slow
def test_a_table_without_a_key_keeps_every_row(cdc: CdcBench) -> None:
    cdc.feed(tables={"employees": {"partition_by": "department"}}, max_rejected=0.5)
    cdc.put(LOAD, [ANN, ANN, (3, None, None)])
    cdc.run()
    cdc.put(FIRST, [("D", at(1), *ANN), ("I", at(2), 9, "Zoe", "a/b=c %"), ("I", at(2), 9, "Zoe", "")])
    receipt = cdc.run()
    assert counts(receipt) == {"read": 3, "written": 2, "rejected": 1}
    assert receipt["rules"] == {"department: partition": 1}
    frame = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/employees"))
    assert sorted((tuple(row) for row in frame.select("emp_no", "department", "Op").collect()), key=repr) == [
        (1, "IT", "D"),
        (1, "IT", "I"),
        (1, "IT", "I"),
        (3, None, "I"),
        (9, "a/b=c %", "I"),
    ]
    assert cdc.strays() == []
    wide = pa.schema([("emp_no", pa.int64()), ("name", pa.string()), ("department", pa.string())])
    cdc.put(SECOND, [("I", at(3), *ANN)], wide)
    assert cdc.run()["schema_changes"] == ["widened emp_no from int to bigint"]
    assert cdc.spark.read.parquet(str(cdc.lake / "refined/hr/employees")).count() == 6
    assert cdc.strays() == []
    assert cdc.run("--set", "max_rejected=0.5", verb="rebuild")["counts"]["written"] == 6


@pytest.mark.slow
def test_many_tables_in_one_run(cdc: CdcBench) -> None:
    for table in ("employees", "new", "bad", "by_hand"):
        cdc.put(LOAD, [ANN, BOB], table=table)
    cdc.put(
        FIRST, [("U", at(1), "x", "Ann", "IT")], pa.schema([("emp_no", pa.string()), *list(EMPLOYEES)[1:]]), table="bad"
    )
    tables = {name: {"key": "emp_no"} for name in ("employees", "bad", "absent")}
    cdc.feed(tables=tables)
    answer = cdc.command("run", "--json")
    outcomes = {receipt["target"]: (receipt["status"], receipt["exit_code"]) for receipt in answer.data}
    assert outcomes == {
        "absent": ("refused", 3),
        "bad": ("refused", 3),
        "by_hand": ("failed", 2),
        "employees": ("committed", 0),
        "new": ("failed", 2),
    }
    assert answer.exit_code == 3
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error:")]
    assert [line.split(":")[1].strip() for line in errors] == ["absent", "bad", "by_hand", "new"]
    assert "table new in raw/hr/new/ is not configured" in errors[-1]

    cdc.feed(tables=tables, unconfigured="skip")
    plans = {plan["target"]: plan for plan in cdc.command("plan", "--json").data}
    assert plans["new"]["ignored"] == {"raw/hr/new/": "not configured; the feed skips such tables"}
    answer = cdc.command("run", "--json", "--target", "new", "--target", "by_hand")
    assert [receipt["status"] for receipt in answer.data] == ["nothing_new", "nothing_new"]
    cdc.feed(tables=tables, unconfigured="append")
    answer = cdc.command("run", "--json", "--target", "new")
    assert answer.exit_code == 0
    assert cdc.spark.read.parquet(str(cdc.lake / "refined/hr/new")).count() == 2


@pytest.mark.slow
def test_compact(cdc: CdcBench) -> None:
    cdc.feed(target__storage="merge_on_read")
    answer = cdc.command("compact", "--json")
    assert answer.exit_code == 2
    assert "has no Hudi table yet" in answer.last_line
    cdc.put(LOAD, [ANN, BOB, CID])
    cdc.run()
    assert cdc.command("compact", "--json").data[0]["compactions"] == []
    cdc.put(FIRST, [("U", at(1), 1, "Ann", "HR"), ("D", at(1), 3, None, None), ("U", at(2), 2, "Bobby", "HR")])
    cdc.run()

    def view(kind: str) -> list[tuple[Any, ...]]:
        reader = cdc.spark.read.format("hudi").option("hoodie.datasource.query.type", kind)
        rows = reader.load(str(cdc.lake / "refined/hr/employees")).select("emp_no", "name", "department").collect()
        return sorted(map(tuple, rows))

    expected = [(1, "Ann", "HR"), (2, "Bobby", "HR")]
    assert view("snapshot") == expected
    assert view("read_optimized") != expected
    answer = cdc.command("compact", "--target", "employees", "--json")
    (done,) = answer.data[0]["compactions"]
    assert done["log_files"] >= 1
    assert "department=IT" in done["partitions"]
    assert view("read_optimized") == view("snapshot") == expected
    assert cdc.command("compact", "--json").data[0]["compactions"] == []
    cdc.put(SECOND, [("I", at(3), *CID)])
    assert cdc.run()["exit_code"] == 0, "the previous batch is found before the compaction"
    assert cdc.rows() == [*expected, CID]
    assert cdc.batches() == [1, 2, 3]
    assert "nothing to do" in cdc.command("compact", "--target", "employees").stdout
    assert cdc.strays() == []


@pytest.mark.slow
def test_tables_without_a_key_are_compacted_beside_those_with_one(cdc: CdcBench) -> None:
    cdc.feed(tables={"employees": {"key": "emp_no"}, "visits": {}})
    cdc.put(LOAD, [ANN])
    for number in range(2):
        cdc.put(f"20260801-10000000{number}.parquet", [("I", at(number), *BOB)], table="visits")
        assert cdc.command("run").exit_code == 0
    answer = cdc.command("compact", "--json")
    assert answer.exit_code == 0, answer.stderr
    employees, visits = answer.data
    assert (employees["target"], employees["compactions"], visits["target"]) == ("employees", [], "visits")
    assert [(done["files"], done["into"], done["rows"]) for done in visits["compactions"]] == [(2, 1, 2)]
    assert cdc.spark.read.parquet(str(cdc.lake / "refined/hr/visits")).count() == 2
    assert "2 small files" not in cdc.command("compact").stdout


@pytest.mark.slow
def test_compaction_of_old_dates_and_next_to_a_failing_table(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pa.schema([("id", pa.int32()), ("born", pa.timestamp("us")), ("name", pa.string())])
    old = dt.datetime(1582, 1, 1)
    cdc.feed(tables={"a": {"key": "id"}, "b": {"key": "id"}}, target__storage="merge_on_read")
    for table in ("a", "b"):
        cdc.put(LOAD, [(1, old, "x"), (2, old, "x")], schema, table=table)
    cdc.command("run")
    for table in ("a", "b"):
        cdc.put(FIRST, [("U", at(1), 2, old, "y")], schema, table=table)
    cdc.command("run")
    compact_table = hudi_sink.compact_table

    def fail_for_a(spark: SparkSession, table: Any) -> Any:
        if table.name == "a":
            raise RuntimeError("broken")
        return compact_table(spark, table)

    with monkeypatch.context() as patch:
        patch.setattr(hudi_sink, "compact_table", fail_for_a)
        answer = cdc.command("compact", "--json")
    assert answer.exit_code == 1
    a, b = answer.data
    assert a["exit_code"] == 1
    assert a["error"].startswith("unexpected RuntimeError at lakewright/hudi/sink.py:")
    assert b["compactions"][0]["log_files"] == 1
    assert cdc.command("compact").exit_code == 0
    for table in ("a", "b"):
        reader = cdc.spark.read.format("hudi").option("hoodie.datasource.query.type", "read_optimized")
        rows = reader.load(str(cdc.lake / "refined/hr" / table)).select("id", "born", "name").collect()
        assert sorted(map(tuple, rows)) == [(1, old, "x"), (2, old, "y")]


def test_a_date_filter_is_refused(cdc: CdcBench) -> None:
    cdc.put(LOAD, [ANN])
    assert "changes are applied in order" in cdc.run("--date", "2026-08-01")["error"]


@pytest.mark.slow
def test_a_file_with_a_too_long_value_is_refused_and_earlier_ones_are_applied(cdc: CdcBench) -> None:
    cdc.feed(source__max_record_bytes=1024)
    cdc.put("LOAD00000001.parquet", [(1, "a" * 1024, "x"), (2, "b", "x")])
    cdc.put("20260801-101500000.parquet", [("U", "2026-08-01 10:00:00", 1, "secret" + "a" * 1019, "x")])
    cdc.put("20260801-101600000.parquet", [("U", "2026-08-01 10:01:00", 2, "c", "x")])
    answer = cdc.command("run", "--json")
    (receipt,) = answer.data
    path = "raw/hr/employees/20260801-101500000.parquet"
    reason = "a value of column 'name', rows 1 to 1, is longer than 1024 bytes; raise source.max_record_bytes if this is intended"
    assert (answer.exit_code, receipt["refused"]) == (3, {path: reason})
    assert "secret" not in answer.stdout + answer.stderr
    assert cdc.rows("emp_no", "name") == [(1, "a" * 1024), (2, "b")]
    cdc.feed(source__max_record_bytes=1025)
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows("emp_no", "name") == [(1, "secret" + "a" * 1019), (2, "c")]


@pytest.mark.slow
@pytest.mark.parametrize("partition_by", ["department", ""])
def test_a_large_load_is_sorted_with_the_same_result(
    cdc: CdcBench, monkeypatch: pytest.MonkeyPatch, partition_by: str
) -> None:
    from lakewright.hudi import writer as hudi

    modes = []
    whole = hudi._write

    def write(*arguments: Any, **options: Any) -> Any:
        modes.append(str(arguments))
        return whole(*arguments, **options)

    monkeypatch.setattr(hudi, "_write", write)
    monkeypatch.setattr(hudi, "_TASK_BYTES", 1000)
    cdc.feed(tables={"employees": {"key": "emp_no", "partition_by": partition_by}}, target__parallelism=0)
    people = [(n, f"name {n}", "xyz"[n % 3]) for n in range(200)]
    cdc.put("LOAD00000001.parquet", people)
    assert counts(cdc.run()) == {"read": 200, "written": 200}
    assert cdc.rows() == sorted(people, key=repr)
    assert ["GLOBAL_SORT" in mode for mode in modes] == [bool(partition_by)]
    cdc.put("20260801-101500000.parquet", [("U", "2026-08-01 10:00:00", 1, "changed", "y")])
    assert counts(cdc.run()) == {"read": 1, "written": 1}
    assert cdc.rows() == sorted([(1, "changed", "y"), *(row for row in people if row[0] != 1)], key=repr)
