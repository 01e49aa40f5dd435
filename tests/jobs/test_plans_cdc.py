"""What a plan says of change data is what the next run does, and it writes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lakewright.log.log import Log
from tests.cdc import EMPLOYEES, CdcBench
from tests.jobs.test_plans import Planned

LOAD, FIRST, SECOND, THIRD = (
    "LOAD00000001.parquet",
    "20260801-110000000.parquet",
    "20260801-120000000.parquet",
    "20260801-130000000.parquet",
)
ANN, BOB = (1, "Ann", "IT"), (2, "Bob", "HR")


def at(hour: int) -> str:
    return f"2026-08-01 {10 + hour}:00:00.000000"


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed()
    yield bench
    bench.remove()


def planned(cdc: CdcBench) -> Planned:
    return Planned(cdc.command, cdc.lake)


@pytest.mark.slow
def test_changes_are_merged_and_columns_classified(cdc: CdcBench) -> None:
    cdc.put(LOAD, [ANN, BOB])
    load = planned(cdc)
    assert (load.plan["source"]["rows"], load.plan["table"]["merged_by_key"]) == (2, True)
    assert "columns     new table (footers of 1 object)" in load.text

    wide = pa.schema(
        [("emp_no", pa.int64()), ("name", pa.string()), ("department", pa.string()), ("pay", pa.float64())]
    )
    file = cdc.put(FIRST, [("U", at(1), 1, "Ann", "IT", 1.5)], wide)
    path = file.relative_to(cdc.lake)
    changes = planned(cdc)
    schema = changes.plan["schema"]
    assert (schema["same"], schema["from"]) == (2, "footers")
    assert schema["changes"] == [
        {"change": "widened", "column": "emp_no", "from": "int", "to": "bigint", "why": f"{path} has bigint"},
        {"change": "added", "column": "pay", "from": "", "to": "double", "why": f"{path} has double"},
    ]
    assert planned(cdc).title == "nothing to do (2 objects of the source are in the table)"

    cdc.put(
        SECOND,
        [("U", at(2), 1, 5, "IT")],
        pa.schema([("emp_no", pa.int64()), ("name", pa.int32()), EMPLOYEES.field(2)]),
    )
    refused = planned(cdc)
    assert refused.plan["error"] == refused.receipt["error"]
    (change,) = refused.plan["schema"]["changes"]
    assert (change["change"], change["column"], change["from"], change["to"]) == ("refused", "name", "string", "int")


@pytest.mark.slow
def test_an_open_batch_that_the_table_has(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    cdc.put(LOAD, [ANN, BOB])

    def killed(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", killed)
        assert cdc.command("run").exit_code == 1
    cdc.put(FIRST, [("D", at(1), *ANN)])
    cdc.put(SECOND, [("D", at(2), *BOB)]).write_bytes(b"damaged")
    cdc.put(THIRD, [("D", at(3), *ANN)])
    plan = planned(cdc)
    assert plan.plan["open_batch"]["then"] == "finished first: the table has its commit"
    assert [Path(each["path"]).name for each in plan.plan["objects"]] == [FIRST]
    assert plan.plan["waiting"] == {
        f"raw/hr/employees/{THIRD}": f"changes are applied in order, and raw/hr/employees/{SECOND} is refused"
    }
    assert cdc.rows() == [BOB]

    cdc.feed(tables={"employees": {"key": "name", "partition_by": "department"}})
    refused = planned(cdc)
    assert refused.plan["error"] == refused.receipt["error"]
    assert refused.plan["config"]["means"] == "rebuild needed"
    assert refused.plan["config"]["differences"]
