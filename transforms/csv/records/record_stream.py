"""Cut the bytes of a CSV object into blocks of whole records. No pyspark."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from transforms.csv.records.block_text import BlockText
from transforms.csv.records.byte_ranges import guess_first_record
from transforms.csv.records.footer import Footer
from transforms.csv.records.irregular_records import StrictReader
from transforms.csv.records.quote_positions import Positions
from transforms.csv.records.record_ends import RecordFinder, WholeRecords
from transforms.csv.records.source_lines import SourceLines
from transforms.csv.records.source_text import MARK
from transforms.csv.records.text_buffer import TextBuffer
from transforms.csv.text_layout import ByteRange
from transforms.errors import FooterError, LongRecordError, UnclearRecordsError

#: How far to read beyond the end of a byte range, to complete its last record.
_MARGIN: Final = 1 << 16
_BLANK_LINES: Final = {"\n": re.compile(rb"(?:\r?\n)*"), "\r": re.compile(rb"\r*")}


class PlacedText(NamedTuple):
    """Whole records, and where they are.

    Attributes:
        text: The records; None if there are none.
        begins: The offset of the first one in the object.
        ends: The offset after the last one.
        lines_before: The number of lines before them, from the first record of the byte range.
        lines: The number of lines from there to ``ends``.
        line_begins: Where each of its lines begins in the object, if the text does not tell.
        skipped: Lines that were skipped before them, by kind.
    """

    text: BlockText | None
    begins: int
    ends: int
    lines_before: int
    lines: int
    line_begins: Positions | None = None
    skipped: Mapping[str, int] = {}


class RecordStream:
    """The records of an object, or of a byte range of it."""

    def __init__(self, pieces: Iterable[bytes], reader: StrictReader, within: ByteRange, *, block_bytes: int) -> None:
        self._layout, self._source, self._within = reader.layout, reader.source, within
        self._reader, self._finder = reader, RecordFinder(reader)
        line_end = self._layout.line_end.encode()
        self._source_lines = None if self._source.tells_lengths else SourceLines(line_end[0])
        if self._source_lines is not None:
            pieces = self._source_lines.of(pieces)
        text = self._source.pieces(pieces, piece_bytes=block_bytes, line_end=line_end)
        self._footer = Footer(self._layout.footer_lines, line_end, self._layout.max_record_bytes)
        if self._layout.footer_lines:
            text = self._footer.cut_from(text)
        self._buffer = TextBuffer(text, line_end)
        self._block_bytes = block_bytes
        self._offset, self._lines, self._is_open = within.start + self._source.unread_length, 0, False

    def blocks(self) -> Iterator[PlacedText]:
        """Read the records; see ``transforms.csv.text_blocks.read_blocks``."""
        self._fill()
        is_guess = self._within.start > 0 and not self._within.begins_at_record
        if is_guess:
            self._drop_to_first_record()
        elif self._within.start == 0:
            self._drop_preamble()
            if self._layout.has_header:
                self._drop_header()
            if self._layout.footer_lines:
                self._require_footer()
            if self._layout.skip_lines:
                skipped = {"preamble": self._layout.skip_lines}
                yield PlacedText(None, self._offset, self._offset, self._lines, self._lines, skipped=skipped)
        records = None if is_guess else self._next_records()
        if records is None:
            yield PlacedText(None, self._offset, self._offset, self._lines, self._lines)
            records = self._next_records()
        while records is not None:
            yield self._placed(records)
            records = None if records.is_enough else self._next_records()
        if self._layout.footer_lines and self._within.end is None:
            skipped = {"footer": self._footer.lines}
            yield PlacedText(None, self._offset, self._offset, self._lines, self._lines, skipped=skipped)

    def _drop_preamble(self) -> None:
        lines = self._layout.skip_lines
        if not lines and self._layout.has_header:
            return
        while not self._buffer.is_last and (
            len(self._buffer.text) < len(MARK) or self._buffer.text.count(self._finder.line_end) < lines
        ):
            self._grow()
        text, begin = self._buffer.text, 0
        while text.startswith(MARK, begin):
            begin += len(MARK)
        for _ in range(lines):
            begin = text.find(self._finder.line_end, begin) + 1 or len(text)
        self._drop(begin)

    def _require_footer(self) -> None:
        """Require the footer of a text whose header has been dropped.

        Raises:
            FooterError: If it has fewer lines.
        """
        wanted = self._layout.footer_lines
        is_short = self._buffer.is_last and self._footer.lines < wanted
        if is_short or self._lines < self._layout.skip_lines + self._layout.has_header:
            raise FooterError(f"fewer than {wanted} lines follow its head: it has no footer of {wanted} lines")

    def _drop_header(self) -> None:
        while True:
            text, begin = self._buffer.text, 0
            while text.startswith(MARK, begin):
                begin += len(MARK)
            if blank := _BLANK_LINES[self._layout.line_end].match(text, begin):
                begin = blank.end()
            header = self._find(text[begin:], last_begin=0)
            if header.end or self._buffer.is_last:
                break
            self._grow()
        self._drop(begin + header.end)

    def _drop_to_first_record(self) -> None:
        marks, is_multiline = self._finder.marks, self._layout.multiline
        while (begin := guess_first_record(self._buffer.text, marks, multiline=is_multiline)) is None:
            if self._buffer.is_last:
                begin = len(self._buffer.text)
                break
            self._grow()
        self._drop(begin)
        self._lines = 0

    def _next_records(self) -> WholeRecords | None:
        end = self._within.end
        if end is not None and self._offset > end and not self._is_open:
            return None
        self._fill()
        while True:
            text = self._buffer.text
            last_begin = None if end is None else self._source.offset_of(max(0, end - self._offset), text)
            records = self._find(text, last_begin=last_begin)
            if records.end:
                return records
            if self._buffer.is_last:
                return None
            self._grow()

    def _find(self, text: bytes, *, last_begin: int | None) -> WholeRecords:
        is_last, lines = self._buffer.is_last, self._lines
        return self._finder.find(
            text, is_open=self._is_open, is_last=is_last, last_begin=last_begin, lines_before=lines
        )

    def _placed(self, records: WholeRecords) -> PlacedText:
        begins, lines_before = self._offset, self._lines
        line_begins = self._source_lines.begins(lines_before) if self._source_lines is not None else None
        text = BlockText(self._drop(records.end), records.irregular, self._reader, self._finder.marks)
        self._is_open = records.is_open
        limit = self._layout.max_record_bytes
        if len(text.written) > limit and (long := text.first_longer_than(limit)) is not None:
            raise LongRecordError(lines_before + text.lines_before([long])[0] + 1, limit)
        return PlacedText(text, begins, self._offset, lines_before, self._lines, line_begins)

    def _drop(self, length: int) -> bytes:
        """Remove the first bytes of the buffer, and count them as read."""
        dropped = self._buffer.text[:length]
        self._lines += int(np.count_nonzero(np.frombuffer(dropped, np.uint8) == self._finder.marks.line_end))
        if self._source_lines is not None:
            self._offset = self._source_lines.drop(self._lines)
        else:
            added = self._buffer.added if length == len(self._buffer.text) else 0
            self._offset += self._source.source_length(dropped[: len(dropped) - added])
        self._buffer.drop(length)
        return dropped

    def _fill(self) -> None:
        end = self._within.end
        self._buffer.fill(self._block_bytes if end is None else min(self._block_bytes, end - self._offset + _MARGIN))

    def _grow(self) -> None:
        limit = self._layout.max_record_bytes
        if len(self._buffer.text) <= limit:
            self._buffer.grow(limit + 1)
            return
        opened = self._reader.opened_line(self._buffer.text) if self._layout.multiline else 0
        if opened:
            problem = f"a quoted field opens here and is not closed within {limit} bytes"
            raise UnclearRecordsError(
                self._lines + opened, f"{problem}; close it, or raise max_record_bytes if this is intended"
            )
        raise LongRecordError(self._lines + 1, limit)
