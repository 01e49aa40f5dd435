"""Naming rules for table columns of change data. No pyspark.

Avro, and so Hudi, allows ASCII letters, digits and ``_``; the Glue Data Catalog stores lower case. A table column's
name depends only on its source name:

1. As in ``transforms.events.column_names``, the name is normalized to Unicode NFC, and each character other than a
   letter, digit or ``_`` becomes ``_``.
2. ASCII letters lose their accents (``é`` becomes ``e``); any other letter or digit outside ASCII becomes ``_``.
3. A leading digit is prefixed with ``_``.

A table may rename a column instead. Names that differ only in case are equal.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from transforms.errors import SchemaDriftError
from transforms.events.column_names import clean_key

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_RESERVED_PREFIXES: Final = ("_hoodie_", "_lakewright_")
_RESERVED: Final = ("_change_order", "_record_key", "_metadata")


def ascii_name(source: str) -> str:
    """Apply rules 1 to 3 to a name."""
    name = "".join(map(_ascii, clean_key(source)))
    return f"_{name}" if name[0].isdigit() else name


def problem_with_name(name: str) -> str:
    """Return why a name is invalid for a table column; empty if it is valid."""
    if not _NAME.fullmatch(name):
        return "names consist of letters (A to Z), digits and _, and do not begin with a digit"
    if name.casefold().startswith(_RESERVED_PREFIXES) or name.casefold() in _RESERVED:
        return (
            f"names that begin with {' or '.join(_RESERVED_PREFIXES)} are reserved, and so are {', '.join(_RESERVED)}"
        )
    return ""


def normal(name: str) -> str:
    """Normalize a source name to Unicode NFC, so that accents compare equal."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Normalize a source name and fold its case."""
    return normal(name).lower()


class ColumnNames:
    """Table column names by source column name.

    Args:
        rename: Table names by source name; source names are case-sensitive.
    """

    def __init__(self, rename: Mapping[str, str]) -> None:
        self._rename = {normal(source): name for source, name in rename.items()}

    def name_of(self, source: str) -> str:
        """Return the table name of a source column."""
        return self._rename.get(normal(source)) or ascii_name(source)

    def names_of(self, *sources: str) -> list[str]:
        """Return the table names of source columns; empty names are skipped."""
        return [self.name_of(source) for source in sources if source]

    def map_files(
        self, files: Iterable[tuple[str, Mapping[str, str]]], *, sources: Mapping[str, str], setting: str
    ) -> tuple[list[tuple[str, dict[str, str]]], dict[str, str]]:
        """Rename the columns of files as in their table.

        Args:
            files: Paths, with types by source column name.
            sources: Source names of the table's existing columns.
            setting: The feed setting for renaming, for error messages.

        Returns:
            The files with table column names, and source names by table name in lower case.

        Raises:
            SchemaDriftError: If two source columns get the same name, or one has no name.
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
        "differ only in case, and a table can have only one of them"
        if folded(first) == folded(second)
        else f"would both be {name!r} in the table"
    )
    return (
        f"{path}: columns {first!r} and {second!r} {what}; give one of them another name in {setting}, drop one at the "
        "source, or name it in source.replication_columns"
    )


def _ascii(char: str) -> str:
    if char.isascii():
        return char
    letters = unicodedata.normalize("NFD", char)
    is_accented = letters[0].isascii() and letters[0].isalnum() and all(map(unicodedata.combining, letters[1:]))
    return letters[0] if is_accented else "_"
