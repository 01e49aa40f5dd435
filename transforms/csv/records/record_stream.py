"""Cut the bytes of a CSV object into blocks of whole records. No pyspark."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from transforms.csv.records.block_text import BlockText
from transforms.csv.records.byte_ranges import guess_first_record
from transforms.csv.records.footer import Footer
from transforms.csv.records.irregular_records import Irregular, StrictReader
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
        skipped: The number of lines that are not records, by kind.
        line_begins: Where each of the lines begins in the object, if that cannot be computed from the text.
    """

    text: BlockText | None
    begins: int
    ends: int
    lines_before: int
    lines: int
    skipped: Mapping[str, int]
    line_begins: Positions | None = None


class RecordStream:
    """The records of an object, or of a byte range of it."""

    def __init__(self, pieces: Iterable[bytes], reader: StrictReader, within: ByteRange, *, block_bytes: int) -> None:
        self._layout, self._source, self._within = reader.layout, reader.source, within
        self._reader, self._finder = reader, RecordFinder(reader)
        line_end = self._layout.line_end.encode()
        self._source_lines = None if self._source.determines_lengths else SourceLines(line_end[0])
        if self._source_lines is not None:
            pieces = self._source_lines.of(pieces)
        text = self._source.pieces(pieces, piece_bytes=block_bytes, line_end=line_end)
        self._footer = Footer(self._layout.footer_lines, line_end, self._layout.max_record_bytes)
        if self._layout.footer_lines:
            text = self._footer.cut_from(text)
        self._buffer = TextBuffer(text, line_end)
        self._block_bytes = block_bytes
        self._skipped = Counter[str]()
        self._offset, self._lines, self._is_open = within.start + self._source.unread_length, 0, False

    def blocks(self) -> Iterator[PlacedText]:
        """Read the records; see ``transforms.csv.text_blocks.read_blocks``."""
        self._fill()
        is_guess = self._within.start > 0 and not self._within.begins_at_record
        if is_guess:
            self._drop_to_first_record()
        elif self._within.start == 0:
            self._drop_head()
        records = None if is_guess else self._next_records()
        if records is None:
            yield self._nothing()
            records = self._next_records()
        while records is not None:
            yield self._placed(records)
            records = None if records.is_enough else self._next_records()
        if self._layout.footer_lines and self._within.end is None:
            self._skipped["footer"] += self._footer.lines
            yield self._nothing()

    def _drop_head(self) -> None:
        """Drop what precedes the first record.

        Raises:
            FooterError: If what would be the footer does not follow it.
        """
        lines, wanted = self._layout.skip_lines, self._layout.footer_lines
        if lines or not self._layout.has_header:
            self._drop_preamble(lines)
        is_there = self._lines >= lines and (not self._layout.has_header or self._drop_header())
        if wanted and (not is_there or (self._buffer.is_last and self._footer.lines < wanted)):
            raise FooterError(f"source.csv.footer_lines is {wanted}, but it has fewer lines after its header")

    def _drop_preamble(self, lines: int) -> None:
        """Drop byte order marks, and some lines of any content."""
        count_lines = self._source.count_lines
        while not self._buffer.is_last and (
            len(self._buffer.text) < len(MARK) or count_lines(self._buffer.text) < lines
        ):
            self._grow()
        text, begin = self._buffer.text, 0
        while text.startswith(MARK, begin):
            begin += len(MARK)
        line_ends = re.compile(b"[%b]" % re.escape(bytes(self._source.stand_ins.line_ends)))
        for line_end in islice(line_ends.finditer(text, begin), lines):
            begin = line_end.end()
        self._drop(begin)
        if lines:
            self._skipped["preamble"] += lines

    def _drop_header(self) -> bool:
        """Drop byte order marks, blank lines and comments, and the header after them; return whether it is there."""
        is_first = True
        while True:
            text, begin = self._buffer.text, 0
            while is_first and text.startswith(MARK, begin):
                begin += len(MARK)
            if blank := _BLANK_LINES[self._layout.line_end].match(text, begin):
                begin = blank.end()
            header = self._find(text[begin:], last_begin=0)
            if header.end or self._buffer.is_last:
                self._drop(begin + header.end)
                is_first = False
                if not self._count_comments(header.irregular):
                    return header.end > 0
            else:
                self._grow()

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
        self._count_comments(records.irregular)
        return PlacedText(text, begins, self._offset, lines_before, self._lines, self._take_skipped(), line_begins)

    def _nothing(self) -> PlacedText:
        return PlacedText(None, self._offset, self._offset, self._lines, self._lines, self._take_skipped())

    def _count_comments(self, records: Sequence[Irregular]) -> int:
        count = sum(record.is_comment for record in records)
        if count:
            self._skipped["comment"] += count
        return count

    def _take_skipped(self) -> Mapping[str, int]:
        """Return what was skipped since the last call."""
        skipped, self._skipped = self._skipped, Counter()
        return skipped

    def _drop(self, length: int) -> bytes:
        """Remove the first bytes of the buffer, and count them as read."""
        dropped = self._buffer.text[:length]
        self._lines += self._source.count_lines(dropped)
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
