"""Find the lines that are always read strictly: comments, and those whose last escape is cut short."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.csv.dialects.dialect import NONE
from transforms.csv.dialects.stand_ins import END_OF_DATA, ESCAPE, StandIns

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SpecialLines:
    """The positions of special lines in a text.

    Attributes:
        comments: Where lines begin that are comments unless they are inside quotes.
        cut_short: The escapes before line ends, and those that may be an end of data.
    """

    comments: Positions
    cut_short: Positions

    def __bool__(self) -> bool:
        return len(self.comments) > 0 or len(self.cut_short) > 0


NO_LINES: Final = SpecialLines(np.array([], np.intp), np.array([], np.intp))


@dataclass(frozen=True)
class SpecialLineFinder:
    """Finds the special lines of a dialect."""

    stand_ins: StandIns

    def find(self, text: bytes) -> SpecialLines:
        """Return the special lines of a text that begins at a line."""
        if not self._comment and self.stand_ins.dialect.escape == NONE:
            return NO_LINES
        comments = [0] if self._comment and text.startswith(self._comment) else []
        if self._comment:
            comments += [begin + len(self._line_end) for begin in _all(text, self._line_end + self._comment)]
        cut_short = sorted(begin for ending in self._cut_short for begin in _all(text, ending))
        if self.stand_ins.dialect.escape == "postgres":
            cut_short = sorted([*cut_short, *_all(text, END_OF_DATA)])
        if not comments and not cut_short:
            return NO_LINES
        return SpecialLines(np.array(comments, np.intp), np.array(cut_short, np.intp))

    @cached_property
    def _comment(self) -> bytes:
        return self.stand_ins.dialect.comment_mark.encode()

    @cached_property
    def _line_end(self) -> bytes:
        return self.stand_ins.line_end.encode()

    @cached_property
    def _cut_short(self) -> list[bytes]:
        if self.stand_ins.dialect.escape == NONE:
            return []
        endings = [ESCAPE + self._line_end]
        return [*endings, ESCAPE + b"\r" + self._line_end] if self._line_end == b"\n" else endings


def _all(text: bytes, part: bytes) -> Iterator[int]:
    position = text.find(part)
    while position >= 0:
        yield position
        position = text.find(part, position + 1)
