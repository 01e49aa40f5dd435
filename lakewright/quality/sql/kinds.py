"""What the SQL types of DuckDB and Spark hold."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """A kind of value. Values of one kind compare alike in DuckDB and Spark."""

    TEXT = auto()
    INTEGER = auto()
    DECIMAL = auto()
    DOUBLE = auto()
    #: A float of 32 bits, which pandas compares with rounded bounds.
    FLOAT = auto()
    BOOLEAN = auto()
    DATE = auto()
    #: Microseconds, with or without a time zone.
    TIMESTAMP = auto()
    BINARY = auto()
    #: Types that only null checks are compiled for, e.g. structs.
    OTHER = auto()


@dataclass(frozen=True)
class ColumnType:
    """The kind of a column's values, and the digits of decimals."""

    kind: Kind
    precision: int = 0
    scale: int = 0


_DECIMAL: Final = re.compile(r"(?:decimal|numeric)\((\d+), *(\d+)\)")
_NAMES: Final = {
    Kind.TEXT: ("string", "varchar"),
    Kind.INTEGER: ("tinyint", "smallint", "int", "integer", "bigint", "long"),
    Kind.DOUBLE: ("double",),
    Kind.FLOAT: ("float", "real"),
    Kind.BOOLEAN: ("boolean",),
    Kind.DATE: ("date",),
    Kind.TIMESTAMP: ("timestamp", "timestamp_ltz", "timestamp_ntz", "timestamp with time zone"),
    Kind.BINARY: ("binary", "blob"),
}
_KINDS: Final = {name: kind for kind, names in _NAMES.items() for name in names}


def column_type(sql_type: str) -> ColumnType:
    """Return what a type holds, by its name in Spark or DuckDB, e.g. ``bigint`` or ``DECIMAL(12,2)``."""
    name = sql_type.strip().lower()
    if digits := _DECIMAL.fullmatch(name):
        return ColumnType(Kind.DECIMAL, int(digits[1]), int(digits[2]))
    return ColumnType(_KINDS.get(name, Kind.OTHER))
