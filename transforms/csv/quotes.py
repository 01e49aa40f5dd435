"""The quoting of CSV text, line by line, and the fields of a record. No pyspark.

The rules are those of RFC 4180, with two additions. A field that does not start with a quote is read literally,
including quotes. Blanks (all characters up to U+0020 except delimiter and line end) between a closing quote and the
delimiter or line end are dropped. Any other text after a closing quote makes the record *misquoted*.

The text is that of any dialect after ``transforms.csv.dialects.stand_ins``. Blanks that are to be ``skipped`` before a
field do not belong to it.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_BLANKS: Final = "".join(map(chr, range(ord(" ") + 1)))


class Line(NamedTuple):
    """One line, and the state of quoting.

    Attributes:
        text: The line with its line end; empty for the end of the text.
        opened: The line that opened the field which is open at the start of this line (0: none).
        opens: The line that opened the field which is open at the end of this line (0: none).
        is_misquoted: Whether text follows a closing quote in the record so far.
        is_torn: Whether it is ambiguous which lines belong to the record.
    """

    text: str
    opened: int
    opens: int
    is_misquoted: bool
    is_torn: bool


class Cell(NamedTuple):
    """A field of a well-quoted record: its text without enclosing quotes, and whether it has any."""

    text: str
    is_quoted: bool


def has_inner_quote(record: str, delimiter: str, *, skipped: str = "") -> bool:
    """Return whether an unquoted field of a well-quoted record contains a quote."""
    return any('"' in cell.text for cell in cells_of(record, delimiter, skipped=skipped) if not cell.is_quoted)


def cells_of(record: str, delimiter: str, *, skipped: str = "") -> Iterator[Cell]:
    """Split a well-quoted record."""
    position = 0
    while position >= 0:
        begins = _after_blanks(record, position, skipped)
        is_quoted = record.startswith('"', begins)
        ends = _closing_quote(record, begins + 1) if is_quoted else begins
        after = record.find(delimiter, ends + 1 if is_quoted else ends)
        if is_quoted:
            yield Cell(record[begins + 1 : ends], True)
        else:
            yield Cell(record[begins : after if after >= 0 else None], False)
        position = after + 1 if after >= 0 else -1


def _closing_quote(text: str, position: int) -> int:
    """Find the quote that closes a field, skipping doubled ones; -1 if there is none."""
    closing = text.find('"', position)
    while closing >= 0 and text.startswith('"', closing + 1):
        closing = text.find('"', closing + 2)
    return closing


def walk_lines(
    lines: Iterable[str], delimiter: str, *, is_open: bool = False, skipped: str = "", escaped_end: str = ""
) -> Iterator[Line]:
    """Track the quoting of a text line by line; an empty line marks its end.

    Args:
        lines: The text, split after each line end.
        delimiter: One character.
        is_open: Whether the text begins inside a quoted field; this field counts as opened in line 1.
        skipped: The blanks that are dropped at the beginning of a field.
        escaped_end: A character inside lines that counts as another line end; empty if there is none.
    """
    opened, is_bad = int(is_open), False
    number = 1
    for line in lines:
        before, is_torn, position = opened, opened > 0 and is_bad, 0
        is_older = opened > 0
        is_bad = is_bad and opened > 0
        while position < len(line) and (opened or '"' in line):
            if not opened:
                position = _after_blanks(line, position, skipped)
                if not line.startswith('"', position):
                    position = _after_delimiter(line, position, delimiter)
                    continue
                opened, position = number + _count(line[:position], escaped_end), position + 1
            closing = _closing_quote(line, position)
            if closing < 0:
                break
            position = _after_delimiter(line, closing + 1, delimiter)
            if line[closing + 1 : position].removesuffix(delimiter).strip(_BLANKS):
                is_bad = True
                is_torn |= is_older
            opened, is_older = 0, False
        yield Line(line, before, opened, is_bad, is_torn)
        number += 1 + _count(line, escaped_end)
    yield Line("", opened, opened, is_bad and opened > 0, opened > 0)


def _count(text: str, character: str) -> int:
    return text.count(character) if character else 0


def _after_blanks(line: str, position: int, blanks: str) -> int:
    while position < len(line) and line[position] in blanks:
        position += 1
    return position


def _after_delimiter(line: str, position: int, delimiter: str) -> int:
    end = line.find(delimiter, position)
    return len(line) if end < 0 else end + 1
