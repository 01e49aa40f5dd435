"""Texts that several verbs show."""

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.object_names import one_line

_SHOWN: int = 10


def engine_line(engine: Mapping[str, str]) -> str:
    """Format an engine, with why it was chosen."""
    return f"{engine['name']} ({engine['version']}): {engine['why']}" if engine else ""


def pairs(values: Mapping[str, Any]) -> str:
    """Format values with their names."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def some(lines: Sequence[str], *, most: int = _SHOWN) -> str:
    """Join the first lines, and count the others."""
    more = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*map(one_line, lines[:most]), *more])
