"""The quoting of CSV text, line by line, and the fields of a record. No pyspark.

The rules are those of RFC 4180, with two additions. A field that does not start with a quote is read literally,
including quotes. Blanks (all characters up to U+0020 except delimiter and line end) between a closing quote and the
delimiter or line end are dropped. Any other text after a closing quote makes the record *misquoted*.
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


def has_inner_quote(record: str, delimiter: str) -> bool:
    """Return whether an unquoted field of a well-quoted record contains a quote."""
    return any('"' in written for written, is_quoted in _cells(record, delimiter) if not is_quoted)


def split_record(record: str, delimiter: str) -> list[str | None]:
    """Return the field values of a well-quoted record."""
    if '"' not in record:
        return [field or None for field in record.split(delimiter)]
    return [
        written.replace('""', '"') if is_quoted else written or None for written, is_quoted in _cells(record, delimiter)
    ]


def _cells(record: str, delimiter: str) -> Iterator[tuple[str, bool]]:
    """Split a well-quoted record: the text of each field, and whether it is quoted."""
    position = 0
    while position >= 0:
        begins, is_quoted = position, record.startswith('"', position)
        ends = _closing_quote(record, begins + 1) if is_quoted else begins
        after = record.find(delimiter, ends + 1 if is_quoted else ends)
        if is_quoted:
            yield record[begins + 1 : ends], True
        else:
            yield record[begins : after if after >= 0 else None], False
        position = after + 1 if after >= 0 else -1


def _closing_quote(text: str, position: int) -> int:
    """Find the quote that closes a field, skipping doubled ones; -1 if there is none."""
    closing = text.find('"', position)
    while closing >= 0 and text.startswith('"', closing + 1):
        closing = text.find('"', closing + 2)
    return closing


def walk_lines(lines: Iterable[str], delimiter: str, *, is_open: bool = False) -> Iterator[Line]:
    """Track the quoting of a text line by line; an empty line marks its end.

    Args:
        lines: The text, split after each line end.
        delimiter: One character.
        is_open: Whether the text begins inside a quoted field; this field counts as opened in line 1.
    """
    opened, is_bad = int(is_open), False
    number = 0
    for number, line in enumerate(lines, start=1):
        before, is_torn, position = opened, opened > 0 and is_bad, 0
        is_bad = is_bad and opened > 0
        while position < len(line) and (opened or '"' in line):
            if not opened:
                if line[position] != '"':
                    position = _after_delimiter(line, position, delimiter)
                    continue
                opened, position = number, position + 1
            closing = _closing_quote(line, position)
            if closing < 0:
                break
            position = _after_delimiter(line, closing + 1, delimiter)
            if line[closing + 1 : position].removesuffix(delimiter).strip(_BLANKS):
                is_bad = True
                is_torn |= opened != number
            opened = 0
        yield Line(line, before, opened, is_bad, is_torn)
    yield Line("", opened, opened, is_bad and opened > 0, opened > 0)


def _after_delimiter(line: str, position: int, delimiter: str) -> int:
    end = line.find(delimiter, position)
    return len(line) if end < 0 else end + 1
