"""Which datetime patterns read a date or a timestamp without surprise. Text only, no pyspark.

Letters: https://spark.apache.org/docs/3.5.6/sql-ref-datetime-pattern.html
"""

import re
from typing import Final

_DATE_LETTERS: Final = "GyDMLd"
_TIME_LETTERS: Final = "ahKkHmsSVzOXxZ"
_MOST_FRACTION_DIGITS: Final = 6


def problem_with(pattern: str, *, time: bool) -> str:
    """Say what is wrong with a pattern for reading dates (or timestamps, with ``time``); empty if nothing is.

    A timestamp whose pattern names the day alone is its midnight.
    """
    if pattern.count("'") % 2:
        return f"a quote is left open in {pattern!r}"
    letters = re.sub("'[^']*'", "", pattern)
    if re.search("[YwWu]", letters):
        return f"{pattern!r} has a letter of week years; the calendar's year is yyyy"
    allowed = _DATE_LETTERS + (_TIME_LETTERS if time else "")
    if unknown := sorted({letter for letter in letters if letter.isalpha() and letter not in allowed}):
        hint = "; months are MM" if "m" in unknown else ""
        return f"{pattern!r} has the letters {', '.join(unknown)}, which a {_kind(time)} is not read by{hint}"
    if re.search("(?<!y)yy(?!y)", letters):
        return f"{pattern!r} would guess the century; write yyyy"
    if re.search("[hK]", letters) and "a" not in letters:
        return f"{pattern!r} has hours of half a day without a; the day's hours are HH"
    if re.search(r"\[[^\]]*[VzOXxZ]", letters):
        return f"{pattern!r} has a zone that may be missing; declare two columns, or a zone that is always there"
    if "y" not in letters or not ("D" in letters or ("d" in letters and re.search("[ML]", letters))):
        return f"{pattern!r} does not name year, month and day"
    if re.search(f"[{_TIME_LETTERS}]", letters) and re.search("[HkhK]", letters) is None:
        return f"{pattern!r} does not name the hour"
    if letters.count("S") > _MOST_FRACTION_DIGITS:
        return f"{pattern!r} has more than {_MOST_FRACTION_DIGITS} digits of a second, which a timestamp does not hold"
    return ""


def _kind(time: bool) -> str:
    return "timestamp" if time else "date"
