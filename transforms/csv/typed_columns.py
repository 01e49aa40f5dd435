"""Convert text columns to typed Arrow columns by the rules of ``typed_value``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.csv.datetimes.columns import cast_dates, cast_timestamps
from transforms.csv.numbers.columns import (
    cast_decimals,
    cast_doubles,
    cast_whole_numbers,
    plain_numbers,
)
from transforms.csv.text_bytes import joined_bytes, keep_where
from transforms.csv.typed_column import BLANKS, LONGEST_FOLDER, REPLACEMENT, TypedColumn
from transforms.csv.typed_value import read_boolean, type_text
from transforms.object_names import HIVE_NULL

_TYPES: Final = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True)
class TypedTexts:
    """A typed column.

    Attributes:
        values: Of the column's Arrow type; null where the text is null or breaks a rule.
        rules: The rule that each text breaks (type, range, encoding, partition), or null; None if none breaks one.
    """

    values: pa.Array
    rules: pa.Array | None


def arrow_type(column: TypedColumn) -> pa.DataType:
    """Return the Arrow type of a declared column."""
    return _TYPES[column.type] if column.type in _TYPES else pa.decimal128(*column.precision_and_scale)


def type_texts(texts: pa.Array, column: TypedColumn) -> TypedTexts:
    """Return the values of texts, and the rules that they break.

    Kernels type canonical texts, then texts that are canonical without blanks around them; of the rest, each distinct
    text is typed by ``type_text``.

    Args:
        texts: Strings; null is an unquoted empty field. Bytes that cannot be decoded are U+FFFD.
        column: The declared column.
    """
    if column.type == "string":
        return _type_strings(texts, column)
    if any(type_text(marker, replace(column, null_text=())).rule is None for marker in column.null_text):
        texts = _without(texts, column.null_text)
    values = _cast(texts, column)
    if values.null_count > texts.null_count and not column.has_written_numbers:
        rest = pc.and_(pc.is_null(values), pc.is_valid(texts))
        values = pc.replace_with_mask(values, rest, _cast(pc.ascii_trim(texts.filter(rest), BLANKS), column))
    return _with_rest(texts, values, column)


def _type_strings(texts: pa.Array, column: TypedColumn) -> TypedTexts:
    data = joined_bytes(texts)
    has_markers = any(not marker or marker.encode() in data for marker in column.null_text)
    values = _without(texts, column.null_text) if has_markers else texts
    has_replacements = REPLACEMENT.encode() in data
    if has_replacements:
        values = keep_where(pc.invert(pc.match_substring(texts, REPLACEMENT)), values)
    if column.is_folder:
        is_folder = pc.less_equal(pc.binary_length(values), LONGEST_FOLDER)
        is_folder = pc.and_not(is_folder, pc.is_in(values, pa.array(["", HIVE_NULL])))
        is_folder = pc.and_not(is_folder, pc.match_substring(values, "\0"))
        values = keep_where(is_folder, values)
    if not has_replacements and not column.is_folder:
        return TypedTexts(values, None)
    return _with_rest(texts, values, column)


def _without(texts: pa.Array, markers: Sequence[str]) -> pa.Array:
    return keep_where(pc.invert(pc.is_in(texts, pa.array(markers, pa.string()))), texts)


def _cast(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the values of canonical texts; null for others."""
    if column.type == "timestamp":
        return cast_timestamps(texts, column)
    if column.type == "date":
        return cast_dates(texts, column)
    if column.type == "boolean":
        return _cast_booleans(texts)
    if column.has_written_numbers:
        texts = plain_numbers(texts, column)
    if column.type == "double":
        return cast_doubles(texts, column)
    if column.type.startswith("decimal"):
        return cast_decimals(texts, column)
    return cast_whole_numbers(texts, column)


def _cast_booleans(texts: pa.Array) -> pa.Array:
    distinct = texts.dictionary_encode()
    values = [read_boolean(text) for text in distinct.dictionary.to_pylist()]
    return pa.array(values, pa.bool_()).take(distinct.indices)


def _with_rest(texts: pa.Array, values: pa.Array, column: TypedColumn) -> TypedTexts:
    """Add the values of texts without one, and the rules that they break."""
    if values.null_count == texts.null_count:
        return TypedTexts(values, None)
    unsettled = pc.and_(pc.is_null(values), pc.is_valid(texts))
    distinct = texts.filter(unsettled).dictionary_encode()
    typed = [type_text(text, column) for text in distinct.dictionary.to_pylist()]
    rest = pa.array([value for value, _rule in typed], values.type).take(distinct.indices)
    values = pc.replace_with_mask(values, unsettled, rest)
    if all(rule is None for _value, rule in typed):
        return TypedTexts(values, None)
    rules = pa.array([rule for _value, rule in typed], pa.string()).take(distinct.indices)
    return TypedTexts(values, pc.replace_with_mask(pa.nulls(len(texts), pa.string()), unsettled, rules))
