"""Split CSV text into records by its quoting, and detect ambiguous record boundaries. No pyspark.

The rules are those of RFC 4180, with two additions. A field that does not start with a quote is read literally,
including quotes. Blanks (all characters up to U+0020 except delimiter and line end) between a closing quote and the
delimiter or line end are dropped. Any other text after a closing quote makes the record *misquoted*.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_BLANKS: Final = "".join(map(chr, range(ord(" ") + 1)))


class Record(NamedTuple):
    """One record, as text and as fields.

    Attributes:
        text: The record without its line end.
        fields: The field values, null for an empty unquoted field; None if the record is misquoted.
    """

    text: str
    fields: list[str | None] | None


class Quotes(NamedTuple):
    """The effect of quoting on record boundaries.

    Attributes:
        unclear_line: The number (from 1) of the first line that makes record boundaries ambiguous, or None.
        is_misread: Whether earlier lines mean something else than Spark reads.
    """

    unclear_line: int | None
    is_misread: bool


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


def check_records(lines: Iterable[str], *, delimiter: str) -> Quotes:
    """Find misquoted records, and quoted fields that make record boundaries ambiguous.

    Such a field contains a line end and its closing quote is followed by text, contains a line end after another field
    of its record was misquoted, or is open at the end of the text. The lines inside it may be separate records.

    Args:
        lines: The text, split after each line end.
        delimiter: One character.

    Returns:
        The line in which such a field opens, and whether records before it are misquoted.
    """
    is_misquoted = False
    for line in walk_lines(lines, delimiter):
        if line.is_torn:
            return Quotes(line.opened or line.opens, is_misquoted)
        is_misquoted |= line.is_misquoted
    return Quotes(None, is_misquoted)


def check_lines(lines: Iterable[str], *, delimiter: str, fields: int) -> Quotes:
    """Find lines inside a quoted field, for text in which each line should be a record.

    Args:
        lines: The text, split after each line end.
        delimiter: One character.
        fields: The number of fields of a record.

    Returns:
        The first line inside a quoted field that looks like a record, and whether a quoted field ends in an earlier
        line.
    """
    has_end = False
    for number, line in enumerate(walk_lines(lines, delimiter), start=1):
        if line.opened and '"' in line.text:
            has_end = True
        elif line.opened and line.text.count(delimiter) == fields - 1 and line.text.strip("\r\n"):
            return Quotes(number, has_end)
    return Quotes(None, has_end)


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
    found = line.find(delimiter, position)
    return len(line) if found < 0 else found + 1
