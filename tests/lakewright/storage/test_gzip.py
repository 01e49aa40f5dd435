import gzip
import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.errors import DamagedGzipError, TruncatedGzipError
from lakewright.storage.compression.gzip import gunzip, is_gzip, peek
from tests.conftest import examples


def cut(content: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(content)) for place in places} | {0, len(content)})
    return [content[start:end] for start, end in itertools.pairwise(ends)]


MEMBER = gzip.compress(b"x" * 99)
PLACES = st.lists(st.integers(0, 60), max_size=8)


@settings(max_examples=examples(100), deadline=None)
@given(members=st.lists(st.binary(max_size=200), min_size=1, max_size=3), places=PLACES, zeros=st.integers(0, 3))
def test_consecutive_members_are_concatenated(members: list[bytes], places: list[int], zeros: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + b"\0" * zeros
    head, chunks = peek(cut(packed, places))
    assert is_gzip(head)
    assert b"".join(gunzip(chunks, piece_bytes=100)) == b"".join(members)


@settings(max_examples=examples(60), deadline=None)
@given(content=st.binary(min_size=1, max_size=100), data=st.data())
def test_truncated_gzip_is_refused(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(b"first member") + gzip.compress(content)
    second = len(gzip.compress(b"first member"))
    short = packed[: data.draw(st.integers(second + 1, len(packed) - 1))]
    with pytest.raises(TruncatedGzipError, match=r"^damaged gzip: it is truncated$"):
        list(gunzip([short], piece_bytes=100))


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        pytest.param(MEMBER + b"garbage", "bytes that are not gzip follow its end", id="trailing-garbage"),
        pytest.param(MEMBER + bytes(3) + b"xy", "bytes that are not gzip follow its end", id="garbage-after-padding"),
        pytest.param(MEMBER[:-8] + bytes(4) + MEMBER[-4:], "its checksum does not match its content", id="checksum"),
        pytest.param(MEMBER[:-4] + bytes(4), "its length does not match its content", id="length"),
        pytest.param(b"\x1f\x8b\x08\xe0 and no more", "unknown header flags set", id="flags"),
        pytest.param(b"\x1f\x8b\x07\x00 and no more", "unknown compression method", id="method"),
    ],
)
@pytest.mark.parametrize("length", [1, 1000], ids=["byte-by-byte", "whole"])
def test_broken_gzip_is_refused(packed: bytes, problem: str, length: int) -> None:
    with pytest.raises(DamagedGzipError, match=f"^damaged gzip: {problem}$") as error:
        list(gunzip(cut(packed, list(range(0, len(packed), length))), piece_bytes=100))
    assert not isinstance(error.value, TruncatedGzipError)


@pytest.mark.parametrize("chunks", [[], [b""], [MEMBER[:1]], [MEMBER, MEMBER[:1]], [MEMBER, bytes(9), MEMBER[:9]]])
def test_a_stream_without_an_end_is_truncated(chunks: list[bytes]) -> None:
    with pytest.raises(TruncatedGzipError):
        list(gunzip(chunks, piece_bytes=100))


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([MEMBER + bytes(600)], id="after-the-last-member"),
        pytest.param([MEMBER, bytes(600)], id="in-a-separate-chunk"),
        pytest.param([MEMBER + bytes(600) + MEMBER], id="between"),
        pytest.param([MEMBER, bytes(600), MEMBER], id="between-chunks"),
    ],
)
def test_padding_is_allowed_or_not(chunks: list[bytes]) -> None:
    assert set(gunzip(chunks, piece_bytes=100)) == {b"x" * 99}
    with pytest.raises(DamagedGzipError, match="bytes that are not gzip follow its end"):
        list(gunzip(chunks, piece_bytes=100, allow_padding=False))


def test_content_before_damage_is_returned() -> None:
    pieces = gunzip([MEMBER + b"garbage"], piece_bytes=60)
    assert [next(pieces), next(pieces)] == [b"x" * 60, b"x" * 39]
    with pytest.raises(DamagedGzipError):
        next(pieces)


def test_uncompressed_pieces_have_bounded_size() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(bytes(200 << 20)) + packer.flush()
    assert max(len(piece) for piece in gunzip([packed], piece_bytes=1 << 20)) <= 1 << 20


@pytest.mark.parametrize(
    ("content", "head"), [([], b""), ([b"\x1f"], b"\x1f"), ([b"\x1f", b"\x8b", b"x"], b"\x1f\x8b")]
)
def test_peek_returns_the_complete_stream(content: list[bytes], head: bytes) -> None:
    peeked, chunks = peek(content)
    assert peeked == head
    assert b"".join(chunks) == b"".join(content)
