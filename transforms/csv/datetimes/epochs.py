"""Timestamps that are written as numbers since 1970."""

import re
from typing import Final

#: Per unit, the digits of a fraction that microseconds hold.
FRACTION_DIGITS: Final = {"seconds": 6, "millis": 3, "micros": 0}
_MOST_DIGITS: Final = 19
_EPOCH: Final = re.compile(r"([+-]?)0*([0-9]+)(?:[.]([0-9]*))?")


def read_epoch(text: str, unit: str) -> tuple[int, bool] | None:
    """Return microseconds since 1970, and whether digits beyond them were dropped that are not zero; None if no number.

    Numbers that are too large for any timestamp may be returned as another such number.
    """
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction = match[1], match[2][: _MOST_DIGITS + 1], match[3] or ""
    digits = FRACTION_DIGITS[unit]
    micros = int(whole + fraction[:digits].ljust(digits, "0"))
    return -micros if sign == "-" else micros, bool(fraction[digits:].strip("0"))
