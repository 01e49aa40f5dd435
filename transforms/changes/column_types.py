"""Spark column types: the narrowest type that represents the values of two others without loss. No pyspark."""

import re
from typing import Final

#: A column without values, whose type is still unknown.
VOID: Final = "void"
MOST_DIGITS: Final = 38
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
#: Maximum number of digits of an integer.
_DIGITS: Final = {"int": 10, "bigint": 19}
#: A double represents every int and float, but not every bigint or decimal fraction.
_DOUBLES: Final = frozenset({"int", "float", "double"})
_FAMILIES: Final = {
    "string": "text",
    **dict.fromkeys(("boolean", "int", "bigint", "float", "double"), "number"),
    **dict.fromkeys(("date", "timestamp"), "time"),
}


def common_type(first: str, second: str) -> str | None:
    """Return the narrowest type that represents all values of both types without loss; None if there is none.

    The result does not depend on the order of types.
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
    """Whether a type represents all values of another one without loss."""
    return common_type(kind, other) == kind


def keeps_text(first: str, second: str) -> bool:
    """Whether values have the same text form in both types, as used in keys and folder names."""
    if first == second or {first, second} == set(_DIGITS):
        return True
    decimals = [_DECIMAL.fullmatch(kind) for kind in (first, second)]
    return all(decimals) and len({match[2] for match in decimals if match}) == 1


def is_sequence(kind: str) -> bool:
    """Whether values of a type are sequence numbers as text: strings, integers and decimals without a fraction."""
    decimal = _DECIMAL.fullmatch(kind)
    return kind == "string" or kind in _DIGITS or (decimal is not None and decimal[2] == "0")


def can_cast(kind: str, wanted: str) -> bool:
    """Whether ``cast`` supports two types: strings and any type, numbers, or dates and timestamps.

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
    """Digits before and after the decimal point of an exact number; -1 for other types."""
    if kind in _DIGITS:
        return _DIGITS[kind], 0
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else (-1, -1)
