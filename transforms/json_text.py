"""JSON text in which the values of some keys are replaced, and every other byte stays. Text only, no pyspark.

No parser at hand keeps the bytes (blanks, escapes, number text, doubled keys). So msgspec says whether a line is a
record at all, and patterns, which may then take its syntax for granted, find where the values lie.
"""

import codecs
import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from transforms.errors import NotARecordError

Depth = Literal["top", "any"]

_DECODED_AT_ONCE: Final = 32 << 10
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY, _QUOTE, _BACKSLASH = b'{}[]"\\'
#: What ends in a character of its own, so that no other value begins with it.
_CLOSED: Final = b'"{['
_SHORT_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}

_WS: Final = rb"[ \t\r\n]*+"
_COLON: Final = _WS + b":" + _WS
_SEPARATOR: Final = _WS + b",?+" + _WS
# Patterns run fastest over "anything but a quote": one behind one or three backslashes is text, one behind none or two
# is the end; what has more backslashes goes the slow way.
_STRING: Final = (
    rb'(?>"[^"]*+(?:(?:(?<=[^\\]\\)|(?<=[^\\]\\{3}))"[^"]*+)*(?:(?<!\\)|(?<=[^\\]\\{2}))"|"(?:[^"\\]++|\\.)*")'
)
_LITERAL: Final = rb'[^ \t\r\n",:\[\]{}]++'
_LEVELS_IN_A_PATTERN: Final = 6


def _container(levels: int) -> bytes:
    nested = b"|" + _container(levels - 1) if levels else b""
    return rb'(?>[\[{](?:[^"\[\]{}]++|' + _STRING + nested + rb")*[\]}])"


