"""Settle the files of a batch: each record once, each file with all columns.

A file of the table with rows of an object that is read again is replaced by one with its remaining rows. A new file is
rewritten without the records that other files of the table or the batch contain.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lakewright.kafka.batches import EventBatch, ReadEvents
from lakewright.kafka.blocks.objects import ObjectReport
from lakewright.kafka.rewrites import Conflict, RewriteTask, Rewritten, Rival, rewrite_file
from lakewright.kafka.rivals import find_rivals
from lakewright.log.records import DataFile
from lakewright.workers import Workers
from transforms.errors import DataError
from transforms.events.schema import EventSchema

_NOTHING: Final[frozenset[str]] = frozenset()


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
    tasks = _settling_tasks if batch.rules.dedupes else _tasks_by_key
    settled = _rewrite(workers, tasks(batch, read, stay, rest))
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


def _tasks_by_key(
    batch: EventBatch, read: ReadEvents, stay: Sequence[DataFile], rest: Sequence[DataFile]
) -> list[RewriteTask]:
    """Return a task per new file, with all other files of its day; without a key of the feed, with none."""
    key, tasks = batch.rules.key, []
    by_day: dict[str, list[Rival]] = {}
    for file, stored_at in [*((file, file.path) for file in stay), *((file, file.staged) for file in rest)]:
        by_day.setdefault(file.partition, []).append(Rival(stored_at))
    for new in read.files:
        by_day.setdefault(new.file.partition, []).append(Rival(new.file.staged, new.stale, is_new=True))
    for new in read.files:
        rivals = [each for each in by_day[new.file.partition] if each.stored_at != new.file.staged] if key else []
        task = _task(batch, read, new.file, new.file.staged, new.stale)
        tasks.append(replace(task, rivals=rivals, key=key, may_repeat=bool(key), lacks_columns=not new.is_complete))
    return tasks


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
