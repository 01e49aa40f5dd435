"""Whole texts cut into records by their quoting: the reference for reading in blocks and byte ranges."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from transforms.csv.quotes import cells_of, has_inner_quote, walk_lines


class Record(NamedTuple):
    """One record, as text and as fields.

    Attributes:
        text: The record without its line end.
        fields: The field values, null for an empty unquoted field; None if the record is misquoted.
    """

    text: str
    fields: list[str | None] | None


def unclear_line(lines: Iterable[str], *, delimiter: str) -> int | None:
    """Return the line in which the first quoted field opens that makes record boundaries ambiguous.

    Such a field contains a line end and its closing quote is followed by text, contains a line end after another field
    of its record was misquoted, or is open at the end of the text. The lines inside it may be separate records.
    """
    torn = (line for line in walk_lines(lines, delimiter) if line.is_torn)
    return next((line.opened or line.opens for line in torn), None)


def unclear_single_line(lines: Iterable[str], *, delimiter: str, fields: int) -> int | None:
    """Return the first line inside a quoted field that looks like a record, where each line should be one."""
    for number, line in enumerate(walk_lines(lines, delimiter), start=1):
        ends_field = '"' in line.text
        looks_like_a_record = line.text.count(delimiter) == fields - 1 and line.text.strip("\r\n")
        if line.opened and not ends_field and looks_like_a_record:
            return number
    return None


def cut_records(lines: Iterable[str], *, delimiter: str, line_end: str, multiline: bool) -> Iterator[Record]:
    r"""Split text into records, and records into fields; blank lines are skipped.

    Args:
        lines: The text, split after each line end.
        delimiter: One character.
        line_end: ``\n`` (a carriage return before it is part of it) or ``\r``.
        multiline: Whether quoted fields may contain line ends; if not, each line is a record.
    """
    for written, is_broken in (_whole_records if multiline else _single_lines)(lines, delimiter):
        text = written.removesuffix(line_end)
        if line_end == "\n":
            text = text.removesuffix("\r")
        if text:
            yield Record(text, None if is_broken else split_record(text, delimiter))


def split_record(record: str, delimiter: str) -> list[str | None]:
    """Return the field values of a well-quoted record."""
    cells = cells_of(record, delimiter)
    return [cell.text.replace('""', '"') if cell.is_quoted else cell.text or None for cell in cells]


def _whole_records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, bool]]:
    """Join the lines of each record, and return whether it is misquoted."""
    record: list[str] = []
    for line in walk_lines(lines, delimiter):
        record.append(line.text)
        if not line.opens or not line.text:
            yield "".join(record), line.is_misquoted or line.is_torn
            record.clear()


def _single_lines(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, bool]]:
    """Treat each line as a record, and return whether it is misquoted.

    Inside a quoted field opened in an earlier line, a stray quote may close that field.
    """
    for line in walk_lines(lines, delimiter):
        alone = next(walk_lines([line.text], delimiter))
        is_broken = alone.is_misquoted or alone.opens > 0
        yield line.text, is_broken or (line.opened > 0 and has_inner_quote(line.text, delimiter))
