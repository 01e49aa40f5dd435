r"""Paths of JSON keys as a person writes them: ``meta.body``. Text only, no pyspark.

A dot that is part of a key is written ``\.``, and a backslash that is ``\\``.
"""

import re
from collections.abc import Sequence
from typing import Final

_PART: Final = re.compile(r"\\[.\\]|\.|[^.\\]+|\\", re.DOTALL)
_SPECIAL: Final = re.compile(r"[.\\]")


def read_path(written: str) -> tuple[str, ...]:
    """Read a path; a backslash before anything but a dot or a backslash stands for itself.

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
    """Write a path as ``read_path`` reads it."""
    return ".".join(_SPECIAL.sub(r"\\\g<0>", key) for key in path)
