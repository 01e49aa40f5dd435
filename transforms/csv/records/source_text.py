"""The bytes of a CSV object as UTF-8 whose delimiter is one byte, and offsets in it. No pyspark.

Text in UTF-8 keeps its bytes, including invalid ones; other encodings are transcoded. What would be misread becomes
bytes that UTF-8 never contains, see ``transforms.csv.dialects.stand_ins``.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.csv.dialects.stand_ins import DELIMITER, DELIMITER_BEGIN, StandIns
from transforms.csv.text_encoding import EncodingKind, encode, kind_of, mark_of, transcoded, unit_bytes
from transforms.csv.text_layout import TextLayout

MARK: Final = codecs.BOM_UTF8
#: The bytes of a UTF-8 character after the first one.
_LEADING_BITS: Final = 0xC0
_CONTINUES: Final = 0x80
#: The first byte of a character of four bytes, which UTF-16 writes as two units.
_BEGINS_FOUR: Final = 0xF0
_BEGINS_NONE: Final = 0xF5


@dataclass(frozen=True)
class SourceText:
    """How the source is represented as bytes.

    Attributes:
        encoding: Name of the Python codec of the source.
        stand_ins: What is replaced.
    """

    encoding: str
    stand_ins: StandIns

    @classmethod
    def of(cls, layout: TextLayout) -> "SourceText":
        """Return the representation of a source with this layout."""
        return cls(layout.encoding, StandIns(layout.dialect, layout.line_end, layout.multiline))

    @property
    def cut(self) -> bytes:
        """The byte that represents the delimiter."""
        return self.stand_ins.cut

    def pieces(self, source: Iterable[bytes], *, piece_bytes: int, line_end: bytes) -> Iterator[bytes]:
        """Represent a source; pieces have about ``piece_bytes`` at most."""
        pieces = _chopped(source, piece_bytes)
        if not self._is_utf8:
            pieces = transcoded(pieces, self.encoding, line_end)
        return self.stand_ins.replaced(pieces) if self.stand_ins.are_needed else pieces

    def text(self, data: bytes) -> str:
        """Return the text of some bytes as it is in the source; invalid ones become U+FFFD."""
        return self.stand_ins.original(data).decode("utf-8", "replace")

    def valid(self, data: bytes) -> bytes:
        """Return bytes that are valid UTF-8 apart from stand-ins."""
        return data if data.isascii() else self.stand_ins.valid(data)

    def count_lines(self, data: bytes) -> int:
        """Return how many line ends there are, escaped ones included."""
        values = np.frombuffer(data, np.uint8)
        return sum(int(np.count_nonzero(values == line_end)) for line_end in self.stand_ins.line_ends)

    @property
    def unread_length(self) -> int:
        """How many bytes at the beginning of the source no text represents: the byte order mark of UTF-16 or UTF-32."""
        return len(mark_of(self.encoding))

    def source_length(self, data: bytes) -> int:
        """Return how many bytes of the source these bytes represent."""
        return len(data) if self._is_same(data) else int(self._widths(data).sum())

    def source_lengths(self, data: bytes, offsets: Sequence[int]) -> list[int]:
        """Return how many bytes of the source precede each of these offsets in some bytes."""
        if self._is_same(data):
            return list(offsets)
        lengths: list[int] = np.concatenate([[0], np.cumsum(self._widths(data))])[np.asarray(offsets)].tolist()
        return lengths

    def offset_of(self, source_length: int, data: bytes) -> int:
        """Return how many of these bytes represent the first ``source_length`` bytes of the source."""
        if self._is_same(data):
            return min(source_length, len(data))
        return int(np.searchsorted(np.cumsum(self._widths(data)), source_length, side="right"))

    @property
    def determines_lengths(self) -> bool:
        """Whether a text determines how many bytes of the source it represents."""
        return kind_of(self.encoding) is not EncodingKind.MULTI_BYTE

    @property
    def _is_utf8(self) -> bool:
        return kind_of(self.encoding) is EncodingKind.UTF_8

    def _is_same(self, data: bytes) -> bool:
        if unit_bytes(self.encoding) > 1:
            return not data
        return data.isascii() or (self._is_utf8 and self.cut != DELIMITER)

    def _widths(self, data: bytes) -> npt.NDArray[np.int64]:
        return self._width_of_byte[np.frombuffer(data, np.uint8)]

    @cached_property
    def _width_of_byte(self) -> npt.NDArray[np.int64]:
        """How many bytes of the source each byte represents; of a character, the first represents all of them."""
        values = np.arange(256)
        is_character = (values & _LEADING_BITS != _CONTINUES) | self._is_utf8
        widths: npt.NDArray[np.int64] = is_character.astype(np.int64)
        if (unit := unit_bytes(self.encoding)) > 1:
            widths = np.where((values >= _BEGINS_FOUR) & (values < _BEGINS_NONE), 4, unit * widths)
        delimiter = self.stand_ins.dialect.delimiter
        if self.cut == DELIMITER:
            widths[DELIMITER[0]] = len(encode(delimiter, self.encoding))
            widths[DELIMITER_BEGIN[0]] = len(encode(delimiter[0], self.encoding))
        return widths


def _chopped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        if len(piece) <= size:
            yield piece
        else:
            yield from (piece[start : start + size] for start in range(0, len(piece), size))
