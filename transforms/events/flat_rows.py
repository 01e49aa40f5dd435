"""Nested records to the values of their attributes, by path. No pyspark.

An attribute is a path of keys to a value other than an object: a number, a string, a boolean, an array, or an empty
object (``{}``). Null equals absent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from transforms.errors import DataError
from transforms.events.lines import DEEPEST, Line, Record, RejectedLine, SkippedLine, has_doubled_keys
from transforms.events.schema import Path

#: Maximum number of attributes; with more, keys are probably values.
MOST_ATTRIBUTES: Final = 5000


class TooDeepError(Exception):
    """Raised when a record is nested too deeply."""


@dataclass
class FlatRows:
    """The rows of lines.

    Attributes:
        lines: The line of each row.
        values: The values by path, one per row.
        rejected: Lines that turned out not to be rows.
        blank: The number of blank lines.
        skipped: Lines with records that are not rows. A line is in ``lines``, ``rejected`` or ``skipped``, or blank.
    """

    lines: list[Line]
    values: dict[Path, list[Any]]
    rejected: list[RejectedLine] = field(default_factory=list)
    blank: int = 0
    skipped: list[SkippedLine] = field(default_factory=list)

    def remove(self, rows: set[int]) -> None:
        """Remove rows, for any reason."""
        keep = [row for row in range(len(self.lines)) if row not in rows]
        self.lines = [self.lines[row] for row in keep]
        left = {path: [values[row] for row in keep] for path, values in self.values.items()}
        self.values = {path: values for path, values in left.items() if _any(values)}


def flatten(records: Sequence[Record], lines: Sequence[Line]) -> FlatRows:
    """Return the values of records by path.

    Raises:
        DataError: If there are too many attributes.
    """
    walk = _Walk(len(records))
    kept: list[Line] = []
    rejected = []
    for record, line in zip(records, lines, strict=True):
        try:
            keys = walk.put(record, walk.root, len(kept))
            rule = "doubled_key" if has_doubled_keys(line.text, keys) else ""
        except (TooDeepError, RecursionError):
            rule = "nesting"
        if rule:
            walk.clear(len(kept))
            rejected.append(RejectedLine(line.number, rule, line.text))
        else:
            kept.append(line)
    return FlatRows(kept, walk.values(len(kept)), rejected)


class _Attribute:
    """The values of one path, one slot per record, and the attributes below."""

    __slots__ = ("below", "path", "values")

    def __init__(self, path: Path, size: int) -> None:
        if len(path) > DEEPEST:
            raise TooDeepError
        self.path = path
        self.values: list[Any] = [None] * size
        self.below: dict[str, _Attribute] = {}


class _Walk:
    """A tree of attributes that collects the values of records."""

    def __init__(self, size: int) -> None:
        self.root = _Attribute((), 0)
        self._size = size
        self._attributes = 0

    def put(self, record: Record, above: _Attribute, row: int) -> int:
        """Add the values of a record, and count its keys."""
        keys = len(record)
        attributes = above.below
        for key, value in record.items():
            if value is None:
                continue
            attribute = attributes.get(key)
            if attribute is None:
                attribute = attributes[key] = self._new_attribute((*above.path, key))
            if type(value) is dict and value:
                keys += self.put(value, attribute, row)
            else:
                attribute.values[row] = value
                if type(value) is list:
                    keys += count_keys(value, len(attribute.path))
        return keys

    def clear(self, row: int) -> None:
        """Remove the values of a record."""
        waiting = [self.root]
        while waiting:
            for attribute in waiting.pop().below.values():
                attribute.values[row] = None
                waiting.append(attribute)

    def values(self, rows: int) -> dict[Path, list[Any]]:
        """Return the values of the first rows by path, without paths that are all null."""
        found: dict[Path, list[Any]] = {}
        self._collect(self.root, rows, found)
        return found

    def _new_attribute(self, path: Path) -> _Attribute:
        self._attributes += 1
        if self._attributes > MOST_ATTRIBUTES:
            raise DataError(
                f"the events have more than {MOST_ATTRIBUTES} attributes, most of them below "
                f"{'.'.join(self._widest().path) or 'the top'!r}: each key becomes a column"
            )
        return _Attribute(path, self._size)

    def _widest(self) -> _Attribute:
        """Return the attribute with the most keys below it, which are probably values."""
        found, waiting = self.root, [self.root]
        while waiting:
            attribute = waiting.pop()
            waiting += attribute.below.values()
            found = max(found, attribute, key=lambda each: len(each.below))
        return found

    def _collect(self, above: _Attribute, rows: int, found: dict[Path, list[Any]]) -> None:
        for attribute in above.below.values():
            values = attribute.values[:rows] if rows < self._size else attribute.values
            if _any(values):
                found[attribute.path] = values
            self._collect(attribute, rows, found)


def count_keys(values: list[Any], depth: int) -> int:
    """Count the keys of all objects within an array at a depth.

    Raises:
        TooDeepError: If it is nested too deeply.
    """
    keys = 0
    for value in values:
        if type(value) is dict:
            keys += len(value) + count_keys(list(value.values()), depth + 1)
        elif type(value) is list:
            keys += count_keys(value, depth + 1)
    if depth >= DEEPEST:
        raise TooDeepError
    return keys


def _any(values: list[Any]) -> bool:
    return any(value is not None for value in values)
