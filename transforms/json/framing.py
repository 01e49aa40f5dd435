"""Split streams of records that are not framed by lines, preserving every byte. Text only, no pyspark.

A record ends where its brackets are balanced. Its syntax is not checked here; callers validate each record. Only
whitespace and the brackets and commas of an array are accepted between records, so that a stream of valid records is
either split correctly or refused.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from transforms.errors import FramingError
from transforms.json.scan import BLANKS, CLOSE_ARRAY, CONTAINER, INSIDE, OPEN_ARRAY, OPEN_OBJECT, QUOTE, after_match

#: The framing of an object: one record per line (JSON lines), records one after another with optional whitespace
#: between them, the elements of one top-level array, or a single record over any number of lines.
Records = Literal["lines", "concatenated", "array", "document"]
Framing = Literal["concatenated", "array", "document"]

BOM: Final = b"\xef\xbb\xbf"
_COMMA: Final = b","[0]
_NULL: Final = b"null"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_GUESS_BYTES: Final = 64 << 10

#: The next state by byte; a record begins with its opening bracket.
_GRAMMAR: Final[dict[Framing, dict[str, dict[int, str]]]] = {
    "concatenated": {"start": {OPEN_OBJECT: "after"}, "after": {OPEN_OBJECT: "after"}},
    "document": {"start": {OPEN_OBJECT: "end"}, "end": {}},
    "array": {
        "start": {OPEN_ARRAY: "first"},
        "first": {OPEN_OBJECT: "after", CLOSE_ARRAY: "end"},
        "after": {_COMMA: "next", CLOSE_ARRAY: "end"},
        "next": {OPEN_OBJECT: "after"},
        "end": {},
    },
}
#: States in which a stream may end. A stream of whitespace has no records.
_COMPLETE: Final[dict[Framing, set[str]]] = {
    "concatenated": {"start", "after"},
    "document": {"start", "end"},
    "array": {"start", "end"},
}
_NAMES: Final = {OPEN_OBJECT: "a record", OPEN_ARRAY: "an array", _COMMA: "a comma", CLOSE_ARRAY: "the array's end"}

# Matches most records at once: the bytes before them, and all of their levels.
_NEXT_RECORD: Final[dict[Framing, "re.Pattern[bytes]"]] = {
    "concatenated": re.compile(rb"([ \t\r\n]*+)(?=\{)(" + CONTAINER.pattern + b")", re.DOTALL),
    "array": re.compile(rb"([ \t\r\n]*+,[ \t\r\n]*+)(?=\{)(" + CONTAINER.pattern + b")", re.DOTALL),
}
_rest_of_string: Final = re.compile(rb'(?:[^"\\]++|\\.)*"', re.DOTALL)
_line_break: Final = re.compile(rb"([^ \t\r\n])[ \t\r]*+\n[ \t\r\n]*+([^ \t\r\n])")


@dataclass(frozen=True)
class FramedBlock:
    """A part of a stream that contains only whole records.

    Attributes:
        offset: Its offset in the stream.
        pieces: Alternately the bytes between records, possibly none, and a record; it begins and ends with the former.
    """

    offset: int
    pieces: list[bytes]


def framed_blocks(
    chunks: Iterable[bytes], framing: Framing, *, max_record_bytes: int, with_nulls: bool = False
) -> Iterator[FramedBlock]:
    """Split a stream into records and the bytes between them; joined, the pieces are the stream.

    Buffers at most the longest record and one chunk. A byte order mark is accepted at the start of the stream, and of
    each concatenated file. With ``with_nulls``, elements of an array that are ``null`` are records as well.

    Raises:
        FramingError: If there are unexpected bytes between records, the stream ends too early, or a record is longer
            than ``max_record_bytes``; earlier records of the same chunk are not returned.
    """
    splitter = _Splitter(framing, max_record_bytes, has_nulls=with_nulls and framing == "array")
    for chunk in chunks:
        if block := splitter.split(chunk):
            yield block
    splitter.end()


def likely_records(text: bytes) -> Records | None:
    """Guess the framing of a text from its first record; None if it is unclear."""
    text = text[:_GUESS_BYTES].removeprefix(BOM).lstrip()
    if text.startswith(b"["):
        return "array" if text[1:].lstrip()[:1] in (b"{", b"]", b"") else None
    if not text.startswith(b"{"):
        return None
    end = _OpenRecord().end(text, 1)
    if end < 0:
        return "document" if _is_pretty_printed(text) else None
    first, rest = text[:end], text[end:].replace(BOM, b"")
    more = rest.lstrip()
    if more and not more.startswith(b"{"):
        return None
    if b"\n" in first:
        return "concatenated" if more else "document"
    return "concatenated" if more and b"\n" not in rest[: len(rest) - len(more)] else "lines"


def _is_pretty_printed(text: bytes) -> bool:
    """Return whether the first line break is between tokens of one record, not after a truncated line."""
    if not (line_break := _line_break.search(text)):
        return len(text) < _GUESS_BYTES // 2 and text.rstrip()[-1:] in (b"{", b"[", b":", b",")
    before, after = line_break.groups()
    return before in b"{[:" or after in b"}]:," or (before == b"," and after != b"{")


class _Splitter:
    """Splits a stream chunk by chunk, however it is chunked."""

    def __init__(self, framing: Framing, max_record_bytes: int, *, has_nulls: bool) -> None:
        self._framing, self._limit, self._has_nulls = framing, max_record_bytes, has_nulls
        self._grammar, self._state = _GRAMMAR[framing], "start"
        self._next_record = _NEXT_RECORD.get(framing)
        self._offset = 0  # of the chunk, the open record, or an incomplete token
        self._half_token = b""  # of a byte order mark or null
        self._open: _OpenRecord | None = None
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0

    def split(self, chunk: bytes) -> FramedBlock | None:
        """Split the next chunk; None if it is inside one record."""
        text = self._half_token + chunk
        pieces: list[bytes] = []
        offset, position = self._offset, 0
        if self._open:
            position = self._open.end(text, 0)
            self._append(text if position < 0 else text[:position])
            if position < 0:
                return None
            pieces += [b"", b"".join(self._buffer)]
            self._offset += self._buffer_bytes - position
            self._open, self._buffer, self._buffer_bytes = None, [], 0
        self._half_token = b""
        while True:
            position = self._skip_records(text, position, pieces)
            start = self._skip_gap(text, position)
            pieces.append(text[position:start])
            if text.startswith(_NULL, start):
                position = start + len(_NULL)
                pieces.append(_NULL)
                continue
            self._offset += start
            if start == len(text) or self._half_token:
                return FramedBlock(offset, pieces)
            self._open = _OpenRecord()
            position = self._open.end(text, start + 1)
            self._append(text[start:] if position < 0 else text[start:position])
            if position < 0:
                return FramedBlock(offset, pieces)
            pieces += self._buffer
            self._offset -= start
            self._open, self._buffer, self._buffer_bytes = None, [], 0

    def end(self) -> None:
        """Finish the stream.

        Raises:
            FramingError: If it is incomplete.
        """
        if self._open:
            raise FramingError(self._offset, "the object ends within the record")
        if self._half_token or self._state not in _COMPLETE[self._framing]:
            raise FramingError(self._offset, f"the object ends where {self._expected()} was expected")

    def _skip_records(self, text: bytes, position: int, pieces: list[bytes]) -> int:
        """Skip records that are complete in a chunk."""
        if self._state != "after" or not self._next_record:
            return position
        match, limit = self._next_record.match, self._limit
        while next_record := match(text, position):
            before, record = next_record.groups()
            if len(record) > limit:
                raise self._long(self._offset + next_record.start(2))
            pieces += (before, record)
            position = next_record.end()
        return position

    def _skip_gap(self, text: bytes, position: int) -> int:
        """Skip the bytes between records; return the start of the next one, or the end of the text."""
        while True:
            position = after_match(BLANKS, text, position)
            if position == len(text):
                return position
            byte = text[position]
            mark = text[position : position + len(BOM)]
            if BOM.startswith(mark) and (self._framing == "concatenated" or not self._offset + position):
                if mark != BOM:
                    self._half_token = mark
                    return position
                position += len(BOM)
                continue
            if self._has_nulls and byte == _NULL[0]:
                token = text[position : position + len(_NULL)]
                if token != _NULL and _NULL.startswith(token):
                    self._half_token = token
                    return position
                byte = OPEN_OBJECT if token == _NULL else byte
            state = self._grammar[self._state].get(byte)
            if state is None:
                raise self._unexpected(text, position)
            self._state = state
            if byte == OPEN_OBJECT:
                return position
            position += 1

    def _append(self, piece: bytes) -> None:
        self._buffer.append(piece)
        self._buffer_bytes += len(piece)
        if self._buffer_bytes > self._limit:
            raise self._long(self._offset)

    def _long(self, offset: int) -> FramingError:
        return FramingError(
            offset, f"the record is longer than {self._limit} bytes; raise max_record_bytes if this is intended"
        )

    def _unexpected(self, text: bytes, position: int) -> FramingError:
        offset, rest = self._offset + position, text[position : position + _GUESS_BYTES]
        if not offset and rest.startswith(_UTF_16):
            return FramingError(offset, "the object is UTF-16, by its byte order mark; records are read as UTF-8")
        likely: str | None = None
        if self._state == "start" and not rest.startswith(BOM):
            likely = likely_records(rest)
        elif self._framing == "document" and rest.startswith(b"{"):
            likely = "concatenated"
        return FramingError(offset, f"{self._expected()} was expected", looks_like=likely or "")

    def _expected(self) -> str:
        return " or ".join(_NAMES[byte] for byte in self._grammar[self._state]) or "the end of the object"


class _OpenRecord:
    """An incomplete record, read chunk by chunk until its brackets are balanced."""

    def __init__(self) -> None:
        self._levels = 1
        self._is_in_string = self._is_escaped = False

    def end(self, text: bytes, position: int) -> int:
        """Return the position after the record, or -1 if the text ends before."""
        if self._is_in_string and text:
            position += self._is_escaped
            rest = _rest_of_string.match(text, position)
            if not rest:
                return self._end_in_string(text, position)
            position, self._is_in_string = rest.end(), False
        while True:
            position = after_match(INSIDE, text, position)
            if position == len(text):
                return -1
            byte = text[position]
            position += 1
            if byte == QUOTE:
                return self._end_in_string(text, position)
            self._levels += 1 if byte in (OPEN_OBJECT, OPEN_ARRAY) else -1
            if not self._levels:
                return position

    def _end_in_string(self, text: bytes, position: int) -> int:
        backslashes = len(text) - max(position, len(text.rstrip(b"\\")))
        self._is_in_string, self._is_escaped = True, backslashes % 2 == 1
        return -1
