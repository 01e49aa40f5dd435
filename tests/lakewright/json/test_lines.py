import gzip
import io
import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.json.lines import (
    RecordCount,
    UnreadableLinesError,
    blocks_of_lines,
    count_records,
    is_packed,
    peek,
    unpacked,
)
from transforms.errors import LongRecordError

LIMIT = 1 << 20


def cut(content: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(content)) for place in places} | {0, len(content)})
    return [content[start:end] for start, end in itertools.pairwise(ends)]


PLACES = st.lists(st.integers(0, 60), max_size=8)


@settings(max_examples=100, deadline=None)
@given(content=st.text("ab\r\n\0é", max_size=60).map(str.encode), places=PLACES)
def test_cuts_do_not_matter_and_nothing_is_lost(content: bytes, places: list[int]) -> None:
    blocks = list(blocks_of_lines(cut(content, places), max_record_bytes=LIMIT))
    assert b"".join(b"\n".join(block.lines) + (b"\n" if block.ends else b"") for block in blocks) == content
    lines = content.split(b"\n")
    for block in blocks:
        assert lines[block.first_line - 1 : block.first_line - 1 + len(block.lines)] == block.lines


@settings(max_examples=200, deadline=None)
@given(content=st.text("ab \t\r\n\0\ufeff", max_size=60).map(str.encode), places=PLACES)
def test_records_are_lines_that_are_not_blank_wherever_they_are_cut(content: bytes, places: list[int]) -> None:
    expected = sum(line.strip(" \t\r\ufeff") != "" for line in content.decode().split("\n"))
    count, chunks = RecordCount(), cut(content, places)
    assert list(count.counted(chunks)) == chunks
    assert count.records == expected
    for body in (content, gzip.compress(content), gzip.compress(content) + gzip.compress(b"\n \n")):
        assert count_records(io.BytesIO(body)) == expected


@settings(max_examples=100, deadline=None)
@given(members=st.lists(st.binary(max_size=200), min_size=1, max_size=3), places=PLACES, zeros=st.integers(0, 3))
def test_members_of_gzip_follow_one_another(members: list[bytes], places: list[int], zeros: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + b"\0" * zeros
    head, chunks = peek(cut(packed, places))
    assert is_packed(head)
    assert b"".join(unpacked(chunks)) == b"".join(members)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(min_size=1, max_size=100), data=st.data())
def test_gzip_that_is_cut_off_is_refused(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(b"first member") + gzip.compress(content)
    second = len(gzip.compress(b"first member"))
    short = packed[: data.draw(st.integers(second + 1, len(packed) - 1))]
    with pytest.raises(UnreadableLinesError, match="ends too early"):
        list(unpacked([short]))


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(gzip.compress(b"x") + b"garbage", id="garbage-behind"),
        pytest.param(gzip.compress(b"x" * 99)[:-8] + b"\1" * 8, id="wrong-checksum"),
        pytest.param(b"\x1f\x8b\x08\x00 and no more", id="no-gzip"),
    ],
)
def test_broken_gzip_is_refused(packed: bytes) -> None:
    with pytest.raises(UnreadableLinesError, match="broken gzip"):
        list(unpacked([packed]))


def test_what_is_unpacked_comes_in_pieces() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(bytes(200 << 20)) + packer.flush()
    assert max(len(piece) for piece in unpacked([packed])) <= 1 << 20


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"12345678\n123456789\n"], id="in-one-chunk"),
        pytest.param([b"1\n123456", b"789", b"\n"], id="over-chunks"),
        pytest.param([b"1\n123456", b"789"], id="at-the-end"),
        pytest.param([b"1\n", b"123456789\n"], id="alone"),
    ],
)
def test_a_line_that_is_too_long_is_refused_by_number(chunks: list[bytes]) -> None:
    with pytest.raises(LongRecordError, match="line 2 is longer than 8 bytes"):
        list(blocks_of_lines(chunks, max_record_bytes=8))
    assert list(blocks_of_lines(chunks, max_record_bytes=9))


@pytest.mark.parametrize(
    ("content", "head"), [([], b""), ([b"\x1f"], b"\x1f"), ([b"\x1f", b"\x8b", b"x"], b"\x1f\x8b")]
)
def test_peek_gives_everything_back(content: list[bytes], head: bytes) -> None:
    seen, chunks = peek(content)
    assert seen == head
    assert b"".join(chunks) == b"".join(content)
