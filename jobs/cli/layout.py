"""Layout of answers: aligned, wrapped at words on terminals, plain lines elsewhere."""

import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Final

import typer

from transforms.object_names import one_line

_INDENT: Final = "  "


def print_record(title: str, fields: Mapping[str, str]) -> None:
    """Print fields below a title; empty ones are omitted."""
    shown = {name: text for name, text in fields.items() if text}
    label_width = max(map(len, shown), default=0)
    width = shutil.get_terminal_size().columns - len(_INDENT) - label_width - 2
    wraps = sys.stdout.isatty()
    typer.secho(one_line(title), bold=True)
    for name, text in shown.items():
        label = name
        for line in text.splitlines():
            for part in _wrapped(line, width) if wraps else [line]:
                typer.echo(f"{_INDENT}{typer.style(f'{label:<{label_width}}', dim=True)}  {part}")
                label = ""


def _wrapped(line: str, width: int) -> list[str]:
    """Wrap a line at words, but never within paths and names."""
    return textwrap.wrap(line, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
