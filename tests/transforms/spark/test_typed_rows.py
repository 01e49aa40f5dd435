"""Each type with typical texts: the value, or the broken rule."""

import decimal
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from transforms.errors import MissingColumnsError
from transforms.spark.typed_rows import FAULT, OBJECT, TEXT, TypedColumn, keep_good, keep_rejected, with_typed_values

D = decimal.Decimal
T = "yyyy-MM-dd HH:mm:ss[.SSSSSS]"
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


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(
            TypedColumn("v", "long"),
            {
                "1": 1,
                "-1": -1,
                "+5": 5,
                " 7 ": 7,
                "007": 7,
                "9223372036854775807": 2**63 - 1,
                "9223372036854775808": "!range",
                "12.7": "!type",
                "12.0": "!type",
                "1e3": "!type",
                "": "!type",
                "0x10": "!type",
                "1,000": "!type",
                "true": "!type",
                "1\ufffd": "!encoding",
                "1L": "!type",
                None: None,
            },
            id="long",
        ),
        pytest.param(
            TypedColumn("v", "int"),
            {"2147483647": 2**31 - 1, "2147483648": "!range", "-2147483648": -(2**31), "x": "!type"},
            id="int",
        ),
        pytest.param(
            TypedColumn("v", "double"),
            {
                "1.5": 1.5,
                "-0": -0.0,
                ".5": 0.5,
                "5.": 5.0,
                "1e3": 1000.0,
                "1E-3": 0.001,
                "0e0": 0.0,
                "1e400": "!range",
                "-1e400": "!range",
                "1e-400": "!range",
                "NaN": "!type",
                "Infinity": "!type",
                "1d": "!type",
                "0x1p3": "!type",
                "1,5": "!type",
                "": "!type",
                "4.9E-324": 5e-324,
            },
            id="double",
        ),
        pytest.param(
            TypedColumn("v", "double", decimal_separator=","),
            {"1,5": 1.5, "1.5": "!type", "1.234,5": "!type", ",5": 0.5},
            id="double-with-comma",
        ),
        pytest.param(
            TypedColumn("v", "decimal(5,2)"),
            {
                "1.5": D("1.50"),
                "123.45": D("123.45"),
                "1234.5": "!range",
                "1.500": D("1.50"),
                "1.555": "!range",
                "1": D("1.00"),
                "0001.10": D("1.10"),
                "-.5": D("-0.50"),
                "5.": D("5.00"),
                "1e2": "!type",
                "1.e5": "!type",
                "1.E-5": "!type",
                ".": "!type",
                "": "!type",
                "-": "!type",
                "1.5.5": "!type",
                " 2.5 ": D("2.50"),
                "NaN": "!type",
                "00000000000000000000000000000000000000000001": D("1.00"),
            },
            id="decimal",
        ),
        pytest.param(
            TypedColumn("v", "decimal(12,4)"),
            {"1.E-5": "!type", "1.5e3": "!type", "1.23456": "!range"},
            id="decimal-exponents",
        ),
        pytest.param(
            TypedColumn("v", "decimal(6,2)", decimal_separator=","),
            {"1,5": D("1.50"), "1.5": "!type", "1.234,5": "!type", "1.23,45": "!type"},
            id="decimal-with-comma",
        ),
        pytest.param(
            TypedColumn("v", "decimal(38,0)"),
            {"9" * 38: D("9" * 38), "1" + "0" * 38: "!range", "1.0": D(1)},
            id="decimal-without-fraction",
        ),
        pytest.param(
            TypedColumn("v", "boolean"),
            {
                "true": True,
                "FALSE": False,
                "t": True,
                "no": False,
                "1": True,
                "0": False,
                "2": "!type",
                "": "!type",
                "ja": "!type",
            },
            id="boolean",
        ),
        pytest.param(
            TypedColumn("v", "date"),
            {
                "2020-02-29": date(2020, 2, 29),
                "2021-02-29": "!type",
                "0001-01-01": date(1, 1, 1),
                "9999-12-31": date(9999, 12, 31),
                "1582-10-10": date(1582, 10, 10),
                "0000-01-01": "!type",
                "10000-01-01": "!type",
                "2020-2-9": "!type",
                "2020-01-1 ": "!type",
                "2020-01-1T": "!type",
                "+020-01-01": "!type",
                " 2020-01-01 ": date(2020, 1, 1),
                "2020": "!type",
                "2020-01-01T00:00:00": "!type",
                "epoch": "!type",
                "today": "!type",
            },
            id="date",
        ),
        pytest.param(
            TypedColumn("v", "date", format="dd/MM/yyyy"),
            {
                "29/02/2020": date(2020, 2, 29),
                "29/02/2021": "!type",
                "1/2/2020": "!type",
                "01/01/0001": date(1, 1, 1),
                "31/12/9999": date(9999, 12, 31),
                "31/12/99": "!type",
                "2020-01-01": "!type",
                "01/01/0000": "!type",
            },
            id="date-day-first",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", format=T),
            {
                "2020-01-01 00:00:00": micros(2020, 1, 1),
                "2020-01-01 00:00:00.5": micros(2020, 1, 1) + 500_000,
                "2020-01-01 24:00:00": "!type",
                "2020-01-01": "!type",
                "12:30": "!type",
                "2020-06-30 23:59:60": "!type",
                "0001-01-01 00:00:00": micros(1, 1, 1),
            },
            id="timestamp",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", format=T, timezone="Europe/Paris"),
            {
                "2020-01-01 01:00:00": micros(2020, 1, 1),
                "2020-07-01 02:00:00": micros(2020, 7, 1),
                "2020-03-29 02:30:00": "!type",
                "2020-10-25 02:30:00": micros(2020, 10, 25, 0, 30),
            },
            id="timestamp-of-paris",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", format="dd/MM/yyyy", timezone="America/Sao_Paulo"),
            {
                "01/07/2017": micros(2017, 7, 1, 3),
                "15/10/2017": "!type",  # the clocks skip this midnight
                "01/07/2017 10:00": "!type",
                "31/02/2017": "!type",
            },
            id="timestamp-of-a-day-is-its-midnight",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", format="yyyy-MM-dd'T'HH:mm:ssXXX", timezone="Europe/Paris"),
            {"2020-01-01T01:00:00+01:00": micros(2020, 1, 1), "2020-01-01T00:00:00Z": micros(2020, 1, 1)},
            id="timestamp-with-its-own-offset",
        ),
        pytest.param(
            TypedColumn("v", "long", null_text=("NA", "")),
            {"NA": None, "": None, "na": "!type", None: None},
            id="null-text",
        ),
        pytest.param(
            TypedColumn("v", "string", null_text=("NA",)),
            {"NA": None, "": "", " x ": " x ", "\ufffd": "!encoding", None: None},
            id="string",
        ),
    ],
)
def test_types(spark: SparkSession, column: TypedColumn, expected: dict[str | None, Any]) -> None:
    results = judge(spark, column, list(expected))
    assert dict(zip(expected, results, strict=True)) == expected


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
