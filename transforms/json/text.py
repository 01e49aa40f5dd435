"""Replace the values of keys in JSON text, and preserve every other byte. Text only, no pyspark.

No available parser preserves the bytes (whitespace, escapes, number notation, duplicate keys). Therefore msgspec
validates each line, and patterns, which may then assume valid syntax, locate the values.
"""

import codecs
import re
from array import array
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from transforms.errors import NotARecordError
from transforms.json.scan import BLANKS, COLON, Keys, after_match, end_of_value, walk
from transforms.key_paths import read_path

Depth = Literal["top", "any"]

_DECODED_AT_ONCE: Final = 32 << 10
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
#: First characters of values with a closing delimiter, so that no such value is a prefix of another.
_CLOSED: Final = b'"{['
_escape: Final = re.compile(rb"\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL)


def scrub_line(line: bytes, fields: Collection[str], *, depth: Depth = "top", replacement: bytes = b'""') -> bytes:
    r"""Replace the values of some fields of one JSON record; every other byte is preserved.

    Args:
        line: One record, with or without its line end; a blank line and a leading BOM are preserved.
        fields: Names of keys, compared as decoded strings, in the syntax of ``transforms.key_paths``: a dot separates
            nested keys (``meta.body``), also through arrays.
        depth: ``any`` matches the names at every depth, and reads their dots literally.
        replacement: The JSON text that replaces each value.

    Raises:
        NotARecordError: If the line is not one JSON object.
        ValueError: If a field or the replacement is invalid.
    """
    return scrubber(tuple(fields), depth, replacement).scrub(line)[0]


@lru_cache(maxsize=64)
def scrubber(fields: tuple[str, ...], depth: Depth = "top", replacement: bytes = b'""') -> "Scrubber":
    """Return a scrubber, cached by its arguments; see ``scrub_line``."""
    return Scrubber(fields, depth, replacement)


class Scrubber:
    """Scrubs fields of many lines, with patterns compiled once."""

    def __init__(self, fields: Collection[str], depth: Depth, replacement: bytes) -> None:
        self.paths = list(dict.fromkeys((field,) if depth == "any" else read_path(field) for field in fields))
        msgspec.json.decode(replacement)
        self._replacement = replacement
        self._everywhere = depth == "any"
        self._keys = Keys(self.paths, everywhere=self._everywhere)
        # For top-level keys, msgspec also returns the value of the last occurrence, if any.
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
        """Return the line with the fields' values replaced, and how many differed from the replacement.

        Raises:
            NotARecordError: If the line is not one JSON object.
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
            raise NotARecordError(f"not UTF-8 (byte {error.start + 1} of the record)") from None
        except RecursionError:
            raise NotARecordError("nested too deeply") from None
        except msgspec.DecodeError as error:
            return self._scrub_otherwise(line, error)

    def _scrub_otherwise(self, line: bytes, error: msgspec.DecodeError) -> tuple[bytes, int]:
        """Scrub lines that msgspec rejects but a JSON-lines object may contain."""
        if not line.strip(_BLANK):
            return line, 0
        if line.startswith(_BOM) and not line.startswith(_BOM, len(_BOM)):
            scrubbed, changed = self.scrub(line[len(_BOM) :])
            return _BOM + scrubbed, changed
        # JSON allows a lone surrogate, as at the end of a truncated text; msgspec does not.
        whole = _escape.sub(_without_surrogate, line)
        if whole != line:
            self.scrub(whole)
            return self._replaced(line, self._spans(line, None))
        if isinstance(error, msgspec.ValidationError):
            raise NotARecordError("not a JSON object")
        raise NotARecordError(str(error))

    def _spans(self, line: bytes, record: Any) -> "array[int]":
        """Return the spans of the fields' values in a valid line, as start and end by turns, in order."""
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
        walk(line, after_match(BLANKS, line, 0), self._keys, spans, known)
        return spans

    def _lone_span(self, line: bytes, value: bytes) -> tuple[int, int] | None:
        """Return the span of a key that occurs once in a line and without escapes; None otherwise."""
        key = line.find(self._lone_key)
        if key < 0 or value[0] not in _CLOSED or line.find(b"\\u", 0, key) >= 0:
            return None
        start = after_match(COLON, line, key + len(self._lone_key))
        end = start + len(value)
        is_lone = line.startswith(value, start) and line.find(self._lone_key, end) < 0 and line.find(b"\\u", end) < 0
        return (start, end) if is_lone else None

    def _spans_anywhere(self, line: bytes) -> Iterator[tuple[int, int]]:
        position = 0
        while key := self._keys.key.match(line, after_match(self._keys.skip, line, position)):
            position = end_of_value(line, key.end())
            yield key.end(), position

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
    """Decode a line in pieces, which is faster than building one long string.

    Raises:
        UnicodeDecodeError: If it is not UTF-8; its ``start`` is the position in the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(line), _DECODED_AT_ONCE):
        piece = line[start : start + _DECODED_AT_ONCE]
        try:
            decoder.decode(piece, final=start + _DECODED_AT_ONCE >= len(line))
        except UnicodeDecodeError:
            line.decode()


def _is_plain(name: str) -> bool:
    """Return whether a key needs no escape in JSON; msgspec cannot match those that do."""
    return name.isprintable() and not set(name) & {'"', "\\"}


def _without_surrogate(escape: "re.Match[bytes]") -> bytes:
    return rb"\u0030" if len(escape[1]) > 1 else escape[0]
