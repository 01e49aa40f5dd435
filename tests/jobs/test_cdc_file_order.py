"""Change data without ordering columns, ordered by the time stamps in file names."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.cdc import EMPLOYEES, STORAGES, CdcBench, committed

pytestmark = pytest.mark.slow
LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD, FOURTH = (f"20260801-10{minute}12345.parquet" for minute in (15, 20, 25, 30))
ANN, BOB, CID = (1, "Ann", "IT"), (2, "Bob", "HR"), (3, "Cid", "IT")
GONE = (None, None)


class FileOrderBench(CdcBench):
    """A bench with changes without a time."""

    def feed(self, tables: Any = None, **changes: Any) -> None:
        settings = {"source__time_column": "", "source__replication_columns": [], "source__order_by": "file"}
        super().feed(tables, **settings | changes)

    def put(self, name: str, rows: Any, schema: pa.Schema = EMPLOYEES, **options: Any) -> Path:
        return super().put(name, rows, schema, **{"has_times": False} | options)


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[FileOrderBench]:
    bench = FileOrderBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed()
    yield bench
    bench.remove()


@pytest.mark.parametrize("storage", STORAGES)
def test_the_last_change_of_a_key_wins_in_any_order_of_arrival(cdc: FileOrderBench, storage: str) -> None:
    """Within a file, across files of a batch, and in late files, also after compact and rebuild."""
    cdc.feed(target__storage=storage)
    cdc.put(LOAD, [ANN, BOB, CID, (4, "Dan", "IT")])
    # The path of the later file sorts before that of the earlier one.
    cdc.put(f"2026/08/01/{SECOND}", [("U", 1, "Ann 3", "IT"), ("U", 1, "Ann 4", "HR"), ("D", 2, *GONE)])
    cdc.put(f"2026/08/02/{FIRST}", [("U", 1, "Ann 1", "IT"), ("U", 1, "Ann 2", "IT"), ("I", 9, "Ida", "HR")])
    cdc.put(FOURTH, [("D", 9, *GONE), ("U", 3, "Cid 4", "IT")])
    # A file of deletes has the key only.
    cdc.put("20260801-103500000.parquet", [("D", 8)], pa.schema([("emp_no", pa.int32())]))
    assert committed(cdc.run()) == {"read": 13, "written": 3, "deleted": 3, "superseded": 7}
    expected = [(1, "Ann 4", "HR"), (3, "Cid 4", "IT"), (4, "Dan", "IT")]
    assert cdc.rows() == expected
    ((order,),) = [row for row in cdc.rows("_change_order") if "2026/08/01" in row[0]]
    assert order == f"120260801102012345000 2026/08/01/{SECOND} 0000000001"

    if storage == "merge_on_read":
        assert cdc.command("compact").exit_code == 0
    cdc.put(
        THIRD,
        [
            ("U", 3, "Cid 3", "HR"),  # older than the row
            ("U", 9, "Ida 3", "HR"),  # older than the delete
            ("U", 2, "Bob 3", "HR"),  # newer than the delete
            ("D", 4, *GONE),  # late, and still the last of its key
        ],
    )
    assert committed(cdc.run()) == {"read": 4, "written": 1, "deleted": 1, "superseded": 2}
    expected = [(1, "Ann 4", "HR"), (2, "Bob 3", "HR"), (3, "Cid 4", "IT")]
    assert cdc.rows() == expected
    assert cdc.run()["status"] == "nothing_new"

    assert committed(cdc.run(verb="rebuild")) == {"read": 17, "written": 3, "deleted": 3, "superseded": 11}
    assert cdc.rows() == expected
    cdc.put("20260801-101000000.parquet", [("U", number, "late", "IT") for number in (1, 2, 3, 4, 9)])
    assert committed(cdc.run()) == {"read": 5, "superseded": 5}
    assert cdc.rows() == expected


@pytest.mark.parametrize(
    ("names", "applied", "refused", "reason"),
    [
        pytest.param(
            [FIRST, "changes.parquet"], 0, "changes.parquet", "does not begin with a time stamp", id="no-stamp"
        ),
        pytest.param(
            ["20261301-101512345.parquet"], 0, "20261301-101512345.parquet", "does not begin with", id="invalid-month"
        ),
        pytest.param(
            [FIRST, SECOND, f"2026/08/01/{SECOND}"],
            1,
            SECOND,
            f"has the same time stamp as raw/hr/employees/2026/08/01/{SECOND}",
            id="two-files-with-the-same-stamp",
        ),
    ],
)
def test_a_file_whose_name_does_not_order_it_is_refused(
    cdc: FileOrderBench, names: list[str], applied: int, refused: str, reason: str
) -> None:
    for name in names:
        cdc.put(name, [("I", *ANN)])
    answer = cdc.command("plan", "--json")
    (plan,) = answer.data
    assert (answer.exit_code, len(plan["objects"])) == (3, applied)
    assert reason in plan["refused"][f"raw/hr/employees/{refused}"]


def test_a_file_with_the_stamp_of_an_applied_one_is_refused(cdc: FileOrderBench) -> None:
    cdc.feed({"employees": {}})
    cdc.put(FIRST, [("I", *ANN)])
    assert committed(cdc.run()) == {"read": 1, "written": 1}
    cdc.put(f"2026/08/01/{FIRST}", [("I", *BOB)])
    cdc.put(SECOND, [("I", *CID)])
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert f"raw/hr/employees/2026/08/01/{FIRST}: its name has the same time stamp as" in receipt["error"]
    assert cdc.command("status", "--json").data[0]["last_batch"]["number"] == 1


def test_an_appended_table_keeps_the_order_of_files(cdc: FileOrderBench) -> None:
    cdc.feed({"employees": {}})
    cdc.put(LOAD, [ANN])
    cdc.put(SECOND, [("U", 1, "Ann 2", "IT"), ("D", 1, *GONE)])
    cdc.put(FIRST, [("U", 1, "Ann 1", "IT")])
    assert committed(cdc.run()) == {"read": 4, "written": 4}
    files = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/employees"))
    in_order = files.orderBy("_change_order").select("Op", "name").collect()
    assert [tuple(row) for row in in_order] == [("I", "Ann"), ("U", "Ann 1"), ("U", "Ann 2"), ("D", None)]


@pytest.mark.parametrize("tables", [{"employees": {"key": "emp_no"}}, {"employees": {}}], ids=["keyed", "appended"])
def test_changes_without_an_order_are_refused_by_plan(cdc: FileOrderBench, tables: dict[str, Any]) -> None:
    cdc.feed(tables, source__order_by="columns")
    cdc.put(LOAD, [ANN])
    assert cdc.command("plan").exit_code == 0
    cdc.put(FIRST, [("U", 1, "Ann 1", "IT")])
    problem = (
        f"employees: raw/hr/employees/{FIRST} has no column that orders its changes ('AR_H_CHANGE_SEQ'); set "
        "source.time_column to the column of the endpoint's TimestampColumnName, or, if the replication adds none, "
        "source.order_by: file (tables.employees.order_by for this table alone)"
    )
    (plan,) = cdc.command("plan", "--json").data
    assert (plan["exit_code"], plan["error"]) == (2, problem)
    receipt = cdc.run()
    assert (receipt["exit_code"], receipt["error"]) == (2, problem)
    cdc.feed(tables, source__order_by="columns", source__time_column="committed")
    assert "('AR_H_CHANGE_SEQ' or 'committed')" in cdc.run()["error"]
    cdc.feed({"employees": tables["employees"] | {"order_by": "file"}}, source__order_by="columns")
    assert committed(cdc.run())["read"] == 2


def test_another_order_needs_a_rebuild(cdc: FileOrderBench) -> None:
    cdc.put(LOAD, [ANN])
    cdc.put(FIRST, [("U", "2026-08-01 10:00:00", 1, "Ann 1", "IT")], has_times=True)
    cdc.feed(source__order_by="columns", source__time_column="ts", source__replication_columns=["ts"])
    assert committed(cdc.run()) == {"read": 2, "written": 1, "superseded": 1}
    cdc.feed(source__replication_columns=["ts"])
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert (
        "the feed's is refined/hr/employees/ by department, key emp_no, ordered by file; run `rebuild`"
        in (receipt["error"])
    )
    assert committed(cdc.run(verb="rebuild")) == {"read": 2, "written": 1, "superseded": 1}
    assert cdc.rows("_change_order") == [(f"120260801101512345000 {FIRST} 0000000000",)]


def test_a_reload_drops_changes_with_earlier_stamps(cdc: FileOrderBench) -> None:
    cdc.put(LOAD, [ANN, BOB])
    cdc.put(FIRST, [("U", 1, "Ann 1", "IT")])
    assert cdc.run()["exit_code"] == 0
    # Neither was applied before the reload was detected: one was written before it, one after.
    cdc.put(SECOND, [("U", 1, "Ann 2", "IT")])
    load = cdc.put(LOAD, [(1, "Ann again", "IT"), (2, "Bob again", "HR")])
    at = datetime(2026, 8, 1, 10, 22, tzinfo=UTC).timestamp()
    os.utime(load, (at, at))
    cdc.put(THIRD, [("U", 2, "Bob 3", "HR")])
    assert "the table was reloaded; run `rebuild`" in cdc.run()["error"]
    receipt = cdc.run(verb="rebuild")
    assert committed(receipt) == {"read": 3, "written": 2, "superseded": 1}
    older = {f"raw/hr/employees/{name}": "older than the full load" for name in (FIRST, SECOND)}
    assert receipt["ignored"] == older
    assert cdc.rows() == [(1, "Ann again", "IT"), (2, "Bob 3", "HR")]


@pytest.mark.parametrize(
    ("has_sequence", "rules"),
    [
        pytest.param(False, {"ts: order": 1}, id="time"),
        pytest.param(True, {"AR_H_CHANGE_SEQ: order": 1, "ts: order": 1}, id="sequence-and-time"),
    ],
)
def test_a_delete_without_an_order_is_rejected_for_each_ordering_column(
    cdc: FileOrderBench, has_sequence: bool, rules: dict[str, int]
) -> None:
    cdc.feed(source__order_by="columns", source__time_column="ts", source__replication_columns=["ts"])
    cdc.put(LOAD, [ANN])
    path = cdc.put(FIRST, [("D", None, 1, *GONE), ("U", "2026-08-01 10:00:00", 1, "Ann 1", "IT")], has_times=True)
    if has_sequence:
        changes = pq.read_table(path)
        pq.write_table(changes.append_column("AR_H_CHANGE_SEQ", pa.array([None, None], pa.string())), path)
    receipt = cdc.run()
    assert (receipt["exit_code"], receipt["rules"]) == (3, rules)
