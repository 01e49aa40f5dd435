"""Rows edited by hand: the CSV that ``quarantine --csv`` writes, read back and compared with quarantine."""

import csv
import io
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from lakewright.errors import ConfigError
from lakewright.replay.rejected_rows import RejectedRow, RowKey
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_layout import TextLayout
from transforms.errors import DataError

#: The columns that identify a row; ``reasons`` is for the reader only.
_OBJECT, _ETAG, _POSITION, _REASONS, TEXT = "object", "etag", "position", "reasons", "text"
_OWN: Final = (_OBJECT, _ETAG, _POSITION, _REASONS)
_DELIMITERS: Final = (",", ";", "\t")
_LONGEST: Final = 1 << 30


@dataclass(frozen=True)
class EditedRow:
    """A row of an edited CSV; ``where`` is its file and line, for errors."""

    row: RejectedRow
    where: str


@dataclass(frozen=True)
class _Line:
    number: int
    values: Mapping[str, str | None]


def read_edited(name: str, data: bytes, rejected: Mapping[RowKey, RejectedRow]) -> dict[RowKey, EditedRow]:
    """Read an edited CSV, and return its rows with their new values.

    An empty cell keeps a value that was null or empty as it was; a value that was deleted becomes null, or the empty
    text if the cell is ``""``.

    Raises:
        ConfigError: If a line is wrong; the error names it.
    """
    lines = _read_lines(name, data, {field for row in rejected.values() for field in row.fields or ()})
    edited: dict[RowKey, EditedRow] = {}
    seen: dict[RowKey, int] = {}
    for line in lines:
        where = f"{name}, line {line.number}"
        key = _key(where, line.values)
        if key in seen:
            raise ConfigError(f"{where}: it repeats the row of line {seen[key]}; delete one of them")
        if key not in rejected:
            raise ConfigError(
                f"{where}: quarantine has no row of {key[0]} at position {key[2]} in this version; it was released, or "
                "the line was changed: write the rows again with `quarantine --csv`"
            )
        seen[key] = line.number
        edited[key] = EditedRow(_edited(where, rejected[key], line.values), where)
    return edited


def _key(where: str, values: Mapping[str, str | None]) -> RowKey:
    path, etag, position = (values[name] for name in (_OBJECT, _ETAG, _POSITION))
    if path is None or etag is None or position is None or not position.isdecimal():
        raise ConfigError(f"{where}: object, etag and position identify the row; leave them as they were written")
    return path, etag, int(position)


def _edited(where: str, row: RejectedRow, values: Mapping[str, str | None]) -> RejectedRow:
    own = {TEXT: row.text} if row.fields is None else row.fields
    if missing := [name for name in own if name not in values]:
        raise ConfigError(f"{where}: the row has a value {missing[0]!r}, and the CSV has no such column")
    others = [name for name, value in values.items() if value and name not in own and name not in _OWN]
    if others := [name for name in others if not (name == TEXT and values[name] == row.text)]:
        what = "cannot be divided into fields: edit its text" if row.fields is None else "has no such value"
        raise ConfigError(f"{where}: column {others[0]!r} must be empty, since this row {what}")
    if row.fields is not None:
        return replace(row, fields={name: _value(before, values[name]) for name, before in row.fields.items()})
    if not values[TEXT]:
        raise ConfigError(f"{where}: the text is empty; delete the line to leave the row in quarantine")
    return replace(row, text=_value(row.text, values[TEXT]) or "")


def _value(before: str | None, now: str | None) -> str | None:
    if not now:
        return before if not before else now
    # Spreadsheets write line ends within cells in their own way.
    same = before is not None and before.replace("\r\n", "\n") == now.replace("\r\n", "\n")
    return before if same else now


def _read_lines(name: str, data: bytes, fields: Set[str]) -> list[_Line]:
    _check_encoding(name, data)
    delimiter, names = _header(name, data)
    if unknown := [each for each in names if each not in (*_OWN, TEXT) and each not in fields]:
        raise ConfigError(f"{name}: column {unknown[0]!r} is not one of the rejected rows; remove it")
    layout = TextLayout(
        delimiter=delimiter,
        encoding="UTF-8",
        line_end="\n" if b"\n" in data else "\r",
        multiline=True,
        names=names,
        wanted={column: place for place, column in enumerate(names)},
        max_record_bytes=_LONGEST,
    )
    lines: list[_Line] = []
    try:
        for block in read_blocks([data], layout):
            for fault in block.faults:
                number = data.count(b"\n", 0, fault.position) + 1
                raise ConfigError(f"{name}, line {number}: it is not CSV with the columns of the header ({fault.rule})")
            positions = block.positions(range(block.columns.num_rows))
            rows = zip(positions, block.columns.to_pylist(), strict=True)
            lines += [_Line(data.count(b"\n", 0, position) + 1, row) for position, row in rows]
    except DataError as error:
        raise ConfigError(f"{name}: it cannot be read as CSV: {error}") from error
    return lines


def _check_encoding(name: str, data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: it is not UTF-8; save the file as CSV in UTF-8") from None


def _header(name: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter, which spreadsheets choose by the locale, and the names of the columns."""
    text = data.decode("utf-8-sig").lstrip("\ufeff")
    for delimiter in _DELIMITERS:
        try:
            names = tuple(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), ()))
        except csv.Error:
            continue
        if set(_OWN) <= set(names):
            break
    else:
        raise ConfigError(
            f"{name}: its first line must name the columns {', '.join(_OWN)}; write the file with `quarantine --csv`"
        )
    if repeated := [each for each in names if names.count(each) > 1]:
        raise ConfigError(f"{name}: column {repeated[0]!r} occurs twice")
    return delimiter, names
