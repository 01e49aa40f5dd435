"""JSON inside the strings of JSON (SNS, SQS, CloudWatch), scrubbed by the rules of the record. Text only, no pyspark.

A string that holds JSON is decoded, its values are found, and where they lie is traced back through the escapes of each
level: a value n levels down is written with n levels of escapes, and every other byte of the line stays as it is.
"""

import json
import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

from transforms.errors import NotARecordError
from transforms.json.scan import BLANKS, COLON, STRING, Keys, behind, end_of_value, walk
from transforms.json.text import Depth, Scrubber, scrubber
from transforms.key_paths import read_path

#: Fields whose strings are looked into, or all strings.
InsideStrings = tuple[str, ...] | Literal["any"]

#: What may stand around the documents in a string.
AROUND: Final = re.compile("[ \t\r\n\x1e\ufeff]*")
#: With each level the escapes double: what is deeper was made to be.
MOST_LEVELS: Final = 16

_BOM: Final = b"\xef\xbb\xbf"
_QUOTE_INSIDE: Final = (b'\\"', b"\\u0022")
_ONE_BYTE, _TWO_BYTES = 0x80, 0x800
_decoder: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_escape: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\.", re.DOTALL
)

#: Where a value begins and ends, and what is to stand there.
_Edit = tuple[int, int, bytes]


@lru_cache(maxsize=64)
def scrubber_inside(
    fields: tuple[str, ...], depth: Depth = "top", replacement: bytes = b'""', inside_strings: InsideStrings = ()
) -> "Scrubber | StringScrubber":
    """Prepare the scrubbing of some fields, also inside of strings if any are named; see ``StringScrubber``."""
    if not inside_strings:
        return scrubber(fields, depth, replacement)
    return StringScrubber(fields, depth, replacement, inside_strings)


class StringScrubber:
    """The scrubbing of some fields of a record, and of the JSON documents that its strings hold.

    ``inside_strings`` names fields, as ``fields`` does; all strings in their values are looked into, and all strings in
    the documents that these hold. ``any``: all strings of the record. The rules hold in each document from its top, and
    a path that meets such a string goes on inside of it. Keys are not looked into.
    """

    def __init__(
        self, fields: Collection[str], depth: Depth, replacement: bytes, inside_strings: InsideStrings
    ) -> None:
        self._record = scrubber(tuple(fields), depth, replacement)
        self._everywhere = depth == "any"
        self._keys = Keys(self._record.paths, everywhere=self._everywhere)
        self._replacement = replacement
        self._opened: Keys | None = None
        if isinstance(inside_strings, str) and inside_strings != "any":
            raise ValueError(f"inside_strings are names of fields, or the word any, not {inside_strings!r}")
        if inside_strings != "any":
            paths = [(name,) if self._everywhere else read_path(name) for name in inside_strings]
            self._opened = Keys(paths, everywhere=self._everywhere)

    def scrub(self, line: bytes) -> tuple[bytes, int]:
        """Give the line with the fields' values replaced, and how many of them were anything else before.

        Raises:
            NotARecordError: If the line is anything but one JSON object, or JSON in its strings is nested too deeply.
        """
        scrubbed, changed = self._record.scrub(line)
        if not has_quote_inside(scrubbed):
            return scrubbed, changed
        try:
            edits = self._edits_of_record(scrubbed)
        except RecursionError:
            raise NotARecordError("nested too deeply") from None
        return _edited(scrubbed, edits), changed + len(edits)

    def _edits_of_record(self, line: bytes) -> list[_Edit]:
        start = behind(BLANKS, line, len(_BOM) if line.startswith(_BOM) else 0)
        spans, strings = self._look(line, [start], [self._keys])
        opened = [(start, len(line))]
        if self._opened is not None:
            opened = _pairs(self._found(line, start, self._opened, {}))
        tokens = (token for begin, end in opened for token in _string_values(line, begin, end))
        return [
            edit
            for begin, end in _outside(tokens, spans)
            for edit in self._edits_of_string(line, begin, end, strings.get(begin, ()), level=1)
        ]

    def _edits_of_string(self, text: bytes, begin: int, end: int, below: Sequence[Keys], *, level: int) -> list[_Edit]:
        """Find what is to be replaced inside of one string; ``below`` are the paths that go on there."""
        token = text[begin:end]
        if not has_quote_inside(token):
            return []
        content = json.loads(token.decode("utf-8", "surrogatepass"), strict=False)
        starts = _starts_of_documents(content)
        if not starts:
            return []
        if level > MOST_LEVELS:
            raise NotARecordError(f"JSON in strings, more than {MOST_LEVELS} levels deep")
        inner = content.encode("utf-8", "surrogatepass")
        spans, strings = self._look(inner, starts, [self._keys, *below])
        edits = [(first, last, self._replacement) for first, last in spans if inner[first:last] != self._replacement]
        for first, last in _outside(_string_values(inner, starts[0], len(inner)), spans):
            edits += self._edits_of_string(inner, first, last, strings.get(first, ()), level=level + 1)
        if not edits:
            return []
        edits.sort()
        places = _places_in(token, [place for first, last, _ in edits for place in (first, last)])
        return [
            (begin + first, begin + last, _escaped(replacement))
            for first, last, (_, _, replacement) in zip(places[::2], places[1::2], edits, strict=True)
        ]

    def _look(
        self, text: bytes, starts: Sequence[int], keys: Sequence[Keys]
    ) -> tuple[list[tuple[int, int]], dict[int, list[Keys]]]:
        """Find the fields' values in documents, and the strings in which paths go on."""
        strings: dict[int, list[Keys]] = {}
        if self._everywhere:  # which is one scan, however many documents there are
            return _pairs(self._found(text, starts[0], self._keys, strings)), strings
        found = (self._found(text, start, each, strings) for start in starts for each in keys)
        return _pairs(array("q", (place for spans in found for place in spans))), strings

    def _found(self, text: bytes, start: int, keys: Keys, strings: dict[int, list[Keys]]) -> "array[int]":
        spans = array("q")
        if not self._everywhere:
            walk(text, start, keys, spans, (), strings)
            return spans
        position = start
        while found := keys.key.match(text, behind(keys.skip, text, position)):
            position = end_of_value(text, found.end())
            spans.extend((found.end(), position))
        return spans


