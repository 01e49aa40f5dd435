"""Tables of examples in documentation pages."""

import re
from typing import Final

_CELL: Final = re.compile(r"(?<!\\)\|")


def read_tables(page: str, section: str) -> list[list[list[str]]]:
    """Return the cells of each table of a section, without its header."""
    text = page.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    tables = [part.strip().splitlines()[2:] for part in text.split("\n\n") if part.startswith("| ")]
    return [[[_cell(cell) for cell in _CELL.split(line)[1:-1]] for line in lines] for lines in tables]


def text_of(cell: str) -> str:
    """Return the text that a cell shows: line feeds and tabs are symbols there."""
    return _plain(cell).replace("⏎", "\n").replace("⇥", "\t")


def outcomes_of(cell: str) -> list[str]:
    """Return the rows of a cell, and what happened to other records."""
    return [_plain(row.strip()) for row in cell.split("<br>")]


def with_prefix(outcomes: list[str], prefix: str) -> list[str]:
    """Return what follows a prefix in those outcomes that begin with it."""
    return [outcome.removeprefix(prefix) for outcome in outcomes if outcome.startswith(prefix)]


def _cell(text: str) -> str:
    return text.strip().replace("\\|", "|")


def _plain(text: str) -> str:
    return text.removeprefix("`").removesuffix("`")
