"""Locate the values of keys in valid JSON text. Text only, no pyspark.

Patterns assume valid syntax, which makes them fast; callers validate first.
"""

import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, QUOTE, BACKSLASH = b'{}[]"\\'
_SHORT_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}

_WS: Final = rb"[ \t\r\n]*+"
_COLON: Final = _WS + b":" + _WS
_SEPARATOR: Final = _WS + b",?+" + _WS
# Patterns are fastest over "anything but a quote": a quote after one or three backslashes is text, after none or two it
# ends the string; more backslashes take the slow branch.
_STRING: Final = (
    rb'(?>"[^"]*+(?:(?:(?<=[^\\]\\)|(?<=[^\\]\\{3}))"[^"]*+)*(?:(?<!\\)|(?<=[^\\]\\{2}))"|"(?:[^"\\]++|\\.)*")'
)
_LITERAL: Final = rb'[^ \t\r\n",:\[\]{}]++'
_LEVELS_IN_A_PATTERN: Final = 6


def _container(levels: int) -> bytes:
    nested = b"|" + _container(levels - 1) if levels else b""
    return rb'(?>[\[{](?:[^"\[\]{}]++|' + _STRING + nested + rb")*[\]}])"


_VALUE: Final = b"(?:" + b"|".join((_STRING, _LITERAL, _container(_LEVELS_IN_A_PATTERN))) + b")"
STRING: Final = re.compile(_STRING, re.DOTALL)
_literal: Final = re.compile(_LITERAL)
BLANKS: Final = re.compile(_WS)
COLON: Final = re.compile(b"(?:" + _COLON + b")?")
_separator: Final = re.compile(_SEPARATOR)
_member_key: Final = re.compile(_STRING + _COLON, re.DOTALL)
#: A whole object or array that is not nested more deeply than the pattern.
CONTAINER: Final = re.compile(_container(_LEVELS_IN_A_PATTERN), re.DOTALL)
#: Everything between two brackets whose levels are counted individually.
INSIDE: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + b"|" + CONTAINER.pattern + b")*", re.DOTALL)
_no_bracket: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*", re.DOTALL)


class Keys:
    """The keys to look for in an object, and the keys to look for in their values (None: the value itself).

    ``skip`` matches all members up to the next such key, ``key`` the key itself, whose number is the ``lastindex``. No
    pattern here repeats a group possessively: Python 3.11.2 sometimes resumes such a match at a wrong position.
    """

    def __init__(self, paths: Collection[tuple[str, ...]], *, everywhere: bool = False) -> None:
        names = list(dict.fromkeys(path[0] for path in paths))
        below = {name: [path[1:] for path in paths if path[0] == name] for name in names}
        self.inside = [None if () in below[name] else Keys(below[name]) for name in names]
        written = [_as_written(name) for name in names]
        self.key = re.compile(b"(?:(" + b")|(".join(written) + b"))" + _COLON)
        other_string = b"(?!(?:" + b"|".join(written) + b")" + _COLON + b")" + _STRING
        passed = b'[^"]++|' + other_string if everywhere else other_string + _COLON + _VALUE + _SEPARATOR
        start = b"" if everywhere else _SEPARATOR
        self.skip = re.compile(start + b"(?:" + passed + b")*", re.DOTALL)


def walk(
    line: bytes,
    position: int,
    keys: Keys,
    spans: "array[int]",
    known: Sequence[bytes] = (),
    strings: dict[int, list[Keys]] | None = None,
) -> int:
    """Collect spans of keys' values in the value that begins at a position, and return the position after it.

    ``strings`` collects positions of strings inside of which a path continues, with the keys to look for in each.
    """
    if line[position] == OPEN_ARRAY:
        position = after_match(BLANKS, line, position + 1)
        while line[position] != CLOSE_ARRAY:
            position = after_match(_separator, line, walk(line, position, keys, spans, (), strings))
        return position + 1
    if line[position] != OPEN_OBJECT:
        if strings is not None and line[position] == QUOTE:
            strings.setdefault(position, []).append(keys)
        return end_of_value(line, position)
    position += 1
    while True:
        position = after_match(keys.skip, line, position)
        if line[position] == CLOSE_OBJECT:
            return position + 1
        key = keys.key.match(line, position)
        if key is None or key.lastindex is None:
            # a value nested more deeply than the pattern
            position = end_of_value(line, after_match(_member_key, line, position))
            continue
        position, number = key.end(), key.lastindex - 1
        if (inside := keys.inside[number]) is not None:
            position = walk(line, position, inside, spans, (), strings)
        else:
            end = end_of_value(line, position, known[number] if known else b"")
            spans.extend((position, end))
            position = end


def end_of_value(line: bytes, start: int, known: bytes = b"") -> int:
    """Return the end of a value; comparing it with a known value is ten times as fast as scanning it."""
    first = line[start]
    if first == QUOTE:
        if known and line.startswith(known, start):
            return start + len(known)
        quote = line.index(b'"', start + 1)
        return quote + 1 if line[quote - 1] != BACKSLASH else after_match(STRING, line, start)
    if first not in (OPEN_OBJECT, OPEN_ARRAY):
        return after_match(_literal, line, start)
    position, levels = start, 0
    while True:
        levels += 1 if line[position] in (OPEN_OBJECT, OPEN_ARRAY) else -1
        if not levels:
            return position + 1
        position = after_match(_no_bracket, line, position + 1)


def after_match(pattern: Any, line: bytes | str, position: int) -> int:
    """Return the position after a pattern's match."""
    end: int = pattern.match(line, position).end()
    return end


def _as_written(name: str) -> bytes:
    """Return a pattern that matches every spelling of a key in JSON."""
    return b'"' + b"".join(b"(?:" + b"|".join(_spellings(character)) + b")" for character in name) + b'"'


def _spellings(character: str) -> Iterator[bytes]:
    units = character.encode("utf-16-be", "surrogatepass")
    yield b"".join(rb"\\u(?i:" + units[index : index + 2].hex().encode() + b")" for index in range(0, len(units), 2))
    if character in _SHORT_ESCAPES:
        yield re.escape(b"\\" + _SHORT_ESCAPES[character].encode())
    if character not in '"\\' and character >= " ":
        yield re.escape(character.encode("utf-8", "surrogatepass"))
