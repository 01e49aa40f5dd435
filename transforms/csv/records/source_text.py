"""The bytes of a CSV object as UTF-8 whose delimiter is one byte, and offsets in it. No pyspark.

Text in UTF-8 keeps its bytes, including invalid ones; other encodings are transcoded. A delimiter outside ASCII becomes
the byte 0xFF, which UTF-8 never contains.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.csv.text_encoding import EncodingKind, encode, kind_of, mark_of, transcoded, unit_bytes
from transforms.csv.text_layout import TextLayout

MARK: Final = codecs.BOM_UTF8
_STAND_IN: Final = b"\xff"
_ALSO_INVALID: Final = b"\xfe"
#: The bytes of a UTF-8 character after the first one.
_LEADING_BITS: Final = 0xC0
_CONTINUES: Final = 0x80
#: The first byte of a character of four bytes, which UTF-16 writes as two units.
_BEGINS_FOUR: Final = 0xF0


@dataclass(frozen=True)
class SourceText:
    """How the source is represented as bytes.

    Attributes:
        delimiter: The delimiter as it is in the source.
        encoding: Name of the Python codec of the source.
        cut: The byte that represents the delimiter.
    """

    delimiter: str
    encoding: str
    cut: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut", self.delimiter.encode() if self.delimiter.isascii() else _STAND_IN)

    @classmethod
    def of(cls, layout: TextLayout) -> "SourceText":
        """Return the representation of a source with this layout."""
        return cls(layout.delimiter, layout.encoding)

    def pieces(self, source: Iterable[bytes], *, piece_bytes: int, line_end: bytes) -> Iterator[bytes]:
        """Represent a source; pieces have about ``piece_bytes`` at most."""
        pieces = _chopped(source, piece_bytes)
        if not self._is_utf8:
            pieces = transcoded(pieces, self.encoding, line_end)
        if self.cut == _STAND_IN:
            pieces = self._with_stand_in(pieces)
        return pieces

    def text(self, data: bytes) -> str:
        """Return the text of some bytes; invalid ones become U+FFFD."""
        if self.cut == _STAND_IN:
            data = data.replace(_STAND_IN, self.delimiter.encode())
        return data.decode("utf-8", "replace")

    def valid(self, data: bytes) -> bytes:
        """Return bytes that are valid UTF-8 apart from the delimiter."""
        if data.isascii():
            return data
        if self.cut == _STAND_IN:
            return self.text(data).encode().replace(self.delimiter.encode(), _STAND_IN)
        try:
            data.decode()
        except UnicodeDecodeError:
            return self.text(data).encode()
        return data

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
    def tells_lengths(self) -> bool:
        """Whether a text tells how many bytes of the source it represents."""
        return kind_of(self.encoding) is not EncodingKind.MULTI_BYTE

    @property
    def _is_utf8(self) -> bool:
        return kind_of(self.encoding) is EncodingKind.UTF_8

    def _is_same(self, data: bytes) -> bool:
        if unit_bytes(self.encoding) > 1:
            return not data
        return data.isascii() or (self._is_utf8 and self.cut != _STAND_IN)

    def _widths(self, data: bytes) -> npt.NDArray[np.int64]:
        values = np.frombuffer(data, np.uint8)
        if self._is_utf8:
            return np.where(values == _STAND_IN[0], len(self.delimiter.encode()), 1)
        widths = np.where(values & _LEADING_BITS == _CONTINUES, 0, 1)
        if (unit := unit_bytes(self.encoding)) > 1:
            widths = np.where(values >= _BEGINS_FOUR, 4, unit * widths)
            widths[values == _STAND_IN[0]] = len(encode(self.delimiter, self.encoding))
        return widths

    def _with_stand_in(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        written, rest = self.delimiter.encode(), b""
        for piece in pieces:
            data = rest + piece
            kept = next((n for n in range(len(written) - 1, 0, -1) if data.endswith(written[:n])), 0)
            rest = data[len(data) - kept :]
            yield self._replaced(data[: len(data) - kept])
        yield self._replaced(rest)

    def _replaced(self, data: bytes) -> bytes:
        return data.replace(_STAND_IN, _ALSO_INVALID).replace(self.delimiter.encode(), _STAND_IN)


def _chopped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        if len(piece) <= size:
            yield piece
        else:
            yield from (piece[start : start + size] for start in range(0, len(piece), size))
