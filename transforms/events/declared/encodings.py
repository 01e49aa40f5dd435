"""Dates, times of day and decimals as Kafka Connect and Debezium encode them in JSON. No pyspark."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

import msgspec

from transforms.events.declared.errors import DoesNotFitError

DIGITS: Final = 38
#: Formats of times of day, with their units per second.
TIMES_OF_DAY: Final = {"time_millis": 1000, "time_micros": 1_000_000, "time_nanos": 1_000_000_000}

_EPOCH: Final = date(1970, 1, 1)
_SECONDS_PER_DAY: Final = 86_400
_WHOLE: Final = re.compile("-?[0-9]{1,19}")
_EXACT: Final = Context(prec=DIGITS, traps=[InvalidOperation, Inexact])
_MOST_BYTES: Final = 16


def to_date(value: Any) -> date:
    """Convert days since 1970 (``io.debezium.time.Date``, Connect's ``Date``)."""
    try:
        return _EPOCH + timedelta(days=_whole(value))
    except OverflowError:
        raise DoesNotFitError from None


def time_of_day_converter(form: str) -> Callable[[Any], str]:
    """Return the function that converts units since midnight to ``10:11:12.5``, as ``java.time.LocalTime`` prints it.

    The units are those of ``Time``, ``io.debezium.time.MicroTime`` and ``NanoTime``. Negative times and those of a day
    or more, which MySQL's TIME allows, do not fit.
    """
    per_second = TIMES_OF_DAY[form]
    digits = len(str(per_second)) - 1

    def convert(value: Any) -> str:
        seconds, units = divmod(_whole(value), per_second)
        if not 0 <= seconds < _SECONDS_PER_DAY:
            raise DoesNotFitError
        time = datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
        return f"{time}.{units:0{digits}}".rstrip("0").removesuffix(".") if units else time

    return convert


def decimal_converter(scale: int) -> Callable[[Any], Decimal]:
    """Return the function that converts a big-endian two's complement number in base64 (Connect's ``Decimal``)."""

    def convert(value: Any) -> Decimal:
        return _scaled(_unscaled(value), scale, scale)

    return convert


def variable_decimal_converter(scale: int) -> Callable[[Any], Decimal]:
    """Return the function that converts JSON text of a ``VariableScaleDecimal``: an object with scale and value."""

    def convert(value: Any) -> Decimal:
        try:
            parts = msgspec.json.decode(value) if type(value) is str else None
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise DoesNotFitError from None
        if not isinstance(parts, Mapping) or parts.keys() != {"scale", "value"} or type(parts["scale"]) is not int:
            raise DoesNotFitError
        return _scaled(_unscaled(parts["value"]), parts["scale"], scale)

    return convert


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is str and _WHOLE.fullmatch(value):
        return int(value)
    raise DoesNotFitError


def _unscaled(value: Any) -> int:
    try:
        content = base64.b64decode(value, validate=True) if type(value) is str else b""
    except (binascii.Error, ValueError):
        raise DoesNotFitError from None
    if not 0 < len(content) <= _MOST_BYTES:
        raise DoesNotFitError
    return int.from_bytes(content, signed=True)


def _scaled(unscaled: int, own: int, wanted: int) -> Decimal:
    """Change the scale of a number; the result must be exact and have at most 38 digits."""
    if abs(own) > DIGITS:
        raise DoesNotFitError
    try:
        exact = Decimal(unscaled).scaleb(-own, _EXACT)
        return exact.quantize(Decimal((0, (1,), -wanted)), context=_EXACT)
    except (InvalidOperation, Inexact):
        raise DoesNotFitError from None
