"""Where the values of keys lie in JSON text that is known to be valid. Text only, no pyspark.

Patterns take the syntax for granted, which is what makes them fast; whether a text is JSON at all is said elsewhere.
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
STRING: Final = re.compile(_STRING, re.DOTALL)
_literal: Final = re.compile(_LITERAL)
BLANKS: Final = re.compile(_WS)
COLON: Final = re.compile(b"(?:" + _COLON + b")?")
_separator: Final = re.compile(_SEPARATOR)
_member_key: Final = re.compile(_STRING + _COLON, re.DOTALL)
#: An object or an array of no more levels than a pattern has, whole.
CONTAINER: Final = re.compile(_container(_LEVELS_IN_A_PATTERN), re.DOTALL)
#: All that stands between two brackets whose levels are counted one by one.
INSIDE: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + b"|" + CONTAINER.pattern + b")*", re.DOTALL)
_no_bracket: Final = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*", re.DOTALL)


class Keys:
    """The keys to look for in an object, and what to look for inside of their values (None: it is the value itself).

    ``skip`` passes over all members up to the next such key, ``key`` over the key itself, whose number is the
    ``lastindex``. No pattern here repeats a group possessively: Python 3.11.2 then goes on at a wrong place at times.
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
    """Note the spans inside of the value that begins at a position, and give the position behind it.

    ``strings`` takes the positions of strings at which a path goes on, with what to look for inside of each.
    """
    if line[position] == OPEN_ARRAY:
        position = behind(BLANKS, line, position + 1)
        while line[position] != CLOSE_ARRAY:
            position = behind(_separator, line, walk(line, position, keys, spans, (), strings))
        return position + 1
    if line[position] != OPEN_OBJECT:
        if strings is not None and line[position] == QUOTE:
            strings.setdefault(position, []).append(keys)
        return end_of_value(line, position)
    position += 1
    while True:
        position = behind(keys.skip, line, position)
        if line[position] == CLOSE_OBJECT:
            return position + 1
        found = keys.key.match(line, position)
        if found is None or found.lastindex is None:
            # a value with more levels than the pattern passes over
            position = end_of_value(line, behind(_member_key, line, position))
            continue
        position, number = found.end(), found.lastindex - 1
        if (inside := keys.inside[number]) is not None:
            position = walk(line, position, inside, spans, (), strings)
        else:
            end = end_of_value(line, position, known[number] if known else b"")
            spans.extend((position, end))
            position = end


def end_of_value(line: bytes, start: int, known: bytes = b"") -> int:
    """Find where a value ends; to compare it with one that is known is ten times as fast as to read it."""
    first = line[start]
    if first == QUOTE:
        if known and line.startswith(known, start):
            return start + len(known)
        quote = line.index(b'"', start + 1)
        return quote + 1 if line[quote - 1] != BACKSLASH else behind(STRING, line, start)
    if first not in (OPEN_OBJECT, OPEN_ARRAY):
        return behind(_literal, line, start)
    position, levels = start, 0
    while True:
        levels += 1 if line[position] in (OPEN_OBJECT, OPEN_ARRAY) else -1
        if not levels:
            return position + 1
        position = behind(_no_bracket, line, position + 1)


def behind(pattern: Any, line: bytes | str, position: int) -> int:
    """Give the position behind what a pattern matches there."""
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
