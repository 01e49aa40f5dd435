"""What a worker does with objects of events: text in, staged Parquet files and a report of each object out."""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.lake import Lake, open_lake
from lakewright.log import TableFile
from lakewright.readers.kafka_sink import ObjectText
from lakewright.writers.arrow import PROVENANCE, TablePlace, TableWriter
from transforms.column_names import write_path
from transforms.event_lines import Line, RejectedLine, number_lines, parse_lines, split_lines
from transforms.event_schema import EventColumn, EventSchema, News, Path
from transforms.flat_rows import FlatRows, flatten
from transforms.record_shape import RecordShape
from transforms.seen_records import SeenRecords, Stream, places_by_stream
from transforms.sink_names import SinkName
from transforms.typed_columns import to_arrow, type_columns

_REASONS: Final = pa.list_(pa.struct([("rule", pa.string()), ("column", pa.string())]))
_LONG: Final = range(2**63)

T = TypeVar("T")


@dataclass(frozen=True)
class EventRules:
    """What a feed says of its events: how times are written, where the day and the record's own place are.

    Attributes:
        timestamps: Attributes that are times, and how these are written.
        day: The attribute whose day is the row's; None where the object has one.
        topic: The attribute that has the record's topic; None where the object's name decides. So with the others.
    """

    timestamps: Mapping[Path, str]
    day: Path | None = None
    topic: Path | None = None
    partition: Path | None = None
    offset: Path | None = None


@dataclass(frozen=True)
class EventObject:
    """An object to read; ``day`` is the partition of its rows where the rows do not say it."""

    path: str
    size: int
    name: SinkName
    day: str


@dataclass(frozen=True)
class FlattenTask:
    """Objects that one worker reads, and the columns that are known."""

    source_uri: str
    lake_uri: str
    objects: Sequence[EventObject]
    columns: Sequence[EventColumn]
    rules: EventRules
    table: TablePlace
    quarantine: TablePlace


@dataclass
class ObjectReport:
    """What was in an object; one that asks for more columns has no rows in any file yet."""

    path: str
    read: int = 0
    superseded: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    news: News = field(default_factory=News)
    asks: bool = False
    quarantine: list[TableFile] = field(default_factory=list)


@dataclass(frozen=True)
class Flattened:
    """What a task has made."""

    reports: list[ObjectReport]
    files: list[TableFile]


