"""Layout of answers: aligned, wrapped at words on terminals, plain lines elsewhere."""

import textwrap
from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.text import Text

from transforms.object_names import one_line

_INDENT: Final = "  "


def print_record(title: str, fields: Mapping[str, str]) -> None:
    """Print fields below a title; empty ones are omitted."""
    console = Console(highlight=False)
    shown = {name: text for name, text in fields.items() if text}
    label_width = max(map(len, shown), default=0)
    width = console.width - len(_INDENT) - label_width - 2
    print_line(console, Text(one_line(title), "bold"))
    for name, text in shown.items():
        label = name
        for line in text.splitlines():
            for part in _wrapped(line, width) if console.is_terminal else [line]:
                print_line(console, Text.assemble(_INDENT, (f"{label:<{label_width}}", "dim"), f"  {part}"))
                label = ""


def print_line(console: Console, line: Text) -> None:
    """Print a line without wrapping, so that it can be copied as a whole."""
    console.print(line, soft_wrap=True)


def _wrapped(line: str, width: int) -> list[str]:
    """Wrap a line at words, but never within paths and names."""
    return textwrap.wrap(line, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
