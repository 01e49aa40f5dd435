"""Read a batch of events: read all objects, learn new columns, read the objects that need them again.

The driver holds reports of objects and files, never rows.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

from lakewright.errors import ObjectRefusedError
from lakewright.kafka.blocks.objects import ObjectReport
from lakewright.kafka.files import Flattened, FlattenTask, flatten_objects
from lakewright.kafka.rules import ANY_DAY, DayRange, EventRules
from lakewright.kafka.sink import EventObject
from lakewright.log.records import DataFile, SourceObject
from lakewright.parquet.place import TablePlace
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.workers import Workers
from transforms.errors import DataError
from transforms.events.schema import EventSchema, News, learn_columns

MOST_COLUMNS: Final = 3000
_PASSES: Final = 5
_TASK_BYTES: Final = 64 << 20
_SMALL_TASK_BYTES: Final = 6 << 20

Sized = TypeVar("Sized", bound=EventObject | SourceObject)


@dataclass(frozen=True)
class EventBatch:
    """The input of a batch, and how to process it.

    Attributes:
        known: The columns of the table.
        former: Columns that are replaced; their attributes keep their names.
        existing: The files of the table whose rows stay, at least in part.
        retaken: Objects that are read again; their rows in those files are removed by this batch.
        dedupe_days: Within how many days of its own a record that carries its offset is deduplicated against the table.
        days: The range of valid days.
        refuses_conflicts: Whether two different records with the same key fail the batch.
        row_rules: The expectations that reject rows.
    """

    source_uri: str
    lake_uri: str
    objects: Sequence[EventObject]
    rules: EventRules
    separator: str
    reserved: Sequence[str]
    known: EventSchema
    former: EventSchema
    existing: Sequence[DataFile]
    retaken: frozenset[str]
    dedupe_days: int
    table: TablePlace
    quarantine: QuarantinePlace
    days: DayRange = ANY_DAY
    refuses_conflicts: bool = False
    row_rules: RowRules = NO_ROW_RULES


@dataclass(frozen=True)
class NewFile:
    """A file that a worker wrote from objects.

    Attributes:
        origin: The pass and the task that wrote it.
        stale: Objects whose rows in it are void, because a later pass has read them again.
        may_repeat: Whether it may contain a record with the key of one that its task had read before, into any file.
        is_complete: Whether it has all columns of the table.
    """

    file: DataFile
    origin: tuple[int, int]
    stale: frozenset[str]
    may_repeat: bool
    is_complete: bool


@dataclass(frozen=True)
class ReadEvents:
    """All objects of a batch after reading: the columns they need, a report of each, and the files written.

    ``is_in_one_pass`` is true if no object was read twice, so that no rejected rows were written twice.
    """

    schema: EventSchema
    reports: Mapping[str, ObjectReport]
    files: Sequence[NewFile]
    is_in_one_pass: bool


@dataclass(frozen=True)
class _Pass:
    """One pass over objects, with the columns known at that time."""

    schema: EventSchema
    tasks: Sequence[Flattened]

    def reports(self) -> dict[str, ObjectReport]:
        return {report.path: report for task in self.tasks for report in task.reports}


def read_events(
    workers: Workers,
    batch: EventBatch,
    copies: Mapping[str, ObjectReport],
    read_again: Callable[[Sequence[EventObject]], object] = lambda _: None,
) -> ReadEvents:
    """Read all objects once, and those with unknown columns a second time.

    Args:
        workers: Where the tasks run.
        batch: The batch.
        copies: Reports of objects to skip, because they are exact copies of others.
        read_again: Receives the objects that are read once more, before that.

    Raises:
        ObjectRefusedError: If objects are damaged.
        DataError: If there are too many columns.
    """
    objects = [each for each in batch.objects if each.path not in copies]
    schema, reports, waiting = batch.known, dict(copies), objects
    passes: list[_Pass] = []
    for _ in range(_PASSES):
        passes.append(_Pass(schema, _flatten(workers, batch, waiting, schema)))
        reports |= passes[-1].reports()
        if damaged := {path: report.damage for path, report in reports.items() if report.damage}:
            raise ObjectRefusedError(damaged)
        schema, again = _learn(batch, schema, passes, reports)
        waiting = [each for each in objects if each.path in again]
        if not waiting:
            return ReadEvents(schema, reports, _new_files(passes, schema), len(passes) == 1)
        read_again(waiting)
    raise DataError(f"{waiting[0].path} needs new columns on every pass: it changes while it is being read")


def _flatten(
    workers: Workers, batch: EventBatch, objects: Sequence[EventObject], schema: EventSchema
) -> list[Flattened]:
    tasks = [
        FlattenTask(
            batch.source_uri,
            batch.lake_uri,
            part,
            schema.columns,
            batch.rules,
            batch.table,
            batch.quarantine,
            batch.days,
            batch.row_rules,
        )
        for part in cut_evenly(objects, workers.at_once)
    ]
    return workers.run(flatten_objects, tasks)


def _learn(
    batch: EventBatch, schema: EventSchema, passes: Sequence[_Pass], reports: Mapping[str, ObjectReport]
) -> tuple[EventSchema, set[str]]:
    """Add the requested columns, and return the objects that must be read again with them."""
    needing = {path for path, report in reports.items() if report.needs_columns}
    if not needing:
        return schema, needing
    news = News()
    for task in (task for done in passes for task in done.tasks):
        news = news.merge(task.news)
    columns = learn_columns(
        schema,
        news,
        separator=batch.separator,
        reserved=batch.reserved,
        formats=batch.rules.formats,
        former=batch.former,
    )
    learned = schema.plus(columns)
    _refuse_too_many(learned)
    typed = {column.path for column in columns if not column.is_text}
    return learned, needing | {path for path, report in reports.items() if not typed.isdisjoint(report.untyped)}


def _refuse_too_many(schema: EventSchema) -> None:
    if len(schema.columns) <= MOST_COLUMNS:
        return
    paths = {column.path[:depth] for column in schema.columns for depth in range(1, len(column.path) + 1)}
    # Of nested keys, the name of the one with the most keys below it is the least likely to be a value itself.
    (path, _), *_ = Counter(path[:-1] for path in paths).most_common(1)
    count = sum(column.path[: len(path)] == path for column in schema.columns)
    raise DataError(
        f"the events have {len(schema.columns)} attributes, more than {MOST_COLUMNS}; {count} of them are below "
        f"{'.'.join(path) or 'the top'!r}: each key becomes a column; if its keys are values (IDs, dates), declare it "
        "in source.json_columns"
    )


def _new_files(passes: Sequence[_Pass], schema: EventSchema) -> list[NewFile]:
    """Return the files of all passes, in the order in which they were written."""
    last_read = {path: number for number, done in enumerate(passes) for path in done.reports()}
    return [
        NewFile(
            file,
            (number, place),
            stale=frozenset(path for path in file.objects if last_read[path] != number),
            may_repeat=file.partition in task.partitions_with_repeats,
            is_complete=len(done.schema.columns) == len(schema.columns),
        )
        for number, done in enumerate(passes)
        for place, task in enumerate(done.tasks)
        for file in task.files
    ]


def cut_evenly(objects: Sequence[Sized], at_once: int) -> list[list[Sized]]:
    """Split objects, ordered by path, into tasks of about the same size."""
    ordered = sorted(objects, key=lambda each: each.path)
    size = sum(each.size for each in ordered)
    wanted = max(math.ceil(size / _TASK_BYTES), min(at_once, math.ceil(size / _SMALL_TASK_BYTES)), 1)
    share, before = max(size / wanted, 1), 0
    parts: list[tuple[int, Sized]] = []
    for each in ordered:
        parts.append((int((before + each.size / 2) / share), each))
        before += each.size
    return [[each for _, each in part] for _, part in groupby(parts, key=lambda part: part[0])]