def flatten_objects(task: FlattenTask) -> Flattened:
    """Read objects, each once; a record that an object before has given is not given again."""
    source, lake = open_lake(task.source_uri), open_lake(task.lake_uri)
    seen, shape, writer = SeenRecords(), RecordShape(), TableWriter(lake, task.table)
    reports = []
    # Records hold no cycles, and looking for some takes as long as reading them.
    with _no_search_for_cycles():
        for each in task.objects:
            reading = _Reading(each, task, lake, seen, shape)
            reading.read(ObjectText(source, each.path, each.size))
            reports.append(reading.report)
            if not reading.report.asks:
                writer.absorb(reading.rows)
        writer.flush()
    return Flattened(reports, writer.files)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Reading:
    """One object, from its text to rows that wait to be written."""

    def __init__(
        self, source: EventObject, task: FlattenTask, lake: Lake, seen: SeenRecords, shape: RecordShape
    ) -> None:
        self._source, self._rules, self._seen, self._shape = source, task.rules, seen, shape
        self._schema = EventSchema(task.columns)
        self.report = ObjectReport(source.path)
        self.rows = TableWriter(lake, task.table)
        self._quarantine = TableWriter(lake, task.quarantine)

    def read(self, text: ObjectText) -> None:
        line = record = 0
        for lines in split_lines(text):
            if text.damage:  # what is left is the beginning of a line
                self._reject([RejectedLine(line + 1, "gzip", lines[0])])
                break
            flat, blank = self._flatten(lines, line, record)
            self._take(flat)
            line += len(lines)
            record += len(lines) - blank
        else:
            if text.damage:
                self._reject([RejectedLine(line + 1, "gzip", b"")])
        self._quarantine.flush()
        self.report.quarantine = [
            file.model_copy(update={"objects": [self._source.path]}) for file in self._quarantine.files
        ]

    def _flatten(self, lines: Sequence[bytes], line: int, record: int) -> tuple[FlatRows, int]:
        """Give the rows of lines, and how many of these were blank; reject what is no record."""
        values = self._shape.read(lines)
        if values is not None:
            return FlatRows(number_lines(lines, after_line=line, after_record=record), values), 0
        parsed = parse_lines(lines, after_line=line, after_record=record)
        self._shape.learn(parsed.records)
        self._reject(parsed.rejected)
        return flatten(parsed.records, parsed.lines), parsed.blank

    def _take(self, flat: FlatRows) -> None:
        self._reject(flat.rejected)
        days = self._days(flat)
        if undated := {row for row, day in enumerate(days) if day is None}:
            column = write_path(self._rules.day or ())
            lines = (flat.lines[row] for row in sorted(undated))
            self._reject(RejectedLine(line.number, "day", line.text, column) for line in lines)
        streams, offsets = self._places(flat)
        repeats = self._repeats(streams, offsets, without=undated)
        gone = undated | repeats
        self.report.read += len(flat.lines) - len(undated)
        self.report.superseded += len(repeats)
        if gone:
            flat.remove(gone)
            days, streams, offsets = _without(days, gone), _without(streams, gone), _without(offsets, gone)
        typed = type_columns(flat.values, len(flat.lines), self._schema, self._rules.timestamps)
        self.report.news = self.report.news.merge(typed.news)
        self.report.set_aside.update(typed.set_aside)
        self.report.asks = self.report.asks or typed.news.asks(self._schema)
        if flat.lines and not self.report.asks:
            self._add(days, self._table(flat.lines, streams, offsets, typed.columns))

    def _days(self, flat: FlatRows) -> list[str | None]:
        """Name the partition of each row; None where it has no day."""
        path = self._rules.day
        if path is None:
            return [self._source.day] * len(flat.lines)
        if path not in flat.values:
            return [None] * len(flat.lines)
        times, _ = to_arrow(flat.values[path], f"timestamp({self._rules.timestamps[path]})")
        days: list[str | None] = pc.strftime(times, "year=%Y/month=%m/day=%d").to_pylist()
        return days

    def _places(self, flat: FlatRows) -> tuple[list[Stream], list[int]]:
        """Give topic, Kafka partition and offset of each record: its own, else what the object's name says.

        A sink's file is in the order of offsets. So a record's offset is at least the first one's and those between,
        and where offsets are left out, a record may be taken for two, but two are never taken for one.
        """
        name, rows = self._source.name, len(flat.lines)
        topics = _own(flat.values.get(self._rules.topic or ()), [name.topic] * rows, str)
        partitions = _own(flat.values.get(self._rules.partition or ()), [name.partition] * rows, int)
        computed = [name.start + line.ordinal - 1 for line in flat.lines]
        offsets = _own(flat.values.get(self._rules.offset or ()), computed, int)
        return list(zip(topics, partitions, strict=True)), offsets

    def _repeats(self, streams: Sequence[Stream], offsets: Sequence[int], *, without: set[int]) -> set[int]:
        repeats = set()
        for stream, places in places_by_stream(streams).items():
            asked = [place for place in places if place not in without] if without else places
            found = self._seen.add(stream, [offsets[place] for place in asked])
            repeats |= {asked[index] for index in found}
        return repeats

    def _table(
        self, lines: Sequence[Line], streams: Sequence[Stream], offsets: Sequence[int], columns: Mapping[str, Any]
    ) -> pa.Table:
        provenance = (
            [topic for topic, _ in streams],
            [partition for _, partition in streams],
            offsets,
            [self._source.path] * len(lines),
            [line.number for line in lines],
        )
        arrays = {
            name: pa.array(values, kind) for (name, kind), values in zip(PROVENANCE.items(), provenance, strict=True)
        }
        return pa.table(arrays | {name: columns[name] for name in self._schema.arrow_types})

    def _add(self, days: Sequence[str | None], rows: pa.Table) -> None:
        distinct = set(days)
        if len(distinct) == 1:
            self.rows.add(days[0] or "", rows)
            return
        by_day = pa.array(days, pa.string())
        for day in sorted(filter(None, distinct)):
            self.rows.add(day, rows.filter(pc.equal(by_day, day)))

    def _reject(self, lines: Iterable[RejectedLine]) -> None:
        found = list(lines)
        if not found:
            return
        self.report.read += len(found)
        self.report.rejected.update(f"{line.column}: {line.rule}" if line.column else line.rule for line in found)
        rejected = pa.table(
            {
                "object": pa.array([self._source.path] * len(found), pa.string()),
                "line": pa.array([line.number for line in found], pa.int64()),
                "reasons": pa.array([[{"rule": line.rule, "column": line.column}] for line in found], _REASONS),
                "text": pa.array([line.text.decode(errors="backslashreplace") for line in found], pa.string()),
            }
        )
        self._quarantine.add("", rejected)


def _without(values: list[T], rows: set[int]) -> list[T]:
    return [value for row, value in enumerate(values) if row not in rows]


def _own(own: Sequence[Any] | None, otherwise: list[Any], kind: type) -> list[Any]:
    if own is None:
        return otherwise
    return [
        value if type(value) is kind and (kind is str or value in _LONG) else other
        for value, other in zip(own, otherwise, strict=True)
    ]
