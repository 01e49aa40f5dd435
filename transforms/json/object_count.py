"""Count the records of a framed stream independently of the splitter. Text only, no pyspark."""

from collections.abc import Iterable, Iterator
from typing import Final

_OPEN: Final = b"{"[0]
_NO_BRACES: Final = bytes(byte for byte in range(256) if byte not in b"{}")


class ObjectCount:
    """Counts the top-level objects of a stream that passes through, however it is chunked.

    Strings are removed from each chunk: once escapes are removed, every second piece between quotes is a string. In
    the rest, only braces count.
    """

    def __init__(self) -> None:
        self.records = 0
        self._levels = 0
        self._is_in_string = False
        self._backslash = b""

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks of a stream, and count its records."""
        for chunk in chunks:
            self._count(self._without_strings(self._backslash + chunk))
            yield chunk

    def _without_strings(self, text: bytes) -> bytes:
        self._backslash = b""
        if b"\\" in text:
            text = text.replace(rb"\\", b"").replace(rb"\"", b"")
            self._backslash = b"\\" if text.endswith(b"\\") else b""
        pieces = text.split(b'"')
        outside = b"".join(pieces[self._is_in_string :: 2])
        self._is_in_string ^= len(pieces) % 2 == 0
        return outside

    def _count(self, text: bytes) -> None:
        levels, records = self._levels, self.records
        for brace in text.translate(None, _NO_BRACES):
            if brace == _OPEN:
                records += not levels
                levels += 1
            else:
                levels -= 1
        self._levels, self.records = levels, records
