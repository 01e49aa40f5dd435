"""Options of columns by example: an option, the text of an object, and the rows that the job reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from tests.jobs.csv_options import feed_of, outcome

#: Keys of ``source``, a text (``⏎`` is a line feed), and what becomes of its records: good ones, then rejected ones.
CASES = [
    (
        '{columns: {n: {type: int, thousands_separator: "."}}}',
        "n⏎1.234⏎1234⏎1.23",
        ['{"n": 1234}', '{"n": 1234}', "rejected: n: type"],
    ),
    (
        '{columns: {n: {type: "decimal(12,2)", thousands_separator: ",", currency: ["$", "€"]}}}',
        'n⏎"$1,234.50"⏎45 €⏎"12,34,567"⏎"1,23"',
        ['{"n": "1234.50"}', '{"n": "45.00"}', '{"n": "1234567.00"}', "rejected: n: type"],
    ),
    (
        '{csv: {delimiter: ";", decimal_separator: ","}, columns: {n: {type: double, thousands_separator: " "}}}',
        "n⏎1 234,5⏎1\u00a0234⏎12 34",
        ['{"n": 1234.5}', '{"n": 1234.0}', "rejected: n: type"],
    ),
    ("{columns: {n: {type: double, percent: true}}}", "n⏎12.5%⏎12.5 %⏎7", ['{"n": 12.5}', '{"n": 12.5}', '{"n": 7.0}']),
    (
        "{columns: {n: {type: long, negative: [minus, parentheses]}}}",
        "n⏎(45)⏎-45⏎45-",
        ['{"n": -45}', '{"n": -45}', "rejected: n: type"],
    ),
    (
        "{columns: {n: {type: long, negative: trailing_minus}}}",
        "n⏎45-⏎45⏎-45",
        ['{"n": -45}', '{"n": 45}', "rejected: n: type"],
    ),
    (
        "{csv: {null_text: ['NULL']}, columns: {a: string, b: {type: string, null_text: [n/a]}}}",
        "a,b⏎NULL,NULL⏎n/a,n/a",
        ['{"a": null, "b": "NULL"}', '{"a": "n/a", "b": null}'],
    ),
    (
        "{csv: {null_text: ['NULL']}, columns: {a: string, b: {type: string, quoted_null: false}}}",
        'a,b⏎NULL,NULL⏎"NULL","NULL"⏎"a ""NULL"",",""',
        ['{"a": null, "b": null}', '{"a": null, "b": "NULL"}', '{"a": "a \\"NULL\\",", "b": ""}'],
    ),
    (
        "{csv: {null_text: ['NULL'], quoted_null: false}, columns: {a: string, n: long}}",
        'a,n⏎x,NULL⏎"NULL","NULL"',
        ['{"a": "x", "n": null}', "rejected: n: type"],
    ),
    (
        '{csv: {header: false, delimiter: "\\t"}, columns: {a: string, b: long}}',
        "\t⏎\t",
        ['{"a": null, "b": null}'] * 2,
    ),
    (
        "{csv: {escape: mysql, null_text: [''], quoted_null: false}, columns: {a: string, n: long}}",
        'a,n⏎,1⏎"",⏎x,""',
        ['{"a": null, "n": 1}', '{"a": "", "n": null}', "rejected: n: type"],
    ),
    (
        "{columns: {d: {type: date, format: dd/MM/yy, two_digit_year_from: 1970}}}",
        "d⏎01/08/26⏎31/12/70⏎31/12/69⏎01/08/2026",
        ['{"d": "2026-08-01"}', '{"d": "1970-12-31"}', '{"d": "2069-12-31"}', "rejected: d: type"],
    ),
    (
        "{columns: {d: {type: date, format: [dd/MM/yyyy, MM/dd/yyyy, yyyy-MM-dd]}}}",
        "d⏎03/04/2026⏎12/31/2026⏎2026-08-01⏎2026/08/01",
        ['{"d": "2026-04-03"}', '{"d": "2026-12-31"}', '{"d": "2026-08-01"}', "rejected: d: type"],
    ),
    (
        "{columns: {t: {type: timestamp, epoch: seconds}}}",
        "t⏎1785542400⏎1785542400.25⏎1785542400000⏎1.78E9",
        [
            '{"t": "2026-08-01 00:00:00+00:00"}',
            '{"t": "2026-08-01 00:00:00.250000+00:00"}',
            "rejected: t: range",
            "rejected: t: type",
        ],
    ),
    (
        "{columns: {t: {type: timestamp, epoch: millis}}}",
        "t⏎1785542400123⏎-1",
        ['{"t": "2026-08-01 00:00:00.123000+00:00"}', '{"t": "1969-12-31 23:59:59.999000+00:00"}'],
    ),
    (
        "{columns: {t: {type: timestamp, format: 'yyyy-MM-dd HH:mm:ss.SSSSSSSSS'}}}",
        "t⏎2026-08-01 00:00:00.000001000⏎2026-08-01 00:00:00.000001001",
        ['{"t": "2026-08-01 00:00:00.000001+00:00"}', "rejected: t: range"],
    ),
    (
        "{columns: {t: {type: timestamp, format: 'yyyy-MM-dd HH:mm:ss.SSSSSSSSS', excess_fraction: truncate}}}",
        "t⏎2026-08-01 00:00:00.000001999",
        ['{"t": "2026-08-01 00:00:00.000001+00:00"}'],
    ),
    ("{columns: {mail: {type: string, from: [E-mail, email_id]}}}", "id,EMAIL_ID⏎1,a", ['{"mail": "a"}']),
    (
        "{columns: {mail: {type: string, from: [E-mail, email_id]}}}",
        "E-mail,email_id⏎a,b",
        ["refused: the header has 'E-mail' and 'email_id', which are both column 'mail'"],
    ),
    ("{columns: {id: long}}", "x,\u00a0ID\u00a0,x⏎1,2,3⏎x,ID,x", ['{"id": 2}', "rejected: None: repeated_header"]),
    ("{columns: {id: long}}", "id,ID⏎1,2", ["refused: the header names 'ID', 'id' twice"]),
    (
        "{columns: {id: long, name: string, day: date}}",
        "id,n\u0430me,day⏎1,a,2026-08-01",
        [
            "refused: the header has no 'name'; it has 'id', 'n\u0430me', 'day'; field 2 looks like 'name', but has "
            "'\u0430' U+0430 instead of 'a' U+0061"
        ],
    ),
]


@pytest.mark.parametrize(("option", "text", "rows"), CASES, ids=[option for option, *_ in CASES])
def test_options_by_example(tmp_path: Path, option: str, text: str, rows: list[str]) -> None:
    assert outcome(tmp_path, yaml.safe_load(option), text.replace("⏎", "\n") + "\n") == rows


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ({"type": "string", "thousands_separator": ","}, "thousands_separator is for numbers, not for string"),
        ({"type": "date", "currency": "$"}, "currency is for numbers, not for date"),
        ({"type": "boolean", "percent": True}, "percent is for numbers"),
        ({"type": "double", "thousands_separator": "."}, "'.' is the decimal separator and the separator of thousands"),
        ({"type": "double", "thousands_separator": "x"}, "Input should be '', '.', ','"),
        ({"type": "double", "currency": "$", "percent": True}, "percent and currency exclude each other"),
        ({"type": "double", "currency": ["$", "1"]}, "currency '1' has a digit"),
        ({"type": "double", "currency": ".-"}, "currency '.-' has a digit, a blank or a character of numbers"),
        ({"type": "double", "currency": ["$", "$"]}, r"'\$' is repeated"),
        ({"type": "long", "negative": []}, "at least 1 item"),
        ({"type": "long", "negative": "brackets"}, "Input should be 'minus', 'parentheses' or 'trailing_minus'"),
        ({"type": "long", "epoch": "seconds"}, "epoch is for dates and timestamps, not for long"),
        ({"type": "date", "epoch": "seconds"}, "epoch is for timestamps; the day of an instant depends"),
        ({"type": "timestamp", "epoch": "seconds", "format": "yyyy"}, "epoch excludes format"),
        ({"type": "timestamp", "epoch": "seconds", "timezone": "UTC"}, "epoch excludes timezone"),
        (
            {"type": "date", "format": "dd/MM/yy"},
            "leaves the century open; use yyyy, or set the column's two_digit_year",
        ),
        (
            {"type": "date", "two_digit_year_from": 1970},
            "two_digit_year_from needs yy in the pattern; it is 'yyyy-MM-dd'",
        ),
        ({"type": "date", "format": "dd/MM/yy", "two_digit_year_from": 1900}, "greater than or equal to 1901"),
        ({"type": "date", "format": "dd/MM/yy", "two_digit_year_from": 2001}, "less than or equal to 2000"),
        (
            {"type": "timestamp", "format": "dd/MM/yy HH:mmXXX", "two_digit_year_from": 1970},
            "a year of two digits and a zone",
        ),
        ({"type": "timestamp", "excess_fraction": "reject"}, "excess_fraction needs a pattern with 7 to 9 S"),
        ({"type": "date", "format": ["dd/MM/yyyy", "dd/MM/yyyy"]}, "'dd/MM/yyyy' is repeated"),
        ({"type": "date", "format": ["dd/MM/yyyy", "YYYY-MM-dd"]}, "uses week years"),
        ({"type": "date", "format": []}, "at least 1 item"),
        ({"type": "string", "from": ["a", " A "]}, "from names a column twice"),
        ({"type": "string", "from": ["a", " "]}, "a text of the list is empty"),
        ({"type": "string", "quoted_null": False}, "quoted_null needs null_text"),
        (
            {"type": "string", "null_text": [None]},
            "YAML reads NULL, null and ~ as nothing; write null markers in quotes",
        ),
        ({"type": "string", "quoted_null": False, "null_text": ["a,b"]}, "must be printable, without delimiter"),
        ({"type": "string", "quoted_null": False, "null_text": ["\n"]}, "must be printable, without delimiter"),
    ],
)
def test_options_that_do_not_fit(column: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        feed_of({"columns": {"v": column}})


def test_two_columns_may_not_claim_one_name_among_others() -> None:
    with pytest.raises(ValidationError, match=r"source.columns.a and b may both be 'Y' in a header; name it in one"):
        feed_of({"columns": {"a": {"type": "string", "from": ["x", "Y"]}, "b": {"type": "string", "from": "y "}}})


def test_two_columns_may_read_one_field_as_different_types() -> None:
    feed = feed_of({"columns": {"day": "date", "day_text": {"type": "string", "from": "day"}}})
    assert feed.header_names() == {"day": ("day",), "day_text": ("day",)}


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        pytest.param(
            {"type": "long", "thousands_separator": ","}, '"1 ,"', "rejected: v: type", id="pandas-issue-64655"
        ),
        pytest.param(
            {"type": "long", "thousands_separator": ","}, '"1,2,3"', "rejected: v: type", id="duckdb-pull-17220"
        ),
        pytest.param(
            {"type": "decimal(9,2)", "thousands_separator": ".", "decimal_separator": ","},
            '"1.299,99"',
            "1299.99",
            id="polars-issue-18797",
        ),
        pytest.param(
            {"type": "decimal(9,2)", "currency": "€", "negative": "parentheses"},
            "€(63.12)",
            "-63.12",
            id="firefly-iii-issue-1087",
        ),
        pytest.param({"type": "decimal(9,2)", "currency": "$"}, "-$1.80", "-1.80", id="readr-issue-444"),
        pytest.param(
            {"type": "decimal(9,2)", "currency": "GBP", "thousands_separator": ",", "negative": "parentheses"},
            '"GBP (53,180.08)"',
            "-53180.08",
            id="accounting-js-issue-30",
        ),
        pytest.param(
            {"type": "decimal(9,2)", "negative": ["minus", "parentheses"]},
            "(2493662.12)",
            "-2493662.12",
            id="csvhelper-issue-951",
        ),
        pytest.param(
            {"type": "string", "null_text": ["mynull"], "quoted_null": False},
            '"mynull"',
            "mynull",
            id="duckdb-pull-4888",
        ),
        pytest.param({"type": "string", "null_text": ["mynull"]}, '"mynull"', None, id="duckdb-issue-7162"),
        pytest.param(
            {"type": "string", "null_text": ["", "-"], "quoted_null": False},
            '"a\n""\nb"',
            'a\n"\nb',
            id="a-doubled-quote-is-no-empty-marker",
        ),
        pytest.param({"type": "string", "null_text": [""], "quoted_null": False}, '""', "", id="a-quoted-empty-marker"),
        pytest.param(
            {"type": "string", "null_text": ["\\N"], "quoted_null": False},
            '"\\N"',
            "\\N",
            id="a-quoted-backslash-and-n",
        ),
        pytest.param(
            {"type": "string", "null_text": ["\\N"], "quoted_null": False}, "\\N", None, id="a-backslash-and-n"
        ),
        pytest.param(
            {"type": "date", "format": "dd-MM-yy", "two_digit_year_from": 1926},
            "16-07-68",
            "1968-07-16",
            id="opensanctions-issue-4974",
        ),
        pytest.param(
            {"type": "date", "format": "dd-MM-yy", "two_digit_year_from": 1950},
            "31-12-49",
            "2049-12-31",
            id="polars-issue-17213",
        ),
        pytest.param(
            {"type": "timestamp", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSS", "excess_fraction": "truncate"},
            "2025-02-23T20:21:44.3756127",
            "2025-02-23 20:21:44.375612+00:00",
            id="pyiceberg-pull-3614",
        ),
        pytest.param(
            {"type": "timestamp", "format": "yyyy-MM-dd HH:mm:ss[.SSSSSSSSS]"},
            "1945-03-08 09:58:48.2380000",
            "1945-03-08 09:58:48.238000+00:00",
            id="cudf-issue-3118",
        ),
        pytest.param(
            {"type": "timestamp", "epoch": "seconds"},
            "1682019069.0",
            "2023-04-20 19:31:09+00:00",
            id="kaskada-issue-257",
        ),
        pytest.param(
            {"type": "timestamp", "epoch": "millis"},
            "1616976024321",
            "2021-03-29 00:00:24.321000+00:00",
            id="graph-cli-issue-44",
        ),
    ],
)
def test_reports_about_other_readers(tmp_path: Path, column: dict[str, Any], text: str, value: str | None) -> None:
    (row,) = outcome(tmp_path, {"columns": {"v": column}}, f"v\n{text}\n")
    assert (row if row.startswith("rejected") else json.loads(row)["v"]) == value
