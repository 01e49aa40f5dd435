"""The law of compiled expectations: SQL gives the verdict and the figures of Great Expectations, or none."""

import os
from collections import Counter
from random import Random

import duckdb
import pytest
from pyspark.sql import SparkSession

from lakewright.quality.expectation import Expectation
from lakewright.quality.result import ExpectationResult
from lakewright.quality.sql.compiled import Aggregate, library_reason
from tests.lakewright.quality.drawn import COLUMNS, arrow_table, draw_expectation, draw_rows, pandas_frame
from tests.lakewright.quality.library import Figures, figures_of, validate

SEEDS = int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))
ON_PANDAS, ON_SPARK = 60, 24

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


def compiled(random: Random, count: int) -> list[Expectation]:
    """Draw expectations that are compiled."""
    expectations: list[Expectation] = []
    while len(expectations) < count:
        expectation = draw_expectation(random)
        if not library_reason(expectation, COLUMNS):
            expectations.append(expectation)
    return expectations


def assert_equal(
    expectations: list[Expectation], ours: list[ExpectationResult | None], theirs: list[Figures], exempt: str = ""
) -> Counter[str]:
    """Compare what SQL decided with the library's results, and count both."""
    outcomes: Counter[str] = Counter()
    for expectation, result, figures in zip(expectations, ours, theirs, strict=True):
        if result is None:
            outcomes["undecided"] += 1
        elif exempt and expectation.kwargs.get("column") == exempt and figures["raised"]:
            outcomes["exempt"] += 1
        else:
            assert figures_of(result) == figures, expectation
            outcomes["met" if result.success else "not met"] += 1
    return outcomes


@pytest.mark.parametrize("seed", range(6 * SEEDS))
def test_duckdb_decides_like_the_library_on_pandas(seed):
    random = Random(seed)
    has_oddities = seed % 3 == 0
    table = arrow_table(draw_rows(random, with_oddities=has_oddities))
    expectations = compiled(random, ON_PANDAS)
    aggregate = Aggregate(expectations, COLUMNS, "duckdb")
    with duckdb.connect() as connection:
        connection.register("batch", table)
        results = aggregate.evaluate("batch", lambda sql: connection.sql(sql).to_arrow_table().to_pylist()[0])
    # pandas refuses to compare instants with dates or with times that have no offset.
    outcomes = assert_equal(expectations, results, validate(pandas_frame(table), expectations), exempt="at")
    assert outcomes["met"]
    assert outcomes["not met"]
    assert not outcomes["undecided"] or has_oddities


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_spark_decides_like_the_library_on_spark(spark: SparkSession, seed):
    random = Random(1000 + seed)
    rows = draw_rows(random, with_oddities=True)
    ddl = ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items())
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], ddl).coalesce(1)
    expectations = compiled(random, ON_SPARK)
    aggregate = Aggregate(expectations, COLUMNS, "spark")
    frame.createOrReplaceTempView("batch")
    results = aggregate.evaluate("batch", lambda sql: spark.sql(sql).collect()[0].asDict())
    assert_equal(expectations, results, validate(frame, expectations))
