"""The elements of a datetime pattern, as Spark's parser (Java's ``DateTimeFormatter``, strict) understands them.

Letters: https://spark.apache.org/docs/3.5.6/sql-ref-datetime-pattern.html
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from typing import Final

_MOST_DIGITS: Final = 19
_PADDED_YEAR: Final = 4
_FULL: Final = 4
_OFFSET_SHAPES: Final = ("+HHmm", "+HHMM", "+HH:MM", "+HHMMss", "+HH:MM:ss")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Literal:
    """A literal text, in any case."""

    text: str


@dataclass(frozen=True)
class Number:
    """A number of ``least`` to ``most`` digits.

    Attributes:
        field: The pattern letter that names the field; ``yy`` is a year without its century.
        least: Fewest digits.
        most: Most digits.
        sign: Accepted signs: none; ``-`` (negative numbers); ``+`` (negative ones, and a plus sign that is required
            of, and reserved for, numbers of more than the fewest digits).
        reserved: The number of digits after it that belong to the next fields.
    """

    field: str
    least: int
    most: int
    sign: str = ""
    reserved: int = 0


@dataclass(frozen=True)
class Fraction:
    """The digits of a fraction of a second, at least one."""

    most: int


@dataclass(frozen=True)
class Words:
    """One of several words, in any case."""

    field: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Offset:
    """An offset such as ``+02:00``, in a shape of Java's ``appendOffset``, or the text for no offset."""

    shape: str
    zero: str


@dataclass(frozen=True)
class GmtOffset:
    """An offset such as ``GMT+8``, or, if padded, ``GMT+08:00``."""

    is_padded: bool


@dataclass(frozen=True)
class ZoneName:
    """The identifier of a zone, an offset, or, if it has names, an abbreviation or name."""

    has_names: bool


@dataclass(frozen=True)
class Optional:
    """Elements that are optional as a group."""

    elements: tuple["Element", ...]


Element = Literal | Number | Fraction | Words | Offset | GmtOffset | ZoneName | Optional


@cache
def pattern_elements(pattern: str) -> tuple[Element, ...]:
    """Return the elements of a pattern.

    Raises:
        ValueError: If it is not a pattern, or a letter is repeated in a way that has no meaning.
    """
    open_parts: list[list[Element]] = [[]]
    year = "yoe" if re.search("G", re.sub("'[^']*'", "", pattern)) else "y"
    for part in _tokens(pattern):
        if part == "[":
            open_parts.append([])
        elif part == "]" and len(open_parts) > 1:
            elements = tuple(_with_reserved_digits(open_parts.pop()))
            open_parts[-1].append(Optional(elements))
        elif part == "]":
            raise ValueError(f"{pattern!r} has a ']' without a '['")
        elif part in ("{", "}", "#"):
            raise ValueError(f"{pattern!r} has a {part!r} outside of quotes, which has no meaning")
        else:
            open_parts[-1].append(_element(part, year))
    if len(open_parts) > 1:
        raise ValueError(f"{pattern!r} has a '[' without a ']'")
    return tuple(_with_reserved_digits(open_parts[0]))


def _tokens(pattern: str) -> Iterator[str]:
    """Split a pattern into runs of a letter, brackets, and literals (with a quote before them)."""
    for match in re.finditer(r"''|'((?:[^']|'')*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        if match[0] == "''":
            yield "''"
        elif match[1] is not None:
            yield "'" + match[1].replace("''", "'")
        elif match[2] or match[4] in "[]{}#":
            yield match[0]
        else:
            yield "'" + match[0]


def _element(part: str, year: str) -> Element:
    letter, count = part[0], len(part)
    if letter == "'":
        return Literal(part[1:])
    if letter == "y" and count <= _PADDED_YEAR * 2 + 2:
        signed = Number(year, count, _MOST_DIGITS, "-" if count < _PADDED_YEAR else "+")
        return Number(part, count, count) if part == "yy" else signed
    if letter == "S":
        return Fraction(count)
    if letter in "MLdHkKhmsD" and count == 1:
        return Number("M" if letter == "L" else letter, 1, _MOST_DIGITS, "-")
    if letter in "MLdHkKhms" and count == 2:  # noqa: PLR2004
        return Number("M" if letter == "L" else letter, count, count)
    if letter == "D" and count <= len("366"):
        return Number("D", count, len("366"))
    if letter in "ML" and count <= _FULL:
        return Words("M", _by_length((name if count == _FULL else name[:3], n) for n, name in enumerate(MONTHS, 1)))
    if letter == "G" and count <= _FULL:
        return Words("G", (("Before Christ", 0), ("Anno Domini", 1)) if count == _FULL else (("BC", 0), ("AD", 1)))
    if part == "a":
        return Words("a", (("AM", 0), ("PM", 1)))
    return _zone_element(letter, count)


def _zone_element(letter: str, count: int) -> Element:
    if letter in "Xx" and count <= len(_OFFSET_SHAPES):
        zero = "Z" if letter == "X" else "+00" if count == 1 else "+0000" if count % 2 == 0 else "+00:00"
        return Offset(_OFFSET_SHAPES[count - 1], zero)
    if letter == "Z" and count < _FULL:
        return Offset("+HHMM", "+0000")
    if letter == "Z" and count == _FULL + 1:
        return Offset("+HH:MM:ss", "Z")
    if (letter == "Z" and count == _FULL) or (letter == "O" and count in (1, _FULL)):
        return GmtOffset(is_padded=count == _FULL)
    if (letter == "V" and count == len("VV")) or (letter == "z" and count <= _FULL):
        return ZoneName(has_names=letter == "z")
    raise ValueError(f"{letter * count!r} is not a field of a datetime pattern")


def _by_length(words: Iterator[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(words, key=lambda word: -len(word[0])))


def _with_reserved_digits(elements: Sequence[Element]) -> Iterator[Element]:
    """Let a number of any length leave the digits of the fixed numbers that follow it directly."""
    for position, element in enumerate(elements):
        if isinstance(element, Number) and not _fixed_digits(element):
            followers = takewhile(_is_number, elements[position + 1 :])
            digits = [_fixed_digits(follower) for follower in followers]
            yield replace(element, reserved=sum(digits) if all(digits) else 0)
        else:
            yield element


def _is_number(element: Element) -> bool:
    """Return whether Java counts it as a number beside numbers; of fractions, only those of one digit."""
    return isinstance(element, Number) or element == Fraction(1)


def _fixed_digits(element: Element) -> int:
    """Return the number of digits of a number that always has as many; else 0."""
    if isinstance(element, Number):
        return element.least if element.least == element.most and not element.sign else 0
    return 1 if element == Fraction(1) else 0
