"""Errors of the data itself, and the base of every error of this project.

LakewrightError
├── SessionSettingError
└── DataError
    ├── MissingColumnsError
    ├── HeaderError
    ├── NotARecordError
    ├── LongRecordError
    ├── UnclearRecordsError
    ├── FooterError
    ├── FramingError
    └── SchemaDriftError
"""

from collections.abc import Sequence
from typing import Any

from transforms.schema_changes import SchemaChange


class LakewrightError(Exception):
    """Base of every error that this project raises on purpose."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the error with its attributes, independent of the parameters of its constructor."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[LakewrightError], arguments: tuple[Any, ...]) -> LakewrightError:
    return kind.__new__(kind, *arguments)


class SessionSettingError(LakewrightError):
    """Raised when values would depend on a setting of the Spark session, and that is not the one that is needed."""

    exit_code = 2

    def __init__(self, name: str, value: str, wanted: str) -> None:
        self.name, self.value, self.wanted = name, value, wanted
        super().__init__(f"the session has {name}={value}, by which values would be others; set it to {wanted}")


class DataError(LakewrightError):
    """Raised when data breaks a rule that was declared for it."""

    exit_code = 3


class MissingColumnsError(DataError):
    """Raised when a frame or a header lacks columns that are needed."""

    def __init__(self, missing: Sequence[str], available: Sequence[str]) -> None:
        self.missing = list(missing)
        self.available = list(available)
        super().__init__(f"missing columns {self.missing}; available are {self.available}")


class HeaderError(DataError):
    """Raised when the header of a CSV object cannot be bound to the declared columns."""


class NotARecordError(DataError):
    """Raised when a line is not one JSON object (RFC 8259, UTF-8) from end to end; it never quotes the line."""


class LongRecordError(DataError):
    """Raised when a line is longer than a record may be; names the line, never its content.

    ``looks_like`` says how records seem to follow each other, if that shows and it is not line by line.
    """

    def __init__(self, line: int, limit: int, *, looks_like: str = "") -> None:
        self.line, self.limit, self.looks_like = line, limit, looks_like
        super().__init__(f"line {line} is longer than {limit} bytes; raise max_record_bytes if this is intended")


class UnclearRecordsError(DataError):
    """Raised when quotes leave unclear where the records of a CSV object begin; names the line, never its text."""

    def __init__(self, line: int, problem: str) -> None:
        self.line, self.problem = line, problem
        super().__init__(f"line {line}: {problem}")


class FooterError(DataError):
    """Raised when a text does not end with the declared number of lines that are not records."""


class FramingError(DataError):
    """Raised when records do not follow each other as declared; names the offset, never the content.

    ``looks_like`` says how they seem to follow each other instead, if that shows.
    """

    def __init__(self, offset: int, problem: str, *, looks_like: str = "") -> None:
        self.offset, self.problem, self.looks_like = offset, problem, looks_like
        super().__init__(f"at offset {offset}: {problem}")


class SchemaDriftError(DataError):
    """Raised when the columns of a source no longer fit its table; ``changes`` are those that are refused."""

    def __init__(self, problem: str, *changes: SchemaChange) -> None:
        self.changes = changes
        super().__init__(problem)
