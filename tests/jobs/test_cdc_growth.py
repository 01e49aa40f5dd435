"""What a run does per table and per batch, counted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakewright.hudi import keyed_table, timeline
from tests.cdc import CdcBench, committed

LOAD = "LOAD00000001.parquet"
TABLES = ("a", "b", "c")
ANN, BOB = (1, "Ann", "Sales"), (2, "Bob", "Sales")


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    yield bench
    bench.remove()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table was opened with Hudi, and how often a session was requested."""
    counts: Counter[str] = Counter()
    open_timeline, open_session = timeline.Timeline.__init__, keyed_table.change_session

    def count_timeline(self: timeline.Timeline, spark: SparkSession, uri: str) -> None:
        counts[uri.rpartition("/")[2]] += 1
        open_timeline(self, spark, uri)

    def count_session(*lakes: object) -> SparkSession:
        counts["session"] += 1
        return open_session(*lakes)  # type: ignore[arg-type]

    monkeypatch.setattr(timeline.Timeline, "__init__", count_timeline)
    monkeypatch.setattr(keyed_table, "change_session", count_session)
    return counts


@pytest.mark.slow
def test_unchanged_tables_need_neither_spark_nor_hudi(cdc: CdcBench, opened: Counter[str]) -> None:
    cdc.feed({name: {"key": "emp_no"} for name in TABLES})
    for name in TABLES:
        cdc.put(LOAD, [ANN], table=name)
    assert cdc.command("run").exit_code == 0
    opened.clear()
    cdc.put("20260801-100000000.parquet", [("U", "2026-08-01 10:00:00", *ANN[:1], "Anna", "Sales")], table="b")
    assert cdc.command("run").exit_code == 0
    assert opened.keys() == {"b", "session"}
    assert opened["session"] == 1
    assert cdc.rows(table="b") == [(1, "Anna", "Sales")]
    opened.clear()
    for verb in ("run", "status", "plan"):
        assert cdc.command(verb).exit_code == 0
    assert not opened


@pytest.mark.slow
def test_a_batch_costs_the_same_whatever_came_before(cdc: CdcBench, opened: Counter[str], spark: SparkSession) -> None:
    """Spark jobs, opened tables and requested sessions of a batch; the last one arrives late and reads tombstones."""
    cdc.feed()
    cdc.put(LOAD, [(number, "x", "Sales") for number in range(20)])
    assert cdc.run()["exit_code"] == 0
    costs = []
    for batch in range(3):
        opened.clear()
        first, second = jobs_so_far(spark), f"2026-08-01 10:00:{10 + batch}"
        rows = [("U", second, batch, "y", "Sales"), ("D", second, 10 + batch, None, None)]
        cdc.put(f"20260801-1000{10 + batch}000.parquet", rows)
        assert cdc.run()["exit_code"] == 0
        costs.append((jobs_so_far(spark) - first, dict(opened)))
    assert costs[1] == costs[2]
    before = jobs_so_far(spark)
    late = [("U", "2026-08-01 10:00:01", key, "late", "Sales") for key in (10, 11, 12)]
    cdc.put("20260801-100001000.parquet", late)
    assert committed(cdc.run()) == {"read": 3, "superseded": 3}
    assert jobs_so_far(spark) - before <= 2 * costs[2][0]


def jobs_so_far(spark: SparkSession) -> int:
    """Return the number of Spark jobs of this session."""
    return int(spark.sparkContext._jsc.sc().dagScheduler().nextJobId())
