"""Bounds of ranges: what a suite's ``min_value`` and ``max_value`` mean for a column of some type.

The library reads numeric bounds as doubles, so Spark compares integers and decimals with them as doubles. The first
integer or decimal beyond a bound is computed here instead, and SQL compares without conversion.
"""

import operator
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from lakewright.quality.sql.dialects import Dialect, compared_with_instant
from lakewright.quality.sql.kinds import ColumnType, Kind

#: Decimals of so many digits differ as doubles if they differ at all.
DIGITS_OF_DOUBLES: Final = 15
_INTEGERS_END: Final = 2**63
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)

#: The library passes earlier dates to Spark in the Julian calendar.
_FIRST_YEAR: Final = 1583

Bound = float | date


class UnusableBoundError(ValueError):
    """Raised when SQL might compare a column with a bound differently from the library."""


def read_bound(value: Any) -> Bound:
    """Return a bound as the library reads it from JSON: a number, a date, or a date and time.

    Raises:
        UnusableBoundError: If it is none of these, or a date that is not written in full.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    bound = _read_date(value) if isinstance(value, str) else None
    if bound is not None and bound.year >= _FIRST_YEAR:
        return bound
    raise UnusableBoundError("a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)")


def _read_date(text: str) -> date | None:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        time = datetime.fromisoformat(text) if _DATETIME.fullmatch(text) else None
        return time.astimezone(UTC) if time and time.tzinfo else time
    except (ValueError, OverflowError):
        return None


def beyond(column: str, sign: str, bound: Bound, of_type: ColumnType, dialect: Dialect) -> str:
    """Return the predicate that values are beyond a bound, null for null.

    Args:
        column: The column, as SQL.
        sign: ``<`` or ``<=`` for a minimum, ``>`` or ``>=`` for a maximum.
        bound: From ``read_bound``.
        of_type: The column's type.
        dialect: The dialect of SQL.

    Raises:
        UnusableBoundError: If the bound does not fit the type.
    """
    if isinstance(bound, float) and of_type.kind is Kind.DOUBLE:
        return f"{column} {sign} CAST('{bound!r}' AS DOUBLE)"
    if isinstance(bound, float) and of_type.kind in (Kind.INTEGER, Kind.DECIMAL):
        return _beyond_number(column, sign, bound, of_type)
    if of_type.kind is Kind.DATE and isinstance(bound, date) and not isinstance(bound, datetime):
        return f"{column} {sign} CAST('{bound}' AS DATE)"
    if of_type.kind is Kind.TIMESTAMP and isinstance(bound, date):
        return compared_with_instant(column, sign, _instant(bound), dialect)
    raise UnusableBoundError("its bounds do not fit the column's type")


def _beyond_number(column: str, sign: str, bound: float, of_type: ColumnType) -> str:
    """Compare exact numbers with a bound as Spark does, which converts both to doubles."""
    end = _INTEGERS_END if of_type.kind is Kind.INTEGER else 10**of_type.precision
    unit = 10**of_type.scale
    reaches = operator.ge if sign in ("<", ">=") else operator.gt
    value = _first(lambda units: reaches(units / unit, bound), end)
    if of_type.precision > DIGITS_OF_DOUBLES and value != _first(
        lambda units: reaches(Fraction(units, unit), bound), end
    ):
        raise UnusableBoundError(f"its bounds are rounded, which matters for decimals of {of_type.precision} digits")
    is_min = sign.startswith("<")
    if abs(value) == end:
        return f"{column} IS NOT NULL" if (value == end) == is_min else "FALSE"
    return f"{column} {'<' if is_min else '>='} {number_literal(value, of_type)}"


def number_literal(units: int, of_type: ColumnType) -> str:
    """Write an integer, or a decimal in units of its last digit."""
    if of_type.kind is Kind.INTEGER:
        return str(units)
    return f"CAST('{Decimal(f'{units}E-{of_type.scale}'):f}' AS DECIMAL({of_type.precision},{of_type.scale}))"


def _first(reaches: Callable[[int], bool], end: int) -> int:
    """Return the first number from ``-end`` that reaches a bound; ``end`` if none does."""
    low, high = -end, end
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle + 1, high)
    return low


def _instant(bound: date) -> datetime:
    if not isinstance(bound, datetime):
        bound = datetime(bound.year, bound.month, bound.day)
    return bound if bound.tzinfo else bound.replace(tzinfo=UTC)
