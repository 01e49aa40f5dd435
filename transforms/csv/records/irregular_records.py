"""Records that have to be read strictly, since a parser might misread them. No pyspark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from transforms.csv.quotes import Line, has_inner_quote, split_record, walk_lines
from transforms.csv.records.line_pattern import LinePattern
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
    """

    begin: int
    end: int
    rewritten: bytes | None


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
        if not is_open and (line := self._pattern.match(text, begin)):
            return IrregularRecords([Irregular(begin, line.end, line.rewritten)])
        if self.layout.multiline:
            return self._read_record(text, begin, is_last=is_last)
        return self._read_lines(text, begin, is_open=is_open)

    def without_line_end(self, line: str) -> str:
        """Return a line without its line end."""
        line = line.removesuffix(self.layout.line_end)
        return line.removesuffix("\r") if self.layout.line_end == "\n" else line

    def opened_line(self, text: bytes) -> int:
        """Return the line (from 1) that opened the field which is open after the last line end; 0 if none is."""
        *_, end = walk_lines(self._lines(text, 0), self.layout.delimiter)
        return end.opens

    @cached_property
    def _pattern(self) -> LinePattern:
        return LinePattern(self.source.cut, self.layout.line_end.encode())

    def _read_record(self, text: bytes, begin: int, *, is_last: bool) -> IrregularRecords:
        written: list[str] = []
        end = begin
        for line in walk_lines(self._lines(text, begin), self.layout.delimiter):
            if not line.text and not is_last:
                break
            if line.is_torn:
                raise UnclearRecordsError(line.opened or line.opens, NOT_CLOSED)
            written.append(line.text)
            end += self._length(text, end)
            if not line.opens:
                rewritten = None if line.is_misquoted else self._rewritten("".join(written))
                return IrregularRecords([Irregular(begin, end, rewritten)])
        return IrregularRecords([])

    def _read_lines(self, text: bytes, begin: int, *, is_open: bool) -> IrregularRecords:
        records: list[Irregular] = []
        end = begin
        lines = walk_lines(self._lines(text, begin), self.layout.delimiter, is_open=is_open)
        for number, line in enumerate(lines, start=1):
            if not line.text:
                break
            if self._looks_like_a_record(line):
                raise UnclearRecordsError(number, INSIDE_FIELD)
            begin, end = end, end + self._length(text, end)
            records.append(Irregular(begin, end, self._rewritten_line(line)))
            is_open = line.opens > 0
            if not is_open:
                break
        return IrregularRecords(records, is_open)

    def _looks_like_a_record(self, line: Line) -> bool:
        if not line.opened or '"' in line.text:
            return False
        return line.text.count(self.layout.delimiter) == len(self.layout.names) - 1 and bool(line.text.strip("\r\n"))

    def _rewritten_line(self, line: Line) -> bytes | None:
        """Rewrite a line as a record; in a field that an earlier line opened, a stray quote may close that field."""
        alone = next(walk_lines([line.text], self.layout.delimiter))
        if alone.is_misquoted or alone.opens or (line.opened and has_inner_quote(line.text, self.layout.delimiter)):
            return None
        return self._rewritten(line.text)

    def _rewritten(self, written: str) -> bytes:
        """Return a well-quoted record with all fields quoted."""
        record = self.without_line_end(written)
        if not record:
            return b""
        fields = split_record(record, self.layout.delimiter)
        quoted = ("" if field is None else '"' + field.replace('"', '""') + '"' for field in fields)
        return self.source.cut.join(field.encode() for field in quoted) + self.layout.line_end.encode()

    def _lines(self, text: bytes, begin: int) -> Iterator[str]:
        """Split text into lines; what follows the last line end is left out."""
        while length := self._length(text, begin):
            yield self.source.text(text[begin : begin + length])
            begin += length

    def _length(self, text: bytes, begin: int) -> int:
        return max(0, text.find(self.layout.line_end.encode(), begin) + 1 - begin)
