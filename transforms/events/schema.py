"""Statistics of an attribute's values, and the schema inferred from them. No pyspark.

Statistics merge in any order and grouping, so neither the order of files nor the distribution of records matters.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import msgspec

from transforms.events.column_names import Names, clean_key, plain_name
from transforms.events.declared.encodings import DIGITS
from transforms.events.declared.kinds import type_of
from transforms.events.types import (
    ArrayType,
    RecordField,
    RecordType,
    Type,
    arrow_type,
    digits_of,
    is_double,
    scale_needed,
)
from transforms.key_paths import write_path

Path = tuple[str, ...]

TEXT_SUFFIX: Final = "__text"
_LONG_BITS: Final = 63
_NUMBERS: Final = ("long", "wide", "double", "precise")
#: Order of preference between kinds with equally many values.
_PRECEDENCE: Final = ("number", "boolean", "array", "record", "string")


class ValueStatistics(msgspec.Struct, frozen=True):
    """The statistics of one attribute's values that determine its type.

    Attributes:
        counts: Values by kind, without nulls. Numbers are long (64-bit integer), wide (larger integer), double (a
            fraction that a double represents exactly) or precise (any other fraction).
        digits: Maximum number of digits before the decimal point.
        scale: Maximum number of digits after it.
        inexact: Whether a long is not representable as a double.
        elements: For arrays, the statistics of the elements.
        fields: For records in arrays, the statistics of their fields.
    """

    counts: dict[str, int] = {}
    digits: int = 0
    scale: int = 0
    inexact: bool = False
    elements: "ValueStatistics | None" = None
    fields: "dict[str, ValueStatistics]" = {}

    def merge(self, other: "ValueStatistics") -> "ValueStatistics":
        """Merge the statistics of two sets of values."""
        elements = self.elements.merge(other.elements) if self.elements and other.elements else None
        return ValueStatistics(
            counts=self.counts | {kind: self.counts.get(kind, 0) + count for kind, count in other.counts.items()},
            digits=max(self.digits, other.digits),
            scale=max(self.scale, other.scale),
            inexact=self.inexact or other.inexact,
            elements=elements or self.elements or other.elements,
            fields=merged(self.fields, other.fields),
        )


def merged(some: Mapping[Any, ValueStatistics], others: Mapping[Any, ValueStatistics]) -> dict[Any, ValueStatistics]:
    """Merge the statistics of several attributes."""
    return {**some, **{key: some[key].merge(found) if key in some else found for key, found in others.items()}}


def collect_statistics(values: Iterable[Any]) -> ValueStatistics:
    """Collect the statistics of values of one attribute."""
    by_type: dict[type, list[Any]] = {}
    for value in values:
        by_type.setdefault(type(value), []).append(value)
    by_type.pop(type(None), None)
    wholes, fractions, precise = by_type.get(int, []), by_type.get(float, []), by_type.get(Decimal, [])
    wide = sum(1 for value in wholes if value.bit_length() > _LONG_BITS and value != -(2**_LONG_BITS))
    arrays, records = by_type.get(list, []), by_type.get(dict, [])
    fields: dict[str, list[Any]] = {}
    for record in records:
        for key, value in record.items():
            fields.setdefault(key, []).append(value)
    counts = {
        "long": len(wholes) - wide,
        "wide": wide,
        "double": len(fractions),
        "precise": len(precise),
        "boolean": len(by_type.get(bool, [])),
        "string": len(by_type.get(str, [])),
        "array": len(arrays),
        "record": len(records),
    }
    measured = [Decimal(repr(value)) for value in set(fractions)] + precise
    if wholes:
        measured += [Decimal(max(wholes)), Decimal(min(wholes))]
    return ValueStatistics(
        counts={kind: count for kind, count in counts.items() if count},
        digits=max(map(digits_of, measured), default=0),
        scale=max(map(scale_needed, measured), default=0),
        inexact=not all(map(is_double, wholes)),
        elements=collect_statistics(item for array in arrays for item in array) if arrays else None,
        fields={key: collect_statistics(found) for key, found in fields.items()},
    )


class Learned(msgspec.Struct, frozen=True):
    """The inferred type (None: no type can hold any value), and whether it excludes values."""

    type: Type | None
    leaves_out: bool


def learn_type(statistics: ValueStatistics) -> Learned:
    """Choose the type of the most frequent kind that has one."""
    counts = Counter(statistics.counts)
    by_kind = {"number": sum(counts[kind] for kind in _NUMBERS)} | {kind: counts[kind] for kind in _PRECEDENCE[1:]}
    present = [kind for kind in _PRECEDENCE if by_kind[kind]]
    for kind in sorted(present, key=by_kind.__getitem__, reverse=True):
        learned = _OF_KIND[kind](statistics)
        if learned.type is not None:
            return Learned(learned.type, learned.leaves_out or len(present) > 1)
    return Learned(None, leaves_out=bool(present))


def _number(statistics: ValueStatistics) -> Learned:
    counts = Counter(statistics.counts)
    if not counts["wide"] and not counts["precise"]:
        if not counts["double"]:
            return Learned("bigint", leaves_out=False)
        if not statistics.inexact:
            return Learned("double", leaves_out=False)
    if statistics.digits + statistics.scale <= DIGITS:
        return Learned(f"decimal({DIGITS},{statistics.scale})", leaves_out=False)
    some = "double" if counts["double"] else "bigint" if counts["long"] else None
    return Learned(some, leaves_out=True)


def _array(statistics: ValueStatistics) -> Learned:
    elements = learn_type(statistics.elements or ValueStatistics())
    return Learned(None if elements.type is None else ArrayType(elements.type), elements.leaves_out)


def _record(statistics: ValueStatistics) -> Learned:
    names = Names(())
    fields, leaves_out = [], False
    for key in sorted(statistics.fields):
        learned = learn_type(statistics.fields[key])
        leaves_out |= learned.leaves_out
        if learned.type is not None:
            fields.append(RecordField(key, names.take(clean_key(key)), learned.type))
    return Learned(RecordType(tuple(fields)) if fields else None, leaves_out)


_OF_KIND: Final[dict[str, Callable[[ValueStatistics], Learned]]] = {
    "number": _number,
    "boolean": lambda _: Learned("boolean", leaves_out=False),
    "string": lambda _: Learned("string", leaves_out=False),
    "array": _array,
    "record": _record,
}


class EventColumn(msgspec.Struct, frozen=True):
    """A published column: its attribute, and whether it is the text column for values that do not fit."""

    path: Path
    name: str
    type: Type
    is_text: bool = False

    def describe(self) -> str:
        """Return the attribute as users write it."""
        return write_path(self.path) + (" (values that do not fit)" if self.is_text else "")


class EventSchema:
    """The published columns of a topic, in order of appearance."""

    def __init__(self, columns: Iterable[EventColumn] = ()) -> None:
        self.columns = tuple(columns)
        self.values = {column.path: column for column in self.columns if not column.is_text}
        self.texts = {column.path: column for column in self.columns if column.is_text}

    @cached_property
    def arrow_types(self) -> dict[str, Any]:
        """The columns by name, with Arrow types."""
        return {column.name: arrow_type(column.type) for column in self.columns}

    def plus(self, columns: Iterable[EventColumn]) -> "EventSchema":
        """Return the schema with appended columns."""
        return EventSchema((*self.columns, *columns))


class News(msgspec.Struct):
    """What a schema lacks.

    Attributes:
        statistics: Attributes without a typed column, with the statistics of their values.
        misfits: Attributes with values that do not fit, but no text column.
    """

    statistics: dict[Path, ValueStatistics] = {}
    misfits: set[Path] = set()

    def needs_columns(self, schema: EventSchema) -> bool:
        """Return whether the schema must grow; values without a known type may be in a text column."""
        return bool(self.misfits) or any(
            path not in schema.texts or learn_type(values).type is not None for path, values in self.statistics.items()
        )

    def merge(self, other: "News") -> "News":
        """Merge news."""
        return News(merged(self.statistics, other.statistics), self.misfits | other.misfits)


def learn_columns(
    schema: EventSchema,
    news: News,
    *,
    separator: str,
    reserved: Sequence[str],
    formats: Mapping[Path, str],
    former: EventSchema | None = None,
) -> list[EventColumn]:
    """Return the columns to add: those of new attributes, then text columns for values that do not fit.

    ``formats`` are the declared formats of attributes. ``former`` is a schema being replaced; its attributes keep
    their names.
    """
    former = former or EventSchema()
    fresh = [column for column in former.columns if column.name not in {known.name for known in schema.columns}]
    names = Names((*reserved, *(column.name for column in (*schema.columns, *fresh))))
    values, texts = [], set(news.misfits)
    for path in sorted(news.statistics):
        kind = formats.get(path)
        learned = Learned(type_of(kind), leaves_out=False) if kind else learn_type(news.statistics[path])
        if learned.leaves_out:
            texts.add(path)
        if learned.type is not None and path not in schema.values:
            known = former.values.get(path)
            name = known.name if known else names.take(plain_name(path, separator))
            values.append(EventColumn(path, name, learned.type))
    named = schema.values | {column.path: column for column in values}
    siblings = []
    for path in sorted(texts - set(schema.texts)):
        known = former.texts.get(path)
        base = named[path].name if path in named else plain_name(path, separator)
        name = known.name if known else names.take(base + TEXT_SUFFIX)
        siblings.append(EventColumn(path, name, "string", is_text=True))
    return values + siblings
