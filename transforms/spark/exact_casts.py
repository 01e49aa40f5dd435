"""Casts that never alter values: a value that the wanted type cannot represent becomes null.

Spark's casts round, truncate and saturate silently.
"""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

#: Texts by column of values that a change's columns cannot represent.
INEXACT: Final = "_lakewright_inexact"
_LARGEST: Final = {"int": (1 << 31) - 1, "bigint": (1 << 63) - 1}
_FLOATS: Final = ("float", "double")
_ANY_NUMBER: Final = "decimal(38,18)"
_NUMBER: Final = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"
#: Strings that a cast parses completely: it would also accept a date followed by an invalid time.
_WHOLE_TEXTS: Final = {
    "int": r"^\s*[+-]?\d+\s*$",
    "bigint": r"^\s*[+-]?\d+\s*$",
    "date": r"^\s*\d{4}-\d{2}-\d{2}\s*$",
    "timestamp": r"^\s*\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6}0*)?(Z|[+-]\d{2}:\d{2})?)?\s*$",
}
_BEGINS_WITH_YEAR: Final = r"^\s*[+-]?\d{4}"
_BELOW_MICROSECONDS: Final = r"\.\d{6}(\d*[1-9])"
_DAY_SECONDS: Final = 86_400
#: Fractional digits of a second.
_FRACTION: Final = {"ms": 3, "us": 6, "ns": 9}


def exact_cast(value: Column, kind: str, wanted: str) -> Column:
    """Cast between types supported by ``transforms.changes.column_types.can_cast``; null if the value would change.

    The session must not be in ANSI mode, and its time zone must be UTC.
    """
    result = value.cast(wanted)
    if kind == "string":
        return F.when(_is_read_whole(value, result, wanted), result)
    is_same = result.cast(kind).eqNullSafe(value)
    # The largest integer may also be a saturated value, in either direction.
    if kind in _FLOATS and wanted in _LARGEST:
        is_same &= result != _LARGEST[wanted]
    if kind in _LARGEST and wanted in _FLOATS:
        is_same &= value != _LARGEST[kind]
    return F.when(is_same, result)


def if_dated(text: Column, time: Column) -> Column:
    """Return a time that was read from text; null if the text has no date, to which Spark adds the current one."""
    return F.when(text.rlike(_BEGINS_WITH_YEAR), time)


def digits_below_microseconds(time: Column) -> Column:
    """Return what a timestamp omits of a time as text: its digits below a microsecond, without zeros at the end."""
    return F.regexp_extract(time, _BELOW_MICROSECONDS, 1)


def timestamp_of_nanoseconds(count: Column) -> Column:
    """Convert nanoseconds since 1970 to a timestamp, truncated to microseconds."""
    return F.timestamp_micros(_div(count, 1000))


def text_of_time(count: Column, unit: str) -> Column:
    """Format a time of day as ``HH:MM:SS`` with all fractional digits of its unit; null outside a day."""
    digits = _FRACTION[unit]
    per_second, whole = 10**digits, count.cast("bigint")
    second = _div(whole, per_second)
    clock = F.format_string("%02d:%02d:%02d", _div(second, 3600), _div(second, 60) % 60, second % 60)
    text = F.concat(clock, F.lit("."), F.lpad((whole % per_second).cast("string"), digits, "0"))
    return F.when(whole.between(0, _DAY_SECONDS * per_second - 1), text)


def _is_read_whole(text: Column, result: Column, wanted: str) -> Column:
    """Whether a cast parses a string completely and without rounding."""
    if wanted in ("float", "double"):
        exact = text.cast(_ANY_NUMBER)
        is_near = exact.isNull() | result.cast("string").cast(_ANY_NUMBER).eqNullSafe(exact)
        return text.rlike(_NUMBER) & (F.abs(result) != float("inf")) & is_near
    if wanted.startswith("decimal"):
        precision, scale = map(int, wanted.removeprefix("decimal(").removesuffix(")").split(","))
        return text.rlike(rf"^\s*[+-]?0*\d{{0,{precision - scale}}}(\.\d{{0,{scale}}}0*)?\s*$")
    return text.rlike(_WHOLE_TEXTS[wanted]) if wanted in _WHOLE_TEXTS else result.isNotNull()


def _div(count: Column, by: int) -> Column:
    return F.call_function("div", count, F.lit(by))
