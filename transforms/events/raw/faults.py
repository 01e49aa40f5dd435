"""What stands where a record is expected, in words that contain no values. No pyspark."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

_BLANKS: Final = b" \t\r\n"
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
        words: What stands there instead.
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
    return "missing" if text is None else _KINDS.get(text.strip(_BLANKS)[:1], "a number")


def words_of_fault(rule: str, text: bytes) -> str:
    """Return what stands in a record that breaks a rule; empty if the rule says it all."""
    describe = _DESCRIBED.get(rule)
    return describe(text) if describe else ""


def _encoding(text: bytes) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"byte 0x{text[error.start]:02x} at {error.start + 1}"
    return ""


def _json(text: bytes) -> str:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        if not (found := _AT.match(str(error))):
            return "cut off" if str(error) == "Input data was truncated" else ""
        start = int(found["byte"])
        if found["what"] == "trailing characters":  # the byte after the first of them
            start -= 1
            if text[start:].lstrip(_BLANKS)[:1] in (b"{", b"["):
                return "two records on a line"
        return f"{found['what']} at column {len(text[:start].decode(errors='replace')) + 1}"
    except (RecursionError, ValueError):
        return ""
    return ""


_DESCRIBED: Final[dict[str, Callable[[bytes], str]]] = {"record": kind_of, "encoding": _encoding, "json": _json}
