"""Predicates in SQL: which rows do not meet an expectation that a single row meets or not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakewright.quality.expectation import Expectation
from lakewright.quality.sql.arguments import (
    BETWEEN,
    EXACT_INTEGERS,
    IN_SET,
    LENGTHS_BETWEEN,
    MATCH_REGEX,
    NOT_NULL,
    NotCompiledError,
    is_strict,
    whole_number,
)
from lakewright.quality.sql.bounds import DIGITS_OF_DOUBLES, UnusableBoundError, beyond, number_literal, read_bound
from lakewright.quality.sql.dialects import Dialect, byte_length, is_writable, matches, text_literal
from lakewright.quality.sql.kinds import ColumnType, Kind
from lakewright.quality.sql.regex import UnsharedSyntaxError, read_regex

#: The most bytes of a character in UTF-8.
_MOST_BYTES: Final = 4


@dataclass(frozen=True)
class Column:
    """A column as SQL, with its type and the dialect."""

    sql: str
    type: ColumnType
    dialect: Dialect


@dataclass(frozen=True)
class Predicate:
    """What SQL says of a row.

    Attributes:
        unexpected: True if the row does not meet the expectation; null or false if its value is null.
        doubtful: True if an engine of the library might say otherwise; empty if no row is doubtful.
    """

    unexpected: str
    doubtful: str = ""


def unexpected_rows(expectation: Expectation, column: Column) -> Predicate:
    """Return the predicate of an expectation of ``ROW_EXPECTATIONS``.

    Raises:
        NotCompiledError: If the predicate might differ from what the library does.
    """
    predicate = ROW_EXPECTATIONS[expectation.type](expectation, column)
    return Predicate(predicate.unexpected, predicate.doubtful or doubtful_values(column))


def doubtful_values(column: Column) -> str:
    """Return the predicate that a value is NaN, which is null in pandas and a number in Spark; empty if none can be."""
    return f"isnan({column.sql})" if column.type.kind in (Kind.DOUBLE, Kind.FLOAT) else ""


def _not_null(_expectation: Expectation, column: Column) -> Predicate:
    return Predicate(f"{column.sql} IS NULL")


def _in_set(expectation: Expectation, column: Column) -> Predicate:
    values = expectation.kwargs.get("value_set")
    if not isinstance(values, list):
        raise NotCompiledError("its value_set is not a list")
    if not values:
        return Predicate(f"{column.sql} IS NOT NULL")
    literals = dict.fromkeys(_literal(value, column) for value in values)
    return Predicate(f"{column.sql} NOT IN ({', '.join(literals)})")


def _literal(value: Any, column: Column) -> str:
    kind = column.type.kind
    if kind is Kind.TEXT and isinstance(value, str) and is_writable(value):
        return text_literal(value, column.dialect)
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= EXACT_INTEGERS:
        if kind is Kind.DOUBLE:
            return f"CAST('{float(value)!r}' AS DOUBLE)"
        if kind is Kind.INTEGER and isinstance(value, int):
            return number_literal(value, column.type)
        if kind is Kind.DECIMAL and column.type.precision <= DIGITS_OF_DOUBLES:
            unit = 10**column.type.scale
            units = round(value * unit)
            if abs(units) < 10**column.type.precision and units / unit == value:
                return number_literal(units, column.type)
    raise NotCompiledError("its value_set has values that are not of the column's type")


def _signs_beyond(expectation: Expectation) -> Mapping[str, str]:
    """Return how a value that is beyond a bound compares with it."""
    return {
        "min_value": "<=" if is_strict(expectation, "strict_min") else "<",
        "max_value": ">=" if is_strict(expectation, "strict_max") else ">",
    }


def _between(expectation: Expectation, column: Column) -> Predicate:
    signs = _signs_beyond(expectation)
    values = {name: value for name in signs if (value := expectation.kwargs.get(name)) is not None}
    if not values:
        raise NotCompiledError("it has neither min_value nor max_value")
    try:
        bounds = {name: read_bound(value) for name, value in values.items()}
        if len({type(bound) for bound in bounds.values()}) > 1:
            raise NotCompiledError("its bounds are of different types")
        if len(bounds) > 1 and bounds["min_value"] > bounds["max_value"]:  # type: ignore[operator]
            raise NotCompiledError("its min_value is greater than its max_value")
        beyond_bounds = [
            beyond(column.sql, signs[name], bound, column.type, column.dialect) for name, bound in bounds.items()
        ]
    except UnusableBoundError as error:
        raise NotCompiledError(str(error)) from None
    except TypeError:
        raise NotCompiledError("only one of its bounds has an offset from UTC") from None
    return Predicate(" OR ".join(beyond_bounds))


def _match_regex(expectation: Expectation, column: Column) -> Predicate:
    _require_text(column)
    if not isinstance(pattern := expectation.kwargs.get("regex"), str) or not is_writable(pattern):
        raise NotCompiledError("its regex is not a text")
    try:
        reading = read_regex(pattern)
    except UnsharedSyntaxError as error:
        raise NotCompiledError(f"engines may read its regex differently: {error}") from None
    unexpected = f"NOT {matches(column.sql, reading.least, column.dialect)}"
    if reading.least == reading.most:
        return Predicate(unexpected)
    return Predicate(unexpected, f"{unexpected} AND {matches(column.sql, reading.most, column.dialect)}")


def _lengths_between(expectation: Expectation, column: Column) -> Predicate:
    _require_text(column)
    signs = _signs_beyond(expectation)
    limits = {name: whole_number(expectation, name) for name in signs}
    # Characters are counted only where the bytes, which engines know, leave it open.
    most_bytes = {"min_value": _MOST_BYTES, "max_value": 1}
    conditions = [
        f"({byte_length(column.sql, column.dialect)} {signs[name]} {most_bytes[name] * limit} "
        f"AND length({column.sql}) {signs[name]} {limit})"
        for name, limit in limits.items()
        if limit is not None
    ]
    if not conditions:
        raise NotCompiledError("it has neither min_value nor max_value")
    return Predicate(" OR ".join(conditions))


def _require_text(column: Column) -> None:
    if column.type.kind is not Kind.TEXT:
        raise NotCompiledError("its column is not text")


#: The expectations that a single row meets or not.
ROW_EXPECTATIONS: Final[Mapping[str, Callable[[Expectation, Column], Predicate]]] = {
    NOT_NULL: _not_null,
    IN_SET: _in_set,
    BETWEEN: _between,
    MATCH_REGEX: _match_regex,
    LENGTHS_BETWEEN: _lengths_between,
}
