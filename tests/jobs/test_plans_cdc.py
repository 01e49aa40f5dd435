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
def test_plans_of_a_table_with_a_key(cdc: CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    cdc.put(LOAD, [ANN, BOB])
    (load,) = cdc.command("plan", "--json").data
    assert (load["source"]["rows"], load["table"]["merged_by_key"]) == (2, True)
    assert "columns     new table (footers of 1 object)" in cdc.command("plan").stdout

    def killed(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", killed)
        assert cdc.command("run").exit_code == 1
    file = cdc.put(FIRST, [("U", at(1), *ANN, 1)], EMPLOYEES.append(pa.field("pay", pa.int32())))
    cdc.put(SECOND, [("D", at(2), *BOB)]).write_bytes(b"damaged")
    cdc.put(THIRD, [("D", at(3), *ANN)])
    plan = planned(cdc).plan
    assert plan["open_batch"]["then"] == "finished first: the table has its commit"
    assert [Path(each["path"]).name for each in plan["objects"]] == [FIRST]
    assert plan["blocked"] == {
        f"raw/hr/employees/{THIRD}": f"changes are applied in order, and raw/hr/employees/{SECOND} is refused"
    }
    why = f"{file.relative_to(cdc.lake)} has int"
    assert plan["schema"]["changes"] == [{"change": "added", "column": "pay", "from": "", "to": "int", "why": why}]

    cdc.feed(tables={"employees": {"key": "name", "partition_by": "department"}})
    refused = planned(cdc).plan
    assert refused["config"]["means"] == "rebuild needed"
    assert refused["config"]["differences"]

    cdc.feed()
    cdc.put(SECOND, [("U", at(2), *ANN, 1.5)], EMPLOYEES.append(pa.field("pay", pa.float64())))
    (wider,) = cdc.command("plan", "--json").data
    assert next((each["change"], each["to"]) for each in wider["schema"]["changes"]) == ("widened", "double")
    assert wider["table"]["rewritten_for_types"]

    names = pa.schema([EMPLOYEES.field(0), ("name", pa.int32()), EMPLOYEES.field(2)])
    cdc.put(SECOND, [("U", at(2), 1, 5, "IT")], names)
    (change,) = planned(cdc).plan["schema"]["changes"]
    assert (change["change"], change["column"], change["from"], change["to"]) == ("refused", "name", "string", "int")
