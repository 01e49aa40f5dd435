"""Rewrite files of events: without the rows of some objects, without duplicates, with new columns.

A record is a duplicate if another has the same key and the same content. The key of a record that carries its offset
is topic, Kafka partition and offset; otherwise the scope of its object is part of the key
(``transforms.events.sink_names``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.log.records import DataFile
from lakewright.parquet.arrow import PROVENANCE, read_file, write_file
from lakewright.parquet.place import TablePlace
from lakewright.parquet.provenance import KEYS, LINE, OBJECT, OFFSET, PARTITION, TOPIC
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.events.contents import RowKeys, digest_rows, keys_of, repeated_keys
from transforms.events.schema import EventColumn, EventSchema, Path
from transforms.events.seen_records import CARRIED
from transforms.events.sink_names import sink_scope

#: The order of rows with the same key of the feed.
_RANK: Final = (OFFSET, TOPIC, PARTITION, OBJECT, LINE)
_ROW: Final = "row"
_IS_OWN: Final = "is_own"


@dataclass(frozen=True)
class Rival:
    """A file whose records another file must not repeat; the rows of some objects are ignored.

    ``is_new`` is true for a file of the batch, if duplicates are found by a key of the feed; see ``KeyTask``.
    """

    stored_at: str
    gone: frozenset[str] = frozenset()
    is_new: bool = False


@dataclass(frozen=True)
class RewriteTask:
    """A file to rewrite: without the rows of some objects, without records of its rivals, with all columns.

    ``offset`` is the attribute with a record's own offset; ``may_repeat`` is true if the file may contain duplicates,
    ``lacks_columns`` if columns have been learned since it was written.
    """

    lake_uri: str
    file: DataFile
    stored_at: str
    gone: frozenset[str]
    rivals: Sequence[Rival]
    columns: Sequence[EventColumn]
    table: TablePlace
    offset: Path | None = None
    may_repeat: bool = False
    lacks_columns: bool = False

    @property
    def has_reason(self) -> bool:
        """Return whether the file may have to change."""
        return bool(self.gone or self.rivals or self.may_repeat or self.lacks_columns)


@dataclass(frozen=True)
class KeyTask:
    """New files of one day to rewrite without the records whose key another record of the day has.

    ``rivals`` are all other files of the day. Each task reads them, and keeps the keys of its own files in memory.
    """

    key: Sequence[Path]
    files: Sequence[RewriteTask]
    rivals: Sequence[Rival]


class RecordPlace(NamedTuple):
    """The object and line of a record."""

    object: str
    line: int


class Conflict(NamedTuple):
    """Two records with the same key and different content."""

    record: RecordPlace
    other: RecordPlace
    offset: int


@dataclass(frozen=True)
class Rewritten:
    """The replacement of a file (None: no rows are left), and how many rows of each object were duplicates.

    ``removed`` counts the rows of removed objects. ``conflicts`` counts, by object, the rows that were kept although
    others have the same key; ``first`` is one of them.
    """

    file: DataFile | None
    removed: int = 0
    superseded: Mapping[str, int] = field(default_factory=dict)
    conflicts: Mapping[str, int] = field(default_factory=dict)
    first: Conflict | None = None


def rewrite_file(task: RewriteTask) -> Rewritten:
    """Rewrite a file; return it unchanged if nothing has to change."""
    lake = open_lake(task.lake_uri)
    stored = read_file(lake, task.stored_at)
    rows = _without_objects(stored, task.gone)
    removed = pc.sum(pc.is_in(stored[OBJECT], _texts(task.gone))).as_py() or 0
    repeats, conflicts = _settle(lake, rows, task) if task.rivals or task.may_repeat else ([], [])
    return _rewritten(lake, task, rows, removed, repeats, conflicts)


def rewrite_by_key(task: KeyTask) -> list[Rewritten]:
    """Rewrite files; a record stays if no row of the table has its key, and none of lower rank of the batch."""
    lake, columns = open_lake(task.files[0].lake_uri), task.files[0].columns
    names = [*_RANK, *(column.name for column in columns if column.path in task.key)]

    def keys_in(stored_at: str, gone: frozenset[str]) -> RowKeys:
        return keys_of(_without_objects(read_file(lake, stored_at, names), gone), columns, task.key, _RANK)

    own = [keys_in(each.stored_at, each.gone) for each in task.files]
    published = (keys_in(rival.stored_at, rival.gone) for rival in task.rivals if not rival.is_new)
    others = (keys_in(rival.stored_at, rival.gone) for rival in task.rivals if rival.is_new)
    return [
        _rewritten(lake, each, _without_objects(read_file(lake, each.stored_at), each.gone), 0, repeats)
        for each, repeats in zip(task.files, repeated_keys(own, published, others), strict=True)
    ]


def _rewritten(
    lake: Lake,
    task: RewriteTask,
    rows: pa.Table,
    removed: int,
    repeats: Sequence[int],
    conflicts: Sequence[Conflict] = (),
) -> Rewritten:
    superseded = Counter(rows[OBJECT].take(pa.array(repeats, pa.int64())).to_pylist())
    if repeats:
        gone = pa.array(repeats, pa.int64())
        rows = rows.filter(pc.invert(pc.is_in(pa.array(range(rows.num_rows), pa.int64()), gone)))
    return Rewritten(
        _written(lake, rows, task),
        removed,
        superseded,
        Counter(conflict.record.object for conflict in conflicts),
        next(iter(conflicts), None),
    )


def _written(lake: Lake, rows: pa.Table, task: RewriteTask) -> DataFile | None:
    wanted = PROVENANCE | EventSchema(task.columns).arrow_types
    if rows.num_rows == task.file.rows and rows.column_names == list(wanted):
        return task.file
    if not rows.num_rows:
        return None
    arrays = [
        rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, kind) for name, kind in wanted.items()
    ]
    whole = pa.table(dict(zip(wanted, arrays, strict=True)))
    return write_file(lake, task.table, task.file.partition, whole)


def _without_objects(rows: pa.Table, gone: frozenset[str]) -> pa.Table:
    if not gone:
        return rows
    return rows.filter(pc.invert(pc.is_in(rows[OBJECT], _texts(gone))))


def _texts(paths: frozenset[str]) -> pa.Array:
    return pa.array(sorted(paths), pa.string())


def _settle(lake: Lake, rows: pa.Table, task: RewriteTask) -> tuple[list[int], list[Conflict]]:
    """Return the duplicate rows, and the rows that share their key with a different record.

    Only key columns are read for all rows; contents are compared where keys are equal.
    """
    offset_columns = [column for column in task.columns if column.path == task.offset]
    names = [*KEYS, OBJECT, *(column.name for column in offset_columns)]
    keys = [
        _with_keys(_without_objects(read_file(lake, rival.stored_at, names), rival.gone), offset_columns)
        for rival in task.rivals
    ]
    own = _with_keys(rows, offset_columns)
    shared = _shared_keys(own, keys)
    seen: dict[_Key, dict[bytes, RecordPlace]] = {}
    for rival, of_rival in zip(task.rivals, keys, strict=True):
        found = _rows_with(shared, of_rival)
        if not found:
            continue
        there = _without_objects(read_file(lake, rival.stored_at), rival.gone)
        for key, digest, place in _records(there, found, task.columns):
            seen.setdefault(key, {}).setdefault(digest, place)
    repeats, conflicts = [], []
    found = _rows_with(shared, own)
    for row, (key, digest, place) in zip(found, _records(rows, found, task.columns), strict=True):
        known = seen.setdefault(key, {})
        if digest in known:
            repeats.append(row)
            continue
        if known:
            conflicts.append(Conflict(place, next(iter(known.values())), key.offset))
        known[digest] = place
    return repeats, conflicts


class _Key(NamedTuple):
    """The columns of a record's key."""

    topic: str
    partition: int
    offset: int
    scope: str


