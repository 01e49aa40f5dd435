"""Columns of text to dates and timestamps, by Spark's datetime patterns or as numbers since 1970."""

import re
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.csv.datetimes.epochs import FRACTION_DIGITS
from transforms.csv.typed_column import ISO_DATE, REJECT, TypedColumn
from transforms.datetime_patterns import (
    fraction_mark,
    has_long_fraction,
    has_short_year,
    names_a_zone,
    problem_with_combination,
)
from transforms.instants import FIRST_MICROS, LAST_MICROS
from transforms.spark.names import column as named_column
from transforms.spark.names import quoted

#: Makes text without a zone parse as UTC in any session; no optional part of a pattern matches it.
_UTC_TEXT: Final = "\u0001Z"
_ELSEWHERE_TEXT: Final = "\u0001+1759"
_OFFSET_PATTERN: Final = "\u0001X"
_EPOCH: Final = r"^[+-]?[0-9]+([.][0-9]*)?\z"
_MICROS_DIGITS: Final = 6
#: Of a century without a 29 February of 1900 or 2100.
_CENTURY_DAYS: Final = 36_525
_MICROS_PER_DAY: Final = 86_400_000_000
_UNIX_YEAR: Final = 1970


def date_value(name: str, column: TypedColumn) -> Column:
    """Return the date of the texts in the column ``name``, which have no blanks around them.

    Raises:
        ValueError: If a pattern has a year of two digits and a zone.
    """
    _require_exact(column)
    return F.coalesce(*(_date(name, pattern, column) for pattern in column.formats))


def timestamp_value(name: str, column: TypedColumn) -> Column:
    """Return the instant of the texts in the column ``name``, which have no blanks around them.

    Raises:
        ValueError: If a pattern has a year of two digits and a zone, or a long fraction that cannot be identified.
    """
    if column.epoch:
        value = _epoch(name, column)
        return F.when(_is_of_known_years(value), value)
    _require_exact(column)
    return _first_timestamp(named_column(name), column, is_exact=column.excess_fraction == REJECT)


def breaks_range(text: Column, column: TypedColumn) -> Column:
    """Return whether a text without a value is a timestamp that the type cannot hold."""
    if column.epoch:
        return text.rlike(_EPOCH)
    if not any(map(has_long_fraction, column.formats)):
        return F.lit(False)
    return _first_timestamp(text, column, is_exact=False).isNotNull()


def _first_timestamp(text: Column, column: TypedColumn, *, is_exact: bool) -> Column:
    """Return the instant by the first format that reads it; ``is_exact``: which microseconds hold exactly."""
    values = [_timestamp(text, pattern, column, is_exact=is_exact) for pattern in column.formats]
    return F.coalesce(*(F.when(_is_of_known_years(value), value) for value in values))


def _require_exact(column: TypedColumn) -> None:
    if problem := next(filter(None, map(problem_with_combination, column.formats)), ""):
        raise ValueError(problem)


def _is_of_known_years(value: Column) -> Column:
    return F.unix_micros(value).between(FIRST_MICROS, LAST_MICROS)


def _date(name: str, pattern: str, column: TypedColumn) -> Column:
    text = named_column(name)
    if pattern == ISO_DATE:
        plain = (F.length(text) == len("2026-08-01")) & (text.substr(5, 1) == "-") & (text.substr(8, 1) == "-")
        plain &= text.substr(10, 1).between("0", "9")
        value = F.when(plain | text.rlike(r"^\d{4}-\d{2}-\d{2}\z"), F.expr(f"try_cast({quoted(name)} as date)"))
    else:
        value = _parsed(text, pattern).cast("date")
    if has_short_year(pattern):
        value = F.when(F.year(value) < column.two_digit_year_from + 100, value).otherwise(
            F.date_sub(value, _CENTURY_DAYS)
        )
    return F.when(F.year(value).between(1, 9999), value)


def _parsed(text: Column, pattern: str, *, offset: str = "") -> Column:
    written = F.concat(text, F.lit(offset)) if offset else text
    # A pattern with only optional parts reads an empty text as 1970.
    return F.when(text != "", F.try_to_timestamp(written, F.lit(pattern + _OFFSET_PATTERN if offset else pattern)))


def _timestamp(text: Column, pattern: str, column: TypedColumn, *, is_exact: bool) -> Column:
    if is_exact and has_long_fraction(pattern):
        mark = re.escape(fraction_mark(pattern))
        text = F.when(~text.rlike(f"{mark}[0-9]{{{_MICROS_DIGITS}}}[0-9]*[1-9]"), text)
    if not names_a_zone(pattern):
        return _instant(_parsed(text, pattern, offset=_UTC_TEXT), pattern, column)
    if "[" in pattern:  # without a zone, a text is read at any offset
        written, elsewhere = (_parsed(text, pattern, offset=offset) for offset in (_UTC_TEXT, _ELSEWHERE_TEXT))
        return F.when(written != elsewhere, _instant(written, pattern, column)).otherwise(_parsed(text, pattern))
    return _parsed(text, pattern)


def _instant(written: Column, pattern: str, column: TypedColumn) -> Column:
    """Return the instant of a local time of the column's zone, which is given in UTC; null if it does not exist."""
    if has_short_year(pattern):
        written = _in_century(written, column.two_digit_year_from)
    if column.timezone == "UTC":
        return written
    value = F.to_utc_timestamp(written, column.timezone)
    # A skipped local time does not survive the round trip.
    return F.when(F.from_utc_timestamp(value, column.timezone) == written, value)


def _in_century(written: Column, first_year: int) -> Column:
    """Return a time of the years 2000 to 2099, given in UTC, in the 100 years from another one on."""
    years = first_year + 100 - _UNIX_YEAR
    limit = F.unix_date(F.lit(f"{_UNIX_YEAR + years}-01-01").cast("date")).cast("long") * F.lit(_MICROS_PER_DAY)
    micros = F.unix_micros(written)
    return F.timestamp_micros(F.when(micros < limit, micros).otherwise(micros - _CENTURY_DAYS * _MICROS_PER_DAY))


def _epoch(name: str, column: TypedColumn) -> Column:
    digits, text = FRACTION_DIGITS[column.epoch], named_column(name)
    micros = f"regexp_extract({quoted(name)}, '^([+-]?[0-9]+)', 1)"
    if digits:
        fraction = f"regexp_extract({quoted(name)}, '[.]([0-9]*)$', 1)"
        micros = f"concat({micros}, rpad(substring({fraction}, 1, {digits}), {digits}, '0'))"
    is_read = text.rlike(_EPOCH)
    if column.excess_fraction == REJECT:
        is_read &= ~text.rlike(f"[.][0-9]{{{digits}}}[0-9]*[1-9]")
    return F.when(is_read, F.timestamp_micros(F.expr(f"try_cast({micros} as bigint)")))
