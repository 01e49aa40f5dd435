"""Records that follow each other without lines: split while they are streamed, every byte kept. Text only, no pyspark.

A record ends where its brackets are balanced. That says nothing of its syntax: whoever reads the records validates each
one. Only blanks, and the brackets and commas of an array, are accepted between them, so that a stream of valid records
is split rightly or not at all.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from transforms.errors import FramingError
from transforms.json.scan import BLANKS, CLOSE_ARRAY, CONTAINER, INSIDE, OPEN_ARRAY, OPEN_OBJECT, QUOTE, behind

#: How records follow each other in an object: one a line (JSON lines), one behind the other with or without blanks
#: between them, as the elements of one top-level array, or a single one over any number of lines.
Records = Literal["lines", "concatenated", "array", "document"]
Framing = Literal["concatenated", "array", "document"]

BOM: Final = b"\xef\xbb\xbf"
_COMMA: Final = b","[0]
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT: Final = 64 << 10

#: The state that a byte leads to; a record begins with the bracket that opens it.
_GRAMMAR: Final[dict[Framing, dict[str, dict[int, str]]]] = {
    "concatenated": {"start": {OPEN_OBJECT: "behind"}, "behind": {OPEN_OBJECT: "behind"}},
    "document": {"start": {OPEN_OBJECT: "end"}, "end": {}},
    "array": {
        "start": {OPEN_ARRAY: "first"},
        "first": {OPEN_OBJECT: "behind", CLOSE_ARRAY: "end"},
        "behind": {_COMMA: "next", CLOSE_ARRAY: "end"},
        "next": {OPEN_OBJECT: "behind"},
        "end": {},
    },
}
#: Where a stream may end. One that is blank from end to end has no records.
_COMPLETE: Final[dict[Framing, set[str]]] = {
    "concatenated": {"start", "behind"},
    "document": {"start", "end"},
    "array": {"start", "end"},
}
_NAMES: Final = {OPEN_OBJECT: "a record", OPEN_ARRAY: "an array", _COMMA: "a comma", CLOSE_ARRAY: "the array's end"}

# What most records look like, in one match: what stands before them, and all of their levels.
_NEXT_RECORD: Final[dict[Framing, "re.Pattern[bytes]"]] = {
    "concatenated": re.compile(rb"([ \t\r\n]*+)(?=\{)(" + CONTAINER.pattern + b")", re.DOTALL),
    "array": re.compile(rb"([ \t\r\n]*+,[ \t\r\n]*+)(?=\{)(" + CONTAINER.pattern + b")", re.DOTALL),
}
_rest_of_string: Final = re.compile(rb'(?:[^"\\]++|\\.)*"', re.DOTALL)
_line_break: Final = re.compile(rb"([^ \t\r\n])[ \t\r]*+\n[ \t\r\n]*+([^ \t\r\n])")


@dataclass(frozen=True)
class FramedBlock:
    """A stretch of a stream that cuts no record.

    Attributes:
        offset: Where it begins in the stream.
        pieces: By turns what stands between records, perhaps nothing, and a record; the first and last are no records.
    """

    offset: int
    pieces: list[bytes]


def framed_blocks(chunks: Iterable[bytes], framing: Framing, *, max_record_bytes: int) -> Iterator[FramedBlock]:
    """Split a stream into records and what stands between them; joined, the pieces are the stream.

    No more is kept than the longest record and one chunk. A byte order mark may begin the stream, and each file of
    those that were concatenated.

    Raises:
        FramingError: If anything else stands between records, the stream ends too early, or a record is longer than
            ``max_record_bytes``; the records before it in its chunk are not given.
    """
    splitter = _Splitter(framing, max_record_bytes)
    for chunk in chunks:
        if block := splitter.split(chunk):
            yield block
    splitter.end()


def likely_records(text: bytes) -> Records | None:
    """Say how records seem to follow each other in a text, by the first one; None if that does not show."""
    text = text[:_LOOKED_AT].removeprefix(BOM).lstrip()
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
    """Tell whether the first line break lies between the tokens of one record, and not behind a line that was cut."""
    if not (found := _line_break.search(text)):
        return len(text) < _LOOKED_AT // 2 and text.rstrip()[-1:] in (b"{", b"[", b":", b",")
    before, after = found.groups()
    return before in b"{[:" or after in b"}]:," or (before == b"," and after != b"{")


class _Splitter:
    """Splits a stream chunk by chunk, wherever its chunks are cut."""

    def __init__(self, framing: Framing, max_record_bytes: int) -> None:
        self._framing, self._limit = framing, max_record_bytes
        self._grammar, self._state = _GRAMMAR[framing], "start"
        self._next_record = _NEXT_RECORD.get(framing)
        self._offset = 0  # of the chunk, of the record that is open, or of half a byte order mark
        self._half_bom = b""
        self._open: _OpenRecord | None = None
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def split(self, chunk: bytes) -> FramedBlock | None:
        """Split the next chunk; None if it ends no record, and begins none."""
        text = self._half_bom + chunk
        pieces: list[bytes] = []
        offset, position = self._offset, 0
        if self._open:
            position = self._open.end(text, 0)
            self._keep(text if position < 0 else text[:position])
            if position < 0:
                return None
            pieces += [b"", b"".join(self._kept)]
            self._offset += self._kept_bytes - position
            self._open, self._kept, self._kept_bytes = None, [], 0
        self._half_bom = b""
        while True:
            position = self._pass_records(text, position, pieces)
            start = self._pass_gap(text, position)
            pieces.append(text[position:start])
            self._offset += start
            if start == len(text) or self._half_bom:
                return FramedBlock(offset, pieces)
            self._open = _OpenRecord()
            position = self._open.end(text, start + 1)
            self._keep(text[start:] if position < 0 else text[start:position])
            if position < 0:
                return FramedBlock(offset, pieces)
            pieces += self._kept
            self._offset -= start
            self._open, self._kept, self._kept_bytes = None, [], 0

    def end(self) -> None:
        """Say that the stream has ended."""
        if self._open:
            raise FramingError(self._offset, "the object ends within the record")
        if self._half_bom or self._state not in _COMPLETE[self._framing]:
            raise FramingError(self._offset, f"the object ends, but {self._expected()} was expected")

    def _pass_records(self, text: bytes, position: int, pieces: list[bytes]) -> int:
        """Pass over records that lie in a chunk with all of their brackets."""
        if self._state != "behind" or not self._next_record:
            return position
        match, limit = self._next_record.match, self._limit
        while found := match(text, position):
            before, record = found.groups()
            if len(record) > limit:
                raise self._long(self._offset + found.start(2))
            pieces += (before, record)
            position = found.end()
        return position

    def _pass_gap(self, text: bytes, position: int) -> int:
        """Pass over what stands between records; give where the next one begins, or the text ends."""
        while True:
            position = behind(BLANKS, text, position)
            if position == len(text):
                return position
            byte = text[position]
            mark = text[position : position + len(BOM)]
            if BOM.startswith(mark) and (self._framing == "concatenated" or not self._offset + position):
                if mark != BOM:
                    self._half_bom = mark
                    return position
                position += len(BOM)
                continue
            state = self._grammar[self._state].get(byte)
            if state is None:
                raise self._unexpected(text, position)
            self._state = state
            if byte == OPEN_OBJECT:
                return position
            position += 1

    def _keep(self, piece: bytes) -> None:
        self._kept.append(piece)
        self._kept_bytes += len(piece)
        if self._kept_bytes > self._limit:
            raise self._long(self._offset)

    def _long(self, offset: int) -> FramingError:
        return FramingError(
            offset, f"the record is longer than {self._limit} bytes; raise max_record_bytes if this is intended"
        )

    def _unexpected(self, text: bytes, position: int) -> FramingError:
        offset, rest = self._offset + position, text[position : position + _LOOKED_AT]
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
    """A record that has begun, read chunk by chunk until its brackets are balanced."""

    def __init__(self) -> None:
        self._levels = 1
        self._is_in_string = self._is_escaped = False

    def end(self, text: bytes, position: int) -> int:
        """Give the position behind the record, or -1 if the text ends before."""
        if self._is_in_string and text:
            position += self._is_escaped
            found = _rest_of_string.match(text, position)
            if not found:
                return self._cut_in_string(text, position)
            position, self._is_in_string = found.end(), False
        while True:
            position = behind(INSIDE, text, position)
            if position == len(text):
                return -1
            byte = text[position]
            position += 1
            if byte == QUOTE:
                return self._cut_in_string(text, position)
            self._levels += 1 if byte in (OPEN_OBJECT, OPEN_ARRAY) else -1
            if not self._levels:
                return position

    def _cut_in_string(self, text: bytes, position: int) -> int:
        backslashes = len(text) - max(position, len(text.rstrip(b"\\")))
        self._is_in_string, self._is_escaped = True, backslashes % 2 == 1
        return -1