_VALUE: Final = b"(?:" + b"|".join((_STRING, _LITERAL, _container(_LEVELS_IN_A_PATTERN))) + b")"
_string: Final = re.compile(_STRING, re.DOTALL)
_literal: Final = re.compile(_LITERAL)
_blanks: Final = re.compile(_WS)
_colon: Final = re.compile(b"(?:" + _COLON + b")?")
_separator: Final = re.compile(_SEPARATOR)
_member_key: Final = re.compile(_STRING + _COLON, re.DOTALL)
_no_bracket: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*", re.DOTALL)
_escape: Final = re.compile(rb"\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL)


def scrub_line(line: bytes, fields: Collection[str], *, depth: Depth = "top", replacement: bytes = b'""') -> bytes:
    r"""Replace the values of some fields of one JSON record; every other byte stays as it is.

    Args:
        line: One record, with or without its line end; a blank line stays as it is, and so does a leading BOM.
        fields: Names of keys, compared as JSON strings. A dot leads inside (``meta.body``), through arrays too; a dot
            that is part of a name is written ``\.``.
        depth: ``any`` finds the names at whatever depth, and takes their dots for what they are.
        replacement: The JSON text to put in place of each value.

    Raises:
        NotARecordError: If the line is anything but one JSON object.
        ValueError: If a field or the replacement is none.
    """
    return scrubber(tuple(fields), depth, replacement).scrub(line)[0]


@lru_cache(maxsize=64)
def scrubber(fields: tuple[str, ...], depth: Depth = "top", replacement: bytes = b'""') -> "Scrubber":
    """Prepare the scrubbing of some fields; see ``scrub_line``."""
    return Scrubber(fields, depth, replacement)


def split_path(field: str) -> tuple[str, ...]:
    r"""Split ``meta.body`` into its names; ``\.`` is a dot in a name, and ``\\`` a backslash.

    Raises:
        ValueError: If a name is empty.
    """
    names = [""]
    for part in re.findall(r"\\.|\.|[^.\\]+|\\", field, re.DOTALL):
        if part == ".":
            names.append("")
        else:
            names[-1] += part[-1] if part[0] == "\\" else part
    if "" in names:
        raise ValueError(f"{field!r} has an empty name; a dot that is part of a name is written \\.")
    return tuple(names)


class Scrubber:
    """The scrubbing of some fields, made ready once for many lines."""

    def __init__(self, fields: Collection[str], depth: Depth, replacement: bytes) -> None:
        self.paths = list(dict.fromkeys((field,) if depth == "any" else split_path(field) for field in fields))
        msgspec.json.decode(replacement)
        self._replacement = replacement
        self._everywhere = depth == "any"
        self._keys = _Keys(self.paths, everywhere=self._everywhere)
        # Of keys at the top msgspec also says whether they are there, and what the value of the last one of a name is.
        is_flat = not self._everywhere and all(len(path) == 1 and _is_plain(path[0]) for path in self.paths)
        self._hinted = [f"field_{number}" for number in range(len(self.paths))] if is_flat else []
        record = msgspec.defstruct(
            "Record",
            [(attribute, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for attribute in self._hinted],
            rename={attribute: path[0] for attribute, path in zip(self._hinted, self.paths, strict=False)},
        )
        self._decode = msgspec.json.Decoder(record).decode
        lone = self.paths[0][0] if len(self._hinted) == 1 else ""
        self._lone_key = f'"{lone}"'.encode() if lone and "/" not in lone else b""

    def scrub(self, line: bytes) -> tuple[bytes, int]:
        """Give the line with the fields' values replaced, and how many of them were anything else before.

        Raises:
            NotARecordError: If the line is anything but one JSON object.
        """
        try:
            if len(line) > _DECODED_AT_ONCE:
                _check_utf8(line)
            elif not line.isascii():
                line.decode()
            record: Any = self._decode(line)
            if self._lone_key:
                if record.field_0 is msgspec.UNSET:
                    return line, 0
                if span := self._lone_span(line, bytes(record.field_0)):
                    start, end = span
                    if line[start:end] == self._replacement:
                        return line, 0
                    return b"".join((line[:start], self._replacement, line[end:])), 1
            return self._replaced(line, self._spans(line, record))
        except UnicodeDecodeError as error:
            raise NotARecordError(f"not UTF-8 (byte {error.start + 1} of the line)") from None
        except RecursionError:
            raise NotARecordError("nested too deeply") from None
        except msgspec.DecodeError as error:
            return self._scrub_otherwise(line, error)

    def _scrub_otherwise(self, line: bytes, error: msgspec.DecodeError) -> tuple[bytes, int]:
        """Take what is no record to msgspec, and may stand in a JSON-lines object all the same."""
        if not line.strip(_BLANK):
            return line, 0
        if line.startswith(_BOM) and not line.startswith(_BOM, len(_BOM)):
            scrubbed, changed = self.scrub(line[len(_BOM) :])
            return _BOM + scrubbed, changed
        # JSON allows half a surrogate pair, which is what a text that was cut ends in; msgspec does not.
        whole = _escape.sub(_without_surrogate, line)
        if whole != line:
            self.scrub(whole)
            return self._replaced(line, self._spans(line, None))
        if isinstance(error, msgspec.ValidationError):
            raise NotARecordError("not a JSON object")
        raise NotARecordError(str(error))

    def _spans(self, line: bytes, record: Any) -> "array[int]":
        """Find the fields' values in a valid line, start after end, in the order in which they lie there."""
        spans = array("q")
        if self._everywhere:
            for span in self._spans_anywhere(line):
                spans.extend(span)
            return spans
        known: list[bytes] = []
        if record is not None and self._hinted:
            values = [getattr(record, attribute) for attribute in self._hinted]
            known = [b"" if value is msgspec.UNSET else bytes(value) for value in values]
            if not any(known):
                return spans
        _walk(line, _behind(_blanks, line, 0), self._keys, spans, known)
        return spans

    def _lone_span(self, line: bytes, value: bytes) -> tuple[int, int] | None:
        """Find the value of a key that is written once in a line, and there without escapes; None if that is not so."""
        key = line.find(self._lone_key)
        if key < 0 or value[0] not in _CLOSED or line.find(b"\\u", 0, key) >= 0:
            return None
        start = _behind(_colon, line, key + len(self._lone_key))
        end = start + len(value)
        is_lone = line.startswith(value, start) and line.find(self._lone_key, end) < 0 and line.find(b"\\u", end) < 0
        return (start, end) if is_lone else None

    def _spans_anywhere(self, line: bytes) -> Iterator[tuple[int, int]]:
        position = 0
        while found := self._keys.key.match(line, _behind(self._keys.skip, line, position)):
            position = _end_of_value(line, found.end())
            yield found.end(), position

    def _replaced(self, line: bytes, spans: "array[int]") -> tuple[bytes, int]:
        scrubbed = bytearray()
        position = changed = 0
        for start, end in zip(spans[::2], spans[1::2], strict=True):
            if line[start:end] != self._replacement:
                scrubbed += memoryview(line)[position:start]
                scrubbed += self._replacement
                position, changed = end, changed + 1
        if not changed:
            return line, 0
        scrubbed += memoryview(line)[position:]
        return bytes(scrubbed), changed


def _check_utf8(line: bytes) -> None:
    """Decode a line a piece at a time, which is faster than to make one long text that nobody needs.

    Raises:
        UnicodeDecodeError: If it is not UTF-8; its ``start`` is the place in the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(line), _DECODED_AT_ONCE):
        piece = line[start : start + _DECODED_AT_ONCE]
        try:
            decoder.decode(piece, final=start + _DECODED_AT_ONCE >= len(line))
        except UnicodeDecodeError:
            line.decode()


class _Keys:
    """The keys to look for in an object, and what to look for inside of their values (None: it is the value itself).

    ``skip`` passes over all members up to the next such key, ``key`` over the key itself, whose number is the
    ``lastindex``. No pattern here repeats a group possessively: Python 3.11.2 then goes on at a wrong place at times.
    """

    def __init__(self, paths: Collection[tuple[str, ...]], *, everywhere: bool = False) -> None:
        names = list(dict.fromkeys(path[0] for path in paths))
        below = {name: [path[1:] for path in paths if path[0] == name] for name in names}
        self.inside = [None if () in below[name] else _Keys(below[name]) for name in names]
        written = [_as_written(name) for name in names]
        self.key = re.compile(b"(?:(" + b")|(".join(written) + b"))" + _COLON)
        other_string = b"(?!(?:" + b"|".join(written) + b")" + _COLON + b")" + _STRING
        passed = b'[^"]++|' + other_string if everywhere else other_string + _COLON + _VALUE + _SEPARATOR
        start = b"" if everywhere else _SEPARATOR
        self.skip = re.compile(start + b"(?:" + passed + b")*", re.DOTALL)


def _walk(line: bytes, position: int, keys: _Keys, spans: "array[int]", known: Sequence[bytes] = ()) -> int:
    """Note the spans inside of the value that begins at a position, and give the position behind it."""
    if line[position] == _OPEN_ARRAY:
        position = _behind(_blanks, line, position + 1)
        while line[position] != _CLOSE_ARRAY:
            position = _behind(_separator, line, _walk(line, position, keys, spans))
        return position + 1
    if line[position] != _OPEN_OBJECT:
        return _end_of_value(line, position)
    position += 1
    while True:
        position = _behind(keys.skip, line, position)
        if line[position] == _CLOSE_OBJECT:
            return position + 1
        found = keys.key.match(line, position)
        if found is None or found.lastindex is None:
            # a value with more levels than the pattern passes over
            position = _end_of_value(line, _behind(_member_key, line, position))
            continue
        position, number = found.end(), found.lastindex - 1
        if (inside := keys.inside[number]) is not None:
            position = _walk(line, position, inside, spans)
        else:
            end = _end_of_value(line, position, known[number] if known else b"")
            spans.extend((position, end))
            position = end


def _end_of_value(line: bytes, start: int, known: bytes = b"") -> int:
    """Find where a value ends; to compare it with one that is known is ten times as fast as to read it."""
    first = line[start]
    if first == _QUOTE:
        if known and line.startswith(known, start):
            return start + len(known)
        quote = line.index(b'"', start + 1)
        return quote + 1 if line[quote - 1] != _BACKSLASH else _behind(_string, line, start)
    if first not in (_OPEN_OBJECT, _OPEN_ARRAY):
        return _behind(_literal, line, start)
    position, levels = start, 0
    while True:
        levels += 1 if line[position] in (_OPEN_OBJECT, _OPEN_ARRAY) else -1
        if not levels:
            return position + 1
        position = _behind(_no_bracket, line, position + 1)


def _is_plain(name: str) -> bool:
    """Tell whether a key needs no escape in JSON; of one that does msgspec cannot be told."""
    return name.isprintable() and not set(name) & {'"', "\\"}


def _behind(pattern: Any, line: bytes, position: int) -> int:
    end: int = pattern.match(line, position).end()
    return end


def _as_written(name: str) -> bytes:
    """Give the pattern of a key in all the ways in which JSON may write it."""
    return b'"' + b"".join(b"(?:" + b"|".join(_spellings(character)) + b")" for character in name) + b'"'


def _spellings(character: str) -> Iterator[bytes]:
    units = character.encode("utf-16-be", "surrogatepass")
    yield b"".join(rb"\\u(?i:" + units[place : place + 2].hex().encode() + b")" for place in range(0, len(units), 2))
    if character in _SHORT_ESCAPES:
        yield re.escape(b"\\" + _SHORT_ESCAPES[character].encode())
    if character not in '"\\' and character >= " ":
        yield re.escape(character.encode("utf-8", "surrogatepass"))


def _without_surrogate(escape: "re.Match[bytes]") -> bytes:
    return rb"\u0030" if len(escape[1]) > 1 else escape[0]
