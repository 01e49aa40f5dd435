"""Bind the columns of a CSV object to the declared ones by name; a first line that names none is not a header."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

from lakewright.config import MAX_SUGGESTION_DISTANCE
from lakewright.csv.objects import Header
from transforms.errors import HeaderError

_NAMES_SHOWN: Final = 5
_DELIMITERS: Final = (",", ";", "\t", "|", "\x01")


def bind_columns(
    header: Header, wanted: Mapping[str, str], *, shows_values: bool = False
) -> tuple[dict[str, int], list[str]]:
    """Return the position of each declared column (``wanted``: name → name in the header), and the other names.

    Names are compared without case. The error quotes the first line only if it names a declared column: otherwise it
    may be a row of data.

    Raises:
        HeaderError: If a declared column is missing, or a name is repeated; empty names do not count.
    """
    folded = [name.casefold() for name in header.names]
    if not {written.strip().casefold() for written in wanted.values()} & set(folded):
        raise HeaderError(_describe_no_header(header, list(wanted.values()), shows_values=shows_values))
    doubled = sorted({name for name in header.names if name and folded.count(name.casefold()) > 1})
    if doubled:
        raise HeaderError(f"the header names {', '.join(map(repr, doubled))} twice")
    positions = {name: index for index, name in enumerate(folded)}
    missing = [written for written in wanted.values() if written.strip().casefold() not in positions]
    if missing:
        raise HeaderError(
            f"the header has no {', '.join(map(repr, missing))}; it has {', '.join(map(repr, header.names))}"
        )
    bound = {name: positions[written.strip().casefold()] for name, written in wanted.items()}
    used = set(bound.values())
    return bound, [name for index, name in enumerate(header.names) if index not in used]


def _describe_no_header(header: Header, declared: Sequence[str], *, shows_values: bool) -> str:
    """Return the error that a first line names no declared column; it quotes the line only with ``shows_values``."""
    first = ", ".join(map(repr, declared[:_NAMES_SHOWN]))
    more = f" and {len(declared) - _NAMES_SHOWN} more" if len(declared) > _NAMES_SHOWN else ""
    fields = f"{len(header.names)} fields" if len(header.names) > 1 else "1 field"
    shown = f": {', '.join(map(repr, header.names))}" if shows_values else ""
    message = f"no header: its first line names none of the columns {first}{more}; it has {fields}{shown}"
    by_case = {name.casefold(): name for name in declared}
    for delimiter in _DELIMITERS:
        if by_case.keys() & set(header.names[0].casefold().split(delimiter)):
            return f"{message}; its names are separated by {delimiter!r}: set source.csv.delimiter to that"
    near = ""
    for place, name in enumerate(header.names, start=1):
        if close := difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=MAX_SUGGESTION_DISTANCE):
            near += f"; field {place} resembles {by_case[close[0]]!r}"
    advice = "" if shows_values else " (--show-values shows it)"
    return f"{message}{near}; the first line of an object must name its columns{advice}"
