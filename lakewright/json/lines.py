"""Bytes of a JSON-lines object, packed or not, to blocks of whole lines: streamed, with a limit to a line's length."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import BinaryIO, Final

from transforms.errors import DataError, LongRecordError

_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
#: All that a line without a record may hold: blanks, a BOM.
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"


class UnreadableLinesError(DataError):
    """Raised when an object is no JSON lines; names the line, never what stands in it."""


@dataclass(frozen=True)
class Block:
    """Some whole lines without their line feeds; ``ends`` says whether the last one had one too."""

    first_line: int
    lines: list[bytes]
    ends: bool


def is_packed(head: bytes) -> bool:
    """Tell whether an object is gzip: by content, since names and headers may say anything."""
    return head.startswith(_GZIP)


def peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Look at the first bytes of a stream (two or more, where there are as many), and give the whole of it back."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    return head, chain([head], stream)


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack a gzip stream of one member or several, a piece at a time.

    Raises:
        UnreadableLinesError: If it is broken or cut off.
    """
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    is_open, rest = False, b""
    try:
        for chunk in chunks:
            rest += chunk
            while rest:
                if not is_open and not rest.strip(b"\0"):
                    rest = b""  # tapes and some writers fill up with zeros
                    break
                is_open = True
                piece = member.decompress(rest, _PIECE)
                rest = member.unconsumed_tail or member.unused_data
                yield piece
                if member.eof:
                    member, is_open = zlib.decompressobj(zlib.MAX_WBITS | 16), False
        if is_open:
            yield member.flush()
    except zlib.error as error:
        raise UnreadableLinesError(f"broken gzip: {error}") from None
    if is_open and not member.eof:
        raise UnreadableLinesError("the gzip ends too early; deliver the object again")


def blocks_of_lines(chunks: Iterable[bytes], *, max_record_bytes: int) -> Iterator[Block]:
    """Cut a stream into blocks of whole lines; lines end with LF, and what stands before it is theirs.

    Raises:
        LongRecordError: If a line is longer than ``max_record_bytes``.
    """
    number, kept, kept_bytes = 1, [], 0
    for chunk in chunks:
        cut = chunk.rfind(b"\n")
        if cut < 0:
            kept.append(chunk)
            kept_bytes += len(chunk)
            if kept_bytes > max_record_bytes:
                raise LongRecordError(number, max_record_bytes)
            continue
        lines = b"".join((*kept, chunk[:cut])).split(b"\n")
        yield _checked(Block(number, lines, ends=True), max_record_bytes)
        number += len(lines)
        kept, kept_bytes = [chunk[cut + 1 :]], len(chunk) - cut - 1
    if last := b"".join(kept):
        yield _checked(Block(number, [last], ends=False), max_record_bytes)


class RecordCount:
    """Counts the records of a stream while it goes by: its lines that are not blank, wherever its chunks are cut."""

    def __init__(self) -> None:
        self._ended, self._has_begun = 0, False

    @property
    def records(self) -> int:
        """Give the number of records so far; one that has begun is one."""
        return self._ended + self._has_begun

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Let a stream go by."""
        for chunk in chunks:
            first, *others = chunk.split(b"\n")
            self._has_begun = self._has_begun or bool(first.strip(_BLANK))
            if others:
                last = others.pop()
                self._ended += self._has_begun + sum(map(bool, map(bytes.strip, others, repeat(_BLANK))))
                self._has_begun = bool(last.strip(_BLANK))
            yield chunk


def count_records(file: BinaryIO) -> int:
    """Count the records of a file, packed or not.

    Raises:
        UnreadableLinesError: If it is packed and broken.
    """
    head, pieces = peek(iter(partial(file.read, _PIECE), b""))
    count = RecordCount()
    for _ in count.counted(unpacked(pieces) if is_packed(head) else pieces):
        pass
    return count.records


def _checked(block: Block, limit: int) -> Block:
    for place, line in enumerate(block.lines):
        if len(line) > limit:
            raise LongRecordError(block.first_line + place, limit)
    return block
