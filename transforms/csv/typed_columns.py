"""Text columns to typed Arrow columns, by the rules of ``typed_value``."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_value import type_text

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

    Args:
        texts: Strings; null is an unquoted empty field. Bytes that cannot be decoded are U+FFFD.
        column: The declared column.
    """
    distinct = texts.dictionary_encode()
    typed = [type_text(text, column) for text in distinct.dictionary.to_pylist()]
    values = pa.array([value for value, _rule in typed], arrow_type(column)).take(distinct.indices)
    if all(rule is None for _value, rule in typed):
        return TypedTexts(values, None)
    return TypedTexts(values, pa.array([rule for _value, rule in typed], pa.string()).take(distinct.indices))
