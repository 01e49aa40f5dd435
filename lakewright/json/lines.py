"""Bytes of a JSON-lines object to blocks of whole lines: streamed, with a limit to a line's length."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import BinaryIO, Final

from lakewright.storage.gzip import gunzip, is_gzip, peek
from transforms.errors import LongRecordError
from transforms.json.framing import Records, likely_records
from transforms.json.object_count import ObjectCount

PIECE_BYTES: Final = 1 << 20
#: All that a line without a record may hold: blanks, a BOM.
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some whole lines without their line feeds; ``ends`` says whether the last one had one too."""

    first_line: int
    lines: list[bytes]
    ends: bool


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
                raise _long(number, b"".join(kept), max_record_bytes)
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


def record_count(records: Records) -> RecordCount | ObjectCount:
    """Give what counts the records of a stream."""
    return RecordCount() if records == "lines" else ObjectCount()


def count_records(file: BinaryIO, *, records: Records = "lines") -> int:
    """Count the records of a file, packed or not.

    Raises:
        DamagedGzipError: If it is packed and broken.
    """
    head, pieces = peek(iter(partial(file.read, PIECE_BYTES), b""))
    count = record_count(records)
    for _ in count.counted(gunzip(pieces, piece_bytes=PIECE_BYTES) if is_gzip(head) else pieces):
        pass
    return count.records


def _checked(block: Block, limit: int) -> Block:
    for place, line in enumerate(block.lines):
        if len(line) > limit:
            raise _long(block.first_line + place, line, limit)
    return block


def _long(number: int, beginning: bytes, limit: int) -> LongRecordError:
    likely = likely_records(beginning)
    return LongRecordError(number, limit, looks_like=likely if likely and likely != "lines" else "")
