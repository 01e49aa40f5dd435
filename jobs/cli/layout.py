"""Layout of answers: aligned, wrapped at words on terminals, plain lines elsewhere."""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

import typer

from transforms.object_names import one_line

_INDENT: Final = "  "
#: Characters of a cell of a table.
_WIDEST: Final = 60
_NARROWEST: Final = 12


def print_record(title: str, fields: Mapping[str, str]) -> None:
    """Print fields below a title; empty ones are omitted."""
    shown = {name: text for name, text in fields.items() if text}
    label_width = max(map(len, shown), default=0)
    width = shutil.get_terminal_size().columns - len(_INDENT) - label_width - 2
    wraps = sys.stdout.isatty()
    _print(typer.style(one_line(title), bold=True))
    for name, text in shown.items():
        label = name
        for line in text.splitlines():
            for part in _wrapped(line, width) if wraps else [line]:
                _print(f"{_INDENT}{typer.style(f'{label:<{label_width}}', dim=True)}  {part}")
                label = ""


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> None:
    """Print rows below a header, in columns: the first ``texts`` of them left-aligned, numbers right-aligned."""
    lines = [header, *([one_line(cell) for cell in row] for row in rows)]
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*lines, strict=True)]
    if sys.stdout.isatty():
        _narrow(widths, texts, shutil.get_terminal_size().columns - len(_INDENT))
    _print(typer.style(one_line(title), bold=True))
    for number, line in enumerate(lines):
        cells = [
            f"{_shortened(cell, width):{'<' if place < texts else '>'}{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text = f"{_INDENT}{'  '.join(cells)}".rstrip()
        _print(typer.style(text, dim=True) if number == 0 else text)


def _print(text: str) -> None:
    """Print text, styled only on terminals that can."""
    typer.echo(text, color=False if os.environ.get("TERM") == "dumb" else None)


def _narrow(widths: list[int], texts: int, available: int) -> None:
    """Narrow the widest text columns until a line fits, as far as they remain readable."""
    while sum(widths) + 2 * (len(widths) - 1) > available and max(widths[:texts]) > _NARROWEST:
        widths[widths.index(max(widths[:texts]))] -= 1


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _wrapped(line: str, width: int) -> list[str]:
    """Wrap a line at words, but never within paths and names."""
    return textwrap.wrap(line, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
