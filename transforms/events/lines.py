"""JSON lines to records, exactly: numbers keep their digits, and invalid lines are reported by number.

msgspec parses. What it merges or rounds silently is detected separately: repeated keys, and numbers that a double
cannot represent, which become ``Decimal``.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec

from transforms.errors import LongRecordError

Record = dict[str, Any]

#: Deeper records are rejected, because Arrow, Parquet and Spark recurse.
DEEPEST: Final = 100
#: msgspec's error for the beginning of a JSON text.
TRUNCATED: Final = "Input data was truncated"
_SURELY_EXACT: Final = 16
_BLANKS: Final = b" \t\r\n"
#: msgspec only looks for a word such as ``null`` if enough bytes are left.
_PADDING: Final = b"    "
_LITERALS: Final = (b"null", b"true", b"false")
_ESCAPE_ENDS: Final = (b"\\", b"0", b"00", b"000", b"0000", b"\\udc00", b"udc00", b"dc00", b"c00")
_LOOSE: Final = re.compile(rb'"[ \t\r\n]+:')


class Line(NamedTuple):
    """A line with a record: line number, record number, bytes."""

    number: int
    ordinal: int
    text: bytes


class RejectedLine(NamedTuple):
    """A rejected line, and the rule that it breaks.

    The rules: json (not JSON, or several documents on the line), encoding (not UTF-8), record (not an object),
    doubled_key, nesting (deeper than 100 levels), number (exponent or digits out of range); and elsewhere: envelope
    (not in the declared one), day (missing or outside the feed's range; with the column). ``words`` describe the
    problem, if ``transforms.events.raw.faults`` does not.
    """

    number: int
    rule: str
    text: bytes
    column: str | None = None
    words: str = ""


class SkippedLine(NamedTuple):
    """A line with a record that is not a row by the feed's declaration, and what it is instead: a tombstone."""

    number: int
    kind: str


class ParsedLines(NamedTuple):
    """Parsed lines; blank ones are not rows."""

    records: list[Record]
    lines: list[Line]
    rejected: list[RejectedLine]
    blank: int


def split_lines(blocks: Iterable[bytes], *, max_bytes: int) -> Iterator[list[bytes]]:
    """Split blocks of text into lines without line feeds; a leading byte order mark is dropped.

    At most ``max_bytes`` and one block of a line are kept in memory.

    Raises:
        LongRecordError: If a line is longer than ``max_bytes``; earlier lines of its block are not returned.
    """
    pieces: list[bytes] = []
    number, kept, mark = 1, 0, b"\xef\xbb\xbf"
    for block in blocks:
        pieces.append(block)
        kept += len(block)
        if b"\n" in block:
            *lines, tail = b"".join(pieces).removeprefix(mark).split(b"\n")
            if kept > max_bytes:
                _refuse_longer([*lines, tail], number, max_bytes)
            number += len(lines)
            pieces, kept, mark = [tail], len(tail), b""
            yield lines
        elif kept > max_bytes + len(mark):
            raise LongRecordError(number, max_bytes)
    if rest := b"".join(pieces).removeprefix(mark):
        _refuse_longer([rest], number, max_bytes)
        yield [rest]


def _refuse_longer(lines: Sequence[bytes], first: int, max_bytes: int) -> None:
    for number, line in enumerate(lines, first):
        if len(line) > max_bytes:
            raise LongRecordError(number, max_bytes)


def parse_lines(lines: Sequence[bytes], *, after_line: int = 0, after_record: int = 0) -> ParsedLines:
    """Parse lines numbered after ``after_line``; ``after_record`` is the number of earlier non-blank lines."""
    decode = _DECODER.decode
    parsed = ParsedLines([], [], [], 0)
    blank = 0
    for number, text in enumerate(lines, after_line + 1):
        try:
            record = decode(text)
            rule = "" if type(record) is dict else "record"
        except UnicodeDecodeError:
            rule = "encoding"
        except RecursionError:
            rule = "nesting"
        except (InvalidOperation, msgspec.ValidationError):
            rule = "number"
        except (msgspec.DecodeError, ValueError):
            if is_blank(text):
                blank += 1
                continue
            rule = "json"
        if rule:
            parsed.rejected.append(RejectedLine(number, rule, text))
        else:
            parsed.records.append(record)
            parsed.lines.append(Line(number, after_record + number - after_line - blank, text))
    return parsed._replace(blank=blank)


def number_lines(lines: Sequence[bytes], *, after_line: int, after_record: int) -> list[Line]:
    """Number lines that are all records; see ``parse_lines``."""
    return list(map(Line, count(after_line + 1), count(after_record + 1), lines))


def check_json(text: bytes | str) -> None:
    """Parse JSON only for its errors; a number may be larger than any double.

    Raises:
        msgspec.ValidationError: If an integer has more than 4,300 digits, which Python does not read.
        msgspec.DecodeError: If it is not JSON. Likewise UnicodeDecodeError, RecursionError.
    """
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:  # perhaps of such a number
        _CHECKER.decode(text)


def is_blank(line: bytes) -> bool:
    """Return whether a line is blank and therefore not a row."""
    return not line.strip(_BLANKS)


def is_cut_off(line: bytes) -> bool:
    """Return whether a line is a proper prefix of JSON."""
    if is_blank(line):
        return False
    # The line may end in a string, between tokens, in an escape, or in a word or number.
    if any(_reads_on(line + end + _PADDING) for end in (b"", *_ESCAPE_ENDS)):
        return True
    ends = [word[length:] for word in _LITERALS for length in range(1, len(word)) if line.endswith(word[:length])]
    ends += [b"0"] if line[-1:] in b"-+.eE" else []
    return any(_reads_on(line + end, or_is_whole=True) for end in ends)


def _reads_on(text: bytes, *, or_is_whole: bool = False) -> bool:
    """Return whether JSON is truncated."""
    try:
        check_json(text)
    except (UnicodeDecodeError, RecursionError):
        return False
    except msgspec.DecodeError as error:
        return str(error) == TRUNCATED
    return or_is_whole


def exact_number(text: str) -> float | Decimal:
    """Parse a number with a fraction or exponent: a double if it represents the number exactly, else a decimal."""
    value = float(text)
    if len(text) <= _SURELY_EXACT and "e" not in text and "E" not in text:
        return value  # up to 15 digits survive a round trip
    exact = Decimal(text)
    return value if exact == Decimal(repr(value)) else exact


def is_loose(text: bytes) -> bool:
    """Return whether there may be blanks between a key and its colon."""
    has_blanks = any(blank in text for blank in (b" :", b"\t:", b"\r:", b"\n:"))
    return has_blanks and _LOOSE.search(text) is not None


def has_single_keys(text: bytes, keys: int) -> bool:
    """Prove by counting that no key is repeated; False means unknown.

    Args:
        text: One or more lines that are not loose; see ``is_loose``.
        keys: The number of keys in all parsed objects of these lines.
    """
    # Each key ends in `":` once. Escaped quotes in strings and strings that begin with a colon may look alike; if there
    # are no more of them than keys, no key was merged.
    ends = text.count(b'":')
    return ends == keys or (b'\\\\":' not in text and ends - text.count(b'\\":') == keys)


def has_doubled_keys(text: bytes, keys: int) -> bool:
    """Return whether an object of a line repeats a key, given the number of keys in all parsed objects."""
    if not is_loose(text) and has_single_keys(text, keys):
        return False
    try:
        json.loads(text, object_pairs_hook=_no_doubles, parse_int=str, parse_float=str)
    except _DoubledKeyError:
        return True
    return False


class _DoubledKeyError(Exception):
    """Raised when an object repeats a key."""


def _no_doubles(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DoubledKeyError


_DECODER: Final = msgspec.json.Decoder(float_hook=exact_number)
_CHECKER: Final = msgspec.json.Decoder(float_hook=str)
