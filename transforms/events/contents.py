"""Digests of rows, independent of how values are stored: two rows with one digest are the same record. No pyspark.

A value without a known type is stored in a text column; once the type is known, the same value is stored in a typed
column. A text that fits the type therefore counts as the value.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from transforms.events.declared.errors import DoesNotFitError
from transforms.events.declared.kinds import reads_json
from transforms.events.schema import EventColumn, EventSchema, Path
from transforms.events.typed_columns import from_text
from transforms.events.types import ArrayType, RecordType, Type, converter

_ROWS_AT_ONCE: Final = 10_000
_DIGEST_BYTES: Final = 16
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def digest_rows(rows: pa.Table, columns: Sequence[EventColumn]) -> Iterator[bytes]:
    """Return a digest of each row's content.

    Args:
        rows: Rows of a table; a missing column is null.
        columns: The attribute columns of the table; others are ignored.
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


class RowKeys(NamedTuple):
    """The keys of rows: the row numbers, digests of the keys, and ranks, which no two rows share."""

    rows: list[int]
    digests: list[bytes]
    ranks: list[tuple[Any, ...]]


def keys_of(rows: pa.Table, columns: Sequence[EventColumn], key: Sequence[Path], order: Sequence[str]) -> RowKeys:
    """Return the keys of the rows that have all attributes of a key.

    Args:
        rows: Rows of a table; a missing column is null.
        columns: The attribute columns of the table.
        key: The attributes of the key.
        order: The columns by which rows with the same key are ranked.
    """
    own = [column for column in columns if column.path in key]
    has_key = [True] * rows.num_rows
    for path in key:
        present = [
            rows[column.name].is_valid().to_pylist()
            for column in own
            if column.path == path and column.name in rows.column_names
        ]
        has_key = [found and any(each) for found, *each in zip(has_key, *present, strict=True)]
    numbers = [row for row, found in enumerate(has_key) if found]
    keyed = rows.take(pa.array(numbers, pa.int64()))
    ranks = list(zip(*(_shared(keyed[name]) for name in order), strict=True))
    return RowKeys(numbers, list(digest_rows(keyed, own)), ranks)


def _shared(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column, with one string for all rows that have it, instead of one each."""
    values: list[Any] = column.to_pylist()
    if not pa.types.is_string(column.type):
        return values
    texts: dict[Any, Any] = {}
    return [texts.setdefault(value, value) for value in values]


def repeated_keys(own: Sequence[RowKeys], published: Iterable[RowKeys], others: Iterable[RowKeys]) -> list[list[int]]:
    """Return the rows of each file whose key a published row has, or a row of lower rank among their own and others."""
    first: dict[bytes, tuple[Any, ...]] = {}
    for keys in own:
        for digest, rank in zip(keys.digests, keys.ranks, strict=True):
            first[digest] = min(rank, first.get(digest, rank))
    for keys in others:
        for digest, rank in zip(keys.digests, keys.ranks, strict=True):
            if digest in first:
                first[digest] = min(rank, first[digest])
    published_digests = {digest for keys in published for digest in keys.digests if digest in first}
    return [
        [
            row
            for row, digest, rank in zip(keys.rows, keys.digests, keys.ranks, strict=True)
            if digest in published_digests or rank != first[digest]
        ]
        for keys in own
    ]


def _values_of(rows: pa.Table, typed: EventColumn | None, text: EventColumn | None) -> tuple[list[Any], list[Any]]:
    """Return the values of one attribute, and the texts that do not fit its type."""
    values, texts = _column(rows, typed), _column(rows, text)
    if typed is None or not any(found is not None for found in texts):
        return values, texts
    if isinstance(typed.type, str) and reads_json(typed.type):
        return values, texts  # whether JSON fits is decided in place, so that a text never becomes a value
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
    """Drop null fields of records, since null equals absent."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
