"""The usual texts of a datetime pattern, as a regular expression with a group per field.

It matches no text that the pattern does not, but not all that it does: it knows no signs, no more than two digits of
a day, no zone names. Patterns that it cannot describe have no shape.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from transforms.csv.datetimes.elements import (
    Element,
    Fraction,
    Literal,
    Number,
    Offset,
    Optional,
    Words,
    pattern_elements,
)

_YEAR_DIGITS = 4


@dataclass(frozen=True)
class Shape:
    """The usual texts of a pattern.

    Attributes:
        expression: Matches them.
        fields: The pattern letter of each group; ``S`` is a fraction, ``N`` the name of a month, ``x`` an offset, ``u``
            a year of two digits.
        offset: The element of an offset, if there is one.
    """

    expression: str
    fields: tuple[str, ...]
    offset: Offset | None


class _NoShapeError(Exception):
    """Raised where a pattern has an element that a regular expression cannot describe."""


@cache
def shape_of(pattern: str) -> Shape | None:
    """Return the shape of a pattern, or None if it has none."""
    elements = pattern_elements(pattern)
    try:
        expression = f"^{_expression(elements)}$"
    except _NoShapeError:
        return None
    fields = tuple(re.findall(r"\(\?P<(\w)>", expression))
    names = set(fields)
    is_regular = len(names) == len(fields) and len({"y", "u"} & names) == len({"M", "N"} & names) == 1
    is_regular &= len(set("HkhK") & names) <= 1 and ("a" in names) == bool({"h", "K"} & names)
    return Shape(expression, fields, _offset(elements)) if is_regular else None


@cache
def matching_texts(pattern: str) -> str:
    """Return a regular expression of all texts that a pattern may read, and of others."""
    return f"(?s)^{_possible(pattern_elements(pattern))}$"


def _possible(elements: Sequence[Element]) -> str:
    parts = []
    for element in elements:
        if isinstance(element, Optional):
            parts.append(f"(?:{_possible(element.elements)})?")
        elif isinstance(element, Literal):  # letters of any case, which differ in length for no text
            parts.append(
                "".join("." if each.isalpha() or not each.isascii() else re.escape(each) for each in element.text)
            )
        elif isinstance(element, Number):
            parts.append("[+-]?[0-9]+")
        else:
            parts.append("[0-9]+" if isinstance(element, Fraction) else ".*")
    return "".join(parts)


def _offset(elements: Sequence[Element]) -> Offset | None:
    """Return the element of an offset, also of an optional one."""
    parts = (_offset(each.elements) if isinstance(each, Optional) else each for each in elements)
    return next((part for part in parts if isinstance(part, Offset)), None)


def _expression(elements: Sequence[Element]) -> str:
    parts = []
    for element, follower in zip(elements, (*elements[1:], None), strict=True):
        if isinstance(element, Optional):
            _require_clear_end(element, follower)
            parts.append(f"(?:{_expression(element.elements)})?")
        elif isinstance(element, Literal):
            parts.append(re.escape(element.text) if element.text.isascii() else _no_shape())
        else:
            parts.append(_group(element, follower))
    return "".join(parts)


def _group(element: Element, follower: Element | None) -> str:
    if isinstance(element, Number) and element.field == "yy":
        return "(?P<u>[0-9]{2})" if not isinstance(follower, Fraction) else _no_shape()
    if isinstance(element, Number) and element.field in "yMdHkhKms":
        if element.field == "y":
            return f"(?P<y>[0-9]{{{_YEAR_DIGITS}}})" if _is_plain_year(element, follower) else _no_shape()
        if isinstance(follower, Fraction) or (element.sign and isinstance(follower, Number)):
            return _no_shape()
        return f"(?P<{element.field}>[0-9]{{{element.least},2}})"
    if isinstance(element, Fraction) and not isinstance(follower, Number | Fraction):
        return f"(?P<S>[0-9]{{1,{element.most}}})"
    if isinstance(element, Words) and element.field in "Ma":
        words = "|".join(word for word, _value in element.values)
        return f"(?P<{'N' if element.field == 'M' else 'a'}>(?i:{words}))"
    if isinstance(element, Offset) and follower is None:
        return "(?P<x>[Z+-][0-9:]*)"
    return _no_shape()


def _is_plain_year(year: Number, follower: Element | None) -> bool:
    """Return whether a year of four digits is read as such; if digits follow, they must have been reserved."""
    return year.least <= _YEAR_DIGITS and (bool(year.reserved) or not isinstance(follower, Number | Fraction))


def _require_clear_end(optional: Optional, follower: Element | None) -> None:
    """Refuse optional parts whose text might be that of their follower; a regular expression would try both."""
    first = optional.elements[0] if optional.elements else None
    begins = first.text[:1] if isinstance(first, Literal) else ""
    if follower is not None and (
        not begins
        or begins in "+-Zz"
        or not isinstance(follower, Literal | Offset)
        or (isinstance(follower, Literal) and follower.text[:1].lower() == begins.lower())
    ):
        _no_shape()


def _no_shape() -> str:
    raise _NoShapeError
