"""The numbers of ``written`` as regular expressions, for Arrow (RE2) and Spark (Java)."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from transforms.csv.numbers.written import LOOKALIKES
from transforms.csv.typed_column import MINUS, PARENTHESES, TRAILING_MINUS, TypedColumn

_BLANKS: Final = r"[\x00-\x20\x7f\x{a0}\x{202f}]*"
#: Matches what makes a number negative: a parenthesis, or a minus that is not that of an exponent.
NEGATIVE: Final = r"^[^0-9]*[-(]|-[^0-9]*$"


def number_forms(column: TypedColumn) -> list[tuple[str, str]]:
    """Return what may stand before and after a number: pairs of expressions."""
    signs = [(f"(?:[+-]{_BLANKS})?" if MINUS in column.negative else rf"(?:\+{_BLANKS})?", "")]
    if PARENTHESES in column.negative:
        signs.append((rf"\({_BLANKS}", rf"{_BLANKS}\)"))
    if TRAILING_MINUS in column.negative:
        signs.append(("", f"{_BLANKS}-"))
    forms = (form for sign, unit in product(signs, _units(column)) for form in _combined(sign, unit))
    return [(_BLANKS + before, after + _BLANKS) for before, after in dict.fromkeys(forms)]


def number_expression(column: TypedColumn) -> str:
    """Match the digits of a number, with its decimal separator and exponent."""
    whole = "[0-9]+"
    if column.thousands_separator:
        cut = separators(column)
        grouped = f"[1-9][0-9]{{0,2}}(?:{cut}[0-9]{{3}})+"
        whole += f"|{grouped}|[1-9][0-9]?(?:{cut}[0-9]{{2}})+{cut}[0-9]{{3}}"
    if column.type in ("long", "int"):
        return whole
    point = f"[{column.decimal_separator}]"
    exponent = "(?:[eE][+-]?[0-9]+)?" if column.type == "double" else ""
    bare = "" if column.currency else f"|{point}[0-9]+"
    return f"(?:(?:{whole})(?:{point}[0-9]*)?{bare}){exponent}"


def separators(column: TypedColumn) -> str:
    """Match a thousands separator."""
    return f"[{re.escape(LOOKALIKES.get(column.thousands_separator, column.thousands_separator))}]"


def _units(column: TypedColumn) -> Iterator[tuple[str, str]]:
    """Return the currency or percent sign that may stand before or after a number."""
    yield "", ""
    signs = [re.escape(sign) for sign in sorted(column.currency, key=len, reverse=True)]
    if signs:
        yield f"(?:{'|'.join(signs)}){_BLANKS}", ""
    if signs or column.percent:
        yield "", f"{_BLANKS}(?:{'|'.join([*signs, *('%' * column.percent)])})"


def _combined(sign: tuple[str, str], unit: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Place the unit inside and outside of the sign."""
    yield sign[0] + unit[0], unit[1] + sign[1]
    yield unit[0] + sign[0], sign[1] + unit[1]
