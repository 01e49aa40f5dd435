"""How a nested attribute gets the name of its flat column. Text only, no pyspark.

1. Of each key, letters and digits of any script and ``_`` stay (in Unicode's form NFC), each other character becomes
   ``_``; an empty key is ``_``.
2. The keys of a path are joined with the separator: ``a.b.c`` is ``a_b_c``. A name of more than 200 characters is cut,
   and ends in eight hexadecimal digits of the path's hash.
3. Names that differ in case alone are one name, since Spark and Athena take them for one. The first path in the order
   of code points gets it, the others get ``_2``, ``_3``, … What has been given once is never given anew.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

LONGEST_NAME: Final = 200
_HASH_DIGITS: Final = 8


def clean_key(key: str) -> str:
    """Write a key with letters, digits and ``_`` alone."""
    normal = unicodedata.normalize("NFC", key)
    return "".join(char if char.isalnum() or char == "_" else "_" for char in normal) or "_"


def plain_name(path: Sequence[str], separator: str) -> str:
    """Name a path by rules 1 and 2, whoever else may have that name."""
    name = separator.join(clean_key(key) for key in path)
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256("\0".join(path).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{name[: LONGEST_NAME - _HASH_DIGITS - 1]}_{digest}"


class Names:
    """The names that are taken, and by rule 3 the next ones."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {_folded(name) for name in taken}

    def take(self, wanted: str) -> str:
        """Take a name, or the first free one after it."""
        name, number = wanted, 1
        while _folded(name) in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(_folded(name))
        return name


def _folded(name: str) -> str:
    # Spark compares in small letters, Athena and Glue keep them; casefold would be one name more for "ß" and "ss".
    return unicodedata.normalize("NFC", name.lower())
