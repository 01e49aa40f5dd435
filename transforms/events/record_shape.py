"""Lines whose records all have one known shape, read column-wise. No pyspark.

Events of a topic are alike. A generated class with their keys decodes a line several times faster than a dictionary,
and its fields are columns. Everything unusual is left to ``transforms.events.flat_rows``, which also gives reasons.
"""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import InvalidOperation
from operator import attrgetter
from typing import Any, Final

import msgspec

from transforms.events.flat_rows import TooDeepError, count_keys
from transforms.events.lines import DEEPEST, Record, exact_number, has_single_keys, is_loose
from transforms.events.raw.forms import PLAIN, RecordForm
from transforms.events.schema import Path

#: Keys of records, with the keys below each.
Keys = dict[str, "Keys"]

_UNSET: Final = msgspec.UnsetType
_NONE: Final = type(None)
#: Characters that msgspec does not allow in field names: records with such keys have no shape.
_NO_NAME: Final = re.compile(r'[\\"\x00-\x1f]')
#: If records have less than this share of all keys, looking up every key costs more than it saves.
_SHARE_OF_KEYS: Final = 0.5
_MOST_KEYS: Final = 500
_MOST_CLASSES: Final = 50
_LONGEST_PAUSE: Final = 64


class _NotOfThisShapeError(Exception):
    """Raised when records do not, or may not, have a shape."""


class RecordShape:
    """The keys seen in records, and their nesting.

    Lines that do not match waste time, so the fast path backs off after failures.

    Args:
        form: The form in which the feed declares the records; keys are those of records that have been rewritten.
    """

    def __init__(self, form: RecordForm = PLAIN) -> None:
        self.form = form
        self._keys: Keys = {}
        self._size = 0
        self._classes = 0
        self._decoder: msgspec.json.Decoder[Any] | None = None
        self._failures = 0
        self._pause = 0

    def read(self, lines: Sequence[bytes]) -> dict[Path, list[Any]] | None:
        """Return the values of lines by path, as in ``FlatRows``.

        None if some line does not have this shape, or during back-off: the records must then be learned.
        """
        if self._decoder is None or self._pause:
            return None
        text = b"\n".join(lines)
        if is_loose(text):
            return None
        decode = self._decoder.decode
        columns = _Columns(len(lines))
        try:
            records = [decode(line) for line in lines]
            columns.take(records, self._keys, (), None)
        except (_NotOfThisShapeError, TooDeepError, RecursionError, InvalidOperation, ValueError):
            return None
        if not has_single_keys(text, columns.keys + columns.keys_in_arrays):
            return None
        self._failures = 0
        if not self._is_worth_it(columns.keys, len(lines)):
            self._pause = _LONGEST_PAUSE
        return columns.values

    def learn(self, records: Sequence[Record]) -> None:
        """Learn the keys of records that were not read by shape."""
        if self._pause:
            self._pause -= 1
            return
        size, was_tried = self._size, self._decoder is not None
        found = sum(self._add(record, self._keys, 1) for record in records)
        if self._size > size:
            self._decoder = None
        if was_tried:
            self._pause = min(2**self._failures - 1, _LONGEST_PAUSE)
            self._failures += 1
        if not self._is_worth_it(found, len(records)) or self._classes == _MOST_CLASSES:
            self._pause = _LONGEST_PAUSE
        elif self._decoder is None:
            self._decoder = msgspec.json.Decoder(_class_of(self._keys), float_hook=exact_number)
            self._classes += 1

    def _is_worth_it(self, keys: int, records: int) -> bool:
        return self._size <= _MOST_KEYS and keys >= _SHARE_OF_KEYS * self._size * records

    def _add(self, record: Record, keys: Keys, depth: int) -> int:
        """Add the keys of a record, and count them."""
        found = len(record)
        for key, value in record.items():
            below = keys.get(key)
            if below is None:
                if self._size > _MOST_KEYS or _NO_NAME.search(key):
                    continue
                below = keys[key] = {}
                self._size += 1
            if type(value) is dict and depth < DEEPEST:
                found += self._add(value, below, depth + 1)
        return found


class _Columns:
    """The values of records by path, and their total number of keys."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.values: dict[Path, list[Any]] = {}
        self.keys = 0
        self.keys_in_arrays = 0

    def take(self, records: Sequence[Any], keys: Keys, path: Path, rows: Sequence[int] | None) -> None:
        """Add the fields of records, which belong to some rows, or (None) to all."""
        may_be_empty = bool(path)
        for number, (key, below) in enumerate(keys.items()):
            column = list(map(attrgetter(_field(number)), records))
            kinds = Counter(map(type, column))
            absent, nulls = kinds.pop(_UNSET, 0), kinds.pop(_NONE, 0)
            self.keys += len(column) - absent
            may_be_empty = may_be_empty and absent > 0
            if kinds and below:
                self._descend(column, below, (*path, key), rows, is_whole=not absent and not nulls)
            elif kinds:
                self._keep(column, kinds, (*path, key), rows, is_whole=not absent)
        if may_be_empty and any(map(_is_empty, records)):
            raise _NotOfThisShapeError  # an object without attributes is a value

    def _descend(
        self, column: list[Any], keys: Keys, path: Path, rows: Sequence[int] | None, *, is_whole: bool
    ) -> None:
        if is_whole:
            self.take(column, keys, path, rows)
            return
        places = [place for place, value in enumerate(column) if value is not None and value is not msgspec.UNSET]
        inner = places if rows is None else [rows[place] for place in places]
        self.take([column[place] for place in places], keys, path, inner)

    def _keep(
        self, column: list[Any], kinds: Counter[type], path: Path, rows: Sequence[int] | None, *, is_whole: bool
    ) -> None:
        if kinds[dict] and any(type(value) is dict and value for value in column):
            raise _NotOfThisShapeError
        if kinds[list]:
            self.keys_in_arrays += sum(count_keys(value, len(path)) for value in column if type(value) is list)
        if rows is None:
            values = column if is_whole else [None if value is msgspec.UNSET else value for value in column]
        else:
            values = [None] * self._size
            for row, value in zip(rows, column, strict=True):
                if value is not msgspec.UNSET:
                    values[row] = value
        self.values[path] = values


def _is_empty(record: msgspec.Struct) -> bool:
    return all(value is msgspec.UNSET for value in msgspec.structs.astuple(record))


def _field(number: int) -> str:
    return f"f{number}"


def _class_of(keys: Keys) -> type[msgspec.Struct]:
    fields = [
        (_field(number), _class_of(below) | _UNSET | None if below else Any, msgspec.UNSET)
        for number, below in enumerate(keys.values())
    ]
    names = {_field(number): key for number, key in enumerate(keys)}
    return msgspec.defstruct("Shape", fields, rename=names, forbid_unknown_fields=True, gc=False)
