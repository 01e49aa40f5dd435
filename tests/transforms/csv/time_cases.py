"""Two-digit years, several formats, nanoseconds and epochs; see ``typed_cases``."""

from datetime import UTC, date, datetime
from typing import Final

import pytest

from transforms.csv.typed_column import TypedColumn

NANOS: Final = "yyyy-MM-dd HH:mm:ss[.SSSSSSSSS]"


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc]


TIME_CASES: Final = [
    pytest.param(
        TypedColumn("v", "date", format="dd/MM/yy", two_digit_year_from=1970),
        {
            "01/08/26": date(2026, 8, 1),
            "31/12/69": date(2069, 12, 31),
            "01/01/70": date(1970, 1, 1),
            "31/12/99": date(1999, 12, 31),
            "29/02/00": date(2000, 2, 29),
            "29/02/99": "!type",
            "29/02/72": date(1972, 2, 29),
            "01/08/2026": "!type",
            "01/08/6": "!type",
            "01/08/-6": "!type",
        },
        id="years-of-two-digits",
    ),
    pytest.param(
        TypedColumn("v", "date", format="yyMMdd"),
        {"260801": date(2026, 8, 1), "991231": date(2099, 12, 31), "20260801": "!type"},
        id="years-of-two-digits-are-of-this-century-unless-declared",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="d-MMM-yy H:mm", two_digit_year_from=1930, timezone="Europe/Paris"),
        {
            "1-Aug-26 12:00": micros(2026, 8, 1, 10),
            "1-Jan-30 0:00": micros(1930, 1, 1),
            "1-JAN-29 0:00": micros(2028, 12, 31, 23),
            "29-Mar-26 2:30": "!type",
        },
        id="timestamps-with-years-of-two-digits",
    ),
    pytest.param(
        TypedColumn("v", "date", format="dd/MM/yyyy", other_formats=("MM/dd/yyyy", "yyyy-MM-dd", "dd/MM/yy")),
        {
            "03/04/2026": date(2026, 4, 3),
            "12/31/2026": date(2026, 12, 31),
            "2026-08-01": date(2026, 8, 1),
            " 2026-08-01": date(2026, 8, 1),
            "01/08/26": date(2026, 8, 1),
            "31/31/2026": "!type",
            "": "!type",
            None: None,
        },
        id="the-first-format-that-reads-a-date",
    ),
    pytest.param(
        TypedColumn("v", "date", format="dd.MM.yy", other_formats=("yy.MM.dd",)),
        {"29.02.28": date(2028, 2, 29), "29.02.27": date(2029, 2, 27), "01.02.03": date(2003, 2, 1)},
        id="a-leap-day-is-read-by-the-first-format",
    ),
    pytest.param(
        TypedColumn(
            "v",
            "timestamp",
            format="yyyy-MM-dd HH:mm:ss",
            other_formats=("yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd"),
            timezone="Europe/Paris",
        ),
        {
            "2026-08-01 12:00:00": micros(2026, 8, 1, 10),
            "2026-08-01T12:00:00Z": micros(2026, 8, 1, 12),
            "2026-08-01": micros(2026, 7, 31, 22),
            "2026-03-29 02:30:00": "!type",
            "2026-08-01 12:00": "!type",
        },
        id="the-first-format-that-reads-a-timestamp",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format=NANOS),
        {
            "2026-01-01 00:00:01.000001000": micros(2026, 1, 1, 0, 0, 1) + 1,
            "2026-01-01 00:00:01.0000010": micros(2026, 1, 1, 0, 0, 1) + 1,
            "2026-01-01 00:00:01.000001001": "!range",
            "2026-01-01 00:00:01.0000019": "!range",
            "2026-01-01 00:00:01.5": micros(2026, 1, 1, 0, 0, 1) + 500_000,
            "2026-01-01 00:00:01": micros(2026, 1, 1, 0, 0, 1),
            "2026-01-01 00:00:01.0000010000": "!type",
        },
        id="digits-beyond-microseconds-are-zero",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format=NANOS, excess_fraction="truncate"),
        {
            "2026-01-01 00:00:01.000001999": micros(2026, 1, 1, 0, 0, 1) + 1,
            "1969-12-31 23:59:59.999999999": -1,
            "2026-01-01 00:00:01.0000019991": "!type",
        },
        id="digits-beyond-microseconds-are-dropped",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format=NANOS, other_formats=("dd.MM.yyyy HH:mm:ss.SSSSSSSSS",)),
        {
            "01.08.2026 00:00:00.000000001": "!range",
            "01.08.2026 00:00:00.000000000": micros(2026, 8, 1),
            "2026-08-01 00:00:00.000000001": "!range",
            "2026-08-01": "!type",
        },
        id="digits-beyond-microseconds-of-a-second-format",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", epoch="seconds"),
        {
            "0": 0,
            "1785542400": micros(2026, 8, 1),
            "-1": -1_000_000,
            " 1 ": 1_000_000,
            "+1": 1_000_000,
            "1.5": 1_500_000,
            "-0.5": -500_000,
            "1.": 1_000_000,
            "1.0000010": 1_000_001,
            "1.0000001": "!range",
            ".5": "!type",
            "1e9": "!type",
            "1,5": "!type",
            "1785542400000": "!range",
            "253402300799": micros(9999, 12, 31, 23, 59, 59),
            "253402300800": "!range",
            "-62135596800": micros(1, 1, 1),
            "-62135596801": "!range",
            "9" * 30: "!range",
            "0" * 30 + "1": 1_000_000,
            "2026-08-01": "!type",
            "": "!type",
            "1\ufffd": "!encoding",
            None: None,
        },
        id="seconds-since-1970",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", epoch="millis", excess_fraction="truncate"),
        {"1785542400123": micros(2026, 8, 1) + 123_000, "1.0009": 1000, "-1.0009": -1000, "-1": -1000, "x": "!type"},
        id="milliseconds-since-1970",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", epoch="micros"),
        {
            "1785542400000001": micros(2026, 8, 1) + 1,
            "1.0": 1,
            "1.5": "!range",
            "253402300799999999": micros(9999, 12, 31, 23, 59, 59) + 999_999,
            "253402300800000000": "!range",
            "-62135596800000001": "!range",
            "99999999999999999999": "!range",
        },
        id="microseconds-since-1970",
    ),
]
