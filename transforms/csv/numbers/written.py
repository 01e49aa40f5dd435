"""Numbers as people write them: ``$ 1,234.50``, ``(45)``, ``12 %``. The rules, one text at a time.

A number has at most one currency or percent sign, and at most one of a plus, a minus and a pair of parentheses, in any
order; blanks between them are ignored.
"""

import re
from typing import Final

from transforms.csv.typed_column import BLANKS, MINUS, PARENTHESES, TRAILING_MINUS, TypedColumn

#: No-break spaces separate numbers from signs as often as spaces do.
_BLANKS: Final = BLANKS + "\u00a0\u202f"
_DIGITS: Final = "0123456789"
_GROUP: Final = 3
_INDIAN_GROUP: Final = 2
#: The characters that a thousands separator matches, if there are several.
LOOKALIKES: Final = {" ": " \u00a0\u202f", "'": "'\u2019"}


def plain_number(text: str, column: TypedColumn) -> str | None:
    """Return a number as a minus sign, if it is negative, and digits; None if it is not written as declared.

    The decimal separator stays as it is.
    """
    text, has_unit = _without_unit(text.strip(_BLANKS), column)
    text, sign = _without_sign(text, column)
    if not has_unit:
        text, _ = _without_unit(text, column)
    separators = LOOKALIKES.get(column.thousands_separator, column.thousands_separator)
    whole = text[: len(text) - len(text.lstrip(_DIGITS + separators))]
    groups = re.split(f"[{re.escape(separators)}]", whole) if separators else [whole]
    # "Rs.5" is not half a rupee.
    begins = _DIGITS if column.currency else _DIGITS + column.decimal_separator
    if text[:1] not in tuple(begins) or not _are_groups(groups):
        return None
    return sign + "".join(groups) + text[len(whole) :]


def _without_unit(text: str, column: TypedColumn) -> tuple[str, bool]:
    """Remove a currency sign at either end of a text, or a percent sign at its end; return also whether it had one."""
    for sign in sorted(column.currency, key=len, reverse=True):
        if text.startswith(sign):
            return text.removeprefix(sign).lstrip(_BLANKS), True
        if text.endswith(sign):
            return text.removesuffix(sign).rstrip(_BLANKS), True
    if column.percent and text.endswith("%"):
        return text.removesuffix("%").rstrip(_BLANKS), True
    return text, False


def _without_sign(text: str, column: TypedColumn) -> tuple[str, str]:
    """Remove what makes a number positive or negative; return also a minus sign for negative ones."""
    if PARENTHESES in column.negative and text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(_BLANKS), "-"
    if text.startswith("+") or (text.startswith("-") and MINUS in column.negative):
        return text[1:].lstrip(_BLANKS), "-" if text.startswith("-") else ""
    if TRAILING_MINUS in column.negative and text.endswith("-"):
        return text[:-1].rstrip(_BLANKS), "-"
    return text, ""


def _are_groups(groups: list[str]) -> bool:
    """Return whether digits are not grouped, in groups of three, or as in India (``12,34,567``).

    Grouped digits do not begin with 0: ``0,123`` is rather a decimal.
    """
    if len(groups) == 1:
        return True
    first, *middle, last = groups
    sizes = {len(group) for group in middle}
    is_grouped = sizes <= {_GROUP} or (sizes == {_INDIAN_GROUP} and len(first) <= _INDIAN_GROUP)
    return is_grouped and 0 < len(first) <= _GROUP and first[0] != "0" and len(last) == _GROUP
