"""Casts that alter no value: what the wanted type does not hold becomes null, and is told from null.

Spark's own casts round, cut off and saturate without a word.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

#: The texts of values that a change's columns cannot hold, by column.
INEXACT: Final = "_lakewright_inexact"
_LARGEST: Final = {"int": (1 << 31) - 1, "bigint": (1 << 63) - 1}
_FLOATS: Final = ("float", "double")
_ANY_NUMBER: Final = "decimal(38,18)"
_NUMBER: Final = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"
#: Texts that a cast reads from end to end: it would also take a day without the time behind it.
_WHOLE_TEXTS: Final = {
    "int": r"^\s*[+-]?\d+\s*$",
    "bigint": r"^\s*[+-]?\d+\s*$",
    "date": r"^\s*\d{4}-\d{2}-\d{2}\s*$",
    "timestamp": r"^\s*\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6}0*)?(Z|[+-]\d{2}:\d{2})?)?\s*$",
}
_DAY_SECONDS: Final = 86_400
#: Digits of a second's fraction.
_FRACTION: Final = {"ms": 3, "us": 6, "ns": 9}


def exact_cast(value: Column, held: str, wanted: str) -> Column:
    """Cast between types for which ``transforms.changes.column_types.can_cast``; null where that alters the value.

    The session is not in ANSI mode, and its time zone is UTC.
    """
    made = value.cast(wanted)
    if held == "string":
        return F.when(_is_read_whole(value, made, wanted), made)
    is_same = made.cast(held).eqNullSafe(value)
    # The largest whole number is also what too large ones become, here and on the way back.
    if held in _FLOATS and wanted in _LARGEST:
        is_same &= made != _LARGEST[wanted]
    if held in _LARGEST and wanted in _FLOATS:
        is_same &= value != _LARGEST[held]
    return F.when(is_same, made)


def timestamp_of_nanoseconds(count: Column) -> Column:
    """Make a timestamp of nanoseconds since 1970, without those below a microsecond."""
    return F.timestamp_micros(_div(count, 1000))


def text_of_time(count: Column, unit: str) -> Column:
    """Write a time of day as ``HH:MM:SS``, with as many digits of a fraction as its unit has; null beyond a day."""
    digits = _FRACTION[unit]
    per_second, whole = 10**digits, count.cast("bigint")
    second = _div(whole, per_second)
    clock = F.format_string("%02d:%02d:%02d", _div(second, 3600), _div(second, 60) % 60, second % 60)
    text = F.concat(clock, F.lit("."), F.lpad((whole % per_second).cast("string"), digits, "0"))
    return F.when(whole.between(0, _DAY_SECONDS * per_second - 1), text)


def _is_read_whole(text: Column, made: Column, wanted: str) -> Column:
    """Tell texts of which a cast neither leaves anything out nor rounds it off."""
    if wanted in ("float", "double"):
        exact = text.cast(_ANY_NUMBER)
        is_near = exact.isNull() | made.cast("string").cast(_ANY_NUMBER).eqNullSafe(exact)
        return text.rlike(_NUMBER) & (F.abs(made) != float("inf")) & is_near
    if wanted.startswith("decimal"):
        precision, scale = map(int, wanted.removeprefix("decimal(").removesuffix(")").split(","))
        return text.rlike(rf"^\s*[+-]?0*\d{{0,{precision - scale}}}(\.\d{{0,{scale}}}0*)?\s*$")
    return text.rlike(_WHOLE_TEXTS[wanted]) if wanted in _WHOLE_TEXTS else made.isNotNull()


def _div(count: Column, by: int) -> Column:
    return F.call_function("div", count, F.lit(by))
