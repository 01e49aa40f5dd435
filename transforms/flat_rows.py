"""Nested records to the values of their attributes, by path; no pyspark.

An attribute is a path of keys to a value that is no object: a number, a text, a boolean, an array, or an object without
attributes (``{}``). Null is the same as absent.
"""

from collections.abc import Sequence
from typing import Any, Final

from transforms.errors import DataError
from transforms.event_lines import DEEPEST, Line, Record, RejectedLine, has_doubled_keys
from transforms.event_schema import Path

#: Attributes of the records of some lines; with more, keys are values.
MOST_ATTRIBUTES: Final = 5000


class _TooDeepError(Exception):
    """Raised when a record nests too deeply."""


class _Attribute:
    """The values of one path, a place for each record; and the attributes below."""

    __slots__ = ("below", "path", "values")

    def __init__(self, path: Path, size: int) -> None:
        if len(path) > DEEPEST:
            raise _TooDeepError
        self.path = path
        self.values: list[Any] = [None] * size
        self.below: dict[str, _Attribute] = {}


class FlatRows:
    """The rows of some lines: the lines themselves, the values by path, and the lines that were no rows after all.

    Raises:
        DataError: If there are far too many attributes.
    """

    def __init__(self, records: Sequence[Record], lines: Sequence[Line]) -> None:
        self.lines: list[Line] = []
        self.rejected: list[RejectedLine] = []
        self._size = len(records)
        self._attributes = 0
        self._root = _Attribute((), 0)
        row = 0
        for record, line in zip(records, lines, strict=True):
            try:
                keys = self._put(record, self._root, row)
                rule = "doubled_key" if has_doubled_keys(line.text, keys) else ""
            except (_TooDeepError, RecursionError):
                rule = "nesting"
            if rule:
                self._clear(row)
                self.rejected.append(RejectedLine(line.number, rule, line.text))
            else:
                self.lines.append(line)
                row += 1
        self.values: dict[Path, list[Any]] = {}
        self._collect(self._root, row)

    def _put(self, record: Record, above: _Attribute, row: int) -> int:
        """Put the values of a record in their places, and count its keys."""
        keys = len(record)
        attributes = above.below
        for key, value in record.items():
            if value is None:
                continue
            attribute = attributes.get(key)
            if attribute is None:
                attribute = attributes[key] = self._new_attribute((*above.path, key))
            if type(value) is dict and value:
                keys += self._put(value, attribute, row)
            else:
                attribute.values[row] = value
                if type(value) is list:
                    keys += _keys_in(value, len(attribute.path))
        return keys

    def _new_attribute(self, path: Path) -> _Attribute:
        self._attributes += 1
        if self._attributes > MOST_ATTRIBUTES:
            raise DataError(
                f"the events have more than {MOST_ATTRIBUTES} attributes, such as {'.'.join(path)!r}: keys that are "
                "values (ids, dates) make a column each"
            )
        return _Attribute(path, self._size)

    def _clear(self, row: int) -> None:
        waiting = [self._root]
        while waiting:
            for attribute in waiting.pop().below.values():
                attribute.values[row] = None
                waiting.append(attribute)

    def _collect(self, above: _Attribute, rows: int) -> None:
        for attribute in above.below.values():
            values = attribute.values[:rows] if rows < self._size else attribute.values
            if _any(values):
                self.values[attribute.path] = values
            self._collect(attribute, rows)

    def remove(self, rows: set[int]) -> None:
        """Take rows out, whatever is wrong with them."""
        keep = [row for row in range(len(self.lines)) if row not in rows]
        self.lines = [self.lines[row] for row in keep]
        left = {path: [values[row] for row in keep] for path, values in self.values.items()}
        self.values = {path: values for path, values in left.items() if _any(values)}


def _any(values: list[Any]) -> bool:
    return any(value is not None for value in values)


def _keys_in(values: list[Any], depth: int) -> int:
    """Count the keys of all objects within an array."""
    keys = 0
    for value in values:
        if type(value) is dict:
            keys += len(value) + _keys_in(list(value.values()), depth + 1)
        elif type(value) is list:
            keys += _keys_in(value, depth + 1)
    if depth >= DEEPEST:
        raise _TooDeepError
    return keys
