"""The arguments of compiled expectations. What the library would convert or look up is not compiled."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lakewright.quality.expectation import Expectation
from lakewright.quality.sql.dialects import is_writable

NOT_NULL: Final = "expect_column_values_to_not_be_null"
IN_SET: Final = "expect_column_values_to_be_in_set"
BETWEEN: Final = "expect_column_values_to_be_between"
MATCH_REGEX: Final = "expect_column_values_to_match_regex"
LENGTHS_BETWEEN: Final = "expect_column_value_lengths_to_be_between"
UNIQUE: Final = "expect_column_values_to_be_unique"
COMPOUND_UNIQUE: Final = "expect_compound_columns_to_be_unique"
ROW_COUNT: Final = "expect_table_row_count_to_be_between"

#: Integers up to this are exact as doubles.
EXACT_INTEGERS: Final = 2**53
_BOUNDS: Final = ("min_value", "max_value", "strict_min", "strict_max")
#: The arguments of the compiled expectations: required and optional ones. All but ``ROW_COUNT`` also have ``mostly``.
ARGUMENTS: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    NOT_NULL: (("column",), ()),
    IN_SET: (("column", "value_set"), ()),
    BETWEEN: (("column",), _BOUNDS),
    MATCH_REGEX: (("column", "regex"), ()),
    LENGTHS_BETWEEN: (("column",), _BOUNDS),
    UNIQUE: (("column",), ()),
    COMPOUND_UNIQUE: (("column_list",), ("ignore_row_if",)),
    ROW_COUNT: ((), _BOUNDS),
}


class NotCompiledError(ValueError):
    """Raised when SQL might evaluate an expectation differently from the library; says why."""


def check_arguments(expectation: Expectation, columns: Mapping[str, str]) -> None:
    """Check what all compiled expectations have in common: type, names of arguments, ``mostly``, and columns.

    A column that the table does not have is no obstacle, unless its name differs in case only.

    Raises:
        NotCompiledError: If the expectation is the library's.
    """
    kwargs = expectation.kwargs
    if expectation.type not in ARGUMENTS:
        raise NotCompiledError("it is not among the compiled expectations")
    required, optional = ARGUMENTS[expectation.type]
    compiled = (*required, *optional, *(() if expectation.type == ROW_COUNT else ("mostly",)))
    for name, value in kwargs.items():
        if value is not None and name not in compiled:
            raise NotCompiledError(f"it has the argument {name}")
        if isinstance(value, dict):
            raise NotCompiledError(f"its {name} is a parameter")
    mostly = kwargs.get("mostly", 1)
    if not isinstance(mostly, int | float) or isinstance(mostly, bool) or not 0 <= mostly <= 1:
        raise NotCompiledError("its mostly is not a number from 0 to 1")
    lowered = {column.lower() for column in columns}
    for column in named_columns(expectation):
        if not column or any(char in column for char in ".`") or not is_writable(column):
            raise NotCompiledError(f"the column name {column!r} has a dot, a backtick or an unusual character")
        if column not in columns and column.lower() in lowered:
            raise NotCompiledError(f"the case of the column name {column!r} is not the table's")


def named_columns(expectation: Expectation) -> tuple[str, ...]:
    """Return the columns that a compiled expectation names.

    Raises:
        NotCompiledError: If they are missing or not distinct names.
    """
    if expectation.type == ROW_COUNT:
        return ()
    if expectation.type == COMPOUND_UNIQUE:
        names = expectation.kwargs.get("column_list")
        if not isinstance(names, list) or len(names) < 2:  # noqa: PLR2004
            raise NotCompiledError("its column_list is not a list of two or more columns")
    else:
        names = [expectation.kwargs.get("column")]
    columns = tuple(name for name in names if isinstance(name, str))
    if len(set(columns)) < len(names):
        raise NotCompiledError("its columns are not distinct names")
    return columns


def is_strict(expectation: Expectation, name: str) -> bool:
    """Return ``strict_min`` or ``strict_max``.

    Raises:
        NotCompiledError: If it is no boolean.
    """
    value = expectation.kwargs.get(name, False)
    if not isinstance(value, bool):
        raise NotCompiledError(f"its {name} is not a boolean")
    return value


def whole_number(expectation: Expectation, name: str) -> int | None:
    """Return ``min_value`` or ``max_value`` if it counts something; None if it is absent.

    Raises:
        NotCompiledError: If it is of another type, which the library would convert.
    """
    value: Any = expectation.kwargs.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > EXACT_INTEGERS:
        raise NotCompiledError(f"its {name} is not a whole number")
    return value
