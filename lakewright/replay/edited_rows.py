"""Rows edited by hand: the CSV that ``quarantine --csv`` writes, read back and compared with quarantine."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from lakewright.errors import ConfigError
from lakewright.quarantine.sheet import COLUMNS, SheetRow, read_sheet
from lakewright.quarantine.table import QuarantinedRow

#: Object, ETag and position of a row.
RowKey = tuple[str, str, int]


@dataclass(frozen=True)
class ReplayedRow:
    """A rejected row with the values to replay.

    Attributes:
        row: The row, with its new values.
        changed: The names of changed fields.
        where: File and line of an edited row, for errors; empty if it was not edited.
    """

    row: QuarantinedRow
    changed: frozenset[str] = frozenset()
    where: str = ""

    @property
    def key(self) -> RowKey:
        """What identifies the row."""
        return self.row.object, self.row.etag, self.row.position


def read_edited(
    path: Path, rejected: Mapping[RowKey, QuarantinedRow], corrected: Set[RowKey]
) -> tuple[dict[RowKey, ReplayedRow], int]:
    """Read an edited CSV, and return its rows with their new values, and how many others were corrected before.

    Args:
        path: The file.
        rejected: The rows in quarantine.
        corrected: The rows that corrections replace, so that the same file can be replayed again.

    Raises:
        ConfigError: If a line is wrong; the error names it.
    """
    edited: dict[RowKey, ReplayedRow] = {}
    lines: dict[RowKey, int] = {}
    known = {name for row in rejected.values() for name in row.fields or ()}
    for line in read_sheet(path):
        where, key = f"line {line.line} of {path}", (line.object, line.etag, line.position)
        if key in lines:
            raise ConfigError(f"{where}: it repeats the row of line {lines[key]}; delete one of them")
        lines[key] = line.line
        if key in corrected:
            continue
        if key not in rejected:
            raise ConfigError(
                f"{where}: quarantine has no row of its object, etag and position; it was "
                "replayed or read again, or the cell was changed: write the rows again with `quarantine --csv`"
            )
        if unknown := [number for number, name in enumerate(line.fields, len(COLUMNS) + 1) if name not in known]:
            raise ConfigError(
                f"{path}: the header of column {unknown[0]} is not a column of the rejected rows; remove it"
            )
        edited[key] = _edited(where, rejected[key], line)
    return edited, len(lines) - len(edited)


def _edited(where: str, row: QuarantinedRow, line: SheetRow) -> ReplayedRow:
    if row.fields is None:
        if filled := [name for name, value in line.fields.items() if value is not None]:
            raise ConfigError(f"{where}: the row has no fields, so {filled[0]!r} must be empty; edit its text instead")
        if not line.text:
            raise ConfigError(f"{where}: the text is empty; delete the line to leave the row in quarantine")
        return ReplayedRow(row._replace(text=line.text), where=where)
    if line.text is not None:
        raise ConfigError(f"{where}: the row has fields, so its text must be empty; edit the fields instead")
    if missing := [name for name in row.fields if name not in line.fields]:
        raise ConfigError(f"{where}: the row has a field {missing[0]!r}, and the file has no such column")
    others = [name for name, value in line.fields.items() if value is not None and name not in row.fields]
    if others:
        raise ConfigError(f"{where}: the row has no field {others[0]!r}; leave the cell empty")
    fields = {name: line.fields[name] for name in row.fields}
    changed = frozenset(name for name, value in fields.items() if value != row.fields[name])
    return ReplayedRow(row._replace(fields=fields), changed, where)
