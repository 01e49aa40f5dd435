"""Blocks of text columns, case by case; test_text_block_laws.py compares them with a slow reader."""

import codecs
import itertools
import tracemalloc
from typing import Any

import pytest

from tests.transforms.csv.reading import Reading, cut, header_of, layout_of, read
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_encoding import can_be_split
from transforms.csv.text_layout import ByteRange, Fault, TextLayout
from transforms.errors import LongRecordError, UnclearRecordsError

LINES = layout_of(multiline=False)
CR = layout_of(line_end="\r")
ONE = layout_of(("id",))


def cells(reading: Reading) -> list[tuple[str | None, ...]]:
    return [tuple(fields.values()) for fields, *_ in reading.rows]


@pytest.mark.parametrize(
    ("text", "layout", "rows"),
    [
        pytest.param("1,a\r\n\n2,b\n\r\n3,c", LINES, [("1", "a"), ("2", "b"), ("3", "c")], id="blank-lines-are-no-rows"),
        pytest.param("x\n\n  \n", ONE, [("x",), ("  ",)], id="a-line-of-blanks-is-a-row"),
        pytest.param('1,\n,""\n', None, [("1", None), (None, "")], id="unquoted-empty-is-null-and-quoted-is-not"),
        pytest.param("1,\r\n2,a\r", None, [("1", None), ("2", "a")], id="a-return-belongs-to-the-line-end"),
        pytest.param("1\r,a\rb\n\r,\r\n", None, [("1\r", "a\rb"), ("\r", None)], id="other-returns-are-data"),
        pytest.param('1,"a\r"\n', None, [("1", "a\r")], id="a-return-before-a-closing-quote-is-data"),
        pytest.param("1,a\r2\n3,\r\r", CR, [("1", "a"), ("2\n3", None)], id="line-feeds-are-data-if-CR-ends-lines"),
        pytest.param('"1" ,a\r\r\n5",b\r\r\n"3\n" ,c\r\r\n', None, [("1", "a\r"), ('5"', "b\r"), ("3\n", "c\r")], id="a-return-is-data-in-rewritten-records-too"),
        pytest.param('1,"a\r\nb\nc"\n2,d\n', None, [("1", "a\r\nb\nc"), ("2", "d")], id="line-ends-in-quotes-are-data"),
        pytest.param('1,"a"" ,"" b"\n', None, [("1", 'a" ," b')], id="doubled-quotes"),
        pytest.param('1,5" pipe\n2, "a"\n3,"b" \t\n', None, [("1", '5" pipe'), ("2", ' "a"'), ("3", "b")], id="quotes-that-are-data-and-blanks-after-quotes"),
        pytest.param("1,a\0b\n\0,\"\0\"\n", None, [("1", "a\0b"), ("\0", "\0")], id="NUL-is-data"),
        pytest.param("\ufeff1,\ufeffa\n", None, [("\ufeff1", "\ufeffa")], id="a-later-byte-order-mark-is-data"),
        pytest.param("1\0a\n\"\0\"\0b\n", layout_of(delimiter="\0"), [("1", "a"), ("\0", "b")], id="NUL-delimits"),
        pytest.param('1\u00a7"\u00a7\x1f"\n', layout_of(delimiter="\u00a7"), [("1", "\u00a7\x1f")], id="a-delimiter-outside-ASCII"),
        pytest.param("\ufdd0\u00a7\ufdd2\ufdd3\ufdd4\r\ufdd0\n", layout_of(delimiter="\u00a7"), [("\ufdd0", "\ufdd2\ufdd3\ufdd4\r\ufdd0")], id="characters-that-escape-others-internally"),
        pytest.param("\ufdd1\ufdd0\x1f\ufdd0\ufdd1\ufdd4\n", layout_of(("a", "b", "c"), delimiter="\ufdd0"), [("\ufdd1", "\x1f", "\ufdd1\ufdd4")], id="a-delimiter-that-escapes-others-internally"),
        pytest.param("1,a,x\n", layout_of(("id", "name", ""), wanted={"n": 1, "i": 0, "again": 1}), [("a", "1", "a")], id="only-declared-columns-in-their-order"),
    ],
)  # fmt: skip
def test_rows(text: str, layout: TextLayout | None, rows: list[tuple[str | None, ...]]) -> None:
    layout = layout or layout_of()
    reading = read(header_of(layout) + text, layout)
    assert cells(reading) == rows
    assert reading.faults == []


