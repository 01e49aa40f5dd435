"""Split the bytes of a JSON-lines object into blocks of whole lines, streamed, with a limit on line length."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import BinaryIO, Final

from lakewright.storage.compression.gzip import uncompressed
from transforms.errors import LongRecordError
from transforms.json.framing import Records, likely_records
from transforms.json.object_count import ObjectCount

PIECE_BYTES: Final = 1 << 20
#: Bytes of lines without a record: whitespace, a BOM.
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Whole lines without their line feeds; ``ends``: whether the last one ended with a line feed."""

    first_line: int
    lines: list[bytes]
    ends: bool


def blocks_of_lines(chunks: Iterable[bytes], *, max_record_bytes: int) -> Iterator[Block]:
    """Split a stream into blocks of whole lines. Lines end with LF; a CR before it belongs to the line.

    Raises:
        LongRecordError: If a line is longer than ``max_record_bytes``.
    """
    number, buffered, buffered_bytes = 1, [], 0
    for chunk in chunks:
        line_end = chunk.rfind(b"\n")
        if line_end < 0:
            buffered.append(chunk)
            buffered_bytes += len(chunk)
            if buffered_bytes > max_record_bytes:
                raise _long(number, b"".join(buffered), max_record_bytes)
            continue
        lines = b"".join((*buffered, chunk[:line_end])).split(b"\n")
        yield _checked(Block(number, lines, ends=True), max_record_bytes)
        number += len(lines)
        buffered, buffered_bytes = [chunk[line_end + 1 :]], len(chunk) - line_end - 1
    if last := b"".join(buffered):
        yield _checked(Block(number, [last], ends=False), max_record_bytes)


class RecordCount:
    """Counts the records (lines that are not blank) of a stream that passes through, however it is chunked."""

    def __init__(self) -> None:
        self._ended, self._has_begun = 0, False

    @property
    def records(self) -> int:
        """Number of records so far, including an incomplete one."""
        return self._ended + self._has_begun

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks of a stream, and count its records."""
        for chunk in chunks:
            first, *others = chunk.split(b"\n")
            self._has_begun = self._has_begun or bool(first.strip(_BLANK))
            if others:
                last = others.pop()
                self._ended += self._has_begun + sum(map(bool, map(bytes.strip, others, repeat(_BLANK))))
                self._has_begun = bool(last.strip(_BLANK))
            yield chunk


def record_count(records: Records) -> RecordCount | ObjectCount:
    """Return a counter for a framing."""
    return RecordCount() if records == "lines" else ObjectCount()


def count_records(file: BinaryIO, *, records: Records = "lines") -> int:
    """Count the records of a file, compressed or not.

    Raises:
        DamagedGzipError: If its gzip stream is damaged.
    """
    pieces, count = iter(partial(file.read, PIECE_BYTES), b""), record_count(records)
    for _ in count.counted(uncompressed(pieces, piece_bytes=PIECE_BYTES)):
        pass
    return count.records


def _checked(block: Block, limit: int) -> Block:
    for index, line in enumerate(block.lines):
        if len(line) > limit:
            raise _long(block.first_line + index, line, limit)
    return block


def _long(number: int, beginning: bytes, limit: int) -> LongRecordError:
    likely = likely_records(beginning)
    return LongRecordError(number, limit, looks_like=likely if likely and likely != "lines" else "")
