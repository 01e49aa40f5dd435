"""Where the quoting of CSV text breaks the borders between records. Text only, no pyspark."""

from collections.abc import Iterable


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
    opened = 0  # the line in which the current quoted field opened; 0 is outside of quotes
    for number, line in enumerate(lines, start=1):
        position = 0
        if not opened and '"' not in line:
            continue
        while position < len(line):
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
            following = _after_delimiter(line, closing + 1, delimiter)
            if opened != number and line[closing + 1 : following].rstrip(delimiter).strip():
                return opened
            opened, position = 0, following
    return opened or None


def _after_delimiter(line: str, position: int, delimiter: str) -> int:
    found = line.find(delimiter, position)
    return len(line) if found < 0 else found + 1
