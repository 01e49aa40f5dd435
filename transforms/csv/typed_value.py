"""The rules of typed text, one value at a time.

This is the specification in its plainest form: slow, and without regard to how columns are stored. ``typed_columns``
gives the same results for whole columns.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from transforms.csv.datetimes.epochs import read_epoch
from transforms.csv.datetimes.values import read_date, read_timestamp
from transforms.csv.numbers.written import plain_number
from transforms.csv.typed_column import BITS, BLANKS, ISO_DATE, LONGEST_FOLDER, REJECT, REPLACEMENT, TypedColumn
from transforms.instants import FIRST_MICROS, LAST_MICROS
from transforms.object_names import HIVE_NULL

Value = str | int | float | bool | Decimal | date | datetime
_TRUE: Final = ("true", "t", "yes", "y", "1")
_FALSE: Final = ("false", "f", "no", "n", "0")
_WHOLE: Final = re.compile("([+-]?)0*([0-9]+)")
_NUMBER: Final = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?(?:[eE][+-]?[0-9]+)?")
_ISO_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_DIGITS: Final = 19


class TypedText(NamedTuple):
    """The value of a text, or the rule that the text breaks.

    Attributes:
        value: The value; None if the text is null or breaks a rule.
        rule: ``type``, ``range``, ``encoding``, ``partition``, or None.
    """

    value: Value | None
    rule: str | None = None


_NO_VALUE: Final = TypedText(None, "type")
_OUT_OF_RANGE: Final = TypedText(None, "range")


def type_text(text: str | None, column: TypedColumn) -> TypedText:
    """Return the value of one text of a column, or the rule it breaks."""
    if column.type == "string":
        return _string(text, column)
    if text is None or text in column.null_text:
        return TypedText(None)
    if REPLACEMENT in text:
        return TypedText(None, "encoding")
    read = _READERS[column.type.partition("(")[0]]
    if not column.has_written_numbers:
        return read(text.strip(BLANKS), column)
    number = plain_number(text, column)
    return _NO_VALUE if number is None else read(number, column)


def _string(text: str | None, column: TypedColumn) -> TypedText:
    if text is not None and REPLACEMENT in text:
        return TypedText(None, "encoding")
    if text is None or text in column.null_text:
        return TypedText(None)
    if column.is_folder and not _is_folder_name(text):
        return TypedText(None, "partition")
    return TypedText(text)


def _is_folder_name(text: str) -> bool:
    """Return whether a partition's folder can be named after a text; no file system allows NUL in names."""
    return text not in ("", HIVE_NULL) and "\0" not in text and len(text.encode()) <= LONGEST_FOLDER


def _whole(text: str, column: TypedColumn) -> TypedText:
    match = _WHOLE.fullmatch(text)
    if match is None:
        return _NO_VALUE
    limit = 1 << (BITS[column.type] - 1)
    if len(match[2]) > _MOST_DIGITS or not -limit <= (value := int(match[1] + match[2])) < limit:
        return _OUT_OF_RANGE
    return TypedText(value)


def _number(text: str, column: TypedColumn) -> re.Match[str] | None:
    """Match sign, whole digits and fraction digits of a number."""
    if column.decimal_separator == ",":
        text = text.replace(".", "?").replace(",", ".")
    match = _NUMBER.fullmatch(text)
    has_digits = match is not None and (re.search(r"^[+-]?\.?[0-9]", text) is not None)
    return match if has_digits else None


def _double(text: str, column: TypedColumn) -> TypedText:
    match = _number(text, column)
    if match is None:
        return _NO_VALUE
    value = float(match[0])
    is_zero = not (match[2] + (match[3] or "")).strip("0")
    if math.isinf(value) or (value == 0 and not is_zero):
        return _OUT_OF_RANGE
    return TypedText(value)


def _decimal(text: str, column: TypedColumn) -> TypedText:
    match = _number(text, column)
    if match is None or "e" in text.lower():
        return _NO_VALUE
    precision, scale = column.precision_and_scale
    sign, whole, fraction = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if len(whole) > precision - scale or len(fraction) > scale:
        return _OUT_OF_RANGE
    return TypedText(Decimal(f"{sign}{whole or 0}" + (f".{fraction}" if fraction else "")))


def _boolean(text: str, _column: TypedColumn) -> TypedText:
    value = read_boolean(text)
    return _NO_VALUE if value is None else TypedText(value)


def read_boolean(text: str) -> bool | None:
    """Return the value of a boolean's text without blanks around it."""
    return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None


def _date(text: str, column: TypedColumn) -> TypedText:
    values = (_date_of_format(text, pattern, column) for pattern in column.formats)
    return next((TypedText(value) for value in values if value is not None), _NO_VALUE)


def _date_of_format(text: str, pattern: str, column: TypedColumn) -> date | None:
    if pattern != ISO_DATE:
        return read_date(text, pattern, column.two_digit_year_from) if text else None
    return date.fromisoformat(text) if _is_iso_date(text) else None


def _is_iso_date(text: str) -> bool:
    if _ISO_DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _timestamp(text: str, column: TypedColumn) -> TypedText:
    if column.epoch:
        return _epoch(text, column)
    has_excess = False
    for pattern in column.formats if text else ():
        moment = read_timestamp(text, pattern, column.timezone, column.two_digit_year_from)
        if moment is not None and not (moment.has_excess and column.excess_fraction == REJECT):
            return TypedText(moment.instant)
        has_excess |= moment is not None
    return _OUT_OF_RANGE if has_excess else _NO_VALUE


def _epoch(text: str, column: TypedColumn) -> TypedText:
    epoch = read_epoch(text, column.epoch)
    if epoch is None:
        return _NO_VALUE
    micros, has_excess = epoch
    if not FIRST_MICROS <= micros <= LAST_MICROS or (has_excess and column.excess_fraction == REJECT):
        return _OUT_OF_RANGE
    return TypedText(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))


_READERS: Final[dict[str, Callable[[str, TypedColumn], TypedText]]] = {
    "long": _whole,
    "int": _whole,
    "double": _double,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
