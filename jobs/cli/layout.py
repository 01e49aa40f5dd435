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
#: Columns that are named if they do not fit.
_NAMED: Final = 3


def print_record(title: str, fields: Mapping[str, str]) -> None:
    """Print fields below a title; empty ones are omitted."""
    shown = {name: text for name, text in fields.items() if text}
    label_width = max(map(len, shown), default=0)
    width = _terminal_width() - label_width - 2
    wraps = sys.stdout.isatty()
    _print(typer.style(one_line(title), bold=True))
    for name, text in shown.items():
        label = name
        for line in text.splitlines():
            for part in _wrapped(line, width) if wraps else [line]:
                _print(f"{_INDENT}{typer.style(f'{label:<{label_width}}', dim=True)}  {part}")
                label = ""


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int, spare: Sequence[int] = ()
) -> None:
    """Print rows below a header, in columns: the first ``texts`` of them left-aligned, numbers right-aligned.

    A terminal that is too narrow gets shorter texts, and then no ``spare`` columns, the first of them first.
    """
    lines = [header, *([one_line(cell) for cell in row] for row in rows)]
    widths = {place: min(max(map(len, cells)), _WIDEST) for place, cells in enumerate(zip(*lines, strict=True))}
    left_out = _narrow(widths, texts, spare, _terminal_width()) if sys.stdout.isatty() else []
    _print(typer.style(one_line(title), bold=True))
    for number, line in enumerate(lines):
        cells = [
            f"{_shortened(line[place], width):{'<' if place < texts else '>'}{width}}"
            for place, width in widths.items()
        ]
        text = f"{_INDENT}{'  '.join(cells)}".rstrip()
        _print(typer.style(text, dim=True) if number == 0 else text)
    if left_out:
        names = [header[place] for place in left_out]
        shown = f"{names[0]} to {names[-1]}" if len(names) > _NAMED else ", ".join(names)
        _print(typer.style(f"{_INDENT}… and {shown}, in a wider terminal", dim=True))


def _print(text: str) -> None:
    """Print text, styled only on terminals that can."""
    typer.echo(text, color=False if os.environ.get("TERM") == "dumb" else None)


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns - len(_INDENT)


def _narrow(widths: dict[int, int], texts: int, spare: Sequence[int], available: int) -> list[int]:
    """Narrow the widest text columns until a line fits, as far as they remain readable; return columns left out."""

    def is_too_wide() -> bool:
        return sum(widths.values()) + 2 * (len(widths) - 1) > available

    left_out = []
    while is_too_wide() and widths[widest := max(range(texts), key=widths.__getitem__)] > _NARROWEST:
        widths[widest] -= 1
    for place in spare:
        if is_too_wide():
            del widths[place]
            left_out.append(place)
    return left_out


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _wrapped(line: str, width: int) -> list[str]:
    """Wrap a line at words, but never within paths and names."""
    return textwrap.wrap(line, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