def _with_keys(rows: pa.Table, offset_columns: Sequence[EventColumn]) -> pa.Table:
    """Return the keys of rows, with row numbers."""
    objects = pc.dictionary_encode(rows[OBJECT].combine_chunks())
    scope = pa.array(map(sink_scope, objects.dictionary.to_pylist()), pa.string()).take(objects.indices)
    for column in offset_columns:
        if column.name in rows.column_names:
            scope = pc.if_else(_is_carried(rows[column.name], rows[OFFSET]), CARRIED, scope)
    numbers = pa.array(range(rows.num_rows), pa.int64())
    return pa.table([*rows.select(KEYS).columns, scope, numbers], [*_Key._fields, _ROW])


def _is_carried(values: pa.ChunkedArray, offsets: pa.ChunkedArray) -> pa.Array:
    """Return which offsets equal the value of the attribute's column or of its text column."""
    if pa.types.is_string(values.type):
        offsets = offsets.cast(pa.string())
    elif not pa.types.is_int64(values.type):
        pairs = zip(values.to_pylist(), offsets.to_pylist(), strict=True)
        return pa.array([type(value) in (float, Decimal) and value == offset for value, offset in pairs], pa.bool_())
    return pc.fill_null(pc.equal(values, offsets), fill_value=False)


def _shared_keys(own: pa.Table, others: Sequence[pa.Table]) -> pa.Table:
    """Return the keys that rivals have as well, or that occur more than once in the file."""
    parts = [(own, True), *((keys, False) for keys in others)]
    every = pa.concat_tables(
        keys.append_column(_IS_OWN, pa.array([is_own] * keys.num_rows, pa.bool_())) for keys, is_own in parts
    )
    counted = every.group_by(_Key._fields).aggregate([(_IS_OWN, "any"), (_IS_OWN, "count")])
    is_shared = pc.and_(counted[f"{_IS_OWN}_any"], pc.greater(counted[f"{_IS_OWN}_count"], 1))
    return counted.filter(is_shared).select(_Key._fields)


def _rows_with(shared: pa.Table, keys: pa.Table) -> dict[int, _Key]:
    """Return the rows with shared keys, in order, with their keys."""
    if not shared.num_rows:
        return {}
    found = keys.join(shared, list(_Key._fields), join_type="left semi").sort_by(_ROW)
    rows = found[_ROW].to_pylist()
    columns = [found[name].to_pylist() for name in _Key._fields]
    return dict(zip(rows, map(_Key, *columns), strict=True))


def _records(
    rows: pa.Table, wanted: Mapping[int, _Key], columns: Sequence[EventColumn]
) -> Iterator[tuple[_Key, bytes, RecordPlace]]:
    """Return the key, the content digest and the origin of rows."""
    found = rows.take(pa.array(wanted, pa.int64()))
    places = map(RecordPlace, found[OBJECT].to_pylist(), found[LINE].to_pylist())
    return zip(wanted.values(), digest_rows(found, columns), places, strict=True)
