"""Descriptions of rejected records that contain no values of the data. No pyspark."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from transforms.events.lines import TRUNCATED, RejectedLine, check_json
from transforms.events.raw.members import BLANKS
from transforms.events.raw.splitting import Place, PlacedText

_PLACE: Final = "column "
#: As long as an escape of half a surrogate pair.
_LOOK_AHEAD: Final = b" " * 6
_AT: Final = re.compile(r"^JSON is malformed: (?P<what>.*) \(byte (?P<byte>\d+)\)$")
_KINDS: Final = {
    b'"': "a string",
    b"[": "an array",
    b"{": "an object",
    b"n": "null",
    b"t": "true",
    b"f": "false",
    b"": "nothing",
}


class BrokenRecordError(Exception):
    """Raised when a record does not have the form that the feed declares.

    Attributes:
        rule: The rule that it breaks.
        words: A description of what is there instead, without values.
        column: The attribute at fault; None if it is the whole record.
    """

    def __init__(self, rule: str, words: str = "", column: str | None = None) -> None:
        self.rule, self.words, self.column = rule, words, column
        super().__init__(rule)


class SkippedRecordError(Exception):
    """Raised when a record is not a row by the feed's declaration; ``kind`` is what it is instead."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


def kind_of(text: bytes | None) -> str:
    """Return what a JSON text is: ``an array``."""
    return "missing" if text is None else _KINDS.get(text.strip(BLANKS)[:1], "a number")


def words_of_fault(line: RejectedLine) -> str:
    """Describe what is wrong in a rejected record, and where, beyond its rule and its line."""
    describe = _DESCRIBED.get(line.rule)
    words = line.words or (describe(line.text) if describe else "")
    if not isinstance(line.text, PlacedText) or _PLACE in words:
        return words
    return f"{words} {_place(line.text, 0)}".lstrip()


def _place(text: bytes, start: int) -> str:
    """Return the place of a byte of a record, both counted from 1: in its line, or in its object."""
    place = Place()
    if isinstance(text, PlacedText):
        place.line, place.column = text.line, text.column
    place.move_past(text[:start])
    line = f"line {place.line}, " if isinstance(text, PlacedText) else ""
    return f"at {line}{_PLACE}{place.column}"


def _encoding(text: bytes) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        place = _place(text, error.start) if isinstance(text, PlacedText) else f"at {error.start + 1}"
        return f"byte 0x{text[error.start]:02x} {place}"
    return ""


def _json(text: bytes) -> str:
    problem = _problem(text)
    if problem == TRUNCATED:
        # Near the end of a text, half of a surrogate pair looks truncated to msgspec.
        padded = _problem(text + _LOOK_AHEAD)
        problem = padded if "surrogate" in padded else problem
    if not (match := _AT.match(problem)):
        return "truncated" if problem == TRUNCATED else ""
    start = int(match["byte"])
    if match["what"] == "trailing characters":  # the byte after the first of them
        start -= 1
        if text[start:].lstrip(BLANKS)[:1] in (b"{", b"["):
            return "two records on a line"
    return f"{match['what']} {_place(text, start)}"


def _problem(text: bytes) -> str:
    """Return what msgspec says about a text that is not JSON; nothing about other texts."""
    try:
        check_json(text)
    except msgspec.DecodeError as error:
        return str(error)
    except (RecursionError, ValueError):
        return ""
    return ""


_DESCRIBED: Final[dict[str, Callable[[bytes], str]]] = {"record": kind_of, "encoding": _encoding, "json": _json}
