"""Gates of change data: the last change of each key is judged before the commit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from jobs.cli.registry import load_feed
from lakewright.config_files import Conf
from lakewright.storage.uris import open_lake
from tests.cdc import CdcBench
from tests.suites import REJECT, WARN, gxe, write_suite

pytestmark = [pytest.mark.slow, pytest.mark.needs_hudi]

LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD = (f"20260801-10{minute}00000.parquet" for minute in (15, 20, 25))
ANN, BOB = (1, "Ann", "IT"), (2, "Bob", "HR")


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}.000000"


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    yield bench
    bench.remove()


def counts(receipt: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in receipt["counts"].items() if count}


def test_a_table_with_a_key_rejects_rows_and_is_refused_before_its_commit(cdc: CdcBench) -> None:
    cdc.feed(gates={"suite": "employees"}, max_rejected=0.5)
    in_set = gxe.ExpectColumnValuesToBeInSet(column="department", value_set=["IT", "HR"], meta=REJECT, notes="Ours.")
    write_suite(
        cdc.root,
        "employees",
        in_set,
        gxe.ExpectColumnValuesToBeUnique(column="name"),
        gxe.ExpectColumnMostCommonValueToBeInSet(column="department", value_set=["IT"], meta=WARN),
    )
    cdc.put(LOAD, [ANN, BOB, (3, "Cid", "?")])
    receipt = cdc.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert counts(receipt) == {"read": 3, "written": 2, "rejected": 1}
    assert receipt["rules"] == {"department: column_values_to_be_in_set": 1}
    (rejected,) = cdc.quarantine()
    assert (rejected["object"], rejected["position"]) == (f"raw/hr/employees/{LOAD}", 2)
    assert rejected["reasons"] == [
        {"rule": "column_values_to_be_in_set", "column": "department", "words": "Ours."}
    ]  # fmt: skip
    gates = receipt["batches"][0]["gates"]
    assert [(result["engine"], result["success"]) for result in gates["results"]] == [
        ("sql", False), ("sql", True), ("great_expectations", False)
    ]  # fmt: skip
    assert cdc.rows() == [ANN, BOB]

    # A rejected change is not replaced by the one that it superseded, and a delete without values is no bad row.
    changes = [
        ("U", at(1), 1, "Ann2", "IT"),
        ("U", at(2), 1, "Ann3", "?"),
        ("D", at(3), 2, None, None),
        ("I", at(4), 4, "Dan", "IT"),
    ]
    cdc.put(FIRST, changes)
    receipt = cdc.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert counts(receipt) == {"read": 4, "written": 1, "deleted": 1, "superseded": 1, "rejected": 1}
    assert receipt["batches"][0]["gates"]["rows"] == 1
    assert cdc.rows() == [ANN, (4, "Dan", "IT")]

    # Two rows with one name: refused, nothing is committed.
    cdc.put(SECOND, [("I", at(5), 5, "Eve", "IT"), ("I", at(5), 6, "Eve", "IT")])
    receipt = cdc.run()
    assert receipt["error"].startswith(
        "refused by its gate (suite employees): expect_column_values_to_be_unique on name: 2 rows do not meet it"
    )
    assert (receipt["exit_code"], counts(receipt)) == (3, {"read": 2, "withheld": 2})
    assert cdc.rows() == [ANN, (4, "Dan", "IT")]
    assert cdc.batches() == [1, 2]

    write_suite(cdc.root, "employees", in_set)
    receipt = cdc.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert cdc.rows() == [ANN, (4, "Dan", "IT"), (5, "Eve", "IT"), (6, "Eve", "IT")]
    assert cdc.strays() == []


def test_a_batch_of_deletes_has_nothing_to_judge(cdc: CdcBench) -> None:
    cdc.feed(gates={"suite": "employees", "on_empty_batch": "fail"})
    write_suite(cdc.root, "employees", gxe.ExpectTableRowCountToBeBetween(min_value=1))
    cdc.put(LOAD, [ANN, BOB])
    cdc.put(FIRST, [("D", at(1), 1, None, None)])
    assert cdc.run()["exit_code"] == 0
    cdc.put(SECOND, [("D", at(2), 2, None, None)])
    receipt = cdc.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert receipt["batches"][0]["gates"] == {"suite": "employees", "verdict": "passed", "rows": 0, "results": []}


def test_a_table_without_a_key_rejects_rows_and_is_refused(cdc: CdcBench) -> None:
    cdc.feed({"employees": {}}, gates={"suite": {"employees": "employees"}}, max_rejected=0.5)
    write_suite(
        cdc.root,
        "employees",
        gxe.ExpectColumnValuesToNotBeNull(column="name", meta=REJECT),
        gxe.ExpectColumnValuesToBeInSet(column="department", value_set=["IT", "HR"], mostly=0.5),
    )
    cdc.put(FIRST, [("I", at(1), *ANN), ("I", at(2), 2, None, "HR"), ("D", at(3), 1, None, None)])
    receipt = cdc.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert counts(receipt) == {"read": 3, "written": 2, "rejected": 1}
    assert receipt["rules"] == {"name: column_values_to_not_be_null": 1}
    cdc.put(SECOND, [("I", at(4), 3, "Cid", "?")])
    receipt = cdc.run()
    assert receipt["error"].startswith(
        "refused by its gate (suite employees): expect_column_values_to_be_in_set on department: 1 row does not"
    )
    assert cdc.strays() == []


def test_an_unknown_table_of_the_gates_is_a_warning_of_the_first_table_that_can_be_planned(tmp_path: Path) -> None:
    bench = CdcBench(tmp_path, cast(SparkSession, None))
    tables = {"employees": {"key": "emp_no"}, "staff": {"key": "emp_no"}}
    bench.feed(tables, gates={"suite": {"staf": "staff"}}, unconfigured="skip")
    write_suite(bench.root, "staff", gxe.ExpectTableRowCountToBeBetween(max_value=3))
    for table in ("absent", *tables):
        bench.put(FIRST, [("I", at(1), *ANN)], table=table)
    lake = open_lake(str(bench.lake))
    targets = load_feed(Conf(str(tmp_path / "conf")), "hr").targets(lake, [])
    warnings = {job.target.name: list(job.warnings) for job in targets}
    assert warnings == {
        "absent": [],
        "employees": ["gates.suite: unknown table 'staf'; did you mean 'staff'?"],
        "staff": [],
    }
