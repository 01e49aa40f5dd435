"""Write records in a dialect, so that the same values are read back. No pyspark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transforms.csv.dialects.dialect import NONE, WITH_LETTERS, Dialect
from transforms.errors import DataError

_LINE_END: Final = re.compile(r"\r?\n")
_LETTERS: Final = {"\n": r"\n", "\r": r"\r"}


class UnwritableError(DataError):
    """Raised when a record cannot be written in a dialect; says why, without quoting values."""


@dataclass(frozen=True)
class RecordWriter:
    """Writes records; every field that is not null is quoted, if the dialect has quotes."""

    dialect: Dialect

    def record(self, values: Sequence[str | None]) -> str:
        r"""Return a record without a line end; ``\n`` may end it.

        Raises:
            UnwritableError: If the dialect has no text for it.
        """
        record = self.dialect.delimiter.join(map(self._field, values))
        if self.dialect.quote == NONE:
            record = self._marked(record)
        if not record:
            raise UnwritableError("a record of one empty field is a blank line, which is skipped")
        return record

    def header(self, names: Sequence[str]) -> str:
        """Return a header; where nothing can be quoted, an empty name is an empty field.

        Raises:
            UnwritableError: If the dialect has no text for it.
        """
        if self.dialect.quote != NONE:
            return self.record(names)
        return self._marked(self.dialect.delimiter.join(self._unquoted(name) if name else "" for name in names))

    def _field(self, value: str | None) -> str:
        if value is None:
            return r"\N" if self.dialect.escapes_everywhere else ""
        return self._unquoted(value) if self.dialect.quote == NONE else self._quoted(value)

    def _quoted(self, value: str) -> str:
        quote = self.dialect.quote
        return quote + self._with_letters(self._with_backslashes(value)).replace(quote, quote * 2) + quote

    def _unquoted(self, value: str) -> str:
        delimiter = self.dialect.delimiter
        if not value and self.dialect.empty_is_null:
            raise UnwritableError("a value is an empty string, which source.csv cannot tell from null without quotes")
        if self.dialect.escapes_everywhere:
            value = self._with_backslashes(value).replace(delimiter[0], "\\" + delimiter[0])
            value = _LINE_END.sub(_escaped, self._with_letters(value))
            return "\\" + value if value[:1] in tuple(self.dialect.skipped_blanks) else value
        if "\n" in value:
            raise UnwritableError("a value has a line end, which source.csv cannot read without quotes or escapes")
        if (value + delimiter).find(delimiter) < len(value):
            raise UnwritableError("a value has the delimiter, which source.csv cannot read without quotes or escapes")
        if value[:1] in tuple(self.dialect.skipped_blanks):
            raise UnwritableError("a value begins with a blank, which source.csv drops")
        return value

    def _marked(self, record: str) -> str:
        """Return a record of unquoted fields that is neither a comment nor loses a carriage return at its end."""
        if record.endswith("\r"):
            raise UnwritableError("the last value ends with a carriage return, which belongs to the line end")
        if self.dialect.comment_mark and record.startswith(self.dialect.comment_mark):
            if not self.dialect.escapes_everywhere:
                raise UnwritableError("the first value begins like a comment")
            return "\\" + record
        return record

    def _with_backslashes(self, value: str) -> str:
        return value if self.dialect.escape == NONE else value.replace("\\", "\\\\")

    def _with_letters(self, value: str) -> str:
        if self.dialect.escape not in WITH_LETTERS:
            return value
        for character, written in _LETTERS.items():
            value = value.replace(character, written)
        return value


def _escaped(line_end: re.Match[str]) -> str:
    return "\\" + line_end[0]
