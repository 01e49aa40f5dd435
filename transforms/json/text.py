"""JSON text in which the values of some keys are replaced, and every other byte stays. Text only, no pyspark.

No parser at hand keeps the bytes (blanks, escapes, number text, doubled keys). So msgspec says whether a line is a
record at all, and patterns, which may then take its syntax for granted, find where the values lie.
"""

import codecs
import re
from array import array
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from transforms.errors import NotARecordError
from transforms.json.scan import BLANKS, COLON, Keys, behind, end_of_value, walk
from transforms.key_paths import read_path

Depth = Literal["top", "any"]

_DECODED_AT_ONCE: Final = 32 << 10
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
#: What ends in a character of its own, so that no other value begins with it.
_CLOSED: Final = b'"{['
_escape: Final = re.compile(rb"\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL)


def scrub_line(line: bytes, fields: Collection[str], *, depth: Depth = "top", replacement: bytes = b'""') -> bytes:
    r"""Replace the values of some fields of one JSON record; every other byte stays as it is.

    Args:
        line: One record, with or without its line end; a blank line stays as it is, and so does a leading BOM.
        fields: Names of keys, compared as JSON strings, written as in ``transforms.key_paths``: a dot leads inside
            (``meta.body``), through arrays too.
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


class Scrubber:
    """The scrubbing of some fields, made ready once for many lines."""

    def __init__(self, fields: Collection[str], depth: Depth, replacement: bytes) -> None:
        self.paths = list(dict.fromkeys((field,) if depth == "any" else read_path(field) for field in fields))
        msgspec.json.decode(replacement)
        self._replacement = replacement
        self._everywhere = depth == "any"
        self._keys = Keys(self.paths, everywhere=self._everywhere)
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
            raise NotARecordError(f"not UTF-8 (byte {error.start + 1} of the record)") from None
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
        walk(line, behind(BLANKS, line, 0), self._keys, spans, known)
        return spans

    def _lone_span(self, line: bytes, value: bytes) -> tuple[int, int] | None:
        """Find the value of a key that is written once in a line, and there without escapes; None if that is not so."""
        key = line.find(self._lone_key)
        if key < 0 or value[0] not in _CLOSED or line.find(b"\\u", 0, key) >= 0:
            return None
        start = behind(COLON, line, key + len(self._lone_key))
        end = start + len(value)
        is_lone = line.startswith(value, start) and line.find(self._lone_key, end) < 0 and line.find(b"\\u", end) < 0
        return (start, end) if is_lone else None

    def _spans_anywhere(self, line: bytes) -> Iterator[tuple[int, int]]:
        position = 0
        while found := self._keys.key.match(line, behind(self._keys.skip, line, position)):
            position = end_of_value(line, found.end())
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


def _is_plain(name: str) -> bool:
    """Tell whether a key needs no escape in JSON; of one that does msgspec cannot be told."""
    return name.isprintable() and not set(name) & {'"', "\\"}


def _without_surrogate(escape: "re.Match[bytes]") -> bytes:
    return rb"\u0030" if len(escape[1]) > 1 else escape[0]
