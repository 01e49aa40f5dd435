"""Torn quotes, against Python's own strict CSV reader."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.csv_quotes import check_records


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a,b\n1,2\n", None, id="no-quotes"),
        pytest.param('a,"b\nc",d\n', None, id="line-end-in-quotes"),
        pytest.param('a,"b ""x""\nc" ,d\n', None, id="blank-after-the-quote"),
        pytest.param('a,b"c\nd"e\n', None, id="quotes-inside-unquoted"),
        pytest.param('a,"b"c\nd\n', None, id="stray-within-a-line"),
        pytest.param('a\nb,"c\nd,e\n', 2, id="never-closed"),
        pytest.param('a\nb,"c\nd"e,f\n', 2, id="closed-by-a-stray"),
        pytest.param('a,"', 1, id="opened-at-the-end"),
        pytest.param('a,"b""', 1, id="doubled-at-the-end"),
    ],
)
def test_where_records_tear(text: str, line: int | None) -> None:
    assert check_records(lines(text), delimiter=",").unclear_line == line


@given(st.lists(st.lists(st.text(alphabet='a,"\r\n ', max_size=5), min_size=2, max_size=3), min_size=1, max_size=5))
def test_what_a_writer_quotes_is_never_torn(records: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(records)
    assert check_records(text.getvalue().splitlines(keepends=True), delimiter=",").unclear_line is None
    assert check_records([part + "\n" for part in text.getvalue().split("\n")], delimiter=",").unclear_line is None


@given(st.text(alphabet='a,"\n', max_size=30))
def test_what_is_not_torn_has_as_many_records_as_strict_csv_has(text: str) -> None:
    """Where the strict reader accepts a text, nothing is torn in it."""
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return
    assert check_records(text.splitlines(keepends=True), delimiter=",").unclear_line is None
