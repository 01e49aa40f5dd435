"""Each type with typical texts: the value, or the broken rule."""

import decimal
import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from chispa import assert_df_equality
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from tests.transforms.csv.typed_cases import CASES
from transforms.errors import MissingColumnsError
from transforms.spark.typed_rows import FAULT, OBJECT, TEXT, TypedColumn, keep_good, keep_rejected, with_typed_values

D = decimal.Decimal
GROUPS = 6
REJECTS = "object string, reasons array<struct<rule: string, column: string>>, text string, fields map<string, string>"


def text_rows(spark: SparkSession, texts: list[str | None]) -> DataFrame:
    rows = [(str(number), text, "o", None, None) for number, text in enumerate(texts)]
    return spark.createDataFrame(rows, f"n string, v string, {OBJECT} string, {TEXT} string, {FAULT} string")


def judge(spark: SparkSession, column: TypedColumn, texts: list[str | None]) -> list[Any]:
    """Return the value of each text, or ``!`` and the rule that it breaks."""
    columns = [TypedColumn("n", "string"), column]
    judged = text_rows(spark, texts).transform(with_typed_values, columns=columns)
    good = judged.transform(keep_good, columns=columns)
    if column.type == "timestamp":
        good = good.selectExpr("n", "unix_micros(v) v")
    results = {int(row["n"]): row["v"] for row in good.collect()}
    for row in judged.transform(keep_rejected, columns=columns).collect():
        (reason,) = row["reasons"]
        assert reason["column"] == "v"
        assert row["fields"]["v"] == texts[int(row["fields"]["n"])]
        results[int(row["fields"]["n"])] = "!" + reason["rule"]
    return [results[number] for number in range(len(texts))]


@pytest.mark.parametrize("first", range(GROUPS))
def test_types(spark: SparkSession, first: int) -> None:
    """Several cases are the columns of one frame, since a query for each takes long."""
    cases = {f"{number} {case.id}": case.values for number, case in enumerate(CASES[first::GROUPS])}
    columns = [replace(column, name=name) for name, (column, _) in cases.items()]
    count = max(len(expected) for _, expected in cases.values())
    texts = [[*expected, *[None] * (count - len(expected))] for _, expected in cases.values()]
    # A column that is always broken, so that every row shows its reasons.
    every = [*columns, TypedColumn("broken", "long")]
    rows = spark.createDataFrame(
        [(*row, "x", number) for number, row in enumerate(zip(*texts, strict=True))],
        ", ".join([*(f"`{column.name}` string" for column in every), "n int"]),
    )
    judged = rows.transform(with_typed_values, columns=every)
    also = ["n", *(f"_lakewright_typed_{column.name}" for column in columns)]
    rejected = judged.transform(keep_rejected, columns=every, also=also)
    values = [
        f"unix_micros(`_lakewright_typed_{column.name}`)"
        if column.type == "timestamp"
        else f"`_lakewright_typed_{column.name}`"
        for column in columns
    ]
    found: dict[str, dict[str | None, Any]] = {name: {} for name in cases}
    for row in rejected.orderBy("n").selectExpr("n", "reasons", *values).collect():
        rules = {reason["column"]: reason["rule"] for reason in row["reasons"]}
        for place, (name, (_, expected)) in enumerate(cases.items()):
            if row["n"] < len(expected):
                found[name][texts[place][row["n"]]] = f"!{rules[name]}" if name in rules else row[2 + place]
    assert found == {name: expected for name, (_, expected) in cases.items()}


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.lists(st.text(alphabet="0123456789.,eE+-dfxNaIy ", max_size=12), min_size=60, max_size=120))
def test_numbers_equal_python_or_are_rejected(spark: SparkSession, texts: list[str]) -> None:
    """No number is altered; Python's decimals are the oracle."""
    for kind, limit in (("long", 2**63), ("decimal(9,3)", D(10) ** 6)):
        for text, value in zip(texts, judge(spark, TypedColumn("v", kind), list(texts)), strict=True):
            if not (isinstance(value, str) and value.startswith("!")):
                assert D(text.strip()) == value
            else:
                try:
                    exact = D(text.strip())
                except decimal.InvalidOperation:
                    continue
                plain = "e" not in text.lower() and exact.is_finite()
                whole = kind == "long" and "." in text
                fits = plain and abs(exact) < limit and exact == round(exact, 3)
                assert whole or not fits, text
    for text, value in zip(texts, judge(spark, TypedColumn("v", "double"), list(texts)), strict=True):
        if not isinstance(value, str):
            assert value == float(text)
            assert math.isfinite(value)


