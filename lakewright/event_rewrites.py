"""Files of events that a worker makes again: without some objects' rows, without repeated records, with new columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.lake import Lake, open_lake
from lakewright.log import TableFile
from lakewright.writers.arrow import KEYS, OBJECT, PROVENANCE, TablePlace, read_file, write_file
from transforms.event_schema import EventColumn, EventSchema
from transforms.seen_records import SeenRecords, places_by_stream


@dataclass(frozen=True)
class Rival:
    """A file whose records another one must not have again; those of some objects do not count."""

    stored_at: str
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RewriteTask:
    """A file to make again: without the rows of some objects, without records that rivals have, with all columns."""

    lake_uri: str
    file: TableFile
    stored_at: str
    gone: frozenset[str]
    rivals: Sequence[Rival]
    columns: Sequence[EventColumn]
    table: TablePlace


@dataclass(frozen=True)
class Rewritten:
    """The file that took its place (None: no rows are left), and how many rows of each object rivals had."""

    file: TableFile | None
    superseded: Mapping[str, int]


def rewrite_file(task: RewriteTask) -> Rewritten:
    """Make a file again; one that stays as it is comes back as it is."""
    lake = open_lake(task.lake_uri)
    rows = read_file(lake, task.stored_at)
    rows = _without_objects(rows, task.gone)
    repeats = _repeats_in(lake, rows, task.rivals)
    superseded = Counter(rows[OBJECT].take(pa.array(sorted(repeats), pa.int64())).to_pylist())
    if repeats:
        rows = rows.filter(pa.array([row not in repeats for row in range(rows.num_rows)]))
    wanted = PROVENANCE | EventSchema(task.columns).arrow_types
    if rows.num_rows == task.file.rows and rows.column_names == list(wanted):
        return Rewritten(task.file, superseded)
    if not rows.num_rows:
        return Rewritten(None, superseded)
    arrays = [
        rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, kind) for name, kind in wanted.items()
    ]
    whole = pa.table(dict(zip(wanted, arrays, strict=True)))
    return Rewritten(write_file(lake, task.table, task.file.partition, whole), superseded)


def _without_objects(rows: pa.Table, gone: frozenset[str]) -> pa.Table:
    if not gone:
        return rows
    return rows.filter(pc.invert(pc.is_in(rows[OBJECT], pa.array(sorted(gone), pa.string()))))


def _repeats_in(lake: Lake, rows: pa.Table, rivals: Sequence[Rival]) -> set[int]:
    seen = SeenRecords()
    for rival in rivals:
        keys = read_file(lake, rival.stored_at, (*KEYS, OBJECT))
        _add_keys(seen, _without_objects(keys, rival.gone))
    return _add_keys(seen, rows.select(KEYS)) if rivals else set()


def _add_keys(seen: SeenRecords, keys: pa.Table) -> set[int]:
    topics, partitions, offsets = (keys[name].to_pylist() for name in KEYS)
    repeats = set()
    for stream, places in places_by_stream(list(zip(topics, partitions, strict=True))).items():
        repeats |= {places[index] for index in seen.add(stream, [offsets[place] for place in places])}
    return repeats
