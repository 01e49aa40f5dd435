"""Lines whose records all nest in one known way, read column by column; no pyspark.

Events of a topic are alike: a class made of their keys takes a line several times as fast as a dictionary does, and its
fields are columns. What is in any way out of the ordinary is left to ``transforms.flat_rows``, which tells why.
"""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import InvalidOperation
from operator import attrgetter
from typing import Any, Final

import msgspec

from transforms.event_lines import exact_number, has_single_keys
from transforms.event_schema import Path
from transforms.flat_rows import FlatRows, Keys, TooDeepError, count_keys

_UNSET: Final = msgspec.UnsetType
_NONE: Final = type(None)
#: What msgspec takes in no name of a field: records with such keys are of no shape.
_NO_NAME: Final = re.compile(r'[\\"\x00-\x1f]')
#: Where records have less than this share of all keys, looking for each of these costs more than it saves.
_SHARE_OF_KEYS: Final = 0.5


class _NotOfThisShapeError(Exception):
    """Raised when records are not of a shape, or might not be."""


class RecordShape:
    """The keys that records were seen to have, and how these nest."""

    def __init__(self) -> None:
        self._keys: Keys = {}
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def learn(self, rows: FlatRows) -> None:
        """Learn from rows that were read record by record."""
        has_grown = _add(self._keys, rows.shape)
        is_dense = rows.keys >= _SHARE_OF_KEYS * _size(self._keys) * len(rows.lines)
        if not is_dense:
            self._decoder = None
        elif has_grown or self._decoder is None:
            self._decoder = msgspec.json.Decoder(_class_of(self._keys), float_hook=exact_number)

    def read(self, lines: Sequence[bytes]) -> dict[Path, list[Any]] | None:
        """Give the values of lines by path, as ``FlatRows`` has them; None unless each is a record of this shape."""
        if self._decoder is None:
            return None
        decode = self._decoder.decode
        columns = _Columns(len(lines))
        try:
            records = [decode(line) for line in lines]
            columns.take(records, self._keys, (), None)
        except (_NotOfThisShapeError, TooDeepError, RecursionError, InvalidOperation, ValueError):
            return None
        return columns.values if has_single_keys(b"\n".join(lines), columns.keys) else None


class _Columns:
    """The values of records by path, and how many keys these have in all."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.values: dict[Path, list[Any]] = {}
        self.keys = 0

    def take(self, records: Sequence[Any], keys: Keys, path: Path, rows: Sequence[int] | None) -> None:
        """Take the fields of records, which are those of some rows, or (None) of all."""
        without_keys: set[int] | None = None
        for number, (key, below) in enumerate(keys.items()):
            column = list(map(attrgetter(_field(number)), records))
            kinds = Counter(map(type, column))
            absent = kinds.pop(_UNSET, 0)
            self.keys += len(column) - absent
            if without_keys is None or without_keys:
                gone = {place for place, value in enumerate(column) if value is msgspec.UNSET} if absent else set()
                without_keys = gone if without_keys is None else without_keys & gone
            nulls = kinds.pop(_NONE, 0)
            if not kinds:
                continue
            if below:
                self._descend(column, below, (*path, key), rows, is_whole=not absent and not nulls)
            else:
                self._keep(column, kinds, (*path, key), rows, is_whole=not absent)
        if path and without_keys:
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
            self.keys += sum(count_keys(value, len(path)) for value in column if type(value) is list)
        if rows is None:
            values = column if is_whole else [None if value is msgspec.UNSET else value for value in column]
        else:
            values = [None] * self._size
            for row, value in zip(rows, column, strict=True):
                if value is not msgspec.UNSET:
                    values[row] = value
        self.values[path] = values


def _field(number: int) -> str:
    return f"f{number}"


def _class_of(keys: Keys) -> type[msgspec.Struct]:
    fields = [
        (_field(number), _class_of(below) | _UNSET | None if below else Any, msgspec.UNSET)
        for number, below in enumerate(keys.values())
    ]
    names = {_field(number): key for number, key in enumerate(keys)}
    return msgspec.defstruct("Shape", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _add(keys: Keys, others: Keys) -> bool:
    has_grown = False
    for key, below in others.items():
        if not _NO_NAME.search(key):
            has_grown |= key not in keys
            has_grown |= _add(keys.setdefault(key, {}), below)
    return has_grown


def _size(keys: Keys) -> int:
    return len(keys) + sum(map(_size, keys.values()))