def has_quote_inside(text: bytes) -> bool:
    """Tell whether a text has a quote in a string, without which no string holds a key."""
    return any(quote in text for quote in _QUOTE_INSIDE)


def _starts_of_documents(content: str) -> list[int]:
    """Say where the JSON documents of a text begin, in bytes; nothing if it is anything but such documents.

    What Python takes for JSON is taken for it here: ``NaN``, control characters and halves of surrogate pairs too.
    """
    starts = []
    end = before = 0
    while (start := behind(AROUND, content, end)) < len(content):
        before += len(content[end:start].encode("utf-8", "surrogatepass"))
        starts.append(before)
        try:
            _, end = _decoder.raw_decode(content, start)
        except ValueError:
            return []
        before += len(content[start:end].encode("utf-8", "surrogatepass"))
    return starts


def _string_values(text: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Find the strings in a stretch of JSON that are values, not keys."""
    for found in STRING.finditer(text, begin, end):
        if behind(COLON, text, found.end()) == found.end():
            yield found.span()


def _outside(tokens: Iterator[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Keep the tokens that lie in none of the spans; both are in their order."""
    number = 0
    for begin, end in tokens:
        while number < len(spans) and spans[number][1] <= begin:
            number += 1
        if number == len(spans) or begin < spans[number][0]:
            yield begin, end


def _pairs(spans: "array[int]") -> list[tuple[int, int]]:
    """Give spans in their order, without those that lie in others."""
    outer: list[tuple[int, int]] = []
    for begin, end in sorted(zip(spans[::2], spans[1::2], strict=True), key=lambda span: (span[0], -span[1])):
        if not outer or begin >= outer[-1][1]:
            outer.append((begin, end))
    return outer


def _places_in(token: bytes, places: Sequence[int]) -> list[int]:
    """Say where places of a string's content, in bytes and in their order, lie in the string as it is written."""
    found: list[int] = []
    decoded, written = 0, 1
    for escape in _escape.finditer(token):
        plain = escape.start() - written
        while len(found) < len(places) and places[len(found)] <= decoded + plain:
            found.append(written + places[len(found)] - decoded)
        if len(found) == len(places):
            return found
        decoded, written = decoded + plain + _length(escape), escape.end()
    return found + [written + place - decoded for place in places[len(found) :]]


def _length(escape: "re.Match[bytes]") -> int:
    """Say how many bytes of UTF-8 an escape stands for."""
    if escape[1]:
        return 4
    point = int(escape[2], 16) if escape[2] else 0
    return 1 if point < _ONE_BYTE else 2 if point < _TWO_BYTES else 3


def _escaped(text: bytes) -> bytes:
    return json.dumps(text.decode(), ensure_ascii=False)[1:-1].encode()


def _edited(text: bytes, edits: Sequence[_Edit]) -> bytes:
    if not edits:
        return text
    pieces, position = [], 0
    for begin, end, replacement in sorted(edits):
        pieces += [text[position:begin], replacement]
        position = end
    return b"".join((*pieces, text[position:]))
