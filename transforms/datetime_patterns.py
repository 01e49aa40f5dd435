"""Validate datetime patterns for unambiguous dates and timestamps. No pyspark.

Letters: https://spark.apache.org/docs/3.5.6/sql-ref-datetime-pattern.html
"""

import re
from typing import Final

from transforms.csv.datetimes.elements import pattern_elements

_DATE_LETTERS: Final = "GyDMLd"
_TIME_LETTERS: Final = "ahKkHmsSVzOXxZ"
_MOST_FRACTION_DIGITS: Final = 6


def problem_with(pattern: str, *, time: bool) -> str:
    """Return what is wrong with a pattern for dates (with ``time``, for timestamps); empty if it is valid.

    A timestamp whose pattern has only a date is its midnight.
    """
    if pattern.count("'") % 2:
        return f"unterminated quote in {pattern!r}"
    letters = re.sub("'[^']*'", "", pattern)
    if re.search("[YwWu]", letters):
        return f"{pattern!r} uses week years; use yyyy for calendar years"
    allowed = _DATE_LETTERS + (_TIME_LETTERS if time else "")
    if unknown := sorted({letter for letter in letters if letter.isalpha() and letter not in allowed}):
        hint = "; months are MM" if "m" in unknown else ""
        return f"{pattern!r} has the letters {', '.join(unknown)}, which are not supported for a {_kind(time)}{hint}"
    if re.search("(?<!y)yy(?!y)", letters):
        return f"{pattern!r} leaves the century open; use yyyy"
    if re.search("[hK]", letters) and "a" not in letters:
        return f"{pattern!r} has 12-hour hours without a; use HH for 24 hours"
    if re.search(r"\[[^\]]*[VzOXxZ]", letters):
        return f"{pattern!r} has an optional zone; make the zone mandatory, or declare two columns"
    if "y" not in letters or not ("D" in letters or ("d" in letters and re.search("[ML]", letters))):
        return f"{pattern!r} lacks year, month or day"
    if re.search(f"[{_TIME_LETTERS}]", letters) and re.search("[HkhK]", letters) is None:
        return f"{pattern!r} lacks the hour"
    if letters.count("S") > _MOST_FRACTION_DIGITS:
        return f"{pattern!r} has more than {_MOST_FRACTION_DIGITS} fraction digits, which a timestamp cannot hold"
    return _problem_with_syntax(pattern)


def _problem_with_syntax(pattern: str) -> str:
    try:
        pattern_elements(pattern)
    except ValueError as error:
        return str(error)
    return ""


def _kind(time: bool) -> str:
    return "timestamp" if time else "date"
