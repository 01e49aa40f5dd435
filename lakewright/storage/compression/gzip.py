"""Streaming decompression of gzip objects with one or more members; damage is always an error."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from lakewright.errors import DamagedGzipError, TruncatedGzipError

MAGIC: Final = b"\x1f\x8b"

_WINDOW: Final = zlib.MAX_WBITS | 16
#: zlib copies its remaining input whenever a piece is full, so small inputs are cheaper.
_INPUT_BYTES: Final = 64 << 10
#: Errors of zlib, in terms of files.
_PROBLEMS: Final = {
    "incorrect header check": "bytes that are not gzip follow its end",
    "incorrect data check": "its checksum does not match its content",
    "incorrect length check": "its length does not match its content",
}


def is_gzip(head: bytes) -> bool:
    """Return whether an object is gzip, by content: names and headers are not reliable."""
    return head.startswith(MAGIC)


def peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of a stream (enough for ``is_gzip``), and the complete stream."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(MAGIC):
            break
    return head, chain([head], stream)


def uncompressed(chunks: Iterable[bytes], *, piece_bytes: int) -> Iterator[bytes]:
    """Return the content of a stream that may be gzip; see ``gunzip``."""
    head, stream = peek(chunks)
    return gunzip(stream, piece_bytes=piece_bytes) if is_gzip(head) else stream


def gzip_of(content: bytes) -> bytes:
    """Compress with gzip; the same content is always the same bytes."""
    return gzip.compress(content, mtime=0)


def gunzip(chunks: Iterable[bytes], *, piece_bytes: int, allow_padding: bool = True) -> Iterator[bytes]:
    """Decompress a gzip stream of one or more members, piece by piece.

    Args:
        chunks: The stream, in chunks of any size.
        piece_bytes: Maximum size of an uncompressed piece.
        allow_padding: Whether zeros may follow a member, as tapes and some writers pad files.

    Raises:
        TruncatedGzipError: If the stream ends within a member, or is empty.
        DamagedGzipError: If it is not valid gzip. Everything before the damage has been returned by then.
    """
    member = zlib.decompressobj(_WINDOW)
    for compressed in _split(chunks):
        packed = compressed
        while packed:
            if member.eof:
                packed = packed.lstrip(b"\0") if allow_padding else packed
                if not packed:
                    break
                member = zlib.decompressobj(_WINDOW)
            try:
                piece = member.decompress(packed, piece_bytes)
            except zlib.error as error:
                problem = str(error).rpartition(": ")[2]
                raise DamagedGzipError(_PROBLEMS.get(problem, problem)) from error
            if piece:
                yield piece
            packed = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise TruncatedGzipError


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _INPUT_BYTES):
            yield chunk[start : start + _INPUT_BYTES]
