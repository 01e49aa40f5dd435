"""Find where the records of a CSV text end, and which of them must be read strictly. No pyspark."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from transforms.csv.dialects.special_lines import SpecialLineFinder
from transforms.csv.records.irregular_records import Irregular, IrregularRecords, StrictReader
from transforms.csv.records.quote_positions import Marks, QuotePositions, last_before, next_in
from transforms.errors import UnclearRecordsError


class WholeRecords(NamedTuple):
    """The whole records at the beginning of a text.

    Attributes:
        end: Offset after the last of them.
        irregular: Those that pyarrow might misread, or that are misquoted.
        is_open: Whether a quoted field is open at the end; never with ``multiline``.
        is_enough: Whether all records that were asked for are among them.
    """

    end: int
    irregular: Sequence[Irregular] = ()
    is_open: bool = False
    is_enough: bool = False


@dataclass(frozen=True)
class RecordFinder:
    """Finds records in texts of one layout."""

    reader: StrictReader

    @cached_property
    def line_end(self) -> bytes:
        """The byte at which lines end."""
        return self.reader.layout.line_end.encode()

    @cached_property
    def _special_lines(self) -> SpecialLineFinder:
        return SpecialLineFinder(self.reader.source.stand_ins)

    @cached_property
    def marks(self) -> Marks:
        """The bytes that structure the texts."""
        return Marks.of(self.reader.source.stand_ins)

    def find(
        self, text: bytes, *, is_open: bool, is_last: bool, last_begin: int | None, lines_before: int
    ) -> WholeRecords:
        """Find whole records.

        Args:
            text: Text in UTF-8 that begins at a record.
            is_open: Whether a quoted field is open at its beginning; never with ``multiline``.
            is_last: Whether the text ends with the object; it then ends with a line end.
            last_begin: Records that begin later are left out, unless a quoted field is open.
            lines_before: The number of lines before the text, for errors.

        Raises:
            UnclearRecordsError: If lines inside a quoted field may be records.
        """
        special = self._special_lines.find(text)
        if not is_open and not special and b'"' not in text:
            return self._find_lines(text, last_begin)
        quotes, position, irregular = QuotePositions(text, self.marks, special), 0, list[Irregular]()
        while True:
            first = quotes.count_before(position)
            begin = position if is_open else self._next_irregular(text, quotes, first, position)
            if last_begin is not None and last_begin < len(text) and not is_open:
                last = next_in(quotes.record_ends(first), max(last_begin, position))
                if last is not None and (begin is None or last < begin):
                    return WholeRecords(last + 1, irregular, is_enough=True)
            if begin is None:
                break
            strict = self._read_strictly(text, begin, is_open=is_open, is_last=is_last, lines_before=lines_before)
            irregular += strict.records
            position, is_open = strict.records[-1].end if strict.records else begin, strict.is_open
            is_enough = last_begin is not None and position > last_begin and not is_open
            if is_enough or is_open or not strict.records:
                return WholeRecords(position, irregular, is_open, is_enough)
        end = self._after_last_record(text, quotes, first, position, len(text))
        if is_last and end < len(text):
            self._read_strictly(text, end, is_open=False, is_last=True, lines_before=lines_before)
        return WholeRecords(end, irregular)

    def _find_lines(self, text: bytes, last_begin: int | None) -> WholeRecords:
        """Find records in a text without quotes."""
        if last_begin is not None and (last := text.find(self.line_end, last_begin)) >= 0:
            return WholeRecords(last + 1, is_enough=True)
        return WholeRecords(text.rfind(self.line_end) + 1)

    def _read_strictly(
        self, text: bytes, begin: int, *, is_open: bool, is_last: bool, lines_before: int
    ) -> IrregularRecords:
        try:
            return self.reader.read(text, begin, is_open=is_open, is_last=is_last)
        except UnclearRecordsError as error:
            lines = lines_before + self.reader.source.count_lines(text[:begin])
            raise UnclearRecordsError(lines + error.line, error.problem) from None

    def _next_irregular(self, text: bytes, quotes: QuotePositions, first: int, position: int) -> int | None:
        """Return where the next record begins that must be read strictly."""
        number = next_in(quotes.irregular(first), first)
        event = None if number is None else int(quotes.quotes[number])
        if quotes.has_special_lines:
            event = _first(event, next_in(quotes.comments(first), position))
            event = _first(event, next_in(quotes.special.cut_short, position))
        if not self.reader.layout.multiline:
            event = _first(event, next_in(quotes.inner_line_ends(first), position))
        return None if event is None else self._after_last_record(text, quotes, first, position, event)

    def _after_last_record(self, text: bytes, quotes: QuotePositions, first: int, position: int, limit: int) -> int:
        """Return the offset after the last record that ends before a limit, given that one begins at a position."""
        line_end = text.rfind(self.line_end, position, limit)
        if line_end >= 0 and (quotes.count_before(line_end) - first) % 2:
            line_end = last_before(quotes.record_ends(first), limit)
        return max(position, line_end + 1)


def _first(offset: int | None, other: int | None) -> int | None:
    return min((each for each in (offset, other) if each is not None), default=None)
