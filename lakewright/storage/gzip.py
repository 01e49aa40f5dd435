"""Gzip as objects hold it: one member or several, streamed, and strict about damage."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from lakewright.errors import DamagedGzipError, TruncatedGzipError

MAGIC: Final = b"\x1f\x8b"

_WINDOW: Final = zlib.MAX_WBITS | 16
#: zlib copies what it leaves of its input whenever a piece is full, so that it had better not have much.
_FED_BYTES: Final = 64 << 10
#: What zlib says, in the words of those who deliver files.
_PROBLEMS: Final = {
    "incorrect header check": "bytes that are no gzip follow its end",
    "incorrect data check": "its checksum does not match its content",
    "incorrect length check": "its length does not match its content",
}


def is_gzip(head: bytes) -> bool:
    """Tell whether an object is gzip: by content, since names and headers may say anything."""
    return head.startswith(MAGIC)


def peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Look at the first bytes of a stream (as many as ``is_gzip`` needs), and give the whole of it back."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(MAGIC):
            break
    return head, chain([head], stream)


def gunzip(chunks: Iterable[bytes], *, piece_bytes: int, allow_padding: bool = True) -> Iterator[bytes]:
    """Unpack a gzip stream of one member or several, a piece at a time.

    Args:
        chunks: The stream, cut anywhere.
        piece_bytes: How long an unpacked piece may be.
        allow_padding: Whether zeros may follow a member, with which tapes and some writers fill up.

    Raises:
        TruncatedGzipError: If the stream ends within a member, or holds none.
        DamagedGzipError: If it is anything else but gzip. What precedes the damage has been given then.
    """
    member = zlib.decompressobj(_WINDOW)
    for fed in _cut(chunks):
        packed = fed
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


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _FED_BYTES):
            yield chunk[start : start + _FED_BYTES]
