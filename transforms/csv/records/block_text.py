"""The text of a block for the parser, with positions in the text as written. No pyspark."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from transforms.csv.records.irregular_records import Irregular, StrictReader
from transforms.csv.records.quote_positions import Marks, Positions, QuotePositions


@dataclass(frozen=True)
class BlockText:
    """Whole records; for the parser, irregular ones are rewritten as every parser reads them, or left out.

    Attributes:
        written: The records as written.
        irregular: The irregular ones; misquoted ones are left out.
        reader: The reader of their layout.
        marks: The bytes that structure them.
    """

    written: bytes
    irregular: Sequence[Irregular]
    reader: StrictReader
    marks: Marks

    @cached_property
    def parsed(self) -> bytes:
        """The records for the parser."""
        return b"".join(part for _, part in self._parts) if self.irregular else self.written

    @cached_property
    def begins(self) -> Positions:
        """The offset in ``parsed`` of each record; blank lines are no records."""
        is_blank = self._lengths == 1
        if self.marks.line_end == ord("\n"):
            pairs = np.flatnonzero(self._lengths == len("\r\n"))
            is_blank[pairs] = np.frombuffer(self.parsed, np.uint8)[self._line_begins[pairs]] == ord("\r")
        begins: Positions = self._line_begins[~is_blank]
        return begins

    def text(self, begin: int) -> str:
        """Return the record at an offset in ``parsed`` as written, without its line end."""
        if begin in self._rewritten:
            return self.text_of(self._rewritten[begin])
        end = begin + int(self._lengths[self._line_begins.searchsorted(begin)])
        return self.reader.without_line_end(self.reader.source.text(self.parsed[begin:end]))

    def text_of(self, record: Irregular) -> str:
        """Return an irregular record as written, without its line end."""
        return self.reader.without_line_end(self.reader.source.text(self.written[record.begin : record.end]))

    def lines_before(self, begins: Sequence[int]) -> list[int]:
        """Return the number of line ends before each of these offsets in ``written``."""
        counts: list[int] = np.searchsorted(self._line_ends, begins).tolist()
        return counts

    def written_at(self, begins: Sequence[int] | Positions) -> list[int]:
        """Return the offsets in ``written`` of records at offsets in ``parsed``."""
        offsets = np.asarray(begins, np.intp)
        if self.irregular:
            parts = np.searchsorted(self._part_begins, offsets, side="right") - 1
            originals = np.array([begin for begin, _ in self._parts], np.intp)
            offsets = offsets - self._part_begins[parts] + originals[parts]
        positions: list[int] = offsets.tolist()
        return positions

    def first_longer_than(self, limit: int) -> int | None:
        """Return the offset in ``written`` of the first record that is longer than a limit."""
        long = [record.begin for record in self.irregular if record.end - record.begin > limit]
        begins = self._line_begins[self._lengths > limit].tolist()
        long += self.written_at([begin for begin in begins if begin not in self._rewritten])
        return min(long, default=None)

    @cached_property
    def _parts(self) -> list[tuple[int, bytes]]:
        """The pieces of ``parsed``, and where each begins in ``written``."""
        parts: list[tuple[int, bytes]] = []
        position = 0
        for begin, end, rewritten, _ in self.irregular:
            parts += [(position, self.written[position:begin]), (begin, rewritten or b"")]
            position = end
        parts.append((position, self.written[position:]))
        return [part for part in parts if part[1]]

    @cached_property
    def _part_begins(self) -> Positions:
        begins: Positions = np.cumsum([0, *(len(part) for _, part in self._parts)])[:-1]
        return begins

    @cached_property
    def _rewritten(self) -> dict[int, Irregular]:
        """Rewritten records, by their offset in ``parsed``."""
        records = {record.begin: record for record in self.irregular}
        begins = zip(self._part_begins.tolist(), self._parts, strict=True)
        return {begin: records[original] for begin, (original, _) in begins if original in records}

    @cached_property
    def _line_begins(self) -> Positions:
        begins: Positions = np.concatenate([np.zeros(1, np.intp), self._record_ends + 1])[:-1]
        return begins

    @cached_property
    def _lengths(self) -> Positions:
        lengths: Positions = self._record_ends + 1 - self._line_begins
        return lengths

    @cached_property
    def _record_ends(self) -> Positions:
        return QuotePositions(self.parsed, self.marks).record_ends(0)

    @cached_property
    def _line_ends(self) -> Positions:
        line_ends: Positions = np.flatnonzero(
            np.isin(np.frombuffer(self.written, np.uint8), self.reader.source.stand_ins.line_ends)
        )
        return line_ends
