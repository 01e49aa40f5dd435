"""The types of flat columns: which values they hold exactly, and their names in Arrow and the catalog. No pyspark.

bigint, double, decimal(38,s), string, boolean, and the types that a feed declares (``transforms.events.declared``);
arrays of these, of arrays, and of records.
"""

from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Union

import msgspec

from transforms.events.declared.encodings import DIGITS
from transforms.events.declared.errors import DoesNotFitError
from transforms.events.declared.kinds import arrow_of, declared_kind

if TYPE_CHECKING:
    import pyarrow as pa

_LONG_MIN: Final = -(2**63)
_LONG_MAX: Final = 2**63 - 1
_SURELY_DOUBLE: Final = 2**53
_EXACT: Final = Context(prec=100, traps=[InvalidOperation])

Type = Union[str, "ArrayType", "RecordType"]


class ArrayType(msgspec.Struct, frozen=True, tag="array"):
    """An array of one type."""

    element: Type


class RecordField(msgspec.Struct, frozen=True):
    """A field of records in an array: its key in events, its name in the table."""

    key: str
    name: str
    type: Type


class RecordType(msgspec.Struct, frozen=True, tag="record"):
    """Records in an array."""

    fields: tuple[RecordField, ...]


def arrow_type(kind: Type) -> "pa.DataType":
    """Return the Arrow type."""
    import pyarrow as pa  # takes 0.1 s, and showing a schema needs no Arrow type

    if isinstance(kind, ArrayType):
        return pa.list_(arrow_type(kind.element))
    if isinstance(kind, RecordType):
        return pa.struct([pa.field(field.name, arrow_type(field.type)) for field in kind.fields])
    if kind.startswith("decimal"):
        return pa.decimal128(DIGITS, scale_of(kind))
    if declared := declared_kind(kind):
        return arrow_of(declared.ddl)
    arrow: pa.DataType = pa.type_for_alias(_ALIASES[kind])
    return arrow


def ddl_type(kind: Type) -> str:
    """Return the type in the syntax of Hive and Spark."""
    if isinstance(kind, ArrayType):
        return f"array<{ddl_type(kind.element)}>"
    if isinstance(kind, RecordType):
        return f"struct<{','.join(f'{field.name}:{ddl_type(field.type)}' for field in kind.fields)}>"
    declared = declared_kind(kind)
    return declared.ddl if declared else kind


def scale_of(kind: str) -> int:
    """Return the scale of a decimal."""
    return int(kind.removesuffix(")").split(",")[1])


def converter(kind: Type) -> Callable[[Any], Any]:
    """Return the function that converts a value, or null, to one that Arrow accepts for a type.

    It raises ``DoesNotFitError`` for a value that the type cannot hold exactly.
    """
    if isinstance(kind, ArrayType):
        return _array_converter(converter(kind.element))
    if isinstance(kind, RecordType):
        return _record_converter({field.key: (field.name, converter(field.type)) for field in kind.fields})
    if kind.startswith("decimal"):
        return _nullable(_decimal_converter(scale_of(kind)))
    if declared := declared_kind(kind):
        return _nullable(declared.convert)
    return _nullable(_SCALARS[kind])


def is_double(value: int) -> bool:
    """Return whether a double represents an integer; above 2^53 its written digits count."""
    if -_SURELY_DOUBLE <= value <= _SURELY_DOUBLE:
        return True
    try:
        return Decimal(repr(float(value))) == value
    except OverflowError:
        return False


def _nullable(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _array_converter(element: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if type(value) is list:
            return [element(item) for item in value]
        return _fitting(value, None)

    return convert


def _record_converter(fields: dict[str, tuple[str, Callable[[Any], Any]]]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if type(value) is not dict:
            return _fitting(value, None)
        found = {}
        for key, item in value.items():
            if item is not None:
                name, convert_item = fields.get(key) or _fitting(key, (None, None))
                found[name] = convert_item(item)
        return found

    return convert


def _fitting(value: Any, otherwise: Any) -> Any:
    if value is not None:
        raise DoesNotFitError
    return otherwise


def _to_long(value: Any) -> int:
    if type(value) is int:
        number = value
    elif (type(value) is float and value.is_integer()) or (type(value) is Decimal and _is_whole_and_short(value)):
        number = int(exact_decimal(value))
    else:
        raise DoesNotFitError
    if _LONG_MIN <= number <= _LONG_MAX:
        return number
    raise DoesNotFitError


def _is_whole_and_short(value: Decimal) -> bool:
    return value.adjusted() < DIGITS and value == value.to_integral_value()


def _to_double(value: Any) -> float:
    if type(value) is float or (type(value) is int and is_double(value)):
        return float(value)
    raise DoesNotFitError


def _of_type(wanted: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if type(value) is wanted:
            return value
        raise DoesNotFitError

    return convert


def _decimal_converter(scale: int) -> Callable[[Any], Decimal]:
    def convert(value: Any) -> Decimal:
        if type(value) not in (int, float, Decimal):
            raise DoesNotFitError
        exact = exact_decimal(value)
        if digits_of(exact) > DIGITS - scale or scale_needed(exact) > scale:
            raise DoesNotFitError
        return exact.quantize(Decimal((0, (1,), -scale)), context=_EXACT)

    return convert


def exact_decimal(value: float | Decimal) -> Decimal:
    """Return a number with its written digits."""
    return Decimal(repr(value)) if type(value) is float else Decimal(value)


def digits_of(value: Decimal) -> int:
    """Count the digits before the point, without leading zeros."""
    return max(0, value.adjusted() + 1) if value else 0


def scale_needed(value: Decimal) -> int:
    """Count the digits after the point, without trailing zeros."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or not value:
        return 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - zeros)


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "bigint": _to_long,
    "double": _to_double,
    "boolean": _of_type(bool),
    "string": _of_type(str),
}
#: Arrow's names of types.
_ALIASES: Final = {"bigint": "int64", "double": "float64", "boolean": "bool", "string": "string"}
