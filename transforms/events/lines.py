"""Lines of JSON to records, exactly: each number as it was written, each line that is no record told by its number.

msgspec parses; what it merges or rounds without a word is found beside it: doubled keys, and numbers that a double does
not keep, which become ``Decimal``.
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

#: A record that nests deeper is rejected: Arrow, Parquet and Spark recurse.
DEEPEST: Final = 100
_SURELY_EXACT: Final = 16
_BLANKS: Final = b" \t\r\n"
#: msgspec looks for a word such as ``null`` only if as many bytes are left.
_PADDING: Final = b"    "
_LITERALS: Final = (b"null", b"true", b"false")
_ESCAPE_ENDS: Final = (b"\\", b"0", b"00", b"000", b"0000", b"\\udc00", b"udc00", b"dc00", b"c00")
_LOOSE: Final = re.compile(rb'"[ \t\r\n]+:')


class Line(NamedTuple):
    """A line that holds a record: its number in the object, the number of the record, its bytes."""

    number: int
    ordinal: int
    text: bytes


class RejectedLine(NamedTuple):
    """A line that is no record, and the rule that it breaks.

    The rules: json (no JSON, or more than one on the line), encoding (not UTF-8), record (JSON, but no object),
    doubled_key, nesting (deeper than 100 levels), number (an exponent beyond all measure); and what is found elsewhere:
    day (there is none, or it is outside of the feed's range; with a column, that says it).
    """

    number: int
    rule: str
    text: bytes
    column: str | None = None


class ParsedLines(NamedTuple):
    """Lines that have been parsed; blank ones are no rows."""

    records: list[Record]
    lines: list[Line]
    rejected: list[RejectedLine]
    blank: int


def split_lines(blocks: Iterable[bytes], *, max_bytes: int) -> Iterator[list[bytes]]:
    """Cut blocks of text into lines, without their line feeds; a byte order mark at the very beginning is no text.

    No more of a line is kept than ``max_bytes`` and one block.

    Raises:
        LongRecordError: If a line is longer than ``max_bytes``; the lines before it in its block are not given.
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
    """Parse lines, whose numbers follow ``after_line``; ``after_record`` are the lines before that were not blank."""
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
        except InvalidOperation:
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
    """Number lines that all hold a record; see ``parse_lines``."""
    return list(map(Line, count(after_line + 1), count(after_record + 1), lines))


def is_blank(line: bytes) -> bool:
    """Tell whether a line holds nothing, and so is no row."""
    return not line.strip(_BLANKS)


def is_cut_off(line: bytes) -> bool:
    """Tell whether a line is the beginning of some JSON, but not the whole of it."""
    if is_blank(line):
        return False
    # The line may end within a text or between two tokens, within an escape of a text, or within a word or a number.
    if any(_reads_on(line + end + _PADDING) for end in (b"", *_ESCAPE_ENDS)):
        return True
    ends = [word[length:] for word in _LITERALS for length in range(1, len(word)) if line.endswith(word[:length])]
    ends += [b"0"] if line[-1:] in b"-+.eE" else []
    return any(_reads_on(line + end, or_is_whole=True) for end in ends)


def _reads_on(text: bytes, *, or_is_whole: bool = False) -> bool:
    """Tell whether JSON lacks its end."""
    try:
        msgspec.json.decode(text)
    except (UnicodeDecodeError, RecursionError):
        return False
    except msgspec.DecodeError as error:
        return str(error) == "Input data was truncated"
    return or_is_whole


def exact_number(text: str) -> float | Decimal:
    """Read a number with a fraction or an exponent: a double if that is the same number, else a decimal."""
    value = float(text)
    if len(text) <= _SURELY_EXACT and "e" not in text and "E" not in text:
        return value  # up to 15 digits come back as they were
    exact = Decimal(text)
    return value if exact == Decimal(repr(value)) else exact


def is_loose(text: bytes) -> bool:
    """Tell whether there are blanks between a key and its colon, or what looks like that."""
    has_blanks = any(blank in text for blank in (b" :", b"\t:", b"\r:", b"\n:"))
    return has_blanks and _LOOSE.search(text) is not None


def has_single_keys(text: bytes, keys: int) -> bool:
    """Tell by counting that no key was merged with another; if False, that is not known.

    Args:
        text: One or more lines that are not loose; see ``is_loose``.
        keys: How many keys were found in all objects of these lines.
    """
    # Each key ends in `":` once. Escaped quotes within texts may look so, and texts that begin with a colon; if there
    # are no more of them than keys, no key was merged.
    ends = text.count(b'":')
    return ends == keys or (b'\\\\":' not in text and ends - text.count(b'\\":') == keys)


def has_doubled_keys(text: bytes, keys: int) -> bool:
    """Tell whether an object of a line has a key twice, given how many keys were found in all of its objects."""
    if not is_loose(text) and has_single_keys(text, keys):
        return False
    try:
        json.loads(text, object_pairs_hook=_no_doubles, parse_int=str, parse_float=str)
    except _DoubledKeyError:
        return True
    return False


class _DoubledKeyError(Exception):
    """Raised when an object has a key twice."""


def _no_doubles(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DoubledKeyError


_DECODER: Final = msgspec.json.Decoder(float_hook=exact_number)
