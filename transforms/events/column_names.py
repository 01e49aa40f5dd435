"""Naming rules for the flat columns of nested attributes. No pyspark.

1. In each key, letters and digits of any script and ``_`` are kept (in Unicode NFC); any other character becomes ``_``.
   An empty key becomes ``_``.
2. The keys of a path are joined with the separator: ``a.b.c`` becomes ``a_b_c``. A name of more than 200 characters is
   truncated and ends in eight hexadecimal digits of the path's hash.
3. Names that differ only in case are equal, as in Spark and Athena. The first path by code points gets the name, others
   get ``_2``, ``_3``, … A name is never reassigned.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

LONGEST_NAME: Final = 200
_HASH_DIGITS: Final = 8


def clean_key(key: str) -> str:
    """Apply rule 1 to a key."""
    normal = unicodedata.normalize("NFC", key)
    return "".join(char if char.isalnum() or char == "_" else "_" for char in normal) or "_"


def plain_name(path: Sequence[str], separator: str) -> str:
    """Apply rules 1 and 2 to a path, regardless of other columns."""
    name = separator.join(clean_key(key) for key in path)
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256("\0".join(path).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{name[: LONGEST_NAME - _HASH_DIGITS - 1]}_{digest}"


class Names:
    """The names in use, and by rule 3 the next free ones."""

    def __init__(self, used: Iterable[str]) -> None:
        self._used = {_folded(name) for name in used}

    def take(self, wanted: str) -> str:
        """Reserve a name, or the first free one after it."""
        name, number = wanted, 1
        while _folded(name) in self._used:
            number += 1
            name = f"{wanted}_{number}"
        self._used.add(_folded(name))
        return name


def _folded(name: str) -> str:
    # Spark compares lower-case names, Athena and Glue store them; casefold would also equate "ß" and "ss".
    return unicodedata.normalize("NFC", name.lower())
