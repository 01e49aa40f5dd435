"""What each option of a dialect means, by example; test_dialect_laws.py compares all of them with a plain reader."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.reading import Reading, cut, header_of, layout_of, read
from tests.transforms.csv.test_dialect_laws import layouts
from transforms.csv.dialects.dialect import Dialect
from transforms.csv.dialects.first_record import first_record
from transforms.csv.dialects.stand_ins import StandIns
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_layout import TextLayout
from transforms.errors import HeaderError

Row = tuple[str | None, ...]


def rows(reading: Reading) -> list[Row]:
    return [tuple(fields.values()) for fields, *_ in reading.rows]


CASES = [
    pytest.param({"quote": "'"}, "1,'it''s, \"so\"'\n2,\"a\"\n", [("1", 'it\'s, "so"'), ("2", '"a"')], id="single-quotes-quote-and-double-quotes-are-data"),
    pytest.param({"quote": "none"}, '1,"a\n2,5"\n', [("1", '"a'), ("2", '5"')], id="without-quotes-all-quotes-are-data"),
    pytest.param({"escape": "\\"}, '1,a\\,b\n2,"a\\"b"\n3,a\\\nb\n4,\\\\N\n5,\\n\n', [("1", "a,b"), ("2", 'a"b'), ("3", "a\nb"), ("4", "\\N"), ("5", "n")], id="a-backslash-makes-the-next-character-literal"),
    pytest.param({"escape": "\\"}, '1,\\N\n2,"\\N"\n3,\\NN\n4,\n', [("1", None), ("2", "N"), ("3", "NN"), ("4", None)], id="an-unquoted-backslash-N-alone-is-null"),
    pytest.param({"escape": "\\"}, "1,a\\\r\nb\r\n2,\\\"c\\\"\r\n", [("1", "a\r\nb"), ("2", '"c"')], id="an-escaped-CR-LF-is-one-line-end"),
    pytest.param({"escape": "\\"}, '1,"a""\\"\\\\"\n', [("1", 'a""\\')], id="doubled-quotes-stay-quotes-beside-escapes"),
    pytest.param({"escape": "mysql", "delimiter": "\t", "quote": "none"}, "1\ta\\\tb\\\\c\\0d\\n\\Z\n2\t\\N\n3\t\n4\t\\b\\r\\t\\f\n", [("1", "a\tb\\c\0d\n\x1a"), ("2", None), ("3", ""), ("4", "\b\r\tf")], id="mysql"),
    pytest.param({"escape": "postgres", "delimiter": "\t", "quote": "none"}, '1\t\\b\\f\\n\\r\\t\\v\n2\t\\N\n3\t\n4\t\\101\\x42\\x4a\\0\\8\\xg\\Z\n5\t\\303\\251\\"\n', [("1", "\b\f\n\r\t\v"), ("2", None), ("3", ""), ("4", "ABJ\x008xgZ"), ("5", 'é"')], id="postgres"),
    pytest.param({"escape": "postgres"}, "1,\\xff\n2,\\377a\n", [("1", "\ufffd"), ("2", "\ufffda")], id="bytes-that-are-not-UTF-8"),
    pytest.param({"escape": "spark"}, '1,"a\\"b\\\\c\\n"\n2,a\\"b\\\\\\n\n3,""\n4,\n5,"\\N"\n6,\\N\n', [("1", 'a"b\\c\\n'), ("2", 'a\\"b\\\\\\n'), ("3", ""), ("4", None), ("5", "\\N"), ("6", "\\N")], id="spark-escapes-in-quotes-alone"),
    pytest.param({"escape": "spark", "quote": "'"}, "1,'a\\'b\\\"'\n", [("1", "a'b\\\"")], id="spark-with-single-quotes"),
    pytest.param({"comment": "#"}, '#"\n1,a\n#,"\n\n2,"b\n#c"\n3,#d\n#', [("1", "a"), ("2", "b\n#c"), ("3", "#d")], id="a-comment-begins-a-line-outside-quotes"),
    pytest.param({"comment": "#", "escape": "\\"}, "\\#1,a\n", [("#1", "a")], id="an-escaped-comment-is-a-record"),
    pytest.param({"trailing_delimiter": "allow"}, '1,a,\n2,b\n3,,\n4,\n5,"c",\r\n', [("1", "a"), ("2", "b"), ("3", None), ("4", None), ("5", "c")], id="one-trailing-delimiter"),
    pytest.param({"skip_initial_space": True}, ' 1, "a, b"\n2,  c d \n3,\t\n4," e"\n', [("1", "a, b"), ("2", "c d "), ("3", None), ("4", " e")], id="spaces-and-tabs-before-a-field"),
    pytest.param({"skip_initial_space": True, "delimiter": "\t"}, "1\t  a\n", [("1", "a")], id="a-delimiter-is-no-blank"),
    pytest.param({"delimiter": "||"}, '1||a|b\n2||"a||b"\n3|||c\n', [("1", "a|b"), ("2", "a||b"), ("3", "|c")], id="a-delimiter-of-two-characters-is-found-from-the-left"),
    pytest.param({"delimiter": "~|~"}, "1~|~a~|\n", [("1", "a~|")], id="part-of-a-delimiter-is-data"),
    pytest.param({"delimiter": "||", "escape": "\\"}, "a\\|||b\n1||c\\||\n", [("a|", "b"), ("1", "c||")], id="an-escape-before-a-delimiter-of-two-characters")
]  # fmt: skip


@pytest.mark.parametrize(("options", "text", "expected"), CASES)
@pytest.mark.parametrize("size", [1, 1 << 16])
def test_rows(options: dict[str, Any], text: str, expected: list[Row], size: int) -> None:
    of = layout_of(**options)
    reading = read(header_of(of) + text, of, sizes=[size], block_bytes=size)
    assert rows(reading) == expected
    assert reading.faults == []


@pytest.mark.parametrize(
    ("options", "text", "faults"),
    [
        pytest.param({"quote": "'"}, "1,'a'b\n2,\"a\"b\n", [("quote", 8, "1,'a'b")], id="text-after-a-closing-single-quote"),
        pytest.param({"escape": "\\"}, '1,"a\\"b"c\n2,a\\,b,c\n', [("quote", 8, '1,"a\\"b"c'), ("field_count", 18, "2,a\\,b,c")], id="the-text-of-a-fault-has-its-escapes"),
        pytest.param({"escape": "\\"}, "1,a\n2,b\\", [("quote", 12, "2,b\\")], id="an-escape-at-the-end-of-the-object"),
        pytest.param({"escape": "mysql", "multiline": False}, "1,a\\\r\n2,b\\\\\n", [("quote", 8, "1,a\\")], id="an-escape-at-the-end-of-a-line-that-is-a-record"),
        pytest.param({"escape": "postgres", "quote": "none"}, "1,a\n\\.\n\\..\n", [("quote", 12, "\\."), ("field_count", 15, "\\..")], id="the-end-of-the-data-of-PostgreSQL"),
        pytest.param({"trailing_delimiter": "allow"}, '1,a,,\n2,a,""\n3,a, \n4\n', [("field_count", 8, "1,a,,"), ("field_count", 14, '2,a,""'), ("field_count", 21, "3,a, "), ("field_count", 27, "4")], id="other-additional-fields"),
        pytest.param({"trailing_delimiter": "allow", "skip_initial_space": True}, "id,name, \n  \n", [("repeated_header", 8, "id,name, "), ("field_count", 18, "  ")], id="a-trailing-delimiter-before-blanks"),
        pytest.param({"skip_initial_space": True}, '1, "a"b\n', [("quote", 8, '1, "a"b')], id="text-after-a-closing-quote-of-a-field-after-a-space"),
        pytest.param({"delimiter": "||"}, "1|a\n2||b||c\n", [("field_count", 9, "1|a"), ("field_count", 13, "2||b||c")], id="positions-count-all-bytes-of-a-delimiter"),
    ],
)  # fmt: skip
def test_faults(options: dict[str, Any], text: str, faults: list[tuple[str, int, str]]) -> None:
    of = layout_of(**options)
    assert [fault[:3] for fault in read(header_of(of) + text, of).faults] == faults


@pytest.mark.parametrize(
    ("options", "text", "words"),
    [
        pytest.param({}, "1,a\n2\n3,b,c\n", ["The record has 1 field instead of 2.", "The record has 3 fields instead of 2."], id="fields"),
        pytest.param({}, '1,"a"b\n', ["Text follows a closing quote."], id="text-after-a-quote"),
        pytest.param({"multiline": False}, '1,"a\nb"\n', ["A quoted field is not closed on its line.", "Its quote may close a field that an earlier line opened."], id="a-field-that-is-not-closed"),
        pytest.param({"escape": "\\"}, "1,a\\", ["The backslash at its end escapes nothing."], id="an-escape-at-the-end"),
        pytest.param({"escape": "postgres"}, "\\.\n", [r"The line \. is the end of the data that PostgreSQL writes."], id="the-end-of-the-data"),
        pytest.param({}, "id,name\n", [""], id="what-the-rule-says"),
    ],
)  # fmt: skip
def test_the_words_of_faults(options: dict[str, Any], text: str, words: list[str]) -> None:
    blocks = list(read_blocks([b"id,name\n" + text.encode()], layout_of(**options)))
    assert [fault.words for block in blocks for fault in block.faults] == words


@pytest.mark.parametrize(
    ("options", "text", "line"),
    [
        pytest.param({"quote": "'"}, "1,a\n2,'b\n", 3, id="a-single-quote"),
        pytest.param({"escape": "\\"}, '1,a\\\nb\n2,"b\\"\n', 4, id="escaped-line-ends-count-as-lines"),
        pytest.param({"escape": "\\"}, '1\\\n1,"b\n', 3, id="an-escaped-line-end-in-the-record-itself"),
        pytest.param({"comment": "#"}, '#"\n1,"b\n', 3, id="comments-count-as-lines"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 1 << 16])
def test_unclear_records_are_refused_by_line(options: dict[str, Any], text: str, line: int, block_bytes: int) -> None:
    assert read("id,name\n" + text, layout_of(**options), block_bytes=block_bytes) == Reading(unclear=line)


def test_comments_are_counted_where_they_are() -> None:
    text = '#a\nid,name\n1,a\n#b\n#c\n2,"\n#"\n'
    assert read(text, layout_of(comment="#"), block_bytes=5).skipped == {"comment": 3}
    blocks = list(read_blocks([text.encode()], layout_of(comment="#"), block_bytes=12))
    assert sum(block.skipped.get("comment", 0) for block in blocks) == 3


@pytest.mark.parametrize(
    ("dialect", "text", "fields", "line_end"),
    [
        pytest.param(Dialect(), '\r\n"a ""b""",c\r\n1', ['a "b"', "c"], "\n", id="RFC-4180"),
        pytest.param(Dialect(), "a,b\r1,2\r", ["a", "b"], "\r", id="CR"),
        pytest.param(Dialect(quote="'", comment="#"), "#'\n'a\n,',\"b\"\n", ["a\n,", '"b"'], "\n", id="a-comment-before-it"),
        pytest.param(Dialect(trailing_delimiter="allow"), "a,b,\n", ["a", "b"], "\n", id="a-trailing-delimiter"),
        pytest.param(Dialect(trailing_delimiter="allow"), 'a,b,""\n', ["a", "b", ""], "\n", id="a-quoted-last-name"),
        pytest.param(Dialect(skip_initial_space=True), 'a, "b"\n', ["a", "b"], "\n", id="a-space-before-a-name"),
        pytest.param(Dialect("||", escape="mysql"), "a\\tb||c|\\|\n", ["a\tb", "c||"], "\n", id="escapes-and-a-long-delimiter"),
        pytest.param(Dialect(escape="spark"), '"a\\"",\\"b\n', ['a"', '\\"b'], "\n", id="spark"),
        pytest.param(Dialect("\t", "none", "postgres"), 'a"\t\\N\n', ['a"', "N"], "\n", id="without-quotes"),
    ],
)  # fmt: skip
def test_the_first_record(dialect: Dialect, text: str, fields: list[str], line_end: str) -> None:
    assert first_record(text, dialect, is_whole=False) == (fields, line_end)


