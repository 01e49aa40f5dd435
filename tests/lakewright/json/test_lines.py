import gzip
import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.json.lines import (
    RecordCount,
    blocks_of_lines,
    count_records,
)
from tests.conftest import examples
from transforms.errors import LongRecordError

LIMIT = 1 << 20


def chunked(content: bytes, positions: list[int]) -> list[bytes]:
    ends = sorted({min(position, len(content)) for position in positions} | {0, len(content)})
    return [content[start:end] for start, end in itertools.pairwise(ends)]


POSITIONS = st.lists(st.integers(0, 60), max_size=8)


@settings(max_examples=examples(100), deadline=None)
@given(content=st.text("ab\r\n\0é", max_size=60).map(str.encode), positions=POSITIONS)
def test_chunk_boundaries_do_not_matter_and_no_byte_is_lost(content: bytes, positions: list[int]) -> None:
    blocks = list(blocks_of_lines(chunked(content, positions), max_record_bytes=LIMIT))
    assert b"".join(b"\n".join(block.lines) + (b"\n" if block.ends else b"") for block in blocks) == content
    lines = content.split(b"\n")
    for block in blocks:
        assert lines[block.first_line - 1 : block.first_line - 1 + len(block.lines)] == block.lines


@settings(max_examples=examples(200), deadline=None)
@given(content=st.text("ab \t\r\n\0\ufeff", max_size=60).map(str.encode), positions=POSITIONS)
def test_records_are_lines_that_are_not_blank_however_they_are_chunked(content: bytes, positions: list[int]) -> None:
    expected = sum(line.strip(" \t\r\ufeff") != "" for line in content.decode().split("\n"))
    count, chunks = RecordCount(), chunked(content, positions)
    assert list(count.counted(chunks)) == chunks
    assert count.records == expected
    for body in (content, gzip.compress(content), gzip.compress(content) + gzip.compress(b"\n \n")):
        assert count_records(io.BytesIO(body)) == expected


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"12345678\n123456789\n"], id="in-one-chunk"),
        pytest.param([b"1\n123456", b"789", b"\n"], id="across-chunks"),
        pytest.param([b"1\n123456", b"789"], id="last-line-without-line-feed"),
        pytest.param([b"1\n", b"123456789\n"], id="in-a-separate-chunk"),
    ],
)
def test_a_line_above_the_limit_is_refused_by_number(chunks: list[bytes]) -> None:
    with pytest.raises(LongRecordError, match="line 2 is longer than 8 bytes"):
        list(blocks_of_lines(chunks, max_record_bytes=8))
    assert list(blocks_of_lines(chunks, max_record_bytes=9))
