"""How the quoting of CSV text cuts it into records, and where it breaks their borders. Text only, no pyspark.

The rules are those of RFC 4180, with two additions. A field that does not open with a quote is taken as it is, quotes
included. Blanks (all characters up to U+0020 except delimiter and line end) between a closing quote and the delimiter
or line end are dropped. Any other text after a closing quote makes the record *misquoted*.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_BLANKS: Final = "".join(map(chr, range(ord(" ") + 1)))


class Record(NamedTuple):
    """One record as it is written, and its fields.

    Attributes:
        text: The record without its line end.
        fields: The value of each field, null where it is empty and not quoted; None if the record is misquoted.
    """

    text: str
    fields: list[str | None] | None


class Quotes(NamedTuple):
    """What the quotes of a text do to its records.

    Attributes:
        unclear_line: The number (from 1) of the first line that makes it unclear which lines are records, or None.
        is_misread: Whether lines before that mean something else than a reader of single records would take them for.
    """

    unclear_line: int | None
    is_misread: bool


class _Line(NamedTuple):
    """One line, and what its quotes do.

    Attributes:
        text: The line with its line end; empty for the end of the text.
        opened: The line in which the field that is open at its beginning opened (0: none).
        opens: The line in which the field that is open at its end opened (0: none).
        is_misquoted: Whether a closing quote in the record, up to here, is followed by text.
        is_torn: Whether nobody can tell any more which lines belong to the record.
    """

    text: str
    opened: int
    opens: int
    is_misquoted: bool
    is_torn: bool


def check_records(lines: Iterable[str], *, delimiter: str) -> Quotes:
    """Look for misquoted records, and for quoted fields that make the borders between records unclear.

    Such a field swallows a line end and is closed by a quote that text follows, swallows a line end after another field
    of its record was misquoted, or is open at the end of the text. The lines inside it may be records of their own.

    Args:
        lines: The text, cut after each line end.
        delimiter: One character.

    Returns:
        The line in which such a field opens, and whether records before it are misquoted.
    """
    is_misquoted = False
    for line in _walk(lines, delimiter):
        if line.is_torn:
            return Quotes(line.opened or line.opens, is_misquoted)
        is_misquoted |= line.is_misquoted
    return Quotes(None, is_misquoted)


def check_lines(lines: Iterable[str], *, delimiter: str, fields: int) -> Quotes:
    """Look for lines inside a quoted field, where each line should be a record.

    Args:
        lines: The text, cut after each line end.
        delimiter: One character.
        fields: How many fields a record has.

    Returns:
        The first line inside a quoted field that looks like a record of so many fields, and whether the end of a quoted
        field is in a line before it.
    """
    has_end = False
    for number, line in enumerate(_walk(lines, delimiter), start=1):
        if line.opened and '"' in line.text:
            has_end = True
        elif line.opened and line.text.count(delimiter) == fields - 1 and line.text.strip("\r\n"):
            return Quotes(number, has_end)
    return Quotes(None, has_end)


def cut_records(lines: Iterable[str], *, delimiter: str, line_end: str, multiline: bool) -> Iterator[Record]:
    r"""Cut text into records, and records into fields; blank lines are no records.

    Args:
        lines: The text, cut after each line end.
        delimiter: One character.
        line_end: ``\n`` (a carriage return before it is part of it) or ``\r``.
        multiline: Whether quoted fields may hold line ends; if not, each line is a record.
    """
    for written, is_broken in (_whole_records if multiline else _single_lines)(lines, delimiter):
        text = written.removesuffix(line_end)
        if line_end == "\n":
            text = text.removesuffix("\r")
        if text:
            yield Record(text, None if is_broken else _fields(text, delimiter))


def _whole_records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, bool]]:
    """Join the lines of each record, and tell whether its quotes are broken."""
    taken: list[str] = []
    for line in _walk(lines, delimiter):
        taken.append(line.text)
        if not line.opens or not line.text:
            yield "".join(taken), line.is_misquoted or line.is_torn
            taken.clear()


def _single_lines(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, bool]]:
    """Take each line for a record, and tell whether its quotes are broken.

    Inside a quoted field that opened in an earlier line, a quote that is not around a field may be the end of that one.
    """
    for line in _walk(lines, delimiter):
        alone = next(_walk([line.text], delimiter))
        is_broken = alone.is_misquoted or alone.opens > 0
        yield line.text, is_broken or (line.opened > 0 and _has_inner_quote(line.text, delimiter))


def _has_inner_quote(record: str, delimiter: str) -> bool:
    return any('"' in written for written, is_quoted in _cells(record, delimiter) if not is_quoted)


def _fields(record: str, delimiter: str) -> list[str | None]:
    """Give the values of the fields of a record whose quotes hold."""
    if '"' not in record:
        return [field or None for field in record.split(delimiter)]
    return [
        written.replace('""', '"') if is_quoted else written or None for written, is_quoted in _cells(record, delimiter)
    ]


def _cells(record: str, delimiter: str) -> Iterator[tuple[str, bool]]:
    """Cut a record whose quotes hold: what is written in each field, and whether it stands in quotes."""
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
    """Find the quote that closes a field, past doubled ones; -1 if there is none."""
    closing = text.find('"', position)
    while closing >= 0 and text.startswith('"', closing + 1):
        closing = text.find('"', closing + 2)
    return closing


def _walk(lines: Iterable[str], delimiter: str) -> Iterator[_Line]:
    """Follow the quotes of a text line by line; an empty line stands for its end."""
    opened, is_bad = 0, False
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
        yield _Line(line, before, opened, is_bad, is_torn)
    yield _Line("", opened, opened, is_bad and opened > 0, opened > 0)


def _after_delimiter(line: str, position: int, delimiter: str) -> int:
    found = line.find(delimiter, position)
    return len(line) if found < 0 else found + 1
