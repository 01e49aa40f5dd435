"""Find the quotes of a CSV text, and those that no CSV writer would place there, with numpy. No pyspark.

In a text without quotes inside unquoted fields, every quote that follows an even number of others opens a field, or is
the second of a doubled one; every other closes a field, or is the first of a doubled one. A quote that is not next to a
delimiter, a line end or another quote on that side is *irregular*. Up to the first irregular quote, all quotes are what
they seem: the text is outside quotes after an even number of them, and inside a field after an odd number.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.csv.dialects.special_lines import NO_LINES, SpecialLines
from transforms.csv.dialects.stand_ins import StandIns

Positions = npt.NDArray[np.intp]

_QUOTE: Final = 0x22
_CR: Final = 0x0D
_LF: Final = 0x0A
#: The blanks to look at before a quote; a record with more is read strictly.
_MOST_BLANKS: Final = 16


@dataclass(frozen=True)
class Marks:
    """The bytes that structure a text.

    Attributes:
        delimiter: The delimiter.
        line_end: LF (possibly after a CR) or CR.
        skipped: Blanks that are dropped at the beginning of a field.
    """

    delimiter: int
    line_end: int
    skipped: bytes = b""

    @classmethod
    def of(cls, stand_ins: StandIns) -> "Marks":
        """Return the marks of texts in which some stand-ins are."""
        skipped = stand_ins.dialect.skipped_blanks.encode()
        return cls(stand_ins.cut[0], ord(stand_ins.line_end), skipped)

    @cached_property
    def edges(self) -> npt.NDArray[np.bool_]:
        """Whether a quote next to a byte may open or close a field, or be one of two."""
        table = np.zeros(256, np.bool_)
        table[[self.delimiter, self.line_end, _QUOTE]] = True
        return table

    @cached_property
    def is_skipped(self) -> npt.NDArray[np.bool_]:
        """Whether a byte is a blank that is dropped at the beginning of a field."""
        table = np.zeros(256, np.bool_)
        table[list(self.skipped)] = True
        return table


class QuotePositions:
    """The quotes and line ends of a text.

    ``first`` is always the number of a quote, from 0, that opens a field if there is no irregular one before it.

    Attributes:
        quotes: The positions of all quotes.
        special: Its special lines.
        has_special_lines: Whether it has any.
    """

    def __init__(self, text: bytes, marks: Marks, special: SpecialLines = NO_LINES) -> None:
        self._bytes = np.frombuffer(text, np.uint8)
        self._marks = marks
        self.quotes: Positions = np.flatnonzero(self._bytes == _QUOTE)
        self.special, self.has_special_lines = special, bool(special)
        self._irregular: dict[int, Positions] = {}

    def count_before(self, offset: int) -> int:
        """Return the number of quotes before an offset."""
        return int(self.quotes.searchsorted(offset))

    def irregular(self, first: int) -> Positions:
        """Return the numbers of all irregular quotes, before ``first`` as well."""
        parity = first & 1
        if parity not in self._irregular:
            is_regular = np.empty(len(self.quotes), np.bool_)
            is_regular[parity::2] = self._may_open(self.quotes[parity::2])
            is_regular[1 - parity :: 2] = self._may_close(self.quotes[1 - parity :: 2])
            self._irregular[parity] = np.flatnonzero(~is_regular)
        return self._irregular[parity]

    def record_ends(self, first: int) -> Positions:
        """Return the positions of line ends outside quotes; wrong after an irregular quote."""
        return self._line_ends_after[first & 1]

    def inner_line_ends(self, first: int) -> Positions:
        """Return the positions of line ends inside quotes; wrong after an irregular quote."""
        return self._line_ends_after[1 - (first & 1)]

    def comments(self, first: int) -> Positions:
        """Return where comments begin outside quotes; wrong after an irregular quote."""
        return self._comments_after[first & 1]

    @cached_property
    def _line_ends_after(self) -> tuple[Positions, Positions]:
        """The line ends after an even number of quotes, and those after an odd number."""
        return self._by_parity(np.flatnonzero(self._bytes == self._marks.line_end))

    @cached_property
    def _comments_after(self) -> tuple[Positions, Positions]:
        return self._by_parity(self.special.comments)

    def _by_parity(self, positions: Positions) -> tuple[Positions, Positions]:
        is_odd = (self.quotes.searchsorted(positions) & 1).astype(np.bool_)
        return positions[~is_odd], positions[is_odd]

    def _may_open(self, positions: Positions) -> npt.NDArray[np.bool_]:
        allowed: npt.NDArray[np.bool_] = self._marks.edges[self._bytes[positions - 1]]
        if len(positions) and positions[0] == 0:
            allowed[0] = True
        if self._marks.skipped:
            self._allow_after_blanks(positions, allowed)
        return allowed

    def _allow_after_blanks(self, positions: Positions, allowed: npt.NDArray[np.bool_]) -> None:
        """Allow quotes that only a few blanks separate from the beginning of their field."""
        undecided = np.flatnonzero(~allowed)
        before = positions[undecided] - 1
        for _ in range(_MOST_BLANKS):
            is_blank = self._marks.is_skipped[self._bytes[before]]
            undecided, before = undecided[is_blank], before[is_blank] - 1
            is_edge = (before < 0) | (self._marks.edges[self._bytes[before]] & (self._bytes[before] != _QUOTE))
            allowed[undecided[is_edge]] = True
            undecided, before = undecided[~is_edge], before[~is_edge]

    def _may_close(self, positions: Positions) -> npt.NDArray[np.bool_]:
        # At the end of the text, a quote counts as followed by itself.
        after = self._bytes.take(positions + 1, mode="clip")
        allowed: npt.NDArray[np.bool_] = self._marks.edges[after]
        if self._marks.line_end == _LF:
            returns = np.flatnonzero(after == _CR)
            allowed[returns] = self._bytes.take(positions[returns] + 2, mode="clip") == _LF
        return allowed


def next_in(positions: Positions, least: int) -> int | None:
    """Return the first of sorted positions that is not below a limit."""
    index = int(positions.searchsorted(least))
    return int(positions[index]) if index < len(positions) else None


def last_before(positions: Positions, limit: int) -> int:
    """Return the last of sorted positions that is below a limit; -1 if there is none."""
    index = int(positions.searchsorted(limit))
    return int(positions[index - 1]) if index else -1
