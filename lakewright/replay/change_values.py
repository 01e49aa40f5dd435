"""Edited texts as values of a Parquet file's columns."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lakewright.errors import ConfigError
from lakewright.replay.edited_rows import ReplayedRow


def with_edits(rows: pa.Table, edited: Sequence[ReplayedRow]) -> pa.Table:
    """Replace the changed values of rows; each row is one of ``edited``, in that order.

    Raises:
        ConfigError: If a text is not a value of its column's type.
    """
    names = {name.casefold(): name for name in rows.column_names} | {name: name for name in rows.column_names}
    changes: dict[str, dict[int, ReplayedRow]] = {}
    for place, each in enumerate(edited):
        for field in each.changed:
            if field not in names and field.casefold() not in names:
                raise ConfigError(f"{each.where}: {each.row.object} has no column {field!r}")
            changes.setdefault(field, {})[place] = each
    for field, by_place in changes.items():
        name = names.get(field) or names[field.casefold()]
        kind, index = rows.schema.field(name).type, rows.column_names.index(name)
        column = rows[name].combine_chunks()
        pieces, done = [], 0
        for place, each in sorted(by_place.items()):
            pieces += [column.slice(done, place - done), _value(each, field, kind)]
            done = place + 1
        pieces.append(column.slice(done))
        rows = rows.set_column(index, rows.schema.field(name).with_nullable(True), pa.chunked_array(pieces, kind))
    return rows


def _value(each: ReplayedRow, field: str, kind: pa.DataType) -> pa.Array:
    text = (each.row.fields or {})[field]
    if text is None:
        return pa.nulls(1, kind)
    try:
        return _parsed(text, kind)
    except (pa.ArrowException, binascii.Error, ValueError, NotImplementedError):
        raise ConfigError(
            f"{each.where}: the value of {field!r} cannot be written as {kind}, the type of its column"
        ) from None


def _parsed(text: str, kind: Any) -> pa.Array:
    if pa.types.is_nested(kind):
        raise NotImplementedError
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([base64.b64decode(text, validate=True)], kind)
    if pa.types.is_dictionary(kind):
        return _parsed(text, kind.value_type).dictionary_encode().cast(kind)
    return pa.array([text], pa.string()).cast(kind)
