"""Maps Parquet column types to table types and to the types that Spark reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyarrow import types as arrow

from transforms.changes.column_types import MOST_DIGITS, VOID

_LEAVE_OUT: Final = "or leave the column out: name it in source.replication_columns"


@dataclass(frozen=True)
class ReadType:
    """How to read a column.

    Attributes:
        column: The table's column type; integers are int or bigint, as in Hudi.
        read_as: The type that Spark reads the file's column as; empty if equal.
        unit: Unit of counts that become timestamps or strings, such as ``timestamp(ns)``, ``time(us)``.
    """

    column: str
    read_as: str = ""
    unit: str = ""

    @property
    def physical(self) -> str:
        """The type that Spark reads the file's column as."""
        return self.read_as or self.column


class UnreadableTypeError(Exception):
    """Raised when a table cannot store a type, or Spark cannot read it; with the reason and a remedy."""


def read_type(kind: Any, physical: str = "") -> ReadType:
    """Return how to read an Arrow type; ``physical`` is the Parquet type of a column that is not nested.

    Raises:
        UnreadableTypeError: If the type is not supported.
    """
    for is_type, become in _BECOME:
        if is_type(kind):
            return become(kind, physical)
    raise UnreadableTypeError(f"{kind}, which has no equivalent in Spark: deliver another type, {_LEAVE_OUT}")


def _plain(column: str, read_as: str = "") -> Callable[[Any, str], ReadType]:
    return lambda kind, physical: ReadType(column, read_as)  # noqa: ARG005


def _decimal(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    if kind.precision > MOST_DIGITS:
        raise UnreadableTypeError(
            f"{kind}, and Spark decimals have at most {MOST_DIGITS} digits: deliver fewer digits or text, {_LEAVE_OUT}"
        )
    return ReadType(f"decimal({kind.precision},{kind.scale})")


def _timestamp(kind: Any, physical: str) -> ReadType:
    # Arrow has no type for INT96.
    is_count = kind.unit == "ns" and physical != "INT96"
    return ReadType("timestamp", "bigint", "timestamp(ns)") if is_count else ReadType("timestamp")


def _time(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    return ReadType("string", "int" if arrow.is_time32(kind) else "bigint", f"time({kind.unit})")


def _float16(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    raise UnreadableTypeError(f"{kind}, and Spark 3.5 cannot open files with such a column: deliver float instead")


def _list(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    element = _within(kind, kind.value_type)
    return ReadType(f"array<{element.column}>", f"array<{element.physical}>")


def _struct(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    fields = [(field.name, _within(kind, field.type)) for field in kind]
    if not fields or not all(name.isascii() and name.isidentifier() for name, _ in fields):
        raise UnreadableTypeError(
            f"{kind}, and Hudi field names are letters, digits and _: deliver it as JSON text, {_LEAVE_OUT}"
        )
    if len({name.casefold() for name, _ in fields}) < len(fields):
        raise UnreadableTypeError(
            f"{kind}, and Spark reads no table with fields that differ in case alone: deliver it as JSON text, "
            f"{_LEAVE_OUT}"
        )
    columns, read_as = (
        ",".join(f"{name}:{getattr(field_type, which)}" for name, field_type in fields)
        for which in ("column", "physical")
    )
    return ReadType(f"struct<{columns}>", f"struct<{read_as}>")


def _map(kind: Any, physical: str) -> ReadType:  # noqa: ARG001
    key, value = _within(kind, kind.key_type), _within(kind, kind.item_type)
    if key.column != "string":
        raise UnreadableTypeError(f"{kind}, and keys of Hudi maps are strings: deliver it as JSON text, {_LEAVE_OUT}")
    return ReadType(f"map<string,{value.column}>", f"map<string,{value.physical}>")


def _within(outer: Any, inner: Any) -> ReadType:
    """Return how to read a nested type; values within are not converted."""
    field_type = read_type(inner)
    if field_type.unit or field_type.column == VOID:
        raise UnreadableTypeError(
            f"{outer}, and {inner} in a nested column cannot be converted: deliver it as JSON text, {_LEAVE_OUT}"
        )
    return field_type


#: The first match wins.
_BECOME: Final[tuple[tuple[Callable[[Any], bool], Callable[[Any, str], ReadType]], ...]] = (
    (arrow.is_dictionary, lambda kind, physical: read_type(kind.value_type, physical)),
    (
        lambda kind: isinstance(kind, pa.BaseExtensionType),
        lambda kind, physical: read_type(kind.storage_type, physical),
    ),
    (arrow.is_boolean, _plain("boolean")),
    (arrow.is_int8, _plain("int", "tinyint")),
    (arrow.is_int16, _plain("int", "smallint")),
    (arrow.is_int32, _plain("int")),
    (arrow.is_int64, _plain("bigint")),
    (arrow.is_uint8, _plain("int", "smallint")),
    (arrow.is_uint16, _plain("int")),
    (arrow.is_uint32, _plain("bigint")),
    (arrow.is_uint64, _plain("decimal(20,0)")),
    (arrow.is_float16, _float16),
    (arrow.is_float32, _plain("float")),
    (arrow.is_float64, _plain("double")),
    (arrow.is_decimal, _decimal),
    (arrow.is_string, _plain("string")),
    (arrow.is_large_string, _plain("string")),
    (arrow.is_string_view, _plain("string")),
    (arrow.is_binary, _plain("binary")),
    (arrow.is_large_binary, _plain("binary")),
    (arrow.is_binary_view, _plain("binary")),
    (arrow.is_fixed_size_binary, _plain("binary")),
    (arrow.is_date, _plain("date")),
    (arrow.is_timestamp, _timestamp),
    (arrow.is_time, _time),
    # The unit of a duration is only in the Arrow schema; the file has a count.
    (arrow.is_duration, _plain("bigint")),
    (arrow.is_null, _plain(VOID, "int")),
    (arrow.is_list, _list),
    (arrow.is_large_list, _list),
    (arrow.is_fixed_size_list, _list),
    (arrow.is_struct, _struct),
    (arrow.is_map, _map),
)
