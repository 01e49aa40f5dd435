"""A batch of events, from objects to staged files: read, learn what is new, read that again, settle what is double.

The driver holds reports of objects and of files, never rows.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final, TypeVar

from pyspark.sql import SparkSession

from lakewright.engine.spark.spread import spread
from lakewright.kafka.files import (
    ANY_DAY,
    DayRange,
    EventObject,
    EventRules,
    Flattened,
    FlattenTask,
    ObjectReport,
    flatten_objects,
)
from lakewright.kafka.rewrites import Conflict, RewriteTask, Rewritten, Rival, rewrite_file
from lakewright.parquet.place import TablePlace
from lakewright.runs.records import DataFile, SourceObject
from transforms.errors import DataError
from transforms.events.schema import EventSchema, News, learn_columns
from transforms.events.sink_names import sink_scope

MOST_COLUMNS: Final = 3000
_PASSES: Final = 5
_TASK_BYTES: Final = 64 << 20
_SMALL_TASK_BYTES: Final = 6 << 20

Sized = TypeVar("Sized", bound=EventObject | SourceObject)


@dataclass(frozen=True)
class EventBatch:
    """All that a batch is made of, and how.

    Attributes:
        known: The columns that the table has.
        former: Columns that are given up; their attributes keep their names.
        existing: The files of the table that stay, at least in part.
        retaken: Objects whose rows in those files end with this batch.
        dedupe_days: How many days off a record that carries its offset is looked for in the files of the table.
        days: The days that rows may be of.
        copies: Reports of objects that are not to be read, since they are exact copies of others.
        refuses_conflicts: Whether two records of one key that say different things end the batch.
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
    quarantine: TablePlace
    days: DayRange = ANY_DAY
    copies: Mapping[str, ObjectReport] = field(default_factory=dict)
    refuses_conflicts: bool = False


@dataclass
class BatchResult:
    """What became of a batch.

    ``files`` are all that the table gets, ``replaced`` those that it loses, ``kept`` the rows that went from one to
    the other.
    """

    schema: EventSchema
    reports: dict[str, ObjectReport] = field(default_factory=dict)
    files: list[DataFile] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    kept: int = 0


@dataclass(frozen=True)
class _Made:
    """A new file, the pass and the task that it comes from, and how many columns were known then."""

    file: DataFile
    origin: tuple[int, int]
    columns: int


