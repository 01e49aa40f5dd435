"""The laws of text blocks: whatever the pieces, the blocks and the byte ranges, a slow reader reads the same."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.reading import Reading, cut, header_of, layout_of, read, read_slowly, reading_of
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_encoding import can_be_split
from transforms.csv.text_layout import ByteRange, TextBlock, TextLayout
from transforms.errors import UnclearRecordsError

LAYOUTS = [
    layout_of(delimiter=delimiter, line_end=line_end, multiline=multiline, encoding=encoding)
    for delimiter, line_end, encoding in [
        (",", "\n", "UTF-8"),
        (",", "\n", "UTF-8"),
        ("\t", "\r", "windows-1252"),
        ("\x01", "\n", "UTF-16"),
        ("\u00a7", "\n", "UTF-16LE"),
        ("\u00a7", "\n", "UTF-8"),
        ("\u00a7", "\n", "ISO-8859-1"),
        ("\0", "\r", "UTF-8"),
        (" ", "\n", "UTF-8"),
        ("a", "\n", "UTF-8"),
    ]
    for multiline in (True, False)
] + [layout_of(("id",), multiline=multiline) for multiline in (True, False)]
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=3)
BLOCKS = st.integers(1, 40)


@st.composite
def bodies(draw: st.DrawFn, layout: TextLayout) -> str:
    """Generate what follows the header: clean records, slightly broken ones, and noise."""
    delimiter, line_end = layout.dialect.delimiter, layout.line_end
    other = "\r" if line_end == "\n" else "\n"
    cell = st.text(st.sampled_from(["a", "b", '"', " ", delimiter, line_end, other, "\u00e9"]), max_size=5)
    quoted = cell.map(lambda text: '"' + text.replace('"', '""') + '"')
    plain = st.sampled_from(["", "a", '5" b', "id", "name", " a", "\u00e9", "\ufeffid"])
    broken = st.sampled_from(['"a" ', '"a"b', '"a', 'a"', '""a', '"a"" b"'])
    ends = st.sampled_from([line_end, line_end, line_end, "\r" + line_end])
    fields = st.lists(st.one_of(quoted, plain, plain, broken), min_size=1, max_size=3)
    record = st.tuples(fields.map(delimiter.join), ends).map("".join)
    noise = [
        "a",
        '"',
        '"',
        " ",
        delimiter,
        line_end,
        other,
        '""',
        '"' + delimiter,
        delimiter + '"',
        "\ufeff",
        "\0",
        "\x1f",
    ]
    part = st.one_of(record, record, st.just(header_of(layout)), st.sampled_from(noise))
    return "".join(draw(st.lists(part, max_size=12)))


@st.composite
def objects(draw: st.DrawFn, layout: TextLayout) -> str:
    """Generate a text that its encoding can represent."""
    text = draw(st.sampled_from(["", "", layout.line_end])) + header_of(layout)
    text += draw(bodies(layout))
    return text.encode(layout.encoding, "replace").decode(layout.encoding)


@pytest.mark.slow
@settings(max_examples=examples(800), deadline=None)
@given(st.data(), st.sampled_from(LAYOUTS), SIZES, BLOCKS)
def test_blocks_are_what_a_slow_reader_reads(
    data: st.DataObject, layout: TextLayout, sizes: list[int], block_bytes: int
) -> None:
    text = data.draw(objects(layout))
    assert read(text, layout, sizes=sizes, block_bytes=block_bytes) == read_slowly(text, layout)


def read_ranges(
    data: bytes, layout: TextLayout, cuts: Sequence[int], sizes: Sequence[int], block_bytes: int
) -> Reading:
    """Read ranges independently, verify them in order, and read those again whose guess was wrong."""

    def attempt(within: ByteRange) -> tuple[list[TextBlock], int]:
        blocks: list[TextBlock] = []
        pieces = cut(data[within.start :], sizes)
        try:
            blocks.extend(read_blocks(pieces, layout, within=within, block_bytes=block_bytes))
        except UnclearRecordsError as error:
            return blocks, error.line
        return blocks, 0

    whole, after, lines = Reading(), 0, 0
    for start, end in pairwise([0, *sorted(cuts), None]):
        assert start is not None
        if start and end is not None and after > end:
            continue
        blocks, unclear = attempt(ByteRange(start, end, begins_at_record=False))
        if start and not (blocks and blocks[0].begins == after):
            blocks, unclear = attempt(ByteRange(after, end))
        if unclear:
            return Reading(unclear=lines + unclear)
        reading = reading_of(blocks)
        whole.rows += reading.rows
        whole.faults += reading.faults
        whole.skipped += reading.skipped
        assert all(first.ends == second.begins for first, second in pairwise(blocks))
        after, lines = blocks[-1].ends, lines + blocks[-1].lines
    assert after == len(data)
    return whole


@pytest.mark.slow
@settings(max_examples=examples(800), deadline=None)
@given(st.data(), st.sampled_from([layout for layout in LAYOUTS if can_be_split(layout.encoding)]), SIZES, BLOCKS)
def test_verified_byte_ranges_are_the_whole_text(
    data: st.DataObject, layout: TextLayout, sizes: list[int], block_bytes: int
) -> None:
    text = data.draw(objects(layout))
    encoded = text.encode(layout.encoding)
    cuts = data.draw(st.lists(st.integers(1, len(encoded)), max_size=4))
    assert read_ranges(encoded, layout, cuts, sizes, block_bytes) == read_slowly(text, layout)


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=60), st.sampled_from([True, False]), SIZES, BLOCKS)
def test_any_bytes_are_read_as_their_decoded_text(
    data: bytes, multiline: bool, sizes: list[int], block_bytes: int
) -> None:
    data = b"id,name\n" + data
    layout = layout_of(multiline=multiline)
    try:
        reading = reading_of(list(read_blocks(cut(data, sizes), layout, block_bytes=block_bytes)))
    except UnclearRecordsError as error:
        reading = Reading(unclear=error.line)
    slowly = read_slowly(data.decode("utf-8", "replace"), layout)
    assert (_without_positions(reading), reading.unclear) == (_without_positions(slowly), slowly.unclear)
    for text, position in [(row[1], row[2]) for row in reading.rows] + [
        (fault[2], fault[1]) for fault in reading.faults
    ]:
        assert data[position:].decode("utf-8", "replace").startswith(text)


def _without_positions(reading: Reading) -> tuple[list[Any], list[Any]]:
    return [row[:2] for row in reading.rows], [(fault[0], *fault[2:]) for fault in reading.faults]
