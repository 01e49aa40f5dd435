"""What rows of a table say, whatever way each value is held: two rows with one digest hold the same record. No pyspark.

A value that no type was known for lies in a text column; once there is a type, the same value lies in a column of it.
So a text that fits the type is taken for the value.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from transforms.events.schema import EventColumn, EventSchema
from transforms.events.typed_columns import from_text
from transforms.events.types import ArrayType, DoesNotFitError, RecordType, Type, converter

_ROWS_AT_ONCE: Final = 10_000
_DIGEST_BYTES: Final = 16
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def digest_rows(rows: pa.Table, columns: Sequence[EventColumn]) -> Iterator[bytes]:
    """Give a digest of what each row says.

    Args:
        rows: Rows of a table; a column that is not there is null.
        columns: The columns of attributes that the table has; others do not count.
    """
    schema = EventSchema(columns)
    paths = sorted({column.path for column in columns})
    for start in range(0, rows.num_rows, _ROWS_AT_ONCE):
        part = rows.slice(start, min(_ROWS_AT_ONCE, rows.num_rows - start))
        values = [
            value for path in paths for value in _values_of(part, schema.values.get(path), schema.texts.get(path))
        ]
        for row in zip(*values, strict=True) if values else [()] * part.num_rows:
            yield hashlib.blake2b(_ENCODER.encode(row), digest_size=_DIGEST_BYTES).digest()


def _values_of(rows: pa.Table, typed: EventColumn | None, text: EventColumn | None) -> tuple[list[Any], list[Any]]:
    """Give the values of one attribute, and the texts that are none of its type."""
    values, texts = _column(rows, typed), _column(rows, text)
    if typed is None or not any(found is not None for found in texts):
        return values, texts
    convert = converter(typed.type)
    for row, found in enumerate(texts):
        if found is not None and (value := _converted(found, convert)) is not None:
            values[row], texts[row] = value, None
    return values, texts


def _converted(text: str, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(from_text(text))
    except DoesNotFitError:
        return None


def _column(rows: pa.Table, column: EventColumn | None) -> list[Any]:
    if column is None or column.name not in rows.column_names:
        return [None] * rows.num_rows
    values = rows[column.name]
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    found: list[Any] = values.to_pylist()
    return [_without_nulls(value) for value in found] if _holds_records(column.type) else found


def _holds_records(kind: Type) -> bool:
    return isinstance(kind, RecordType) or (isinstance(kind, ArrayType) and _holds_records(kind.element))


def _without_nulls(value: Any) -> Any:
    """Leave out the fields of records that are null, which is the same as absent."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
