"""Parse the values of a framed stream with Python's parser, independently of the splitter. No pyspark."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from transforms.json.framing import Framing
from transforms.json.scan import after_match

_blanks: Final = re.compile("[ \t\r\n]*+")
_BOM: Final = "\ufeff"


def read_values(
    chunks: Iterable[bytes], framing: Framing, *, max_record_bytes: int, decoder: json.JSONDecoder
) -> Iterator[Any]:
    """Yield the values of a stream, and check its framing.

    Raises:
        ValueError: If the stream does not have this framing, or is not UTF-8.
        RecursionError: If a value is nested too deeply.
    """
    text = _Text(chunks, max_record_bytes, decoder)
    text.skip_mark()
    if framing == "concatenated":
        while text.next():
            if not text.skip_if(_BOM):
                yield text.value()
    elif framing == "array" and text.next():
        text.expect("[")
        if text.next() != "]":
            yield text.value()
            while text.skip_if(","):
                yield text.value()
        text.expect("]")
    elif text.next():
        yield text.value()
    if text.next():
        raise ValueError("unexpected data after the last record")


class _Text:
    """A stream as text, which buffers at most one value and the chunks read with it."""

    def __init__(self, chunks: Iterable[bytes], max_record_bytes: int, decoder: json.JSONDecoder) -> None:
        self._chunks = codecs.iterdecode(chunks, "utf-8")
        self._limit, self._decoder = max_record_bytes, decoder
        self._text, self._position = "", 0

    def skip_mark(self) -> None:
        """Skip a byte order mark at the start of the stream."""
        if self._read(1):
            self._position += self._text.startswith(_BOM)

    def next(self) -> str:
        """Return the next character that is not whitespace, without consuming it; empty at the end."""
        while True:
            self._position = after_match(_blanks, self._text, self._position)
            if character := self._text[self._position : self._position + 1]:
                return character
            if not self._read(1):
                return ""

    def skip_if(self, character: str) -> bool:
        """Consume the next character if it is this one; return whether it was."""
        is_next = self.next() == character
        self._position += is_next
        return is_next

    def expect(self, character: str) -> None:
        """Consume the next character, which must be this one.

        Raises:
            ValueError: If it is another.
        """
        if not self.skip_if(character):
            raise ValueError(f"{character} was expected")

    def value(self) -> Any:
        """Consume and return a value, reading more until it is complete, twice as much each time."""
        if self.next() != "{":
            raise ValueError("a JSON object was expected")
        while True:
            try:
                value, self._position = self._decoder.raw_decode(self._text, self._position)
            except ValueError:
                length = len(self._text) - self._position
                if length > self._limit or not self._read(length):
                    raise
            else:
                return value

    def _read(self, length: int) -> bool:
        """Read at least this many more characters; return whether there were any."""
        pieces, read = [self._text[self._position :]], 0
        for piece in self._chunks:
            pieces.append(piece)
            read += len(piece)
            if read >= length:
                break
        self._text, self._position = "".join(pieces), 0
        return read > 0
