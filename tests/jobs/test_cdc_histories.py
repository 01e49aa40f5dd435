"""Random histories in random batches on real Hudi tables, compared with plain Python."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.cdc import STORAGES_BY_MERGE_ON_READ, CdcBench, Change, rows_after

pytestmark = pytest.mark.slow

TIMES = [f"2026-08-01 10:00:00.{n:06}" for n in range(6)]
SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64()), ("place", pa.string())])
PLACES = [None, "", "a", "b/c"]


def changes(kinds: str, most: int) -> st.SearchStrategy[list[Change]]:
    return st.lists(
        st.builds(
            Change,
            kind=st.sampled_from(kinds or [""]),
            time=st.sampled_from(TIMES),
            key=st.integers(0, 12).map("key {}".format),
            values=st.tuples(st.integers(0, 999), st.sampled_from(PLACES)),
        ),
        max_size=most,
    )


NAMES = [f"20260801-1000{n:02}000.parquet" for n in range(8)]
#: Batches of files with names in random order, so that files arrive late, and a load may arrive in between.
histories = st.permutations(NAMES).flatmap(
    lambda names: st.tuples(
        st.tuples(*(changes("IUUUD", 12) for _ in names)).map(lambda contents: list(zip(names, contents, strict=True))),
        st.sampled_from([0, 0, 1, 2]),
        st.tuples(changes("", 10), changes("", 6)),
    )
)


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    yield bench
    bench.remove()


@pytest.mark.parametrize("order_by", ["columns", "file"])
@pytest.mark.parametrize("storage", STORAGES_BY_MERGE_ON_READ)
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(history=histories)
def test_the_table_equals_plain_python(
    cdc: CdcBench,
    storage: str,
    order_by: str,
    history: tuple[list[tuple[str, list[Change]]], int, tuple[list[Change], list[Change]]],
) -> None:
    files, load_at, loads = history
    cdc.remove()
    cdc.feed(tables={"t": {"key": "id", "partition_by": "place", "storage": storage, "order_by": order_by}})
    batches = [files[:3], files[3:5], files[5:]]
    batches[0] = [("LOAD00000001.parquet", loads[0]), *batches[0]]
    batches[load_at] = [*batches[load_at], ("LOAD00000002.parquet", loads[1])]
    delivered = []
    for number, batch in enumerate(batches, start=1):
        for name, written in batch:
            # If ordered by file, the stamp in its name replaces the time, which must be ignored.
            rows = [replace(change, time=name[:18]) if order_by == "file" else change for change in written]
            delivered.append((name, rows))
            before = [] if name.startswith("LOAD") else ["kind", "time"]
            cdc.put(
                name,
                [
                    (*(getattr(change, field) for field in before), change.key, *change.values)
                    if change.kind != "D"
                    else (change.kind, change.time, change.key, None, None)
                    for change in written
                ],
                SCHEMA,
                table="t",
            )
        receipt = cdc.run()
        assert receipt["exit_code"] == 0, receipt["error"]
        assert receipt["counts"]["read"] == sum(len(rows) for _, rows in batch)
        expected = [(key, *values) for key, values in rows_after(delivered).items()]
        assert cdc.rows("id", "n", "place", table="t") == sorted(expected, key=repr)
        assert cdc.batches("t") == list(range(1, number + 1))
    assert cdc.strays("t") == []
