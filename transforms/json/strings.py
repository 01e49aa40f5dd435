"""Scrub JSON inside the strings of JSON (SNS, SQS, CloudWatch) by the rules of the record. Text only, no pyspark.

A string that contains JSON is decoded, its values are located, and their positions are mapped back through the escapes
of each level: a value n levels down has n levels of escapes. Every other byte of the line is preserved.
"""

import json
import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

from transforms.errors import NotARecordError
from transforms.json.scan import BLANKS, COLON, STRING, Keys, after_match, end_of_value, walk
from transforms.json.text import Depth, Scrubber, scrubber
from transforms.key_paths import read_path

#: Fields whose strings are scrubbed inside, or all strings.
InsideStrings = tuple[str, ...] | Literal["any"]

#: Characters accepted around the documents in a string.
AROUND: Final = re.compile("[ \t\r\n\x1e\ufeff]*")
#: Escapes double with each level; deeper nesting is artificial.
MOST_LEVELS: Final = 16

_BOM: Final = b"\xef\xbb\xbf"
_QUOTE_INSIDE: Final = (b'\\"', b"\\u0022")
_ONE_BYTE, _TWO_BYTES = 0x80, 0x800
_decoder: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_escape: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\.", re.DOTALL
)

#: Start and end of a value, and its replacement.
_Edit = tuple[int, int, bytes]


@lru_cache(maxsize=64)
def scrubber_inside(
    fields: tuple[str, ...], depth: Depth = "top", replacement: bytes = b'""', inside_strings: InsideStrings = ()
) -> "Scrubber | StringScrubber":
    """Return a scrubber that also scrubs inside strings if any are named; see ``StringScrubber``."""
    if not inside_strings:
        return scrubber(fields, depth, replacement)
    return StringScrubber(fields, depth, replacement, inside_strings)


class StringScrubber:
    """Scrubs fields of a record, and of the JSON documents in its strings.

    ``inside_strings`` names fields, as ``fields`` does; all strings in their values are scrubbed inside, and all
    strings in the documents that these contain. ``any``: all strings of the record. The rules apply to each document
    from its top, and a path that reaches such a string continues inside it. Keys are not scrubbed inside.
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
            raise ValueError(f"inside_strings must be names of fields, or any, not {inside_strings!r}")
        if inside_strings != "any":
            paths = [(name,) if self._everywhere else read_path(name) for name in inside_strings]
            self._opened = Keys(paths, everywhere=self._everywhere)

    def scrub(self, line: bytes) -> tuple[bytes, int]:
        """Return the line with the fields' values replaced, and how many differed from the replacement.

        Raises:
            NotARecordError: If the line is not one JSON object, or JSON in its strings is nested too deeply.
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
        start = after_match(BLANKS, line, len(_BOM) if line.startswith(_BOM) else 0)
        spans, strings = self._look(line, [start], [self._keys])
        opened = [(start, len(line))]
        if self._opened is not None:
            opened = _pairs(self._spans(line, start, self._opened, {}))
        tokens = (token for begin, end in opened for token in _string_values(line, begin, end))
        return [
            edit
            for begin, end in _outside(tokens, spans)
            for edit in self._edits_of_string(line, begin, end, strings.get(begin, ()), level=1)
        ]

    def _edits_of_string(self, text: bytes, begin: int, end: int, below: Sequence[Keys], *, level: int) -> list[_Edit]:
        """Return the edits inside one string; ``below`` are the paths that continue there."""
        token = text[begin:end]
        if not has_quote_inside(token):
            return []
        content = json.loads(token.decode("utf-8", "surrogatepass"), strict=False)
        starts = _starts_of_documents(content)
        if not starts:
            return []
        if level > MOST_LEVELS:
            raise NotARecordError(f"JSON in strings is nested more than {MOST_LEVELS} levels deep")
        inner = content.encode("utf-8", "surrogatepass")
        spans, strings = self._look(inner, starts, [self._keys, *below])
        edits = [(first, last, self._replacement) for first, last in spans if inner[first:last] != self._replacement]
        for first, last in _outside(_string_values(inner, starts[0], len(inner)), spans):
            edits += self._edits_of_string(inner, first, last, strings.get(first, ()), level=level + 1)
        if not edits:
            return []
        edits.sort()
        positions = _positions_in(token, [position for first, last, _ in edits for position in (first, last)])
        return [
            (begin + first, begin + last, _escaped(replacement))
            for first, last, (_, _, replacement) in zip(positions[::2], positions[1::2], edits, strict=True)
        ]

    def _look(
        self, text: bytes, starts: Sequence[int], keys: Sequence[Keys]
    ) -> tuple[list[tuple[int, int]], dict[int, list[Keys]]]:
        """Locate the fields' values in documents, and the strings in which paths continue."""
        strings: dict[int, list[Keys]] = {}
        if self._everywhere:  # one scan for any number of documents
            return _pairs(self._spans(text, starts[0], self._keys, strings)), strings
        spans_by_document = (self._spans(text, start, each, strings) for start in starts for each in keys)
        return _pairs(array("q", (position for spans in spans_by_document for position in spans))), strings

    def _spans(self, text: bytes, start: int, keys: Keys, strings: dict[int, list[Keys]]) -> "array[int]":
        spans = array("q")
        if not self._everywhere:
            walk(text, start, keys, spans, (), strings)
            return spans
        position = start
        while key := keys.key.match(text, after_match(keys.skip, text, position)):
            position = end_of_value(text, key.end())
            spans.extend((key.end(), position))
        return spans


