"""Where the lines of a source begin, if that cannot be computed from its text. No pyspark."""

from collections.abc import Iterable, Iterator

import numpy as np

from transforms.csv.records.quote_positions import Positions


class SourceLines:
    """The beginnings of the lines of a source that is read in pieces; lines are numbered from 0."""

    def __init__(self, line_end: int) -> None:
        self._line_end = line_end
        self._begins: Positions = np.zeros(1, np.intp)
        self._first, self._size = 0, 0

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Return the pieces, and note where their lines begin."""
        for piece in pieces:
            ends = np.flatnonzero(np.frombuffer(piece, np.uint8) == self._line_end)
            self._begins = np.concatenate([self._begins, ends + self._size + 1])
            self._size += len(piece)
            yield piece

    def begins(self, line: int) -> Positions:
        """Return where the known lines from one on begin."""
        return self._begins[line - self._first :]

    def drop(self, line: int) -> int:
        """Forget the lines before one, and return where it begins, which may be the end of the source."""
        self._begins, self._first = self.begins(line), line
        return int(self._begins[0]) if len(self._begins) else self._size