@pytest.mark.parametrize("text", ["", "\n", "#a\n", "a||b", '"a\n', "a||b\r", '"a"|', '"a"||"b"|'])
def test_a_first_record_that_is_not_whole(text: str) -> None:
    assert first_record(text, Dialect("||", comment="#"), is_whole=False) is None


@pytest.mark.parametrize(
    ("text", "words"), [('"a\n', "a quote is not closed"), ('"a"b,c\n', "text follows a closing quote")]
)
def test_a_misquoted_first_record(text: str, words: str) -> None:
    with pytest.raises(HeaderError, match=words):
        first_record(text, Dialect(), is_whole=True)


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        pytest.param(Dialect(""), "one or more characters", id="no-delimiter"),
        pytest.param(Dialect(',"'), "other than a quote", id="a-quote-in-a-delimiter"),
        pytest.param(Dialect("\\|"), "backslash", id="a-backslash-in-a-delimiter"),
        pytest.param(Dialect("|\n"), "line end", id="a-line-end-in-a-delimiter"),
        pytest.param(Dialect("','", "'"), "contains the quote", id="a-single-quote-in-a-delimiter"),
        pytest.param(Dialect("n", escape="mysql"), "letter or digit", id="a-delimiter-that-an-escape-may-be"),
        pytest.param(
            Dialect(quote="none", escape="spark"), "set a quote, or another escape", id="spark-without-quotes"
        ),
        pytest.param(Dialect(comment="##"), "one character", id="a-comment-of-two-characters"),
        pytest.param(Dialect(comment="'"), "one character", id="a-comment-that-is-a-quote"),
        pytest.param(Dialect("|#", comment="#"), "begins a comment", id="a-comment-in-a-delimiter"),
        pytest.param(Dialect(comment="x", escape="postgres"), "letter or digit", id="a-comment-that-an-escape-may-be"),
        pytest.param(Dialect(comment=" ", skip_initial_space=True), "is a blank", id="a-comment-that-is-a-blank"),
    ],
)
def test_dialects_that_no_text_can_have(dialect: Dialect, words: str) -> None:
    assert words in dialect.problem()


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=60), layouts(), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_stand_ins_are_undone(data: bytes, of: TextLayout, sizes: list[int]) -> None:
    stand_ins = StandIns(of.dialect, of.line_end, of.multiline)
    replaced = b"".join(stand_ins.replaced(cut(data, sizes)))
    assert replaced == b"".join(stand_ins.replaced([data]))
    assert stand_ins.original(replaced).decode(errors="replace") == data.decode(errors="replace")
