"""Records that have to be read strictly, since a parser might misread them. No pyspark."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from transforms.csv.dialects.dialect import NONE
from transforms.csv.dialects.line_pattern import LinePattern
from transforms.csv.dialects.stand_ins import END_OF_DATA, ESCAPE
from transforms.csv.quotes import Cell, Line, cells_of, has_inner_quote, walk_lines
from transforms.csv.records.source_text import SourceText
from transforms.csv.text_layout import TextLayout
from transforms.errors import UnclearRecordsError

NOT_CLOSED: Final = "a quoted field opens here and is not closed as RFC 4180 requires"
INSIDE_FIELD: Final = "it is inside a quoted field of several lines, which needs multiline: true"


class Irregular(NamedTuple):
    """A record in a text.

    Attributes:
        begin: Where it begins.
        end: Where the next one begins.
        rewritten: The record as every parser reads it, nothing for a blank line; None if it is misquoted.
        is_comment: Whether it is a comment instead.
    """

    begin: int
    end: int
    rewritten: bytes | None
    is_comment: bool = False


class IrregularRecords(NamedTuple):
    """Consecutive records.

    Attributes:
        records: The records; none if the text ends before the end of the first.
        is_open: Whether a quoted field is open after them; never with ``multiline``.
    """

    records: Sequence[Irregular]
    is_open: bool = False


@dataclass(frozen=True)
class StrictReader:
    """Reads records of a layout as ``transforms.csv.quotes`` defines them."""

    layout: TextLayout
    source: SourceText

    def read(self, text: bytes, begin: int, *, is_open: bool, is_last: bool) -> IrregularRecords:
        """Read the record that begins at an offset, and without ``multiline`` those after it until no quote is open.

        Args:
            text: Text in UTF-8.
            begin: Where a record begins.
            is_open: Whether a quoted field is open there; never with ``multiline``.
            is_last: Whether the text ends with the object; it then ends with a line end.

        Raises:
            UnclearRecordsError: If lines inside a quoted field may be records; its line is counted from ``begin``.
        """
        if not is_open and self._comment and text.startswith(self._comment, begin):
            end = begin + self._length(text, begin)
            return IrregularRecords([Irregular(begin, end, b"", is_comment=True)] if end > begin else [])
        if not is_open and (line := self._pattern.match(text, begin)):
            rewritten = None if self._is_cut_short(text, line.end) else line.rewritten
            return IrregularRecords([Irregular(begin, line.end, rewritten)])
        if self.layout.multiline:
            return self._read_record(text, begin, is_last=is_last)
        return self._read_lines(text, begin, is_open=is_open)

    def without_line_end(self, line: str) -> str:
        """Return a line without its line end."""
        line = line.removesuffix(self.layout.line_end)
        return line.removesuffix("\r") if self.layout.line_end == "\n" else line

    def why_misquoted(self, text: bytes, record: Irregular) -> str:
        """Return in one sentence why a record is misquoted."""
        if self._is_end_of_data(text, record.end):
            return r"The line \. is the end of the data that PostgreSQL writes."
        if self._is_cut_short(text, record.end):
            return "The backslash at its end escapes nothing."
        line = next(self._walk([_decoded(text[record.begin : record.end])]))
        if line.opens:
            return "A quoted field is not closed on its line."
        if line.is_misquoted:
            return "Text follows a closing quote."
        return "Its quote may close a field that an earlier line opened."

    def opened_line(self, text: bytes) -> int:
        """Return the line (from 1) that opened the field which is open after the last line end; 0 if none is."""
        *_, end = self._walk(self._lines(text, 0))
        return end.opens

    @cached_property
    def _delimiter(self) -> str:
        return _decoded(self.source.cut)

    @cached_property
    def _skipped(self) -> str:
        return self.layout.dialect.skipped_blanks

    @cached_property
    def _comment(self) -> bytes:
        return self.layout.dialect.comment_mark.encode()

    @cached_property
    def _pattern(self) -> LinePattern:
        return LinePattern(self.source.stand_ins)

    def _read_record(self, text: bytes, begin: int, *, is_last: bool) -> IrregularRecords:
        written: list[str] = []
        end = begin
        for line in self._walk(self._lines(text, begin)):
            if not line.text and not is_last:
                break
            if line.is_torn:
                raise UnclearRecordsError(line.opened or line.opens, NOT_CLOSED)
            written.append(line.text)
            end += self._length(text, end)
            if not line.opens:
                is_misquoted = line.is_misquoted or self._is_cut_short(text, end)
                rewritten = None if is_misquoted else self._rewritten("".join(written))
                return IrregularRecords([Irregular(begin, end, rewritten)])
        return IrregularRecords([])

    def _read_lines(self, text: bytes, begin: int, *, is_open: bool) -> IrregularRecords:
        records: list[Irregular] = []
        end = begin
        lines = self._walk(self._lines(text, begin), is_open=is_open)
        for number, line in enumerate(lines, start=1):
            if not line.text:
                break
            if self._looks_like_a_record(line):
                raise UnclearRecordsError(number, INSIDE_FIELD)
            begin, end = end, end + self._length(text, end)
            records.append(Irregular(begin, end, None if self._is_cut_short(text, end) else self._rewritten_line(line)))
            is_open = line.opens > 0
            if not is_open:
                break
        return IrregularRecords(records, is_open)

    def _looks_like_a_record(self, line: Line) -> bool:
        if not line.opened or '"' in line.text:
            return False
        count = line.text.count(self._delimiter)
        if self.layout.dialect.allows_trailing_delimiter and line.text.rstrip("\r\n").endswith(self._delimiter):
            count = min(count, len(self.layout.names) - 1)
        return count == len(self.layout.names) - 1 and bool(line.text.strip("\r\n"))

    def _rewritten_line(self, line: Line) -> bytes | None:
        """Rewrite a line as a record; in a field that an earlier line opened, a stray quote may close that field."""
        alone = next(self._walk([line.text]))
        if alone.is_misquoted or alone.opens:
            return None
        if line.opened and has_inner_quote(line.text, self._delimiter, skipped=self._skipped):
            return None
        return self._rewritten(line.text)

    def _rewritten(self, written: str) -> bytes:
        """Return a well-quoted record without anything between quotes and delimiters."""
        record = self.without_line_end(written)
        if not record:
            return b""
        cells = cells_of(record, self._delimiter, skipped=self._skipped)
        rewritten = self.source.cut.join(map(self._rewritten_cell, cells)) or _encoded(record)
        return rewritten + _encoded(written[len(record) :])

    def _rewritten_cell(self, cell: Cell) -> bytes:
        return _encoded(f'"{cell.text}"') if cell.is_quoted else self.source.stand_ins.plain(_encoded(cell.text))

    def _is_cut_short(self, text: bytes, end: int) -> bool:
        """Return whether the record that ends at an offset ends with an escape that escapes nothing, or all data do."""
        if self.layout.dialect.escape == NONE:
            return False
        end = self._before_line_end(text, end)
        return text[end - 1 : end] == ESCAPE or self._is_end_of_data(text, end)

    def _is_end_of_data(self, text: bytes, end: int) -> bool:
        end = self._before_line_end(text, end)
        begin = text.rfind(self.layout.line_end.encode(), 0, end) + 1
        return self.layout.dialect.escape == "postgres" and text[begin:end] == END_OF_DATA

    def _before_line_end(self, text: bytes, end: int) -> int:
        end -= text.endswith(self.layout.line_end.encode(), 0, end)
        return end - (self.layout.line_end == "\n" and text.endswith(b"\r", 0, end))

    def _walk(self, lines: Iterable[str], *, is_open: bool = False) -> Iterator[Line]:
        escaped_end = _decoded(self.source.stand_ins.escaped_line_end)
        return walk_lines(lines, self._delimiter, is_open=is_open, skipped=self._skipped, escaped_end=escaped_end)

    def _lines(self, text: bytes, begin: int) -> Iterator[str]:
        """Split text into lines; what follows the last line end is left out."""
        while length := self._length(text, begin):
            yield _decoded(text[begin : begin + length])
            begin += length

    def _length(self, text: bytes, begin: int) -> int:
        return max(0, text.find(self.layout.line_end.encode(), begin) + 1 - begin)


def _decoded(text: bytes) -> str:
    """Return text with stand-ins; each of them is one character, and so is an invalid byte."""
    return text.decode(errors="surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
