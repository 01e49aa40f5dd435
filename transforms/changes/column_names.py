"""How a column of change data is named in its table. Text only, no pyspark.

Avro, and with it Hudi, knows letters of ASCII, digits and ``_``; the Glue Data Catalog knows no capitals. A name in the
table depends on the source's name alone:

1. As in ``transforms.events.column_names``: the name is brought to Unicode's form NFC, and each character that is
   neither a letter, a digit nor ``_`` becomes ``_``.
2. A letter of ASCII with accents loses them (``é`` is ``e``); each other letter or digit outside ASCII becomes ``_``.
3. A name that begins with a digit gets ``_`` before it.

A table may rename a column instead. Names that differ in case alone are one name.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from transforms.errors import SchemaDriftError
from transforms.events.column_names import clean_key

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final = ("_hoodie_", "_lakewright_", "_change_order", "_record_key", "_metadata")


def ascii_name(source: str) -> str:
    """Name a column by rules 1 to 3."""
    name = "".join(map(_ascii, clean_key(source)))
    return f"_{name}" if name[0].isdigit() else name


def problem_with_name(name: str) -> str:
    """Say why a table can have no column of a name; empty if it can."""
    if _NAME.fullmatch(name) and not name.casefold().startswith(_RESERVED):
        return ""
    return f"names are letters (A to Z), digits and _, and do not begin with {', '.join(_RESERVED)}"


def normal(name: str) -> str:
    """Write a source's name in Unicode's form NFC, so that an accent is the same however it was written."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Write a source's name so that two names which differ in case alone are the same."""
    return normal(name).lower()


class ColumnNames:
    """The names that a table gives to the columns of its source.

    Args:
        rename: Names of the table by those of the source, which are exact, capitals count.
    """

    def __init__(self, rename: Mapping[str, str]) -> None:
        self._rename = {normal(source): name for source, name in rename.items()}

    def name_of(self, source: str) -> str:
        """Name a column of the source."""
        return self._rename.get(normal(source)) or ascii_name(source)

    def names_of(self, *sources: str) -> list[str]:
        """Name columns of the source; an empty one is none."""
        return [self.name_of(source) for source in sources if source]

    def map_files(
        self, files: Iterable[tuple[str, Mapping[str, str]]], *, sources: Mapping[str, str], setting: str
    ) -> tuple[list[tuple[str, dict[str, str]]], dict[str, str]]:
        """Name the columns of files as their table does.

        Args:
            files: Paths, and the types of their columns by the names of the source.
            sources: The source's name of each column that the table has already.
            setting: The setting of the feed that renames columns, to name it in errors.

        Returns:
            The files with the table's names, and the source's name of each column by the table's in lower case.

        Raises:
            SchemaDriftError: If two columns of the source would have one name, or one has none.
        """
        known = {name.casefold(): source for name, source in sources.items()}
        mapped = []
        for path, columns in files:
            in_file: dict[str, str] = {}
            named = {}
            for source, kind in columns.items():
                if not source:
                    raise SchemaDriftError(f"{path}: a column has no name; name it at the source")
                name = self.name_of(source)
                if (other := in_file.setdefault(name.casefold(), source)) != source:
                    raise SchemaDriftError(_same_name(path, other, source, name, setting))
                if folded(before := known.setdefault(name.casefold(), source)) != folded(source):
                    raise SchemaDriftError(
                        f"{path}: column {source!r} would be {name!r} in the table, where that is the source's column "
                        f"{before!r}; nothing was written; give one of them another name in {setting}"
                    )
                named[name] = kind
            mapped.append((path, named))
        return mapped, known


def _same_name(path: str, first: str, second: str, name: str, setting: str) -> str:
    what = (
        "differ in case alone, and a table can hold one of them"
        if folded(first) == folded(second)
        else f"would both be {name!r} in the table"
    )
    return (
        f"{path}: columns {first!r} and {second!r} {what}; give one of them another name in {setting}, leave one out "
        "at the source, or name it in source.replication_columns"
    )


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    letters = unicodedata.normalize("NFD", char)
    is_accented = letters[0].isascii() and letters[0].isalnum() and all(map(unicodedata.combining, letters[1:]))
    return letters[0] if is_accented else "_"
