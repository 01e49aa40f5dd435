"""Bind the columns of a CSV object to the declared ones by name; a first line that names none is not a header."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from lakewright.config import MAX_SUGGESTION_DISTANCE
from lakewright.csv.heads import Header
from transforms.errors import HeaderError
from transforms.header_names import appearance, describe_difference, name_key

_NAMES_SHOWN: Final = 5
_ADVICE: Final = " (--show-values shows it)"
_DELIMITERS: Final = (",", ";", "\t", "|", "\x01")


class BoundColumns(NamedTuple):
    """The columns of a header.

    Attributes:
        positions: The position of each declared column.
        names: The name of each declared column in the header, as the feed writes it.
        others: The names in the header that are not declared.
    """

    positions: dict[str, int]
    names: dict[str, str]
    others: list[str]


def bind_columns(header: Header, wanted: Mapping[str, tuple[str, ...]], *, shows_values: bool = False) -> BoundColumns:
    """Find the declared columns (``wanted``: name → alternative names in the header) in a header.

    Names are compared by ``name_key``. An error quotes the first line only if it names most of the declared columns:
    otherwise it may be a row of data that contains one of the names.

    Raises:
        HeaderError: If a declared column is missing, repeated, or in the header under several of its names.
    """
    keys = [name_key(name) for name in header.names]
    counts = Counter(keys)
    present = {column: [name for name in names if name_key(name) in counts] for column, names in wanted.items()}
    missing = {column: wanted[column] for column, names in present.items() if not names}
    if len(missing) == len(wanted):
        raise HeaderError(_describe_no_header(header, list(wanted.values()), shows_values=shows_values))
    for column, names in present.items():
        if len(names) > 1:
            raise HeaderError(f"the header has {' and '.join(map(repr, names))}, which are both column {column!r}")
    doubled = {name_key(name) for names in present.values() for name in names if counts[name_key(name)] > 1}
    if doubled:
        spellings = sorted({name for name, key in zip(header.names, keys, strict=True) if key in doubled})
        raise HeaderError(f"the header names {', '.join(map(repr, spellings))} twice")
    if missing:
        is_header = shows_values or 2 * len(missing) < len(wanted)
        near = _resembling(header, missing.values(), only_alike=is_header)
        columns = ", ".join(map(repr, header.names)) if is_header else _count(header)
        words = ", ".join(map(_either, missing.values()))
        raise HeaderError(f"the header has no {words}; it has {columns}{near}{'' if is_header else _ADVICE}")
    names_of = {column: names[0] for column, names in present.items()}
    places = {key: place for place, key in enumerate(keys)}
    positions = {column: places[name_key(name)] for column, name in names_of.items()}
    used = set(positions.values())
    return BoundColumns(positions, names_of, [name for place, name in enumerate(header.names) if place not in used])


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))


def _describe_no_header(header: Header, declared: Sequence[Sequence[str]], *, shows_values: bool) -> str:
    """Return the error that a first line names no declared column; it quotes the line only with ``shows_values``."""
    first = ", ".join(map(_either, declared[:_NAMES_SHOWN]))
    more = f" and {len(declared) - _NAMES_SHOWN} more" if len(declared) > _NAMES_SHOWN else ""
    shown = f": {', '.join(map(repr, header.names))}" if shows_values else ""
    problem = f"no header: its first line names none of the columns {first}{more}; it has {_count(header)}{shown}"
    keys = {name_key(name) for names in declared for name in names}
    for delimiter in _DELIMITERS:
        if keys & set(map(name_key, header.names[0].split(delimiter))):
            return f"{problem}; its names are separated by {delimiter!r}: set source.csv.delimiter to that"
    near = _resembling(header, declared, only_alike=shows_values)
    return f"{problem}{near}; the first line of an object must name its columns{'' if shows_values else _ADVICE}"


def _count(header: Header) -> str:
    return f"{len(header.names)} fields" if len(header.names) > 1 else "1 field"


def _resembling(header: Header, declared: Iterable[Sequence[str]], *, only_alike: bool) -> str:
    """Return which fields resemble which declared names, without quoting fields; ``only_alike``: only lookalikes."""
    by_key = {name_key(name): name for names in declared for name in names}
    by_appearance = {appearance(name): name for name in by_key.values()}
    near = ""
    for place, name in enumerate(header.names, start=1):
        if (alike := by_appearance.get(appearance(name), "")) and name_key(name) != name_key(alike):
            near += f"; field {place} looks like {alike!r}, but {describe_difference(name, alike)}"
        elif not only_alike and (
            close := difflib.get_close_matches(name_key(name), by_key, n=1, cutoff=MAX_SUGGESTION_DISTANCE)
        ):
            near += f"; field {place} resembles {by_key[close[0]]!r}"
    return near
