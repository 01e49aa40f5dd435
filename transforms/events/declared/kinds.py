"""The declared types by name: their types in the catalog and Arrow, and the converters of their values. No pyspark."""

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from transforms.events.declared.encodings import (
    DIGITS,
    TIMES_OF_DAY,
    decimal_converter,
    time_of_day_converter,
    to_date,
    variable_decimal_converter,
)
from transforms.events.declared.errors import DoesNotFitError
from transforms.events.declared.times import TIME_FORMATS, micros_converter
from transforms.events.lines import check_json
from transforms.events.raw.members import RepeatedKeyError, read_members

if TYPE_CHECKING:
    import pyarrow as pa

#: JSON text as written in the record, and JSON objects whose keys are values.
JSON_TEXT: Final = "json_text"
JSON_MAP: Final = "json_map"
ENCODINGS: Final = ("epoch_days", *TIMES_OF_DAY, "base64_decimal(scale)", "variable_scale_decimal(scale)")

_DECIMAL: Final = re.compile(r"(base64|variable_scale)_decimal\(([0-9]|[12][0-9]|3[0-8])\)")
_TIMESTAMP: Final = re.compile(r"timestamp\((\w+)\)")
_MAP: Final = "map<string,string>"


class DeclaredKind(NamedTuple):
    """A declared type.

    Attributes:
        ddl: The type in the syntax of Hive and Spark.
        convert: Converts a value other than null to one that Arrow accepts; raises ``DoesNotFitError``.
        reads_json: Whether values are JSON text of the record.
    """

    ddl: str
    convert: Callable[[Any], Any]
    reads_json: bool = False


def type_of(declared: str) -> str:
    """Return the type of an attribute, given its format in the feed."""
    return f"timestamp({declared})" if declared in TIME_FORMATS else declared


def is_encoding(written: str) -> bool:
    """Return whether a feed may declare it in ``types``."""
    return written == "epoch_days" or written in TIMES_OF_DAY or _DECIMAL.fullmatch(written) is not None


def declared_kind(kind: str) -> DeclaredKind | None:
    """Return a type by its name; None if it is not a declared one."""
    if timestamp := _TIMESTAMP.fullmatch(kind):
        return DeclaredKind("timestamp", micros_converter(timestamp[1]))
    if decimal := _DECIMAL.fullmatch(kind):
        scale, is_variable = int(decimal[2]), decimal[1] == "variable_scale"
        converter = variable_decimal_converter if is_variable else decimal_converter
        return DeclaredKind(f"decimal({DIGITS},{scale})", converter(scale), reads_json=is_variable)
    if kind in TIMES_OF_DAY:
        return DeclaredKind("string", time_of_day_converter(kind))
    return _KINDS.get(kind)


def reads_json(kind: str) -> bool:
    """Return whether the values of a type are JSON text of the record."""
    declared = declared_kind(kind)
    return declared is not None and declared.reads_json


def arrow_of(ddl: str) -> "pa.DataType":
    """Return the Arrow type of a declared type."""
    import pyarrow as pa  # takes 0.1 s, and showing a schema needs no Arrow type

    if ddl.startswith("decimal"):
        return pa.decimal128(DIGITS, int(ddl.removesuffix(")").split(",")[1]))
    types = {
        "timestamp": partial(pa.timestamp, "us", tz="UTC"),
        "date": pa.date32,
        "string": pa.string,
        _MAP: partial(pa.map_, pa.string(), pa.string()),
    }
    return types[ddl]()


def json_as_text(text: str) -> str:
    """Return JSON text for a text column: a string that does not parse as JSON is unquoted, all else unchanged."""
    if not text.startswith('"'):
        return text
    content: str = msgspec.json.decode(text)
    try:
        check_json(content)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return content
    return text


def _text(value: Any) -> str:
    if type(value) is not str:
        raise DoesNotFitError
    return value


def _map(value: Any) -> list[tuple[str, str | None]]:
    """Convert the JSON text of an object: strings unchanged unless they would parse as JSON, other values as JSON."""
    try:
        members = read_members(value.encode()) if type(value) is str else None
    except (RepeatedKeyError, msgspec.DecodeError, ValueError, RecursionError):
        raise DoesNotFitError from None
    if members is None:
        raise DoesNotFitError
    return [(key, None if text == b"null" else json_as_text(text.decode())) for key, text in members.items()]


_KINDS: Final = {
    "epoch_days": DeclaredKind("date", to_date),
    JSON_TEXT: DeclaredKind("string", _text, reads_json=True),
    JSON_MAP: DeclaredKind(_MAP, _map, reads_json=True),
}
