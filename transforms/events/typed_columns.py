"""Values by path to typed Arrow columns; values that do not fit go to the text column as a whole. No pyspark.

In text columns, a string is unchanged, or quoted if it would parse as JSON; any other value is JSON. So ``n/a`` is the
string, ``12`` the number, and ``"12"`` the string of two digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from transforms.events.declared.errors import DoesNotFitError
from transforms.events.declared.kinds import json_as_text, reads_json, type_of
from transforms.events.declared.times import TIME_FORMATS, floor_micros
from transforms.events.schema import EventColumn, EventSchema, News, Path, collect_statistics
from transforms.events.types import ArrayType, Type, arrow_type, converter

_NONE: Final = type(None)
_PLAIN: Final[dict[str, frozenset[type]]] = {
    "bigint": frozenset({int, _NONE}),
    "double": frozenset({float, int, _NONE}),
    "string": frozenset({str, _NONE}),
    "boolean": frozenset({bool, _NONE}),
}
#: Microseconds per unit, for units of at least that length; before the year 3871, results need no second check.
_EPOCHS: Final = {"timestamp(epoch_seconds)": 1_000_000, "timestamp(epoch_millis)": 1000, "timestamp(epoch_micros)": 1}
_SURELY_TIME: Final = 60_000_000_000_000_000
_MAY_BEGIN_JSON: Final = frozenset('"{[-0123456789tfn \t\r\n')
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


@dataclass
class TypedColumns:
    """All columns of the schema by name, and what the schema lacks.

    Attributes:
        columns: Arrow arrays of the schema's types.
        news: Attributes without a typed column, and attributes that need a text column.
        set_aside: The rows with a value, of each text column that has any.
    """

    columns: dict[str, pa.Array] = field(default_factory=dict)
    news: News = field(default_factory=News)
    set_aside: dict[str, Sequence[int]] = field(default_factory=dict)


def type_columns(
    values: Mapping[Path, Sequence[Any]], rows: int, schema: EventSchema, formats: Mapping[Path, str]
) -> TypedColumns:
    """Return the columns of a schema for values by path; ``formats`` are the declared formats of attributes."""
    typed = TypedColumns()
    for path, found in values.items():
        column, text = schema.values.get(path), schema.texts.get(path)
        if column is None:
            typed.news.statistics[path] = collect_statistics(found)
            misfits = _without_column(path, found, formats)
            has_misfits = bool(misfits) and path in formats
        else:
            typed.columns[column.name], misfits = to_arrow(found, column.type)
            has_misfits = bool(misfits)
        if misfits and text is not None:
            kind = column.type if column else type_of(formats.get(path, ""))
            _set_aside(text, found, misfits, typed, is_json=isinstance(kind, str) and reads_json(kind))
        elif has_misfits:
            typed.news.misfits.add(path)
    for name, kind in schema.arrow_types.items():
        if name not in typed.columns:
            typed.columns[name] = pa.nulls(rows, kind)
    return typed


def _without_column(path: Path, found: Sequence[Any], formats: Mapping[Path, str]) -> list[int]:
    """Return the rows whose values have no typed column, now (a time that parses) or ever."""
    if path in formats:
        return to_arrow(found, type_of(formats[path]))[1]
    return [row for row, value in enumerate(found) if value is not None]


def _set_aside(
    text: EventColumn, found: Sequence[Any], misfits: Sequence[int], typed: TypedColumns, *, is_json: bool
) -> None:
    texts: list[str | None] = [None] * len(found)
    for row in misfits:
        texts[row] = json_as_text(found[row]) if is_json else as_text(found[row])
    typed.columns[text.name] = pa.array(texts, pa.string())
    typed.set_aside[text.name] = misfits


def to_arrow(values: Sequence[Any], kind: Type) -> tuple[pa.Array, list[int]]:
    """Return values as an Arrow array, and the rows whose values do not fit, which are null in it."""
    if _is_plain(values, kind):
        try:
            return pa.array(values, arrow_type(kind)), []
        except (pa.ArrowInvalid, OverflowError):
            pass  # a number is too large: find out which
    if (times := _plain_times(values, kind)) is not None:
        return times, []
    convert = converter(kind)
    converted, misfits = [], []
    for row, value in enumerate(values):
        try:
            converted.append(convert(value))
        except DoesNotFitError:
            converted.append(None)
            misfits.append(row)
    return pa.array(converted, arrow_type(kind)), misfits


def to_dates(values: Sequence[Any], declared: str) -> pa.Array:
    """Return the days, in UTC, of values in a declared format; null for values that are not times.

    More digits of a second than a timestamp has do not matter.
    """
    times, misfits = to_arrow(values, type_of(declared))
    if misfits and declared in TIME_FORMATS:
        micros = times.cast(pa.int64()).to_pylist()
        for row in misfits:
            micros[row] = floor_micros(values[row], declared)
        times = pa.array(micros, pa.int64())
    return times.cast(pa.timestamp("us")).cast(pa.date32())


def _is_plain(values: Sequence[Any], kind: Type) -> bool:
    """Return whether the values' Python types suit Arrow: a cheap check for the usual case."""
    if isinstance(kind, ArrayType):
        items = {type(value) for value in values} <= {list, _NONE} and isinstance(kind.element, str)
        return items and _is_plain([item for array in values if array for item in array], kind.element)
    return isinstance(kind, str) and kind in _PLAIN and set(map(type, values)) <= _PLAIN[kind]


def _plain_times(values: Sequence[Any], kind: Type) -> pa.Array | None:
    """Convert integers to timestamps, unless one is out of range."""
    if not isinstance(kind, str) or kind not in _EPOCHS or not set(map(type, values)) <= _PLAIN["bigint"]:
        return None
    try:
        micros = pc.multiply_checked(pa.array(values, pa.int64()), _EPOCHS[kind])
        is_far = pc.any(pc.greater(pc.abs_checked(micros), _SURELY_TIME)).as_py()
    except (pa.ArrowInvalid, OverflowError):
        return None
    return None if is_far else micros.cast(arrow_type(kind))


def as_text(value: Any) -> str:
    """Encode a value for a text column; see above."""
    if type(value) is str and not _reads_as_json(value):
        return value
    return _ENCODER.encode(value).decode()


def from_text(text: str) -> Any:
    """Decode a value of ``as_text``; numbers with a fraction become ``Decimal``."""
    return _DECODER.decode(text) if _reads_as_json(text) else text


def _reads_as_json(text: str) -> bool:
    if text[:1] not in _MAY_BEGIN_JSON:
        return False
    try:
        _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, ArithmeticError):
        return False
    return True
