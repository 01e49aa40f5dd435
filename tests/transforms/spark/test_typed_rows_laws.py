"""Spark's expressions, Arrow's kernels and the one-value reference agree on the value, or broken rule, of any text.

``make laws`` generates more than a million texts.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from tests.transforms.csv.typed_texts import columns, texts
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_columns import arrow_type, type_texts
from transforms.csv.typed_value import type_text
from transforms.spark.names import column as named_column
from transforms.spark.typed_rows import keep_rejected, with_typed_values

SEEDS = int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "0"))
ROWS = 2_500 * SEEDS or 400
COLUMNS = [replace(column, name=f"{number} {column.name}") for number, column in enumerate(columns())]
GROUPS = [COLUMNS[first::10] for first in range(10)]
#: Never valid, so that every row is rejected and shows its reasons.
BROKEN = TypedColumn("broken", "long")
#: The value as Spark and Arrow store it, and the broken rule.
Result = tuple[Any, str | None]


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_spark_arrow_and_the_reference_agree(spark: SparkSession, tmp_path: Path, group: list[TypedColumn]) -> None:
    written = {column.name: generated(column) for column in group}
    by_spark = typed_by_spark(spark, tmp_path, written, group)
    for column in group:
        expected = typed_by_reference(written[column.name], column)
        for results in (typed_by_arrow(written[column.name], column), by_spark[column.name]):
            compared = zip(written[column.name], results, expected, strict=True)
            assert [cell for cell in compared if repr(cell[1]) != repr(cell[2])] == [], column


def generated(column: TypedColumn) -> list[str | None]:
    """Return clean and dirty texts; clean ones of zone names, most of which Spark reads in odd ways."""
    return texts(column, ROWS, seed=SEEDS, dirty=0 if column.format.endswith("z") else 0.4)


def typed_by_reference(written: list[str | None], column: TypedColumn) -> list[Result]:
    typed = [type_text(text, column) for text in written]
    values = pa.array([value for value, _rule in typed], arrow_type(column))
    return list(zip(stored(values, column), [rule for _value, rule in typed], strict=True))


def typed_by_arrow(written: list[str | None], column: TypedColumn) -> list[Result]:
    typed = type_texts(pa.array(written, pa.string()), column)
    rules = [None] * len(written) if typed.rules is None else typed.rules.to_pylist()
    return list(zip(stored(typed.values, column), rules, strict=True))


def stored(values: pa.Array, column: TypedColumn) -> list[Any]:
    """Return values; days and microseconds for dates and timestamps, which Python's types cannot all hold."""
    number = {"date": pa.int32(), "timestamp": pa.int64()}.get(column.type)
    return (values if number is None else values.cast(number)).to_pylist()


def typed_by_spark(
    spark: SparkSession, folder: Path, written: dict[str, list[str | None]], group: list[TypedColumn]
) -> dict[str, list[Result]]:
    texts_of_all = {name: pa.array(values, pa.string()) for name, values in written.items()}
    numbers, broken = pa.array(range(ROWS)), pa.array(["x"] * ROWS)
    pq.write_table(pa.table({**texts_of_all, BROKEN.name: broken, "n": numbers}), folder / "texts.parquet")
    every = [*group, BROKEN]
    judged = spark.read.parquet(str(folder / "texts.parquet")).transform(with_typed_values, columns=every)
    also = ["n", *(f"_lakewright_typed_{column.name}" for column in group)]
    rejected = judged.transform(keep_rejected, columns=every, also=also)
    values = [spark_value(column).alias(f"v{number}") for number, column in enumerate(group)]
    rejected.select("n", "reasons", *values).write.parquet(str(folder / "typed"))
    rows = pq.read_table(folder / "typed").sort_by("n").to_pylist()
    assert [row["n"] for row in rows] == list(range(ROWS))
    rules = [{reason["column"]: reason["rule"] for reason in row["reasons"]} for row in rows]
    return {
        column.name: [
            (None, broken[column.name]) if column.name in broken else (row[f"v{number}"], None)
            for row, broken in zip(rows, rules, strict=True)
        ]
        for number, column in enumerate(group)
    }


def spark_value(column: TypedColumn) -> Column:
    value = named_column(f"_lakewright_typed_{column.name}")
    if column.type == "timestamp":
        return F.unix_micros(value)
    return F.unix_date(value) if column.type == "date" else value
