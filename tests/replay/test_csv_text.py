"""CSV text of corrected rows."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from lakewright.csv.heads import Header
from lakewright.csv.objects import CsvRules
from lakewright.csv.options import CsvOptions
from lakewright.quarantine.table import QuarantinedRow
from lakewright.replay.csv_text import CsvText
from lakewright.replay.edited_rows import ReplayedRow

NAMES = {"id": ("id",), "name": ("name",)}


def rows(*texts: str) -> list[ReplayedRow]:
    fields = {"id": "1", "name": "new"}
    return [
        ReplayedRow(QuarantinedRow("raw/a.csv", "e", place, (), text, fields, date(2026, 8, 1), "r"))
        for place, text in enumerate(texts)
    ]


def records(texts: Sequence[str], names: tuple[str, ...] = ("id", "city", "name"), **options: Any) -> list[str | None]:
    text = CsvText(CsvRules(CsvOptions(**options), NAMES, 1 << 20), Header(names, "\n"))
    return text.records(rows(*texts))


ROME, PARIS, LOST = '"1","Rome","new"', '"1","Paris","new"', None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(["x,Rome,a", "y,Paris,b"], [ROME, PARIS], id="all-can-be-read"),
        pytest.param(["x,Rome,a", "y", "z,Paris,b"], [ROME, LOST, PARIS], id="too-few-fields"),
        pytest.param(['x,Rome,"a', "y,Paris,b"], [LOST, PARIS], id="a-quote-that-is-not-closed"),
        pytest.param(['x,Rome,"a', 'b",Paris,c'], [LOST, PARIS], id="two-that-are-one-record-together"),
        pytest.param(["x", "x,Rome,a\ny,Paris,b", "z,Paris,c"], [LOST, LOST, PARIS], id="one-that-is-two-records"),
        pytest.param(["x,,a", "y,"], ['"1",,"new"', LOST], id="null"),
    ],
)
def test_columns_that_the_feed_does_not_declare_keep_their_values(
    texts: Sequence[str], expected: list[str | None]
) -> None:
    assert records(texts) == expected


def test_a_record_without_other_columns_need_not_be_read() -> None:
    assert records(["x;a", "y,b"], names=("id", "name")) == ['"1","new"'] * 2


def test_many_records_are_read_together() -> None:
    texts = [f"x,{place},a" for place in range(50_000)] + ["y"]
    assert records(texts) == [*(f'"1","{place}","new"' for place in range(50_000)), LOST]


@pytest.mark.parametrize(
    ("names", "field"),
    [
        pytest.param(("id", "E-mail"), "email_id", id="another-name-of-the-column"),
        pytest.param(("id", "E-mail"), "mail", id="the-name-in-the-table"),
        pytest.param(("id", "\u00a0e-MAIL"), "E-mail", id="without-case-and-blanks"),
    ],
)
def test_fields_have_any_name_of_their_column(names: tuple[str, ...], field: str) -> None:
    rules = CsvRules(CsvOptions(), {"id": ("id",), "mail": ("E-mail", "email_id")}, 1 << 20)
    row = QuarantinedRow("raw/a.csv", "e", 0, (), "x,a", {"id": "1", field: "b"}, date(2026, 8, 1), "r")
    assert CsvText(rules, Header(names, "\n")).records([ReplayedRow(row)]) == ['"1","b"']
