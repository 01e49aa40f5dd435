"""Where the quoting of CSV text breaks the borders between records. Text only, no pyspark."""

from collections.abc import Iterable, Iterator


def find_torn_quote(lines: Iterable[str], *, delimiter: str) -> int | None:
    """Find the first quoted field that swallows a line end and is never closed as RFC 4180 wants it.

    Such a field ends at the end of the text, or at a quote that neither a delimiter nor a line end follows; either
    way the lines inside it may be records of their own. A badly quoted field within one line swallows no record, and
    is not looked for.

    Args:
        lines: The text, cut after each line feed.
        delimiter: One character.

    Returns:
        The number of the line (from 1) in which the field opens, or None.
    """
    opened = 0
    for _, opened, is_torn in _walk(lines, delimiter):
        if is_torn:
            return opened
    return opened or None


def find_hidden_line(lines: Iterable[str], *, delimiter: str, fields: int) -> int | None:
    """Find the first line inside a quoted field that, taken by itself, looks like a record of so many fields.

    Args:
        lines: The text, cut after each line feed.
        delimiter: One character.
        fields: How many fields a record has.

    Returns:
        Its number (from 1), or None.
    """
    for number, (line, opened, _) in enumerate(_walk(lines, delimiter), start=1):
        if opened and '"' not in line and line.count(delimiter) == fields - 1 and line.strip():
            return number
    return None


def _walk(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, int, bool]]:
    """Give each line, where the field that is open as it begins was opened (0: none), and whether that ends torn.

    An empty line stands for the end of the text.
    """
    opened = 0  # the line in which the current quoted field opened
    for number, line in enumerate(lines, start=1):
        before, is_torn, position = opened, False, 0
        while position < len(line) and (opened or '"' in line):
            if not opened:
                if line[position] != '"':
                    position = _after_delimiter(line, position, delimiter)
                    continue
                opened, position = number, position + 1
            closing = line.find('"', position)
            if closing < 0:
                break
            if line[closing + 1 : closing + 2] == '"':
                position = closing + 2
                continue
            position = _after_delimiter(line, closing + 1, delimiter)
            is_torn |= opened != number and line[closing + 1 : position].removesuffix(delimiter).strip() != ""
            opened = 0
        yield line, before, is_torn
    yield "", opened, False


def _after_delimiter(line: str, position: int, delimiter: str) -> int:
    found = line.find(delimiter, position)
    return len(line) if found < 0 else found + 1