@pytest.mark.parametrize(
    ("text", "layout", "faults"),
    [
        pytest.param("1\n2,b\n \n3,c,d\r\n", None, [("field_count", 8, "1"), ("field_count", 14, " "), ("field_count", 16, "3,c,d")], id="field-count"),
        pytest.param('1,"a"b\n2,b\n"a""b"x,\n', None, [("quote", 8, '1,"a"b'), ("quote", 19, '"a""b"x,')], id="text-after-a-closing-quote"),
        pytest.param('"#\n\r\r\n', LINES, [("quote", 8, '"#'), ("field_count", 11, "\r")], id="a-lone-return-is-no-blank-line"),
        pytest.param('1,"a\nb",2\n3,"c"d\n', None, [("field_count", 8, '1,"a\nb",2'), ("quote", 18, '3,"c"d')], id="lines-inside-fields-count"),
        pytest.param("id,name\n id ,\ufeffname\nID,name\n", None, [("repeated_header", 8, "id,name"), ("repeated_header", 16, " id ,\ufeffname")], id="a-repeated-header"),
        pytest.param('1,"a\n5",2\n"b","c"\n', LINES, [("quote", 8, '1,"a'), ("quote", 13, '5",2')], id="without-multiline-each-line-is-a-record"),
        pytest.param("1\u00a7a\u00a7\x1f\r\n", layout_of(delimiter="\u00a7"), [("field_count", 9, "1\u00a7a\u00a7\x1f")], id="a-delimiter-outside-ASCII"),
    ],
)  # fmt: skip
def test_faults(text: str, layout: TextLayout | None, faults: list[tuple[str, int, str]]) -> None:
    layout = layout or layout_of()
    reading = read(header_of(layout) + text, layout)
    assert [fault[:3] for fault in reading.faults] == faults


def test_a_repeated_header_has_its_fields_and_other_faults_have_none() -> None:
    (block,) = read_blocks([b'id,name\n1\n"id ",name\n2,a\n'], layout_of(wanted={"name": 1}))
    assert block.faults == [
        Fault("field_count", 8, "1", None),
        Fault("repeated_header", 10, '"id ",name', {"name": "name"}),
    ]
    assert (block.columns.to_pylist(), block.texts([0])) == ([{"name": "a"}], ["2,a"])
    assert block.positions([0]) == [21]


@pytest.mark.parametrize("text", ["", "\n\r\n", "\ufeff", "\ufeff\n\nid,name", "id,name\r\n", '\ufeff"id\n,",name\n'])
def test_a_text_without_rows_is_one_empty_block(text: str) -> None:
    (block,) = read_blocks([text.encode()], layout_of())
    assert (block.columns.column_names, block.columns.num_rows, block.faults) == (["id", "name"], 0, [])
    assert block.begins == block.ends == len(text.encode())


