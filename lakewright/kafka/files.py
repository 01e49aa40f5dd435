"""A worker's part of reading events: objects in, staged Parquet files and a report out.

An array of a few values takes as long to make as one of many, so lines of small objects are gathered into blocks. The
report has one summary of the attributes of all objects, and only counts for each object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.kafka.blocks.lines import ObjectLines, is_block
from lakewright.kafka.blocks.objects import ObjectReport, OpenObject
from lakewright.kafka.blocks.rows import Block, Origins, Part, find_origins, flatten_parts
from lakewright.kafka.rules import ANY_DAY, DayRange, EventRules
from lakewright.kafka.sink import EventObject, ObjectText
from lakewright.log.records import DataFile
from lakewright.measuring.work import Done, advance
from lakewright.parquet.arrow import PROVENANCE, TableWriter
from lakewright.parquet.place import TablePlace
from lakewright.parquet.provenance import PROVENANCE_TYPES
from lakewright.quality.row_rules import NO_ROW_RULES, ArrowRowRules, RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake
from transforms.errors import DataError
from transforms.events.blocks import no_search_for_cycles
from transforms.events.record_shape import RecordShape
from transforms.events.schema import EventColumn, EventSchema, News, Path, learn_type
from transforms.events.seen_records import SeenRecords, places_by_stream
from transforms.events.typed_columns import TypedColumns, to_arrow, to_dates, type_columns
from transforms.events.types import ddl_type
from transforms.key_paths import write_path


@dataclass(frozen=True)
class FlattenTask:
    """The objects that one task reads, and the known columns."""

    source_uri: str
    lake_uri: str
    objects: Sequence[EventObject]
    columns: Sequence[EventColumn]
    rules: EventRules
    table: TablePlace
    quarantine: QuarantinePlace
    days: DayRange = ANY_DAY
    row_rules: RowRules = NO_ROW_RULES


@dataclass(frozen=True)
class Flattened:
    """The output of a task.

    Attributes:
        news: What the columns lack for all objects together.
        partitions_with_repeats: The partitions of records with the key of one that the task read before.
    """

    reports: list[ObjectReport]
    files: list[DataFile]
    news: News = field(default_factory=News)
    partitions_with_repeats: frozenset[str] = frozenset()


def flatten_objects(task: FlattenTask) -> Flattened:
    """Read each object once."""
    uris = {each.lake_uri or task.source_uri for each in task.objects}
    lakes = {uri: open_lake(uri) for uri in uris}
    flattening = _Flattening(task)
    with no_search_for_cycles():
        for each in task.objects:
            lake = lakes[each.lake_uri or task.source_uri]
            flattening.read(each, ObjectText(lake, each.path, each.size, each.etag, is_counted=True))
        return flattening.finish()


class _Flattening:
    """The objects of a task, from their texts to files."""

    def __init__(self, task: FlattenTask) -> None:
        self._task, self._rules, self._days_allowed = task, task.rules, task.days
        self._lake, self._words = open_lake(task.lake_uri), task.row_rules.words
        self._schema = EventSchema(task.columns)
        types = PROVENANCE_TYPES | {column.name: ddl_type(column.type) for column in task.columns}
        self._row_rules = ArrowRowRules(task.row_rules, types)
        self._seen, self._shape = SeenRecords(), RecordShape(task.rules.form)
        self._writer = TableWriter(self._lake, task.table)
        self._reports: list[ObjectReport] = []
        self._news, self._partitions_with_repeats = News(), set[str]()
        self._gathered: list[Part] = []
        self._gathered_lines = self._gathered_bytes = 0
        self._untyped: dict[frozenset[Path], frozenset[Path]] = {}

    def read(self, source: EventObject, text: ObjectText) -> None:
        """Read an object; its rows may wait for those of the next ones."""
        lines = ObjectLines(text, source, self._rules)
        blocks = iter(lines)
        first, second = next(blocks, []), next(blocks, None)
        opened = OpenObject(lines.source, self._lake, self._task.quarantine, self._words)
        self._reports.append(opened.report)
        if second is None:
            opened.report.damage = lines.damage
            if not lines.damage:
                self._gather(Part(opened, first))
            return
        self._flush_gathered()
        rows = TableWriter(self._lake, self._task.table)
        for block in chain([first, second], blocks):
            self._add([Part(opened, block)], rows)
        opened.report.damage = lines.damage
        if not lines.damage:
            self._close(opened)
            if not opened.report.needs_columns:
                self._writer.absorb(rows)

    def finish(self) -> Flattened:
        """Write all rows, and return the output."""
        self._flush_gathered()
        self._writer.flush()
        return Flattened(self._reports, self._writer.files, self._news, frozenset(self._partitions_with_repeats))

    def _gather(self, part: Part) -> None:
        """Keep the lines of a small object until there are enough for a block."""
        if not part.lines:
            self._close(part.opened)
            return
        self._gathered.append(part)
        self._gathered_lines += len(part.lines)
        self._gathered_bytes += sum(map(len, part.lines))
        if is_block(self._gathered_lines, self._gathered_bytes):
            self._flush_gathered()

    def _flush_gathered(self) -> None:
        if self._gathered:
            self._add(self._gathered, self._writer)
            for part in self._gathered:
                self._close(part.opened)
        self._gathered, self._gathered_lines, self._gathered_bytes = [], 0, 0

    def _close(self, opened: OpenObject) -> None:
        opened.close()
        untyped = frozenset(opened.untyped)
        # Those of a topic's objects are mostly equal: reports share one set.
        opened.report.untyped = self._untyped.setdefault(untyped, untyped)

    def _add(self, parts: Sequence[Part], writer: TableWriter) -> None:
        """Add the rows of a block to a writer, except for those of objects that need more columns."""
        try:
            block = flatten_parts(parts, self._shape)
        except DataError:  # together the objects have too many attributes
            if len(parts) == 1:
                raise
            for part in parts:
                self._add([part], writer)
            return
        block.drop_superseded()
        for place, lines in block.rejected.items():
            block.objects[place].reject(lines)
        for place, skipped in block.skipped.items():
            block.objects[place].skip(skipped)
        block.days = self._days(block)
        if undated := {row for row, day in enumerate(block.days) if day is None}:
            column = write_path(self._rules.day) if self._rules.day else None
            block.reject(dict.fromkeys(undated, ("day", column)))
        if not block.owners:
            return
        typed = self._typed(block)
        if not (needing := self._rows_needing_columns(block, typed)):
            self._keep(block, typed, writer)
        elif len(needing) == len(block.owners):
            self._learn(block, typed)
        else:
            some, others = block.split(needing)
            self._learn(some, self._typed(some))
            self._keep(others, self._typed(others), writer)

    def _typed(self, block: Block) -> TypedColumns:
        return type_columns(block.flat.values, len(block.owners), self._schema, self._rules.formats)

    def _rows_needing_columns(self, block: Block, typed: TypedColumns) -> set[int]:
        """Return the rows of the objects that need more columns, and note that in their reports."""
        present = set(block.owners)
        needing = {owner for owner in present if block.objects[owner].report.needs_columns}
        for path, statistics in typed.news.statistics.items():
            if len(needing) == len(present):
                break
            if path not in self._schema.texts or learn_type(statistics).type is not None:
                needing |= block.owners_of(path)
        for path in typed.news.misfits - typed.news.statistics.keys():
            _, misfits = to_arrow(block.flat.values[path], self._schema.values[path].type)
            needing.update(block.owners[row] for row in misfits)
        for owner in needing:
            block.objects[owner].report.needs_columns = True
        return {row for row, owner in enumerate(block.owners) if owner in needing} if needing else set()

    def _learn(self, block: Block, typed: TypedColumns) -> None:
        """Count rows that will be read again, and note what they need."""
        self._news = self._news.merge(typed.news)
        self._count(block, find_origins(block, self._rules))

    def _keep(self, block: Block, typed: TypedColumns, writer: TableWriter) -> None:
        """Add rows to a writer, except for those that break an expectation."""
        if self._row_rules and (broken := self._broken_rules(block, typed.columns)):
            block.reject(broken)
            typed = self._typed(block)
        self._news = self._news.merge(typed.news)
        for path in typed.news.statistics:
            for owner in block.owners_of(path):
                block.objects[owner].untyped.add(path)
        for name, rows in typed.set_aside.items():
            for opened, values in block.rows_by_object(rows):
                opened.report.set_aside[name] += values
        origins = find_origins(block, self._rules)
        self._count(block, origins)
        if block.owners:
            writer.add_mixed([day or "" for day in block.days], self._table(block, origins, typed.columns))

    def _broken_rules(self, block: Block, columns: Mapping[str, Any]) -> dict[int, tuple[str, str | None]]:
        """Return the rows that break an expectation, each with the first one and its column."""
        broken: dict[int, tuple[str, str | None]] = {}
        for rule, mask in self._row_rules.broken(self._table(block, find_origins(block, self._rules), columns)):
            for row in pc.indices_nonzero(mask).to_pylist():
                broken.setdefault(row, (rule.name, rule.column))
        return broken

    def _days(self, block: Block) -> list[str | None]:
        """Return the partition of each row; None for a row without a day within the range."""
        path, values = self._rules.day, block.flat.values
        if path is None:
            days = [
                opened.source.day if _is_within(opened.source.day, self._days_allowed) else None
                for opened in block.objects
            ]
            return [days[owner] for owner in block.owners]
        if path not in values:
            return [None] * len(block.owners)
        dates = to_dates(values[path], self._rules.formats[path])
        first, last = (pa.scalar(day, pa.date32()) for day in self._days_allowed)
        allowed = pc.and_(pc.greater_equal(dates, first), pc.less_equal(dates, last))
        # Arrow's strftime needs the system's time zone database, even for UTC, and containers may lack it.
        encoded = pc.if_else(allowed, dates, None).dictionary_encode()
        names = [f"year={day.year:04}/month={day.month:02}/day={day.day:02}" for day in encoded.dictionary.to_pylist()]
        return [None if place is None else names[place] for place in encoded.indices.to_pylist()]

    def _count(self, block: Block, origins: Origins) -> None:
        """Count rows, and note whether keys repeat earlier ones; settling compares those records."""
        for opened, rows_of_object in block.rows_by_object():
            opened.report.read += rows_of_object
        advance(Done(rows=len(block.owners)))
        for stream, rows in places_by_stream(origins.streams()).items():
            repeats = self._seen.add(stream, [origins.offsets[row] for row in rows])
            self._partitions_with_repeats.update(block.days[rows[place]] or "" for place in repeats)

    def _table(self, block: Block, origins: Origins, columns: Mapping[str, Any]) -> pa.Table:
        provenance = (
            origins.topics,
            origins.partitions,
            origins.offsets,
            [block.objects[owner].source.path for owner in block.owners],
            [line.number for line in block.flat.lines],
        )
        arrays = {
            name: pa.array(values, kind) for (name, kind), values in zip(PROVENANCE.items(), provenance, strict=True)
        }
        return pa.table(arrays | {name: columns[name] for name in self._schema.arrow_types})


def _is_within(day: str, days: DayRange) -> bool:
    """Return whether a partition's day is within a range; a partition without a day always is."""
    if not day:
        return True
    return days.first <= date(*(int(part.split("=", 1)[1]) for part in day.split("/"))) <= days.last
