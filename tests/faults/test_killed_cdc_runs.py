"""Runs of cdc_to_hudi are killed or stopped around Hudi's commit, and compared with undisturbed runs."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.cdc import EMPLOYEES, CdcBench, matrix
from tests.faults.test_killed_runs import killed

pytestmark = pytest.mark.slow

TABLES = {name: {"key": "emp_no", "partition_by": "department"} for name in ("employees", "second")}
STORAGES = ("copy_on_write", "merge_on_read")


def feed(bench: CdcBench, storage: str, tables: Any = None) -> None:
    bench.feed(tables=tables, target__storage=storage, max_rejected=0.5)


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}.000000"


def first_delivery(bench: CdcBench, table: str = "employees") -> None:
    bench.put("LOAD00000001.parquet", [(n, f"name {n}", "ABC"[n % 3]) for n in range(30)], table=table)


def second_delivery(bench: CdcBench, table: str = "employees") -> None:
    changes = [("U", at(n), n, f"changed {n}", "ABC"[n % 2]) for n in range(0, 30, 4)]
    changes += [("D", at(n), n, None, None) for n in range(0, 30, 5)]
    changes += [("I", at(n), n, f"new {n}", "D") for n in range(30, 35)] + [("?", at(1), 1, "bad", "A")]
    bench.put("20260801-101500000.parquet", changes, table=table)


def third_delivery(bench: CdcBench) -> None:
    late = [("U", at(0), 5, "older than its delete", "A"), ("U", at(59), 10, "comes back", "A")]
    bench.put("20260801-102000000.parquet", late)


def outcome_of(bench: CdcBench, table: str = "employees") -> dict[str, Any]:
    """Everything that must be equal: the table, its timeline, the quarantine, and the counts of each batch."""
    receipts = sorted((bench.lake / f"state/hr/{table}/receipts").glob("*.json"))
    return {
        "rows": bench.rows("emp_no", "name", "department", "_change_order", table=table),
        "timeline": bench.batches(table),
        "quarantine": bench.quarantine(table),
        "batches": {
            batch["number"]: (batch["status"], batch["counts"], batch["rules"])
            for path in receipts
            for batch in json.loads(path.read_text())["batches"]
        },
    }


def arguments(bench: CdcBench, verb: str = "run") -> list[str]:
    return [verb, "hr", "--lake", str(bench.lake), "--config", str(bench.root / "conf")]


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    yield bench
    bench.remove()


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, spark: SparkSession
) -> dict[str, tuple[Path, dict[str, Any], dict[str, Any]]]:
    """By storage: a lake after the load, the outcome of the load, and that of all three deliveries."""
    outcomes = {}
    for storage in STORAGES:
        bench = CdcBench(tmp_path_factory.mktemp("undisturbed"), spark)
        feed(bench, storage)
        first_delivery(bench)
        bench.run()
        loaded = outcome_of(bench)
        before = tmp_path_factory.mktemp("before") / "lake"
        shutil.copytree(bench.lake, before)
        second_delivery(bench)
        bench.run()
        third_delivery(bench)
        bench.run()
        outcomes[storage] = (before, loaded, outcome_of(bench))
    return outcomes


@pytest.mark.parametrize(
    ("storage", "stage"),
    [
        pytest.param("copy_on_write", "apply", id="before-the-commit", marks=matrix),
        pytest.param("copy_on_write", "hudi writes", id="in-the-middle-of-the-commit"),
        pytest.param("copy_on_write", "applied", id="after-the-commit", marks=matrix),
        pytest.param("copy_on_write", "publish", id="in-the-middle-of-publish", marks=matrix),
        pytest.param("merge_on_read", "hudi writes", id="in-the-middle-of-the-commit-mor", marks=matrix),
        pytest.param("merge_on_read", "applied", id="after-the-commit-mor"),
    ],
)
def test_killed_and_run_again(cdc: CdcBench, undisturbed: Any, storage: str, stage: str) -> None:
    before, _, expected = undisturbed[storage]
    shutil.copytree(before, cdc.lake, dirs_exist_ok=True)
    feed(cdc, storage)
    second_delivery(cdc)
    assert killed("SIGKILL", stage, 1, *arguments(cdc)).wait(120) == -signal.SIGKILL
    third_delivery(cdc)  # new objects do not change the open batch
    assert cdc.run()["exit_code"] == 0
    assert outcome_of(cdc) == expected
    assert cdc.strays() == []


def test_a_load_killed_in_the_middle(cdc: CdcBench, undisturbed: Any) -> None:
    _, loaded, _ = undisturbed["copy_on_write"]
    feed(cdc, "copy_on_write")
    first_delivery(cdc)
    assert killed("SIGKILL", "hudi writes", 1, *arguments(cdc)).wait(120) == -signal.SIGKILL
    assert cdc.run()["exit_code"] == 0
    assert outcome_of(cdc) == loaded
    assert cdc.strays() == []


def test_a_rebuild_killed_in_the_middle(cdc: CdcBench, undisturbed: Any) -> None:
    before, loaded, _ = undisturbed["copy_on_write"]
    shutil.copytree(before, cdc.lake, dirs_exist_ok=True)
    feed(cdc, "copy_on_write")
    assert killed("SIGKILL", "hudi writes", 1, *arguments(cdc, "rebuild")).wait(120) == -signal.SIGKILL
    assert cdc.run()["exit_code"] == 0
    assert cdc.batches() == [2]
    assert cdc.rows("emp_no", "name", "department", "_change_order") == loaded["rows"]
    assert cdc.strays() == []


def test_one_of_two_tables_killed_after_its_commit(cdc: CdcBench) -> None:
    feed(cdc, "copy_on_write", TABLES)
    for table in TABLES:
        first_delivery(cdc, table)
    arguments_of_one_at_a_time = [*arguments(cdc), "--set", "targets_at_once=1"]
    assert killed("SIGKILL", "applied", 2, *arguments_of_one_at_a_time).wait(120) == -signal.SIGKILL
    answer = cdc.command("run", "--json")
    assert [(receipt["target"], receipt["status"]) for receipt in answer.data] == [
        ("employees", "nothing_new"),
        ("second", "committed"),
    ]
    for table in TABLES:
        assert cdc.batches(table) == [1]
        assert len(cdc.rows(table=table)) == 30
        assert cdc.strays(table) == []


def wider_delivery(bench: CdcBench) -> None:
    pay = pa.schema([*EMPLOYEES, ("pay", pa.decimal128(20, 4))])
    changes = [("U", at(n), n, f"wider {n}", "AB"[n % 2], Decimal("1.2345")) for n in range(0, 30, 7)]
    bench.put("20260801-101500000.parquet", [*changes, ("D", at(1), 1, None, None, None)], pay)


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> dict[str, tuple[Path, dict[str, Any]]]:
    """By storage: a lake before a column grows, and the outcome after that."""
    found = {}
    for storage in STORAGES:
        bench = CdcBench(tmp_path_factory.mktemp("widened"), spark)
        feed(bench, storage)
        pay = pa.schema([*EMPLOYEES, ("pay", pa.decimal128(10, 2))])
        bench.put("LOAD00000001.parquet", [(n, f"name {n}", "ABC"[n % 3], Decimal(n)) for n in range(30)], pay)
        bench.put("20260801-101000000.parquet", [("U", at(0), 2, "logged", "C", Decimal("0.5"))], pay)
        bench.run()
        before = tmp_path_factory.mktemp("narrow") / "lake"
        shutil.copytree(bench.lake, before)
        wider_delivery(bench)
        bench.run()
        found[storage] = (before, outcome_of(bench) | {"pay": bench.rows("emp_no", "pay")})
    return found


@pytest.mark.parametrize(
    ("storage", "stage"),
    [
        pytest.param("copy_on_write", "hudi writes", marks=matrix),
        pytest.param("copy_on_write", "hudi has widened", marks=matrix),
        ("merge_on_read", "hudi has widened"),
        pytest.param("merge_on_read", "applied", marks=matrix),
    ],
)
def test_a_column_grows_in_a_killed_run(cdc: CdcBench, widened: Any, storage: str, stage: str) -> None:
    before, expected = widened[storage]
    shutil.copytree(before, cdc.lake, dirs_exist_ok=True)
    feed(cdc, storage)
    wider_delivery(cdc)
    assert killed("SIGKILL", stage, 1, *arguments(cdc)).wait(120) == -signal.SIGKILL
    assert cdc.run()["exit_code"] == 0
    assert outcome_of(cdc) | {"pay": cdc.rows("emp_no", "pay")} == expected
    assert cdc.strays() == []


@pytest.mark.parametrize(
    "stage", [pytest.param("apply", marks=matrix), "hudi writes", pytest.param("hudi has widened", marks=matrix)]
)
def test_a_column_grows_in_a_run_that_sleeps_past_its_lease(cdc: CdcBench, widened: Any, stage: str) -> None:
    before, expected = widened["copy_on_write"]
    shutil.copytree(before, cdc.lake, dirs_exist_ok=True)
    feed(cdc, "copy_on_write")
    wider_delivery(cdc)
    sleeper = killed("SIGSTOP", stage, 1, *arguments(cdc))
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        assert cdc.run()["exit_code"] == 0
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(60) == 4
    assert outcome_of(cdc)["rows"] == expected["rows"]
    assert cdc.rows("emp_no", "pay") == expected["pay"]
    assert cdc.batches() == [1, 2]


@pytest.mark.parametrize("stage", [pytest.param("apply", marks=matrix), "hudi writes"])
def test_a_run_that_is_suspended_past_its_lease_does_no_harm(cdc: CdcBench, undisturbed: Any, stage: str) -> None:
    before, _, expected = undisturbed["copy_on_write"]
    shutil.copytree(before, cdc.lake, dirs_exist_ok=True)
    feed(cdc, "copy_on_write")
    second_delivery(cdc)
    sleeper = killed("SIGSTOP", stage, 1, *arguments(cdc))
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        third_delivery(cdc)
        assert cdc.run()["exit_code"] == 0
        assert outcome_of(cdc) == expected
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(60) == 4
    assert {key: value for key, value in outcome_of(cdc).items() if key != "batches"} == {
        key: value for key, value in expected.items() if key != "batches"
    }
    assert cdc.run()["status"] == "nothing_new"
    assert cdc.strays() == []
