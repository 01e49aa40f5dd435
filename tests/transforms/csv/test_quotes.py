"""Torn quotes, misquoted records and whole texts cut into records, against Python's own strict CSV reader."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.csv.whole_texts import Record, cut_records, unclear_line, unclear_single_line
from transforms.csv.quotes import walk_lines


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
        pytest.param('a,"b"c,"d\ne"\n', 1, id="line-end-after-a-misquoted-field"),
        pytest.param('a,"b\nc","d"e\n', None, id="misquoted-in-its-last-line"),
        pytest.param('a,"b\nc"\xa0,d\n', 1, id="a-no-break-space-is-no-blank"),
    ],
)
def test_where_records_tear(text: str, line: int | None) -> None:
    assert unclear_line(lines(text), delimiter=",") == line


@given(st.lists(st.lists(st.text(alphabet='a,"\r\n ', max_size=5), min_size=2, max_size=3), min_size=1, max_size=5))
def test_what_a_writer_quotes_is_never_torn(records: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(records)
    assert unclear_line(text.getvalue().splitlines(keepends=True), delimiter=",") is None
    assert unclear_line([part + "\n" for part in text.getvalue().split("\n")], delimiter=",") is None


@given(st.text(alphabet='a,"\n', max_size=30))
def test_what_is_not_torn_has_as_many_records_as_strict_csv_has(text: str) -> None:
    """Where the strict reader accepts a text, nothing is torn in it."""
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return
    assert unclear_line(text.splitlines(keepends=True), delimiter=",") is None


@pytest.mark.parametrize(
    ("text", "is_misquoted"),
    [
        pytest.param('a,"b" \t,"c ""d""\n", 5" \r\n', False, id="clean"),
        pytest.param('a,"b"c\n', True, id="text-after-a-quote"),
        pytest.param('a,"b" "c"\n', True, id="another-quote-after-a-blank"),
        pytest.param('a,"b\nc","d"e\n', True, id="in-the-last-line-of-a-record"),
        pytest.param('a,"b""', False, id="open-is-torn-not-misquoted"),
    ],
)
def test_misquoted_records_are_detected(text: str, is_misquoted: bool) -> None:
    assert any(line.is_misquoted for line in walk_lines(lines(text), ",")) is is_misquoted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param('1,"a"\n2,5"\n', None, id="nothing-is-open"),
        pytest.param('1,"a\nb",2\n', None, id="an-end-on-another-line"),
        pytest.param('1,"a\nx,y\nb",2\n', 2, id="looks-like-a-record"),
        pytest.param('1,"a\nx\ny,z,0\n', None, id="looks-like-none"),
    ],
)
def test_lines_inside_a_quoted_field(text: str, line: int | None) -> None:
    assert unclear_single_line(lines(text), delimiter=",", fields=2) == line


@pytest.mark.parametrize(
    ("text", "multiline", "records"),
    [
        pytest.param(
            '1,\n\r\n"",", ""x"""\r\n', True, [["1", None], ["", ', "x"']], id="null-empty-doubled-blank-lines"
        ),
        pytest.param('"a\r\nb" ,c"d\r\n', True, [["a\r\nb", 'c"d']], id="line-end-kept-blank-dropped"),
        pytest.param('"a\r"\n1,\r', True, [["a\r"], ["1", None]], id="carriage-returns"),
        pytest.param('1,"a"b\n 2 ,3', True, [None, [" 2 ", "3"]], id="misquoted"),
        pytest.param('1,"a\n5",2\n"b","c"\n5",2\n', False, [None, None, ["b", "c"], ['5"', "2"]], id="line-by-line"),
    ],
)
def test_cut_records(text: str, multiline: bool, records: list[list[str | None] | None]) -> None:
    found = list(cut_records(lines(text), delimiter=",", line_end="\n", multiline=multiline))
    assert [record.fields for record in found] == records
    assert all(record.text in text for record in found)


def lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]]


def test_the_time_grows_with_the_text_alone() -> None:
    inside = '""\n' * 100_000
    began = time.process_time()
    assert unclear_line(lines('a,b\n1,"' + inside), delimiter=",") == 2
    (record,) = cut_records(lines('1,"' + inside + '"\n'), delimiter=",", line_end="\n", multiline=True)
    assert record == Record('1,"' + inside + '"', ["1", '"\n' * 100_000])
    assert time.process_time() - began < 2
