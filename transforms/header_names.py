"""Names in a header: when two are the same, and how two that look alike differ. No pyspark."""

from difflib import SequenceMatcher
from typing import Final
from unicodedata import category, normalize

#: Ignored around names: blanks of any kind and byte order marks.
BLANKS: Final = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace()) + "\ufeff"
#: Letters, mostly Cyrillic and Greek, by the ASCII characters that they look like as small or capital letters.
_LOOKALIKES: Final = {
    "a": "\u0430\u03b1", "b": "\u0432\u03b2", "c": "\u0441", "d": "\u0501", "e": "\u0435\u03b5",
    "h": "\u043d\u04bb\u03b7", "i": "\u0456\u03b9\u0131", "j": "\u0458", "k": "\u043a\u03ba", "m": "\u043c\u03bc",
    "n": "\u03bd", "o": "\u043e\u03bf", "p": "\u0440\u03c1", "s": "\u0455", "t": "\u0442\u03c4", "x": "\u0445\u03c7",
    "y": "\u0443\u03c5\u04af", "z": "\u03b6", "-": "\u2010\u2011\u2012\u2013\u2014\u2212", "'": "\u2018\u2019\u02bc",
}  # fmt: skip
_ASCII: Final = str.maketrans({like: letter for letter, several in _LOOKALIKES.items() for like in several})


def trimmed(name: str) -> str:
    """Return a name without blanks around it."""
    return name.strip(BLANKS)


def name_key(name: str) -> str:
    """Return what is equal for equal names, which may differ in case, blanks around them and composed characters."""
    return normalize("NFC", normalize("NFC", trimmed(name)).casefold())


def appearance(name: str) -> str:
    """Return what is equal for names that look the same."""
    letters = normalize("NFKC", name_key(name)).casefold()
    return "".join(" " if each.isspace() else each for each in letters if category(each) != "Cf").translate(_ASCII)


def describe_difference(name: str, wanted: str) -> str:
    """Describe by code points how a name differs from one that looks the same."""
    found, expected = name_key(name), name_key(wanted)
    differences = []
    for kind, begin, end, first, last in SequenceMatcher(None, found, expected, autojunk=False).get_opcodes():
        if kind == "replace":
            differences.append(f"has {_code_points(found[begin:end])} instead of {_code_points(expected[first:last])}")
        elif kind == "delete":
            differences.append(f"also has {_code_points(found[begin:end])}")
        elif kind == "insert":
            differences.append(f"lacks {_code_points(expected[first:last])}")
    return " and ".join(differences)


def _code_points(letters: str) -> str:
    return " ".join(
        f"'{each}' U+{ord(each):04X}" if each.isprintable() and not each.isspace() else f"U+{ord(each):04X}"
        for each in letters
    )
