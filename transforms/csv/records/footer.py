"""Leave the last lines of a text out while it is read. No pyspark."""

from collections.abc import Iterable, Iterator

import numpy as np

from transforms.csv.records.quote_positions import Positions
from transforms.errors import FooterError

_RETURN = 0x0D


class Footer:
    """The last lines of a text that are not blank.

    Attributes:
        lines: How many lines were left out, once the text has ended.
    """

    def __init__(self, lines: int, line_end: bytes, max_record_bytes: int) -> None:
        self.lines = 0
        self._wanted, self._line_end = lines, line_end
        self._limit = (lines + 1) * max_record_bytes

    def cut_from(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Return a text without the footer; lines are held back until enough others follow.

        Raises:
            FooterError: If the lines that may be the footer are too long to hold back.
        """
        held = b""
        for piece in pieces:
            held += piece
            begins = self._begins(held)
            if len(begins) >= self._wanted:
                begin = int(begins[-self._wanted])
                yield held[:begin]
                held = held[begin:]
            if len(held) > self._limit:
                raise FooterError(
                    f"the footer (footer_lines: {self._wanted}) is longer than {self._limit} bytes; raise "
                    "max_record_bytes if this is intended"
                )
        self.lines = len(self._begins(held))

    def _begins(self, text: bytes) -> Positions:
        """Return where lines that are not blank begin; the last one may be incomplete."""
        values = np.frombuffer(text, np.uint8)
        begins = np.concatenate([np.zeros(1, np.intp), np.flatnonzero(values == self._line_end[0]) + 1])
        lengths = np.diff(begins, append=len(text) + 1) - 1
        is_blank = lengths == 0
        if self._line_end == b"\n":
            short = np.flatnonzero(lengths == 1)
            is_blank[short] = values[begins[short]] == _RETURN
        kept: Positions = begins[~is_blank]
        return kept
