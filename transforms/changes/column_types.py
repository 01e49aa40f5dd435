"""Types of columns, as Spark names them: which one holds the values of two others without loss. No pyspark."""

import re
from typing import Final

#: Of a column that has no values, and so no type yet.
VOID: Final = "void"
MOST_DIGITS: Final = 38
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
#: How many digits a whole number may have.
_DIGITS: Final = {"int": 10, "bigint": 19}
#: A double holds every int and every float; it does not hold every bigint, nor fractions of ten.
_DOUBLES: Final = frozenset({"int", "float", "double"})
_FAMILIES: Final = {
    "string": "text",
    **dict.fromkeys(("boolean", "int", "bigint", "float", "double"), "number"),
    **dict.fromkeys(("date", "timestamp"), "time"),
}


def common_type(first: str, second: str) -> str | None:
    """Give the narrowest type that holds every value of both types without loss; None if no type does.

    The order of types does not matter, neither within a pair nor among several.
    """
    if first == second or VOID in (first, second):
        return second if first == VOID else first
    if {first, second} == set(_DIGITS):
        return "bigint"
    if {first, second} <= _DOUBLES:
        return "double"
    whole_digits, scale = zip(*(_digits(kind) for kind in (first, second)), strict=True)
    if max(scale) < 0 or min(whole_digits) < 0:
        return None
    precision = max(whole_digits) + max(scale)
    return f"decimal({precision},{max(scale)})" if precision <= MOST_DIGITS else None


def holds(kind: str, other: str) -> bool:
    """Tell whether a type holds every value of another one without loss."""
    return common_type(kind, other) == kind


def keeps_text(first: str, second: str) -> bool:
    """Tell whether a value that both types hold is written as the same text in both, as in keys and folder names."""
    if first == second or {first, second} == set(_DIGITS):
        return True
    found = [_DECIMAL.fullmatch(kind) for kind in (first, second)]
    return all(found) and len({match[2] for match in found if match}) == 1


def can_cast(kind: str, wanted: str) -> bool:
    """Tell whether ``cast`` may turn values of a type into another: text into all and back, numbers, days and times.

    Binary and nested values cannot be cast.
    """
    families = {_family(kind), _family(wanted)}
    return "" not in families and ("text" in families or len(families) == 1)


def _family(kind: str) -> str:
    match = _DECIMAL.fullmatch(kind)
    if match:
        return "number" if int(match[2]) <= int(match[1]) <= MOST_DIGITS else ""
    return _FAMILIES.get(kind, "")


def _digits(kind: str) -> tuple[int, int]:
    """Of a number that a decimal holds: its digits before and behind the point; -1 for anything else."""
    if kind in _DIGITS:
        return _DIGITS[kind], 0
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else (-1, -1)
