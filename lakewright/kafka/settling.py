"""Settle the files of a batch: each record once, each file with all columns.

A file of the table with rows of an object that is read again is replaced by one with its remaining rows. A new file is
rewritten without the records that other files of the table or the batch contain.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from lakewright.kafka.batches import EventBatch, ReadEvents
from lakewright.kafka.blocks.objects import ObjectReport
from lakewright.kafka.rewrites import (
    Conflict,
    KeyTask,
    RewriteTask,
    Rewritten,
    Rival,
    rewrite_by_key,
    rewrite_file,
)
from lakewright.kafka.rivals import find_rivals
from lakewright.log.records import DataFile
from lakewright.workers import Workers
from transforms.errors import DataError
from transforms.events.schema import EventSchema

_NOTHING: Final[frozenset[str]] = frozenset()
#: Rows whose keys a worker keeps in memory, about 350 bytes each. With more per task, fewer tasks read the same files.
_KEYS_AT_ONCE: Final = 1_000_000


@dataclass(frozen=True)
class SettledEvents:
    """The result of settling a batch.

    Attributes:
        reports: The report of each object, with the outcome of its records.
        files: The files to add to the table.
        replaced: The files to remove.
        kept: How many rows moved from replaced files to new ones, computed from the replaced files; the accounting
            compares it with the new files.
    """

    schema: EventSchema
    reports: Mapping[str, ObjectReport]
    files: Sequence[DataFile]
    replaced: Sequence[str]
    kept: int


def settle(workers: Workers, batch: EventBatch, read: ReadEvents) -> SettledEvents:
    """Settle new and existing files.

    Raises:
        DataError: If two records with the same key differ and the feed refuses that.
    """
    stay = [file for file in batch.existing if not batch.retaken & set(file.objects)]
    broken = [file for file in batch.existing if batch.retaken & set(file.objects)]
    carried = _rewrite(workers, [_task(batch, read, file, file.path, batch.retaken) for file in broken])
    rest = [rewritten.file for rewritten in carried if rewritten.file]
    if batch.rules.key:
        settled = _rewrite_by_key(workers, batch, read, stay, rest)
    elif batch.rules.dedupes:
        settled = _rewrite(workers, _settling_tasks(batch, read, stay, rest))
    else:
        settled = _rewrite(workers, _tasks_without_key(batch, read))
    conflict = next((rewritten.first for rewritten in settled if rewritten.first), None)
    if conflict and batch.refuses_conflicts:
        raise DataError(_describe(conflict))
    return SettledEvents(
        _in_former_order(read.schema, batch.former),
        _counted(read.reports, settled),
        files=rest + [rewritten.file for rewritten in settled if rewritten.file],
        replaced=[file.path for file in broken],
        kept=sum(file.rows for file in broken) - sum(rewritten.removed for rewritten in carried),
    )


def _settling_tasks(
    batch: EventBatch, read: ReadEvents, stay: Sequence[DataFile], rest: Sequence[DataFile]
) -> list[RewriteTask]:
    """Return a task per new file, with the files that may contain the same records; of two new files, the earlier."""
    existing = [Rival(file.path) for file in stay] + [Rival(file.staged) for file in rest]
    earlier = [Rival(new.file.staged, new.stale) for new in read.files]
    is_carried, tasks = batch.rules.offset is not None, []
    found = find_rivals([*stay, *rest], read.files, is_carried=is_carried, dedupe_days=batch.dedupe_days)
    for new, of_new in zip(read.files, found, strict=True):
        rivals = [existing[place] for place in sorted(of_new.existing)]
        rivals += [earlier[place] for place in sorted(of_new.earlier)]
        task = _task(batch, read, new.file, new.file.staged, new.stale)
        tasks.append(replace(task, rivals=rivals, may_repeat=new.may_repeat, lacks_columns=not new.is_complete))
    return tasks


def _rewrite_by_key(
    workers: Workers, batch: EventBatch, read: ReadEvents, stay: Sequence[DataFile], rest: Sequence[DataFile]
) -> list[Rewritten]:
    """Compare the new files of each day, some at a time, with all other files of the day."""
    there: dict[str, list[Rival]] = {}
    for file, stored_at in [*((file, file.path) for file in stay), *((file, file.staged) for file in rest)]:
        there.setdefault(file.partition, []).append(Rival(stored_at))
    new_of: dict[str, list[int]] = {}
    for place, new in enumerate(read.files):
        new_of.setdefault(new.file.partition, []).append(place)
    tasks, places = [], []
    for partition, of_day in new_of.items():
        for some in _parts(of_day, [read.files[place].file.rows for place in of_day]):
            others = [read.files[place] for place in of_day if place not in set(some)]
            rivals = [Rival(new.file.staged, new.stale, is_new=True) for new in others]
            files = [read.files[place] for place in some]
            own = [_task(batch, read, new.file, new.file.staged, new.stale) for new in files]
            tasks.append(KeyTask(batch.rules.key, own, [*there.get(partition, []), *rivals]))
            places += some
    settled = dict(zip(places, chain.from_iterable(workers.run(rewrite_by_key, tasks)), strict=True))
    return [settled[place] for place in range(len(read.files))]


def _parts(places: Sequence[int], rows: Sequence[int]) -> Iterator[list[int]]:
    """Split files so that the rows of each part are few enough for the keys of all to be in memory."""
    part, size = list[int](), 0
    for place, count in zip(places, rows, strict=True):
        if part and size + count > _KEYS_AT_ONCE:
            yield part
            part, size = [], 0
        part.append(place)
        size += count
    yield part


def _tasks_without_key(batch: EventBatch, read: ReadEvents) -> list[RewriteTask]:
    """Return a task per new file, none of which has rivals."""
    return [
        replace(_task(batch, read, new.file, new.file.staged, new.stale), lacks_columns=not new.is_complete)
        for new in read.files
    ]


def _task(
    batch: EventBatch, read: ReadEvents, file: DataFile, stored_at: str, gone: frozenset[str] = _NOTHING
) -> RewriteTask:
    columns, offset = read.schema.columns, batch.rules.offset
    return RewriteTask(batch.lake_uri, file, stored_at, gone, (), columns, batch.table, offset)


def _rewrite(workers: Workers, tasks: Sequence[RewriteTask]) -> list[Rewritten]:
    """Rewrite the files that need it."""
    done = iter(workers.run(rewrite_file, [task for task in tasks if task.has_reason]))
    return [next(done) if task.has_reason else Rewritten(task.file) for task in tasks]


def _counted(reports: Mapping[str, ObjectReport], settled: Sequence[Rewritten]) -> dict[str, ObjectReport]:
    """Add the outcome of settling to the report of each object."""
    superseded, conflicts = Counter[str](), Counter[str]()
    for rewritten in settled:
        superseded.update(rewritten.superseded)
        conflicts.update(rewritten.conflicts)
    return {
        path: replace(report, superseded=report.superseded + superseded[path], conflicts=conflicts[path])
        if path in superseded or path in conflicts
        else report
        for path, report in reports.items()
    }


def _in_former_order(schema: EventSchema, former: EventSchema) -> EventSchema:
    """Keep the order of existing columns: engines that resolve by position only accept new columns at the end."""
    places = {column.name: place for place, column in enumerate(former.columns)}
    return EventSchema(sorted(schema.columns, key=lambda column: places.get(column.name, len(places))))


def _describe(conflict: Conflict) -> str:
    (path, line), (other, other_line) = conflict.record, conflict.other
    return (
        f"{path}, line {line}, and {other}, line {other_line}, both have offset {conflict.offset} and differ; "
        "nothing was published. Remove one of them, or set source.on_offset_conflict: keep to keep both"
    )
