"""Casts that never alter values, and formatting of times."""

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark.session import own_session
from transforms.spark.exact_casts import exact_cast, text_of_time, timestamp_of_nanoseconds

CASTS: list[tuple[str, str, str, str | None]] = [
    ("double", "1.25", "decimal(10,2)", "1.25"),
    ("double", "1.255", "decimal(10,2)", None),
    ("double", "1e300", "decimal(10,2)", None),
    ("double", "'NaN'", "int", None),
    ("double", "9223372036854775808", "bigint", None),
    ("double", "4611686018427387904", "bigint", "4611686018427387904"),
    ("bigint", "9223372036854775807", "double", None),
    ("bigint", "9007199254740993", "double", None),
    ("bigint", "9007199254740992", "double", "9.007199254740992E15"),
    ("bigint", "2147483648", "int", None),
    ("int", "2147483647", "float", None),
    ("decimal(20,4)", "1.2300", "decimal(10,2)", "1.23"),
    ("decimal(20,4)", "1.2345", "decimal(10,2)", None),
    ("decimal(20,4)", "123456789.0000", "decimal(10,2)", None),
    ("double", "0.1", "float", None),
    ("double", "0.5", "float", "0.5"),
    ("int", "2", "boolean", None),
    ("int", "1", "boolean", "true"),
    ("timestamp", "'2026-08-01 00:00:00'", "date", "2026-08-01"),
    ("timestamp", "'2026-08-01 00:00:01'", "date", None),
    ("date", "'2026-08-01'", "timestamp", "2026-08-01 00:00:00"),
    ("decimal(10,2)", "1.10", "string", "1.10"),
    ("string", "' 7 '", "int", "7"),
    ("string", "'7.5'", "int", None),
    ("string", "'3000000000'", "int", None),
    ("string", "'1.50'", "decimal(10,1)", "1.5"),
    ("string", "'1.55'", "decimal(10,1)", None),
    ("string", "'1e3'", "decimal(10,1)", None),
    ("string", "'0.1'", "double", "0.1"),
    ("string", "'0.12345678901234567'", "double", None),
    ("string", "'1d'", "double", None),
    ("string", "'2026-08-01'", "date", "2026-08-01"),
    ("string", "'2026-08-01 10:00:00'", "date", None),
    ("string", "'2026-08-01T10:00:00.1234567Z'", "timestamp", None),
    ("string", "'2026-08-01T10:00:00.123456Z'", "timestamp", "2026-08-01 10:00:00.123456"),
    ("string", "'maybe'", "boolean", None),
    ("string", "''", "string", ""),
]


@pytest.fixture(scope="module")
def session(spark: SparkSession) -> SparkSession:
    return own_session()


def test_casts_never_alter_values(session: SparkSession) -> None:
    made = [
        exact_cast(F.expr(f"cast({value} as {kind})"), kind, wanted).cast("string").alias(f"c{n}")
        for n, (kind, value, wanted, _) in enumerate(CASTS)
    ]
    (row,) = session.range(1).select(*made).collect()
    wrong = [(case, result) for case, result in zip(CASTS, row, strict=True) if result != case[3]]
    assert wrong == []


@pytest.mark.parametrize(
    ("unit", "count", "text"),
    [
        pytest.param("ms", 86_399_999, "23:59:59.999", id="millis"),
        pytest.param("us", 0, "00:00:00.000000", id="midnight"),
        pytest.param("us", 3_600_000_001, "01:00:00.000001", id="micros"),
        pytest.param("ns", 1, "00:00:00.000000001", id="nanos"),
        pytest.param("us", 86_400_000_000, None, id="24-hours-is-out-of-range"),
        pytest.param("us", -1, None, id="negative"),
        pytest.param("us", None, None, id="null"),
    ],
)
def test_times_are_formatted(session: SparkSession, unit: str, count: Any, text: str | None) -> None:
    assert session.range(1).select(text_of_time(F.lit(count), unit)).first() == (text,)


def test_timestamps_of_nanoseconds(session: SparkSession) -> None:
    moment = timestamp_of_nanoseconds(F.lit(1_600_000_000_123_456_000)).cast("string")
    assert session.range(1).select(moment).first() == ("2020-09-13 12:26:40.123456",)
