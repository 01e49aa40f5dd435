"""The job from DMS files to Hudi tables, through the command line, on a local lake."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed()
    yield bench
    bench.remove()


@pytest.mark.parametrize("storage", ["copy_on_write", "merge_on_read"])
def test_load_then_changes(cdc: CdcBench, storage: str) -> None:
    cdc.feed(target__storage=storage)
    cdc.put("LOAD00000001.parquet", [(1, "Ann", "IT"), (2, "Bob", "HR"), (3, "Cid", "IT"), (None, "?", "IT")])
    receipt = cdc.run("--set", "max_rejected=0.5")
    assert receipt["exit_code"] == 0, receipt
    assert cdc.rows() == [(1, "Ann", "IT"), (2, "Bob", "HR"), (3, "Cid", "IT")]
    cdc.put(
        "20260801-101500000.parquet",
        [
            ("U", "2026-08-01 10:00:01.000000", 2, "Bob", "IT"),
            ("D", "2026-08-01 10:00:01.000000", 3, None, None),
            ("I", "2026-08-01 10:00:02.000000", 8, "Hal", "HR"),
        ],
    )
    receipt = cdc.run("--set", "max_rejected=0.5")
    assert receipt["exit_code"] == 0, receipt
    print(receipt)
    assert cdc.rows() == [(1, "Ann", "IT"), (2, "Bob", "IT"), (8, "Hal", "HR")]
    assert cdc.batches() == [1, 2]
    assert cdc.strays() == []
