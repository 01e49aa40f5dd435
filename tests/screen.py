"""What a terminal shows after a program has written to it: just the sequences that rich uses for live displays."""

import re

_PARTS = re.compile(r"\x1b\[(?P<args>[0-9;?]*)(?P<name>[A-Za-z])|(?P<text>[^\x1b\r\n]+)|(?P<control>[\r\n])")


def screen_of(output: str, columns: int = 1000) -> list[str]:
    """Return the lines of a terminal of this width, without the empty ones at its end; lines never scroll away."""
    rows, row, column = [""], 0, 0
    for part in _PARTS.finditer(output):
        if part["control"] == "\n":
            row, column = row + 1, 0
        elif part["control"] == "\r":
            column = 0
        elif part["name"] == "A":
            row = max(0, row - int(part["args"] or 1))
        elif part["name"] == "K":
            rows[row] = "" if part["args"] == "2" else rows[row][:column]
        for letter in part["text"] or "":
            if column == columns:
                row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
            rows[row] = rows[row][:column].ljust(column) + letter + rows[row][column + 1 :]
            column += 1
        rows += [""] * (row + 1 - len(rows))
    while rows and not rows[-1]:
        rows.pop()
    return [text.rstrip() for text in rows]
