r"""Values as cells of a CSV file for spreadsheets, from which they are read back unchanged.

Spreadsheets change what they read: leading zeros and blanks vanish, ``1-2`` becomes a date, ``=1+1`` is computed, and
an empty text becomes null. Therefore an empty cell is null, and a cell that begins with a backslash
is the text after it, in which ``\\`` is a backslash and ``\r`` a carriage return. Every text that a spreadsheet might
change is written in this way; in cells that do not begin with a backslash, each character means itself.
"""

import re
from typing import Final

#: Words without digits, and whole numbers that a spreadsheet saves as they are: of 12 digits or more, Excel saves
#: 1.23457E+11.
_UNCHANGED: Final = re.compile(r"(?:0|[1-9][0-9]{0,10}|[^\W\d_](?:[^\d\r\t]*[^\s\d])?)", re.DOTALL)
_LOGICAL: Final = ("true", "false")
_ESCAPED: Final = re.compile(r"\\([\\r])")
_MEANINGS: Final = {"\\": "\\", "r": "\r"}


def cell_of(value: str | None) -> str:
    """Return the cell of a value."""
    if value is None:
        return ""
    if _UNCHANGED.fullmatch(value) and value.casefold() not in _LOGICAL:
        return value
    return "\\" + value.replace("\\", "\\\\").replace("\r", "\\r")


def value_of(cell: str) -> str | None:
    """Return the value of a cell."""
    if not cell:
        return None
    if not cell.startswith("\\"):
        return cell
    return _ESCAPED.sub(lambda match: _MEANINGS[match[1]], cell[1:])