@pytest.mark.parametrize(
    ("text", "layout", "line"),
    [
        pytest.param('1,a\n2,"b\n3,c\n', None, 3, id="never-closed"),
        pytest.param('1,a\n2,"b\n3,c"d\n4,e\n', None, 3, id="closed-by-a-stray-quote"),
        pytest.param('1,"a"b,"c\nd"\n', None, 2, id="a-line-end-after-a-misquoted-field"),
        pytest.param('1,"a', None, 2, id="opened-in-the-last-line"),
        pytest.param('1,"a\nx\ny,z\n', LINES, 4, id="a-row-inside-a-field-of-several-lines"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 10, 1 << 20])
def test_unclear_records_are_refused_by_line(text: str, layout: TextLayout | None, line: int, block_bytes: int) -> None:
    assert read("id,name\n" + text, layout or layout_of(), block_bytes=block_bytes) == Reading(unclear=line)


def test_an_open_line_without_another_row_is_rejected_alone() -> None:
    reading = read('id,name\n1,"a\nx\n"y"\n2,b\n', LINES, block_bytes=1)
    assert [fault[:3] for fault in reading.faults] == [
        ("quote", 8, '1,"a'),
        ("field_count", 13, "x"),
        ("field_count", 15, '"y"'),
    ]
    assert cells(reading) == [("2", "b")]


@pytest.mark.parametrize(
    ("data", "encoding", "rows"),
    [
        pytest.param(b"1,caf\xe9\n2\xff\xfe,\xc3\n", "UTF-8", [("1", "caf\ufffd"), ("2\ufffd\ufffd", "\ufffd")], id="invalid-UTF-8"),
        pytest.param(b"1,caf\xe9\x81\n", "windows-1252", [("1", "caf\u00e9\ufffd")], id="windows-1252"),
        pytest.param(b"1,caf\xe9\n", "US-ASCII", [("1", "caf\ufffd")], id="US-ASCII"),
        pytest.param("1,\u00e9\U0001f600\n".encode("utf-16-le") + b"2\0,\0\0\xd8\n\0", "UTF-16LE", [("1", "\u00e9\U0001f600"), ("2", "\ufffd")], id="UTF-16-with-a-lone-surrogate"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 1000])
def test_invalid_bytes_become_replacement_characters(
    data: bytes, encoding: str, rows: list[tuple[str, str]], size: int
) -> None:
    data = "id,name\n".encode(encoding) + data
    blocks = list(read_blocks(cut(data, [size]), layout_of(encoding=encoding), block_bytes=size))
    assert [tuple(row.values()) for block in blocks for row in block.columns.to_pylist()] == rows
    texts = [text for block in blocks for text in block.texts(range(block.columns.num_rows))]
    assert texts == [",".join(row) for row in rows]


def test_utf_16_has_a_byte_order_mark() -> None:
    assert cells(read("id,name\n1,\u00e9\n", layout_of(encoding="UTF-16"))) == [("1", "\u00e9")]
    data = codecs.BOM_UTF16_BE + "id,name\n1,\u00e9\n".encode("utf-16-be")
    (block,) = read_blocks([data], layout_of(encoding="UTF-16"))
    assert block.columns.to_pylist() == [{"id": "1", "name": "\u00e9"}]


def test_which_encodings_can_be_split() -> None:
    encodings = ["UTF-8", "us-ascii", "ISO-8859-15", "windows-1252", "UTF-16", "utf-16le", "UTF-16BE"]
    assert [can_be_split(encoding) for encoding in encodings] == [True] * 4 + [False] * 3


LONG = [
    pytest.param("1,a\n2," + "x" * 5000 + "\n3,c\n", LongRecordError, 3, id="a-line"),
    pytest.param('1,a\n2,"' + "\n" * 5000 + '"\n3,c\n', UnclearRecordsError, 3, id="a-field-of-many-lines"),
    pytest.param('1,a\n2,"b' + "\n" * 5000, UnclearRecordsError, 3, id="an-open-field"),
    pytest.param("1,a\n2," + '"" ' * 2000 + "\n3,c\n", LongRecordError, 3, id="a-misquoted-line"),
    pytest.param("1,a\n2," + "x" * 5000, LongRecordError, 3, id="the-last-line"),
]


@pytest.mark.parametrize(("text", "error", "line"), LONG)
@pytest.mark.parametrize("block_bytes", [100, 1 << 20])
def test_records_above_the_limit_are_refused_by_line(
    text: str, error: type[LongRecordError | UnclearRecordsError], line: int, block_bytes: int
) -> None:
    layout = layout_of(max_record_bytes=4000)
    with pytest.raises(
        (LongRecordError, UnclearRecordsError), match=f"^line {line}: |^line {line} is longer"
    ) as raised:
        list(read_blocks([b"id,name\n" + text.encode()], layout, block_bytes=block_bytes))
    if block_bytes == 100:
        assert isinstance(raised.value, error)
        assert "max_record_bytes" in str(raised.value)


def test_records_up_to_the_limit_are_rows_whatever_the_blocks() -> None:
    row = "2," + "x" * 997 + "\n"
    for limit, block_bytes in itertools.product((1000, 999), (10, 999, 5000)):
        layout = layout_of(max_record_bytes=limit)
        blocks = read_blocks([b"id,name\n" + row.encode() * 3], layout, block_bytes=block_bytes)
        if limit == 1000:
            assert sum(block.columns.num_rows for block in blocks) == 3
        else:
            with pytest.raises(LongRecordError, match="line 2 is longer than 999 bytes"):
                list(blocks)


@pytest.mark.parametrize("begin", [b"1,", b'1,"', b'1,"" "', b"1,\xe9"])
def test_memory_is_bounded_by_the_limit(begin: bytes) -> None:
    def endless() -> Any:
        yield b"id,name\n" + begin
        while True:
            yield b"x" * 100_000

    tracemalloc.start()
    try:
        with pytest.raises((LongRecordError, UnclearRecordsError)):
            list(read_blocks(endless(), layout_of(max_record_bytes=4_000_000), block_bytes=1_000_000))
        assert tracemalloc.get_traced_memory()[1] < 4 * 4_000_000 + 2_000_000
    finally:
        tracemalloc.stop()


def test_a_row_of_more_fields_than_a_parser_reads_is_rejected() -> None:
    row = "2" + "," * 30_000
    reading = read(f"id,name\n1,a\n{row}\n3,c\n", layout_of())
    assert [fault[:3] for fault in reading.faults] == [("field_count", 12, row)]
    assert cells(reading) == [("1", "a"), ("3", "c")]


def test_each_column_has_one_chunk() -> None:
    for text in ("", "1,a\n", "id,name\n", "id,name\n1,a\nid,name\n", "x\n"):
        (block,) = read_blocks([b"id,name\n" + text.encode()], layout_of())
        assert [column.num_chunks for column in block.columns.columns] == [1, 1]


def test_5000_declared_columns() -> None:
    names = tuple(f"c{n}" for n in range(5_000))
    (block,) = read_blocks([",".join(names).encode() + b"\n" + b",".join([b"1"] * 5_000) + b"\n"], layout_of(names))
    assert block.columns.column_names == list(names)
    assert block.columns.to_pylist() == [dict.fromkeys(names, "1")]


def test_blocks_say_where_they_are() -> None:
    data = b"id,name\n" + '1,\u00e9\n2,"b\n"\n3,c\n4,d'.encode("windows-1252")
    layout = layout_of(encoding="windows-1252")
    blocks = list(read_blocks([data], layout, block_bytes=8))
    assert [(block.begins, block.ends, block.lines) for block in blocks] == [(8, 12, 2), (12, 23, 5), (23, 26, 6)]


@pytest.mark.parametrize(
    ("within", "places", "rows"),
    [
        pytest.param(ByteRange(0, 9), [(8, 12)], ["1"], id="from-the-header-to-the-record-that-begins-before-the-end"),
        pytest.param(ByteRange(0, 12), [(8, 19)], ["1", "2"], id="a-record-that-begins-at-the-end-belongs-to-it"),
        pytest.param(ByteRange(12, 13), [(12, 19)], ["2"], id="from-a-record"),
        pytest.param(ByteRange(12, 13, begins_at_record=False), [(19, 19)], [], id="none-after-the-start"),
        pytest.param(ByteRange(11, 13, begins_at_record=False), [(12, 12), (12, 19)], ["2"], id="from-a-guess"),
        pytest.param(ByteRange(13, None, begins_at_record=False), [(19, 19), (19, 26)], ["3", "4"], id="to-the-end"),
        pytest.param(ByteRange(25, None, begins_at_record=False), [(26, 26)], [], id="in-the-last-line"),
        pytest.param(ByteRange(0, 2), [(8, 8)], [], id="the-header-alone"),
    ],
)
def test_byte_ranges(within: ByteRange, places: list[tuple[int, int]], rows: list[str]) -> None:
    data = b'id,name\n1,a\n2,"b\n"\n3,c\n4,d'
    blocks = list(read_blocks([data[within.start :]], layout_of(), within=within))
    assert [(block.begins, block.ends) for block in blocks] == places
    assert [row["id"] for block in blocks for row in block.columns.to_pylist()] == rows


def test_a_byte_range_is_read_no_further_than_needed() -> None:
    def pieces() -> Any:
        yield b"1,a\n" * 50_000
        raise AssertionError("read too far")

    blocks = list(read_blocks(pieces(), layout_of(), within=ByteRange(100, 108)))
    assert (blocks[-1].ends, sum(block.columns.num_rows for block in blocks)) == (112, 3)
