"""Times of events in declared formats to microseconds since 1970, exactly. No pyspark.

A number of units since 1970 may be a JSON number or a string of digits. ISO 8601 is a date, or a date and a time of day
with up to nine digits of a second, with or without an offset (``Z``, ``+02``, ``+0200``, ``+02:00``; a blank may
precede it). Without an offset, it is UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any, Final

from transforms.events.declared.errors import DoesNotFitError
from transforms.instants import FIRST_MICROS, LAST_MICROS

#: Formats of times, with the microseconds of their unit.
TIME_FORMATS: Final = {
    "epoch_seconds": Decimal(1_000_000),
    "epoch_millis": Decimal(1000),
    "epoch_micros": Decimal(1),
    "epoch_nanos": Decimal("0.001"),
    "iso": None,
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?[0-9]{1,38}(\.[0-9]{1,38})?")
_ISO: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d)?)(?P<fraction>(?<=:\d\d:\d\d)\.\d{1,9})?( ?(?P<zone>Z|[+-]\d\d(:?\d\d)?))?)?",
    re.ASCII,
)
#: ISO 8601 as Python reads it, up to microseconds.
_USUAL_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT: Final = Context(prec=100, traps=[InvalidOperation])
_MOST_DIGITS: Final = 38


def micros_converter(form: str) -> Callable[[Any], int]:
    """Return the function that converts a value in a format; it raises ``DoesNotFitError``."""
    units = _units_converter(form)

    def convert(value: Any) -> int:
        exact = units(value)
        micros = int(exact)
        if micros != exact:
            raise DoesNotFitError
        return _in_range(micros)

    def convert_iso(value: Any) -> int:
        if type(value) is str and _USUAL_ISO.fullmatch(value):
            return _in_range(_micros_of(value))
        return convert(value)

    return convert_iso if form == "iso" else convert


def _in_range(micros: int) -> int:
    if not FIRST_MICROS <= micros <= LAST_MICROS:
        raise DoesNotFitError
    return micros


def floor_micros(value: Any, form: str) -> int | None:
    """Return the last microsecond that is not after a time; None if the value is not a time."""
    try:
        exact = _units_converter(form)(value)
    except DoesNotFitError:
        return None
    micros = int(exact.to_integral_value(ROUND_FLOOR))
    return micros if FIRST_MICROS <= micros <= LAST_MICROS else None


def _units_converter(form: str) -> Callable[[Any], Decimal]:
    """Return the function that converts a value to microseconds with all of their digits."""
    unit = TIME_FORMATS[form]

    def from_number(value: Any) -> Decimal:
        return _EXACT.multiply(_number(value), unit or Decimal(1))

    return _from_iso if unit is None else from_number


def _number(value: Any) -> Decimal:
    if type(value) is str and _NUMBER.fullmatch(value):
        exact = Decimal(value)
    elif type(value) in (int, float, Decimal):
        exact = Decimal(repr(value)) if type(value) is float else Decimal(value)
    else:
        raise DoesNotFitError
    if exact and (exact.adjusted() >= _MOST_DIGITS or -int(exact.normalize(_EXACT).as_tuple().exponent) > _MOST_DIGITS):
        raise DoesNotFitError
    return exact


def _from_iso(value: Any) -> Decimal:
    match = _ISO.fullmatch(value) if type(value) is str else None
    if not match:
        raise DoesNotFitError
    micros = _micros_of(f"{match['date']}T{match['time'] or '00:00'}{match['zone'] or ''}")
    fraction = _EXACT.multiply(Decimal(match["fraction"] or 0), Decimal(1_000_000))
    return _EXACT.add(Decimal(micros), fraction)


def _micros_of(written: str) -> int:
    try:
        time = datetime.fromisoformat(written)
        return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise DoesNotFitError from None