def has_quote_inside(text: bytes) -> bool:
    """Return whether a text has a quote in a string, without which no string can contain a key."""
    return any(quote in text for quote in _QUOTE_INSIDE)


def _starts_of_documents(content: str) -> list[int]:
    """Return the byte offsets of the JSON documents in a text; none if it is not a sequence of such documents.

    Accepts what Python's parser accepts, including ``NaN``, control characters and lone surrogates.
    """
    starts = []
    end = before = 0
    while (start := after_match(AROUND, content, end)) < len(content):
        before += len(content[end:start].encode("utf-8", "surrogatepass"))
        starts.append(before)
        try:
            _, end = _decoder.raw_decode(content, start)
        except ValueError:
            return []
        before += len(content[start:end].encode("utf-8", "surrogatepass"))
    return starts


def _string_values(text: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of strings in a part of JSON that are values, not keys."""
    for string in STRING.finditer(text, begin, end):
        if after_match(COLON, text, string.end()) == string.end():
            yield string.span()


def _outside(tokens: Iterator[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the tokens that are in none of the spans; both are ordered."""
    number = 0
    for begin, end in tokens:
        while number < len(spans) and spans[number][1] <= begin:
            number += 1
        if number == len(spans) or begin < spans[number][0]:
            yield begin, end


def _pairs(spans: "array[int]") -> list[tuple[int, int]]:
    """Return ordered spans, without those inside of others."""
    outer: list[tuple[int, int]] = []
    for begin, end in sorted(zip(spans[::2], spans[1::2], strict=True), key=lambda span: (span[0], -span[1])):
        if not outer or begin >= outer[-1][1]:
            outer.append((begin, end))
    return outer


def _positions_in(token: bytes, positions: Sequence[int]) -> list[int]:
    """Map ordered byte positions in a string's content to positions in its escaped form."""
    mapped: list[int] = []
    decoded, written = 0, 1
    for escape in _escape.finditer(token):
        plain = escape.start() - written
        while len(mapped) < len(positions) and positions[len(mapped)] <= decoded + plain:
            mapped.append(written + positions[len(mapped)] - decoded)
        if len(mapped) == len(positions):
            return mapped
        decoded, written = decoded + plain + _length(escape), escape.end()
    return mapped + [written + position - decoded for position in positions[len(mapped) :]]


def _length(escape: "re.Match[bytes]") -> int:
    """Return the number of UTF-8 bytes that an escape represents."""
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
