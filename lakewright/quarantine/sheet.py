"""Rejected rows as a CSV file for correction by hand."""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from lakewright.errors import ConfigError
from lakewright.quarantine.cells import cell_of, value_of
from lakewright.quarantine.table import QuarantinedRow

#: What identifies a row, and why it is rejected; ``text`` is the row if it has no fields.
COLUMNS: Final = ("object", "etag", "position", "reasons", "text")
#: More than any record has, and no more than a C long on any platform.
_LONGEST_CELL: Final = (1 << 31) - 1
_POSITION: Final = re.compile("[0-9]{1,19}")
_DELIMITER: Final = re.compile('"?object"?([,;\t])')


class SheetRow(NamedTuple):
    """A row of a sheet.

    Attributes:
        line: The line in which it ends.
        text: Its text; None if it has fields.
        fields: The values of all columns that the sheet has for fields.
    """

    line: int
    object: str
    etag: str
    position: int
    text: str | None
    fields: Mapping[str, str | None]


def write_sheet(path: Path, names: Sequence[str], rows: Iterable[QuarantinedRow]) -> int:
    """Write rows, with a column for each of these names of fields, to a new file that only its owner may read.

    Returns:
        The number of rows.

    Raises:
        ConfigError: If the file exists already, or its folder does not.
    """
    file = _new_file(path)
    try:
        with file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS, *map(_header_of, names)])
            count = 0
            for row in rows:
                writer.writerow(_cells(row, names))
                count += 1
    except BaseException:
        path.unlink(missing_ok=True)  # an incomplete file looks complete, and could not be written again
        raise
    return count


def read_sheet(path: Path) -> Iterator[SheetRow]:
    """Read the rows of a sheet, as a spreadsheet may have saved it: also with semicolons or tabs between cells.

    Raises:
        ConfigError: If the file is not a sheet; with the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            begin = _DELIMITER.match(file.readline())
            file.seek(0)
            yield from _read(path, csv.reader(file, delimiter=begin[1] if begin else ",", strict=True))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8; save it as CSV in UTF-8") from None


def _new_file(path: Path) -> TextIO:
    try:
        # Without a byte order mark, Excel reads UTF-8 as another encoding.
        return open(path, "x", encoding="utf-8-sig", newline="", opener=_for_owner)
    except FileExistsError:
        raise ConfigError(f"{path} exists; it may have corrections: delete it, or choose another file") from None
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError) as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _header_of(name: str) -> str:
    cell = cell_of(name)
    return cell if cell.startswith("\\") or name not in COLUMNS else f"\\{name}"


def _cells(row: QuarantinedRow, names: Iterable[str]) -> list[str]:
    reasons = "; ".join(f"{reason.name}: {reason.words}" for reason in row.reasons)
    fields = row.fields
    text = row.text if fields is None else None
    known = fields or {}
    return [
        cell_of(row.object),
        cell_of(row.etag),
        str(row.position),
        cell_of(reasons),
        cell_of(text),
        *(cell_of(known.get(name)) for name in names),
    ]


def _read(path: Path, records: Any) -> Iterator[SheetRow]:
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        header: list[str] = next(records, [])
        if tuple(header[: len(COLUMNS)]) != COLUMNS:
            raise ConfigError(f"{path} is not a file of `quarantine --csv`: it must begin with {','.join(COLUMNS)}")
        while not header[-1]:  # spreadsheets also save columns that are empty now
            header.pop()
        names = [value_of(cell) or "" for cell in header[len(COLUMNS) :]]
        if len(names) > len(set(names)):
            number = next(place for place, name in enumerate(names) if name in names[:place]) + len(COLUMNS) + 1
            raise ConfigError(f"column {number} of {path} has the header of another column; remove one of them")
        for cells in records:
            if any(cells):
                yield _row(path, records.line_num, cells, names)
    except csv.Error as error:
        raise ConfigError(f"line {records.line_num} of {path} is not CSV: {error}") from None
    finally:
        csv.field_size_limit(limit)


def _row(path: Path, line: int, cells: list[str], names: list[str]) -> SheetRow:
    width = len(COLUMNS) + len(names)
    if len(cells) < width or any(cells[width:]):
        raise ConfigError(f"line {line} of {path} has {len(cells)} cells, the header {width}")
    source, etag, position, _, text, *fields = cells[:width]
    if not _POSITION.fullmatch(position):
        raise ConfigError(f"line {line} of {path}: position must be the number that `quarantine --csv` wrote")
    values = dict(zip(names, map(value_of, fields), strict=True))
    return SheetRow(line, value_of(source) or "", value_of(etag) or "", int(position), value_of(text), values)