def test_names_with_dots_and_backticks(spark: SparkSession) -> None:
    columns = [TypedColumn("a.b", "long"), TypedColumn("c`d", "string")]
    rows = spark.createDataFrame(
        [("1", "x", "o", None, None)], f"`a.b` string, `c``d` string, {OBJECT} string, {TEXT} string, {FAULT} string"
    )
    good = rows.transform(with_typed_values, columns=columns).transform(keep_good, columns=columns)
    assert_df_equality(good, spark.createDataFrame([(1, "x")], "`a.b` long, `c``d` string"))


def test_missing_column(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match=r"missing columns \['w'\]; available are \['n', 'v'"):
        text_rows(spark, []).transform(with_typed_values, columns=[TypedColumn("w", "long")])


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        pytest.param("dd.MM.yy HH:mmXXX", "a year of two digits and a zone", id="short-year-with-a-zone"),
        pytest.param("d.M.yyyy HH:mm:ss.SSSSSSS", "more than 6 fraction digits", id="long-fraction-without-a-mark"),
    ],
)
def test_patterns_that_spark_cannot_read_exactly(spark: SparkSession, pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        text_rows(spark, []).transform(with_typed_values, columns=[TypedColumn("v", "timestamp", format=pattern)])


def test_a_row_that_could_not_be_split_keeps_its_text_and_one_reason(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("x", "o", "x,1,2", "field_count")], f"v string, {OBJECT} string, {TEXT} string, {FAULT} string"
    )
    columns = [TypedColumn("v", "long")]
    rejected = rows.transform(with_typed_values, columns=columns).transform(keep_rejected, columns=columns)
    expected = spark.createDataFrame([("o", [("field_count", None)], "x,1,2", None)], REJECTS)
    assert_df_equality(rejected, expected, ignore_nullable=True)


def test_frames_match_the_docstrings(spark: SparkSession) -> None:
    columns = [TypedColumn("day", "date"), TypedColumn("v", "decimal(4,1)")]
    rows = spark.createDataFrame(
        [
            ("2026-08-01", "1.5", "o", None, None, "x"),
            (None, None, "o", None, None, "y"),
            ("1.8.", "99999", "o", None, None, "z"),
        ],
        f"day string, v string, {OBJECT} string, {TEXT} string, {FAULT} string, part string",
    )
    judged = rows.transform(with_typed_values, columns=columns)
    good = spark.createDataFrame(
        [(date(2026, 8, 1), D("1.5"), "x"), (None, None, "y")], "day date, v decimal(4,1), part string"
    )
    assert_df_equality(judged.transform(keep_good, columns=columns, also=["part"]), good)
    rejected = spark.createDataFrame(
        [("o", [("type", "day"), ("range", "v")], None, {"day": "1.8.", "v": "99999"}, "z")],
        f"{REJECTS}, part string",
    )
    assert_df_equality(judged.transform(keep_rejected, columns=columns, also=["part"]), rejected, ignore_nullable=True)


def test_no_rows(spark: SparkSession) -> None:
    columns = [TypedColumn("v", "long")]
    judged = text_rows(spark, []).transform(with_typed_values, columns=columns)
    assert_df_equality(judged.transform(keep_good, columns=columns), spark.createDataFrame([], "v long"))
    rejected = judged.transform(keep_rejected, columns=columns)
    assert_df_equality(rejected, spark.createDataFrame([], REJECTS), ignore_nullable=True)
