r"""Paths of JSON keys as users write them: ``meta.body``. No pyspark.

A dot within a key is written ``\.``, a backslash ``\\``.
"""

import re
from collections.abc import Sequence
from typing import Final

_PART: Final = re.compile(r"\\[.\\]|\.|[^.\\]+|\\", re.DOTALL)
_SPECIAL: Final = re.compile(r"[.\\]")


def read_path(written: str) -> tuple[str, ...]:
    """Parse a path; a backslash before any other character than a dot or a backslash is literal.

    Raises:
        ValueError: If a key is empty.
    """
    keys = [""]
    for part in _PART.findall(written):
        if part == ".":
            keys.append("")
        else:
            keys[-1] += part[-1] if len(part) > 1 and part[0] == "\\" else part
    if "" in keys:
        raise ValueError(f"{written!r} has an empty name; write meta.body, and a dot that is part of a name as \\.")
    return tuple(keys)


def write_path(path: Sequence[str]) -> str:
    """Format a path for ``read_path``."""
    return ".".join(_SPECIAL.sub(r"\\\g<0>", key) for key in path)
