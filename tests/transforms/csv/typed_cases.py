"""Each type with typical texts: the value, or the broken rule. Spark and Arrow are held to the same cases."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

import pytest

from tests.transforms.csv.time_cases import TIME_CASES
from tests.transforms.csv.written_cases import WRITTEN_CASES
from transforms.csv.typed_column import TypedColumn

D: Final = Decimal
T: Final = "yyyy-MM-dd HH:mm:ss[.SSSSSS]"


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc]


#: Column and values by text: timestamps as microseconds, ``!`` and the rule where one is broken.
CASES: Final = [
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
    pytest.param(
        TypedColumn("v", "long"),
        {
            "\t1\r": 1,
            "\x001\x7f": 1,
            "\u00a01": "!type",
            "1 2": "!type",
            "\u0661": "!type",
            "0" * 30 + "1": 1,
            "9" * 5000: "!range",
        },
        id="blanks-are-spaces-and-control-characters",
    ),
    pytest.param(
        TypedColumn("v", "decimal(5,2)"),
        {"\t1.5\x00": D("1.50"), "1.5\u2028": "!type", "1.\u0661": "!type", "-0.0": D(0), "+1": D(1)},
        id="blanks-and-digits-of-decimals",
    ),
    pytest.param(
        TypedColumn("v", "double"),
        {"\t1.5\x1f": 1.5, "1.5\u2028": "!type", "+1": 1.0, "1e": "!type", "e1": "!type", "2.4e-324": "!range"},
        id="blanks-and-signs-of-doubles",
    ),
    pytest.param(
        TypedColumn("v", "decimal(38,38)"),
        {
            "0.1": D("0.1"),
            ".5": D("0.5"),
            "1.0": "!range",
            "-0." + "1" * 38: D("-0." + "1" * 38),
            "0." + "1" * 39: "!range",
            "7": "!range",
            "0." + "5".ljust(45, "0"): D("0.5"),
        },
        id="decimal-of-a-fraction-only",
    ),
    pytest.param(
        TypedColumn("v", "decimal(38,18)"),
        {
            "12345678901234567890.5": D("12345678901234567890.5"),
            "1234567890123456789012345": "!range",
            "-1" + "0" * 37: "!range",
            "0.5": D("0.5"),
            "-12345678901234567890." + "1" * 18: D("-12345678901234567890." + "1" * 18),
        },
        id="decimal-whose-unscaled-value-would-overflow",
    ),
    pytest.param(
        TypedColumn("v", "decimal(18,2)"),
        {"49.5" + "0" * 40: D("49.5"), "1." + "0" * 40 + "1": "!range", "2." + "0" * 38: D(2)},
        id="decimal-with-a-fraction-longer-than-its-precision",
    ),
    pytest.param(
        TypedColumn("v", "boolean"),
        {" Yes\t": True, "N": False, "tru": "!type", "\ufffd": "!encoding", None: None},
        id="boolean-with-blanks",
    ),
    pytest.param(
        TypedColumn("v", "date", format="d-MMM-yyyy"),
        {
            "1-Aug-2026": date(2026, 8, 1),
            "01-AUG-2026": date(2026, 8, 1),
            "\t1-aug-2026 ": date(2026, 8, 1),
            "1-August-2026": "!type",
            "-1-Aug-2026": "!type",
            "0000000000000000001-Aug-2026": date(2026, 8, 1),
            "1-Aug-02026": "!type",
            "1-Aug-+02026": date(2026, 8, 1),
        },
        id="date-with-the-name-of-a-month",
    ),
    pytest.param(
        TypedColumn("v", "date", format="yyyyDDD"),
        {"2020366": date(2020, 12, 31), "2021366": "!type", "2020000": "!type"},
        id="date-by-the-day-of-the-year",
    ),
    pytest.param(
        TypedColumn("v", "date", format="dd.MM.yyyy G"),
        {"01.08.2026 AD": date(2026, 8, 1), "01.08.0001 BC": "!type", "01.08.0000 AD": "!type"},
        id="date-with-an-era",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="M/d/yyyy h:mm a"),
        {
            "8/1/2026 12:00 AM": micros(2026, 8, 1),
            "08/01/2026 12:30 pm": micros(2026, 8, 1, 12, 30),
            "8/1/2026 13:00 PM": "!type",
            "8/1/2026 0:00 AM": "!type",
            "8/1/2026 1:00": "!type",
        },
        id="timestamp-of-half-days",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyy-MM-dd kk:mm"),
        {"2026-08-01 24:00": micros(2026, 8, 1), "2026-08-01 00:00": "!type", "2026-08-01 25:00": "!type"},
        id="timestamp-with-hours-from-1-to-24",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyyMMddHHmmssSSS"),
        {"20260801123456789": "!type"},
        id="a-fraction-cannot-follow-digits",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyy-MM-dd HH:mm:ss X"),
        {
            "2026-08-01 12:00:00 +02": micros(2026, 8, 1, 10),
            "2026-08-01 12:00:00 +0230": micros(2026, 8, 1, 9, 30),
            "2026-08-01 12:00:00 z": micros(2026, 8, 1, 12),
            "2026-08-01 12:00:00 +02:30": "!type",
            "2026-08-01 12:00:00 +18": micros(2026, 7, 31, 18),
            "2026-08-01 12:00:00 +1830": "!type",
            "0001-01-01 00:00:00 +01": "!type",
        },
        id="timestamp-with-a-short-offset",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyy-MM-dd HH:mm VV", timezone="Asia/Tokyo"),
        {
            "2026-08-01 12:00 Europe/Paris": micros(2026, 8, 1, 10),
            "2026-08-01 12:00 europe/paris": micros(2026, 8, 1, 10),
            "2026-08-01 12:00 UTC+2": "!type",
            "2026-08-01 12:00 UTC+02:00": micros(2026, 8, 1, 10),
            "2026-08-01 12:00 -02:00": micros(2026, 8, 1, 14),
            "2026-08-01 12:00 Z": micros(2026, 8, 1, 12),
            "2026-03-29 02:30 Europe/Paris": micros(2026, 3, 29, 1, 30),
            "2026-08-01 12:00 Mars": "!type",
        },
        id="a-skipped-time-of-a-zone-in-the-text-is-moved-forward",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format=T, timezone="America/New_York"),
        {"2040-07-01 12:00:00": micros(2040, 7, 1, 16), "1883-11-18 12:00:00": micros(1883, 11, 18, 16, 56, 2)},
        id="zones-before-and-after-their-tables",
    ),
    pytest.param(
        TypedColumn("v", "string", is_folder=True, null_text=("NA",)),
        {
            "": "!partition",
            "__HIVE_DEFAULT_PARTITION__": "!partition",
            "é" * 40: "é" * 40,
            "é" * 41: "!partition",
            "a\0b": "!partition",
            "NA": None,
        },
        id="folder",
    ),
    pytest.param(
        TypedColumn("v", "long", null_text=("-1", " 7")),
        {"-1": None, " 7": None, "7": 7, " -1": -1, "+1": 1, "x": "!type"},
        id="null-texts-that-are-values",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyy-MM-dd HH:mm:ss[XXX]", timezone="Europe/Paris"),
        {
            "2026-01-01 00:00:00+02:00": micros(2025, 12, 31, 22),
            "2026-01-01 00:00:00Z": micros(2026, 1, 1),
            "2026-01-01 00:00:00": micros(2025, 12, 31, 23),
            "2026-03-29 02:30:00": "!type",
            "2026-03-29 02:30:00Z": micros(2026, 3, 29, 2, 30),
            "2026-01-01 00:00:00+2:00": "!type",
        },
        id="timestamp-with-an-optional-offset",
    ),
    pytest.param(
        TypedColumn("v", "timestamp", format="yyyy-MM-dd HH:mm[ VV]", timezone="America/New_York"),
        {
            "2026-01-01 00:00 Europe/Paris": micros(2025, 12, 31, 23),
            "2026-01-01 00:00": micros(2026, 1, 1, 5),
            "2026-01-01 00:00 Z": micros(2026, 1, 1),
            "2026-03-08 02:30": "!type",
        },
        id="timestamp-with-an-optional-zone",
    ),
    *WRITTEN_CASES,
    *TIME_CASES,
]
