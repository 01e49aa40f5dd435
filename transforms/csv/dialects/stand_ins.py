r"""Text of any dialect as text that is delimited by one byte and quoted as in RFC 4180. No pyspark.

Bytes that UTF-8 never contains stand for what would be misread: delimiters of several bytes, quotes that are data, and
escaped characters. If single quotes enclose fields, they and double quotes are swapped. Values and texts are converted
back.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from transforms.csv.dialects.dialect import NONE, Dialect

#: A delimiter that is not one byte.
DELIMITER: Final = b"\xff"
#: An invalid byte of the source that is a stand-in here.
ALSO_INVALID: Final = b"\xfe"
#: A backslash that escapes, before what it escapes.
ESCAPE: Final = b"\xfd"
#: The line with which PostgreSQL's COPY ends the data.
END_OF_DATA: Final = ESCAPE + b"."
#: The first character of a delimiter, escaped.
DELIMITER_BEGIN: Final = b"\xf8"
#: A backslash before an escaped character where both are data.
DATA_BACKSLASH: Final = b"\xf6"
_BACKSLASH, _QUOTE, _LINE_FEED, _RETURN, _DATA_QUOTE = b"\xfc", b"\xfb", b"\xfa", b"\xf9", b"\xf7"
#: The stand-ins that values may have.
IN_VALUES: Final = range(0xF6, 0xFE)

_FIRST: Final = 0xF5
_ALL: Final = bytes(range(_FIRST, 256))
_AS_ASCII: Final = bytes(range(_FIRST)) + b"x" * len(_ALL)
_OTHERS: Final = re.compile(b"[^%b]+" % _ALL)
_ANY: Final = re.compile(b".+", re.DOTALL)
_LETTERS: Final = {
    "mysql": {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"},
    "postgres": {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"},
}
_ESCAPED: Final = re.compile(ESCAPE + rb"(.?)", re.DOTALL)
_ESCAPED_CODES: Final = re.compile(ESCAPE + rb"(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.?))", re.DOTALL)


@dataclass(frozen=True)
class StandIns:
    r"""The stand-ins of a dialect.

    Attributes:
        dialect: The dialect.
        line_end: ``\n`` or ``\r``.
        multiline: Whether escaped line ends are data.
    """

    dialect: Dialect
    line_end: str
    multiline: bool

    @cached_property
    def cut(self) -> bytes:
        """The byte that represents the delimiter."""
        delimiter = self.dialect.delimiter.encode()
        return delimiter if len(delimiter) == 1 else DELIMITER

    @cached_property
    def are_needed(self) -> bool:
        """Whether any bytes are replaced."""
        return self.cut == DELIMITER or self.dialect.quote != '"' or self.dialect.escape != NONE

    @cached_property
    def are_in_values(self) -> bool:
        """Whether values have stand-ins other than delimiters."""
        return self.dialect.quote != '"' or self.dialect.escape != NONE

    @property
    def nulls(self) -> list[bytes]:
        """The unquoted fields that are null."""
        empty = [b""] if self.dialect.empty_is_null else []
        return [*empty, ESCAPE + b"N"] if self.dialect.escapes_everywhere else empty

    def replaced(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Replace text in UTF-8."""
        rest = b""
        for piece in pieces:
            data = rest + piece
            kept = self._unfinished_escape(data)
            done = self._replaced(data[: len(data) - kept])
            begun = self._begun_delimiter(done)
            yield done[: len(done) - begun]
            rest = data[len(data) - kept - begun :]
        yield self._replaced(rest)

    def original(self, data: bytes) -> bytes:
        """Return the original text; invalid bytes may become other invalid ones."""
        if not self.are_needed:
            return data
        data = data.translate(self.outward)
        return data.replace(DELIMITER, self._delimiter).replace(DELIMITER_BEGIN, self._delimiter_begin)

    def valid(self, data: bytes) -> bytes:
        """Return text that is valid UTF-8 apart from stand-ins."""
        if self.are_needed:
            data = data.replace(ALSO_INVALID, "\ufffd".encode())
        try:
            (data.translate(_AS_ASCII) if self.are_needed else data).decode()
        except UnicodeDecodeError:
            others = _OTHERS if self.are_needed else _ANY
            return others.sub(lambda other: other[0].decode(errors="replace").encode(), data)
        return data

    @property
    def escaped_line_end(self) -> bytes:
        """The byte that represents an escaped line end; none if they are not escaped."""
        if not self.dialect.escapes_everywhere:
            return b""
        return _LINE_FEED if self.line_end == "\n" else _RETURN

    @property
    def line_ends(self) -> tuple[int, ...]:
        """The bytes that end a line, or represent such a byte that is escaped."""
        return tuple(self.line_end.encode() + self.escaped_line_end)

    def plain(self, field: bytes) -> bytes:
        """Return an unquoted field as a parser reads it."""
        if b'"' not in field:
            return field
        if self.dialect.escape == "spark":
            field = field.replace(ESCAPE, DATA_BACKSLASH)
        return b'"' + field.replace(b'"', b'""') + b'"'

    def value(self, text: bytes) -> str:
        """Return the value of a field with escapes; ``text`` has stand-ins."""
        pattern = _ESCAPED_CODES if self.dialect.escape == "postgres" else _ESCAPED
        return self.original(pattern.sub(self._unescaped, text)).decode(errors="replace")

    @cached_property
    def outward(self) -> bytes:
        """What each byte stands for, apart from delimiters."""
        table = bytearray(range(256))
        for stand_in in (ESCAPE, DATA_BACKSLASH, _BACKSLASH):
            table[stand_in[0]] = ord("\\")
        table[_LINE_FEED[0]], table[_RETURN[0]], table[_DATA_QUOTE[0]] = b'\n\r"'
        if self.dialect.quote == "'":
            table[ord("'")], table[ord('"')] = b"\"'"
        table[_QUOTE[0]] = table[ord('"')]
        return bytes(table)

    @cached_property
    def _inward(self) -> bytes:
        table = bytearray(range(256))
        table[_FIRST:] = ALSO_INVALID * len(_ALL)
        if self.dialect.quote == "'":
            table[ord("'")], table[ord('"')] = b"\"'"
        elif self.dialect.quote == NONE:
            table[ord('"')] = _DATA_QUOTE[0]
        return bytes(table)

    @cached_property
    def _delimiter(self) -> bytes:
        return self.dialect.delimiter.encode()

    @cached_property
    def _delimiter_begin(self) -> bytes:
        return self.dialect.delimiter[0].encode()

    @cached_property
    def _escaped_lengths(self) -> range:
        """Lengths of the incomplete text after a backslash: CR without its LF, or a part of a character."""
        return range(max(len(self._delimiter_begin), len(b"\r\n")))

    @cached_property
    def _escapes(self) -> list[tuple[bytes, bytes]]:
        """What is replaced, in this order, so that a backslash never escapes what another has escaped."""
        escapes = [(b"\\\\", ESCAPE + _BACKSLASH), (b'\\"', ESCAPE + _QUOTE)]
        if not self.dialect.escapes_everywhere:
            return escapes if self.dialect.escape != NONE else []
        if self.multiline and self.line_end == "\n":
            escapes += [(b"\\\r\n", ESCAPE + _RETURN + _LINE_FEED), (b"\\\n", ESCAPE + _LINE_FEED)]
        elif self.multiline:
            escapes.append((b"\\\r", ESCAPE + _RETURN))
        return [*escapes, (b"\\" + self._delimiter_begin, ESCAPE + DELIMITER_BEGIN), (b"\\", ESCAPE)]

    def _replaced(self, data: bytes) -> bytes:
        data = data.translate(self._inward)
        if b"\\" in data:
            for written, stand_in in self._escapes:
                data = data.replace(written, stand_in)
        return data.replace(self._delimiter, DELIMITER) if self.cut == DELIMITER else data

    def _unfinished_escape(self, data: bytes) -> int:
        """Return how many bytes at the end may begin an escape that continues."""
        for length in self._escaped_lengths if self._escapes else ():
            escaped, before = data[len(data) - length :], data[: len(data) - length]
            if escaped != b"\r"[:length] and not self._delimiter_begin.startswith(escaped):
                continue
            if (len(before) - len(before.rstrip(b"\\"))) % 2:
                return length + 1
        return 0

    def _begun_delimiter(self, data: bytes) -> int:
        """Return how many bytes at the end may begin a delimiter that continues."""
        lengths = range(len(self._delimiter) - 1, 0, -1)
        return next((length for length in lengths if data.endswith(self._delimiter[:length])), 0)

    def _unescaped(self, escaped: re.Match[bytes]) -> bytes:
        *codes, character = escaped.groups()
        if any(codes):
            octal, hexadecimal = codes
            code = int(octal, 8) & 0xFF if octal else int(hexadecimal, 16)
            return bytes([code]).translate(self._inward)
        return _LETTERS.get(self.dialect.escape, {}).get(character, character) or DATA_BACKSLASH
