"""Bind the columns of a CSV object to the declared ones by name; a first line that names none is not a header."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from lakewright.config import MAX_SUGGESTION_DISTANCE
from lakewright.csv.heads import Header
from transforms.errors import HeaderError

_NAMES_SHOWN: Final = 5
_ADVICE: Final = " (--show-values shows it)"
_DELIMITERS: Final = (",", ";", "\t", "|", "\x01")


def bind_columns(
    header: Header, wanted: Mapping[str, str], *, shows_values: bool = False
) -> tuple[dict[str, int], list[str]]:
    """Return the position of each declared column (``wanted``: name → name in the header), and the other names.

    Names are compared without case. An error quotes the first line only if it names most of the declared columns:
    otherwise it may be a row of data that contains one of the names.

    Raises:
        HeaderError: If a declared column is missing, or a name is repeated; empty names do not count.
    """
    folded = [name.casefold() for name in header.names]
    positions = {name: index for index, name in enumerate(folded)}
    missing = [written for written in wanted.values() if written.strip().casefold() not in positions]
    if len(missing) == len(wanted):
        raise HeaderError(_describe_no_header(header, list(wanted.values()), shows_values=shows_values))
    is_header = shows_values or 2 * len(missing) < len(wanted)
    counts = Counter(folded)
    doubled = sorted({name for name in header.names if name and counts[name.casefold()] > 1})
    if doubled:
        declared = {written.strip().casefold() for written in wanted.values()}
        names = [repr(name) for name in doubled if is_header or name.casefold() in declared]
        raise HeaderError(f"the header names {', '.join(names) or 'a column'} twice{'' if is_header else _ADVICE}")
    if missing:
        quoted = ", ".join(map(repr, header.names))
        columns = quoted if is_header else f"{_count(header)}{_resembling(header, missing)}{_ADVICE}"
        raise HeaderError(f"the header has no {', '.join(map(repr, missing))}; it has {columns}")
    bound = {name: positions[written.strip().casefold()] for name, written in wanted.items()}
    used = set(bound.values())
    return bound, [name for index, name in enumerate(header.names) if index not in used]


def _describe_no_header(header: Header, declared: Sequence[str], *, shows_values: bool) -> str:
    """Return the error that a first line names no declared column; it quotes the line only with ``shows_values``."""
    first = ", ".join(map(repr, declared[:_NAMES_SHOWN]))
    more = f" and {len(declared) - _NAMES_SHOWN} more" if len(declared) > _NAMES_SHOWN else ""
    shown = f": {', '.join(map(repr, header.names))}" if shows_values else ""
    problem = f"no header: its first line names none of the columns {first}{more}; it has {_count(header)}{shown}"
    names = {name.casefold() for name in declared}
    for delimiter in _DELIMITERS:
        if names & set(header.names[0].casefold().split(delimiter)):
            return f"{problem}; its names are separated by {delimiter!r}: set source.csv.delimiter to that"
    near, advice = ("", "") if shows_values else (_resembling(header, declared), _ADVICE)
    return f"{problem}{near}; the first line of an object must name its columns{advice}"


def _count(header: Header) -> str:
    return f"{len(header.names)} fields" if len(header.names) > 1 else "1 field"


def _resembling(header: Header, declared: Sequence[str]) -> str:
    """Return which fields resemble which declared columns, without quoting the fields."""
    by_case = {name.casefold(): name for name in declared}
    near = ""
    for place, name in enumerate(header.names, start=1):
        if close := difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=MAX_SUGGESTION_DISTANCE):
            near += f"; field {place} resembles {by_case[close[0]]!r}"
    return near