class EventFlattening:
    """One batch under way."""

    def __init__(self, spark: SparkSession, batch: EventBatch) -> None:
        self._spark, self._batch = spark, batch
        self._schema = batch.known
        self._reports: dict[str, ObjectReport] = dict(batch.copies)
        self._objects = [each for each in batch.objects if each.path not in batch.copies]
        self._pass_of: dict[str, int] = {}
        self._made: list[_Made] = []
        #: The tasks that have read two records of one key.
        self._meeting: set[tuple[int, int]] = set()
        self._scopes: dict[str, frozenset[str]] = {}

    def read(self) -> dict[str, str]:
        """Read all objects once, and those once more that needed columns which nobody knew.

        Returns:
            The objects that are damaged, and how; if there are any, the batch is not to be settled.

        Raises:
            DataError: If there are too many columns.
        """
        waiting: Sequence[EventObject] = self._objects
        for number in range(_PASSES):
            columns = len(self._schema.columns)
            for task, flattened in enumerate(self._flatten(waiting)):
                self._made += [_Made(file, (number, task), columns) for file in flattened.files]
                self._reports |= {report.path: report for report in flattened.reports}
                self._pass_of |= dict.fromkeys((report.path for report in flattened.reports), number)
                if any(report.meets for report in flattened.reports):
                    self._meeting.add((number, task))
            if damaged := {path: report.damage for path, report in self._reports.items() if report.damage}:
                return damaged
            again = self._learn()
            waiting = [each for each in self._objects if each.path in again]
            if not waiting:
                return {}
        raise DataError(
            f"objects keep asking for new columns, first {waiting[0].path}: they change while they are read"
        )

    def _flatten(self, objects: Sequence[EventObject]) -> list[Flattened]:
        batch = self._batch
        tasks = [
            FlattenTask(
                batch.source_uri,
                batch.lake_uri,
                part,
                self._schema.columns,
                batch.rules,
                batch.table,
                batch.quarantine,
                batch.days,
            )
            for part in cut_evenly(objects, self._spark.sparkContext.defaultParallelism)
        ]
        return spread(self._spark, flatten_objects, tasks)

    def _learn(self) -> set[str]:
        """Add the columns that are asked for, and name the objects that must be read again with them."""
        asking = {path for path, report in self._reports.items() if report.asks}
        if not asking:
            return set()
        news = News()
        for report in self._reports.values():
            news = news.merge(report.news)
        columns = learn_columns(
            self._schema,
            news,
            separator=self._batch.separator,
            reserved=self._batch.reserved,
            timestamps=self._batch.rules.timestamps,
            former=self._batch.former,
        )
        self._schema = self._schema.plus(columns)
        _refuse_too_many(self._schema)
        typed = {column.path for column in columns if not column.is_text}
        return asking | {path for path, report in self._reports.items() if typed & set(report.news.statistics)}

    def settle(self) -> BatchResult:
        """Bring new and existing files to what the table must be: each record once, each file with all columns.

        Raises:
            DataError: If two records of one key say different things, and the feed refuses that.
        """
        result = BatchResult(self._in_former_order(), self._reports)
        stay = [file for file in self._batch.existing if not self._batch.retaken & set(file.objects)]
        broken = [file for file in self._batch.existing if self._batch.retaken & set(file.objects)]
        gone = self._batch.retaken
        carried = self._rewrite([self._task(file, file.path, gone, ()) for file in broken])
        rest = [rewritten.file for rewritten in carried if rewritten.file]
        result.replaced = [file.path for file in broken]
        result.kept = sum(file.rows for file in rest)
        tasks = []
        for place, made in enumerate(self._made):
            rivals = [Rival(file.path) for file in stay if self._is_rival(file, made.file)]
            rivals += [Rival(file.staged) for file in rest if self._is_rival(file, made.file)]
            rivals += [
                Rival(earlier.file.staged, self._stale_in(earlier))
                for earlier in self._made[:place]
                if (earlier.origin != made.origin or made.origin in self._meeting)
                and self._may_share(earlier.file, made.file)
            ]
            meets_itself = made.origin in self._meeting
            tasks.append(self._task(made.file, made.file.staged, self._stale_in(made), rivals, meets_itself))
        result.files = rest
        old = {made.file.path for made in self._made if made.columns < len(self._schema.columns)}
        for rewritten in self._rewrite(tasks, old=old):
            result.files += [rewritten.file] if rewritten.file else []
            for path, count in rewritten.superseded.items():
                self._reports[path].superseded += count
            for path, count in rewritten.conflicts.items():
                self._reports[path].conflicts += count
            if rewritten.first and self._batch.refuses_conflicts:
                raise DataError(_describe(rewritten.first))
        return result

    def _stale_in(self, made: _Made) -> frozenset[str]:
        """Name the objects of a new file that were read again later on."""
        return frozenset(path for path in made.file.objects if self._pass_of[path] != made.origin[0])

    def _task(
        self,
        file: DataFile,
        stored_at: str,
        gone: frozenset[str],
        rivals: Sequence[Rival],
        meets_itself: bool = False,
    ) -> RewriteTask:
        batch = self._batch
        columns, offset = self._schema.columns, batch.rules.offset
        return RewriteTask(
            batch.lake_uri, file, stored_at, gone, rivals, columns, batch.table, offset, meets_itself=meets_itself
        )

    def _rewrite(self, tasks: Sequence[RewriteTask], *, old: Collection[str] = ()) -> list[Rewritten]:
        """Make files again, those that have a reason; the others are what they were."""
        has_reason = {
            index
            for index, task in enumerate(tasks)
            if task.gone or task.rivals or task.meets_itself or task.file.path in old
        }
        done = iter(spread(self._spark, rewrite_file, [tasks[index] for index in sorted(has_reason)]))
        return [next(done) if index in has_reason else Rewritten(task.file) for index, task in enumerate(tasks)]

    def _is_rival(self, file: DataFile, new: DataFile) -> bool:
        """Tell whether a file of the table may hold records that a new one has as well.

        Files of one scope hardly ever overlap: they are compared whatever their days.
        """
        if self._batch.rules.offset is None:
            return self._may_share(file, new)
        near = file.partition == new.partition or (
            self._batch.dedupe_days > 0
            and abs((_day(file.partition) - _day(new.partition)).days) <= self._batch.dedupe_days
        )
        return near and self._may_share(file, new)

    def _may_share(self, some: DataFile, other: DataFile) -> bool:
        """Tell whether two files may hold the same record: if it does not carry its offset, only within one scope."""
        if not _overlap(some, other):
            return False
        return self._batch.rules.offset is not None or not self._scopes_of(some).isdisjoint(self._scopes_of(other))

    def _scopes_of(self, file: DataFile) -> frozenset[str]:
        if file.staged not in self._scopes:
            self._scopes[file.staged] = frozenset(map(sink_scope, file.objects))
        return self._scopes[file.staged]

    def _in_former_order(self) -> EventSchema:
        """Keep the order that columns had: engines that go by position bear new columns at the end alone."""
        places = {column.name: place for place, column in enumerate(self._batch.former.columns)}
        return EventSchema(sorted(self._schema.columns, key=lambda column: places.get(column.name, len(places))))


def cut_evenly(objects: Sequence[Sized], at_once: int) -> list[list[Sized]]:
    """Cut objects, in the order of their paths, into parts of about the same size, as many as are worth a task."""
    ordered = sorted(objects, key=lambda each: each.path)
    size = sum(each.size for each in ordered)
    wanted = max(math.ceil(size / _TASK_BYTES), min(at_once, math.ceil(size / _SMALL_TASK_BYTES)), 1)
    share, before = max(size / wanted, 1), 0
    parts: list[tuple[int, Sized]] = []
    for each in ordered:
        parts.append((int((before + each.size / 2) / share), each))
        before += each.size
    return [[each for _, each in part] for _, part in groupby(parts, key=lambda part: part[0])]


def _describe(conflict: Conflict) -> str:
    (path, line), (other, other_line) = conflict.record, conflict.other
    return (
        f"{path}, line {line}, and {other}, line {other_line}, are both at offset {conflict.offset} and differ; "
        "nothing was published. Remove one of them, or set source.on_offset_conflict: keep to take both"
    )


def _overlap(some: DataFile, other: DataFile) -> bool:
    return any(
        stream in other.offsets and first <= other.offsets[stream][1] and last >= other.offsets[stream][0]
        for stream, (first, last) in some.offsets.items()
    )


def _day(partition: str) -> date:
    return date(*(int(part.split("=", 1)[1]) for part in partition.split("/")))


def _refuse_too_many(schema: EventSchema) -> None:
    if len(schema.columns) <= MOST_COLUMNS:
        return
    parents = Counter(column.path[:-1] for column in schema.columns)
    path, count = parents.most_common(1)[0]
    raise DataError(
        f"the events have {len(schema.columns)} attributes, above {MOST_COLUMNS}; {count} of them lie below "
        f"{'.'.join(path) or 'the top'!r}: keys that are values (ids, dates) make a column each"
    )
