"""The first record of a text, before it is known how its lines end. No pyspark, pyarrow or numpy."""

import io
from collections.abc import Iterator
from typing import NamedTuple

from transforms.csv.dialects.dialect import Dialect
from transforms.csv.dialects.stand_ins import DATA_BACKSLASH, ESCAPE, StandIns
from transforms.csv.quotes import Cell, cells_of, walk_lines
from transforms.errors import HeaderError


class FirstRecord(NamedTuple):
    """The first record of a text.

    Attributes:
        fields: Its fields; without the one after a trailing delimiter, where those are allowed.
        line_end: CR or LF, the latter also after a CR and where nothing follows.
    """

    fields: list[str]
    line_end: str


def first_record(text: str, dialect: Dialect, *, is_whole: bool) -> FirstRecord | None:
    """Read the first record that is neither blank nor a comment; None if the text ends before it does.

    Args:
        text: The beginning of an object, without byte order marks.
        dialect: Its dialect.
        is_whole: Whether the text is all of the object.

    Raises:
        HeaderError: If the record is not well-quoted.
    """
    stand_ins = StandIns(dialect, "\n", multiline=True)
    replaced = b"".join(stand_ins.replaced([text.encode(errors="replace")])) if stand_ins.are_needed else text.encode()
    lines = io.StringIO(replaced.decode(errors="surrogateescape"), newline="")
    cut = stand_ins.cut.decode(errors="surrogateescape")
    record = ""
    for line in walk_lines(_from_first(lines, dialect), cut, skipped=dialect.skipped_blanks):
        if not line.text:
            if record and is_whole:
                raise HeaderError("the header is not CSV: a quote is not closed")
            return None
        if not is_whole and not line.text.endswith(("\n", "\r")):
            # It may end within a delimiter.
            return None
        record += line.text
        if line.is_misquoted:
            raise HeaderError("the header is not CSV: text follows a closing quote")
        if not line.opens:
            break
    # A trailing carriage return may be the first half of a line end.
    is_return = line.text.endswith("\r") and bool(lines.read(1))
    if not (line.text.endswith("\n") or is_return or is_whole):
        return None
    cells = list(cells_of(record.removesuffix("\n").removesuffix("\r"), cut, skipped=dialect.skipped_blanks))
    if dialect.allows_trailing_delimiter and len(cells) > 1 and cells[-1] == Cell("", is_quoted=False):
        del cells[-1]
    return FirstRecord([_value(cell, stand_ins) for cell in cells], "\r" if is_return else "\n")


def _from_first(lines: io.StringIO, dialect: Dialect) -> Iterator[str]:
    has_begun = False
    for line in lines:
        is_comment = bool(dialect.comment_mark) and line.startswith(dialect.comment_mark)
        has_begun = has_begun or not (is_comment or not line.strip("\r\n"))
        if has_begun:
            yield line


def _value(cell: Cell, stand_ins: StandIns) -> str:
    text = cell.text.encode(errors="surrogateescape")
    if cell.is_quoted:
        return stand_ins.value(text.replace(b'""', b'"'))
    if stand_ins.dialect.escape == "spark":
        text = text.replace(ESCAPE, DATA_BACKSLASH)
    return stand_ins.value(text)
