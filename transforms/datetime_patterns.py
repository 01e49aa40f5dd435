"""Validate datetime patterns for unambiguous dates and timestamps. No pyspark.

Letters: https://spark.apache.org/docs/3.5.6/sql-ref-datetime-pattern.html
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from transforms.csv.datetimes.elements import Element, Fraction, Literal, Number, Optional, pattern_elements

_DATE_LETTERS: Final = "GyDMLd"
_TIME_LETTERS: Final = "ahKkHmsSVzOXxZ"
_ZONE_LETTERS: Final = "VzOXxZ"
_MICROS_DIGITS: Final = 6
_MOST_FRACTION_DIGITS: Final = 9
_MOST_FIXED_DIGITS: Final = 2


def problem_with(pattern: str, *, time: bool, has_century: bool = False) -> str:
    """Return what is wrong with a pattern for dates (with ``time``, for timestamps); empty if it is valid.

    A timestamp whose pattern has only a date is its midnight. ``has_century``: the years of ``yy`` are declared.
    """
    if pattern.count("'") % 2:
        return f"unterminated quote in {pattern!r}"
    if problem := _problem_with_year(pattern, has_century):
        return problem
    letters = _letters(pattern)
    allowed = _DATE_LETTERS + (_TIME_LETTERS if time else "")
    if unknown := sorted({letter for letter in letters if letter.isalpha() and letter not in allowed}):
        hint = "; months are MM" if "m" in unknown else ""
        return f"{pattern!r} has the letters {', '.join(unknown)}, which are not supported for a {_kind(time)}{hint}"
    if re.search("[hK]", letters) and "a" not in letters:
        return f"{pattern!r} has 12-hour hours without a; use HH for 24 hours"
    if re.search(r"\[[^\]]*[VzOXxZ]", letters):
        return f"{pattern!r} has an optional zone; make the zone mandatory, or declare two columns"
    if "y" not in letters or not ("D" in letters or ("d" in letters and re.search("[ML]", letters))):
        return f"{pattern!r} lacks year, month or day"
    if re.search(f"[{_TIME_LETTERS}]", letters) and re.search("[HkhK]", letters) is None:
        return f"{pattern!r} lacks the hour"
    if letters.count("S") > _MOST_FRACTION_DIGITS:
        return f"{pattern!r} has more than {_MOST_FRACTION_DIGITS} fraction digits"
    try:
        pattern_elements(pattern)
    except ValueError as error:
        return str(error)
    return problem_with_combination(pattern)


def _problem_with_year(pattern: str, has_century: bool) -> str:
    letters = _letters(pattern)
    if re.search("[YwWu]", letters):
        return f"{pattern!r} uses week years; use yyyy for calendar years"
    if has_short_year(pattern) and not has_century:
        return f"{pattern!r} leaves the century open; use yyyy, or set the column's two_digit_year_from"
    if has_short_year(pattern) and re.search("G|yyy|(?<!y)y(?!y)", letters):
        return f"{pattern!r} has an era or another year besides yy; use one of them"
    return ""


def problem_with_combination(pattern: str) -> str:
    """Return which parts of a pattern cannot be read exactly together; empty if there are none."""
    if has_short_year(pattern) and names_a_zone(pattern):
        return f"{pattern!r} has a year of two digits and a zone; use yyyy"
    if has_long_fraction(pattern) and not fraction_mark(pattern):
        return (
            f"{pattern!r} has more than {_MICROS_DIGITS} fraction digits; before these must be a character, such as "
            "'.', that elsewhere is not followed by a number of any length"
        )
    return ""


def names_a_zone(pattern: str) -> bool:
    """Return whether a pattern has a zone or an offset."""
    return any(letter in _ZONE_LETTERS for letter in _letters(pattern))


def has_short_year(pattern: str) -> bool:
    """Return whether a pattern has a year of two digits."""
    return re.search("(?<!y)yy(?!y)", _letters(pattern)) is not None


def has_long_fraction(pattern: str) -> bool:
    """Return whether a pattern has more fraction digits than a timestamp."""
    return _letters(pattern).count("S") > _MICROS_DIGITS


def fraction_mark(pattern: str) -> str:
    """Return the character before a fraction; empty if more than six digits may follow it elsewhere in a text."""
    elements = [*_flat(pattern_elements(pattern)), Literal("")]
    before = [element for element, follower in pairwise(elements) if isinstance(follower, Fraction)]
    mark = before[0].text[-1:] if len(before) == 1 and isinstance(before[0], Literal) else ""
    if mark.isalnum() or any(isinstance(each, Literal) and re.search("[0-9]", each.text) for each in elements):
        return ""
    followers = [
        elements[place + 1 : place + 3]
        for place, element in enumerate(elements[:-1])
        if isinstance(element, Literal) and mark in element.text
    ]
    return mark if all(map(_is_short, followers)) else ""


def _is_short(followers: Sequence[Element]) -> bool:
    """Return whether elements begin with a fraction or a few digits, or with no digits."""
    first, *rest = followers
    if not isinstance(first, Number):
        return True
    has_end = not (rest and isinstance(rest[0], Number | Fraction))
    # More than the fewest digits of a year need a plus sign.
    return has_end and (first.sign == "+" or first.most <= _MOST_FIXED_DIGITS)


def _flat(elements: Sequence[Element]) -> Iterator[Element]:
    for element in elements:
        if isinstance(element, Optional):
            yield from _flat(element.elements)
        else:
            yield element


def _letters(pattern: str) -> str:
    """Return a pattern without its quoted parts."""
    return re.sub("'[^']*'", "", pattern)


def _kind(time: bool) -> str:
    return "timestamp" if time else "date"
