"""A worker's part of reading events: objects in, staged Parquet files and a report per object out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.errors import ObjectRefusedError
from lakewright.kafka.rules import ANY_DAY, DayRange, EventRules
from lakewright.kafka.sink import EventObject, ObjectText
from lakewright.log.records import DataFile
from lakewright.parquet.arrow import PROVENANCE, TableWriter
from lakewright.parquet.place import TablePlace
from lakewright.parquet.provenance import PROVENANCE_TYPES
from lakewright.quality.row_rules import NO_ROW_RULES, ArrowRowRules, RowRules
from lakewright.quarantine.files import QuarantineWriter
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.rows import Reason, RejectedRow, count_rules, quarantine_table
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.errors import LongRecordError
from transforms.events.blocks import flatten_block, no_search_for_cycles
from transforms.events.flat_rows import FlatRows
from transforms.events.lines import Line, RejectedLine, split_lines
from transforms.events.record_shape import RecordShape
from transforms.events.schema import EventColumn, EventSchema, News
from transforms.events.seen_records import CARRIED, SeenRecords, places_by_stream
from transforms.events.sink_names import sink_scope
from transforms.events.typed_columns import to_arrow, type_columns
from transforms.events.types import ddl_type
from transforms.key_paths import write_path

_LONG: Final = range(2**63)

T = TypeVar("T")


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


@dataclass
class ObjectReport:
    """The content of an object; one that needs more columns has no rows in any file yet.

    ``damage`` is the reason to refuse the object; all other fields are then meaningless. ``meets`` is true if a record
    has the key of one that the same task read before; ``conflicts`` counts such records with different content;
    ``corrected`` counts those that corrections replace.
    """

    path: str
    read: int = 0
    damage: str = ""
    meets: bool = False
    conflicts: int = 0
    superseded: int = 0
    corrected: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    news: News = field(default_factory=News)
    asks: bool = False
    quarantine: list[DataFile] = field(default_factory=list)


@dataclass(frozen=True)
class Flattened:
    """The output of a task."""

    reports: list[ObjectReport]
    files: list[DataFile]


def flatten_objects(task: FlattenTask) -> Flattened:
    """Read each object once, and drop records that an earlier object of the task contained."""
    uris = {each.lake_uri or task.source_uri for each in task.objects}
    lakes, lake = {uri: open_lake(uri) for uri in uris}, open_lake(task.lake_uri)
    seen, shape, writer = SeenRecords(), RecordShape(), TableWriter(lake, task.table)
    types = PROVENANCE_TYPES | {column.name: ddl_type(column.type) for column in task.columns}
    row_rules = ArrowRowRules(task.row_rules, types)
    reports = []
    with no_search_for_cycles():
        for each in task.objects:
            reading = _Reading(each, task, lake, seen, shape, row_rules)
            reading.read(ObjectText(lakes[each.lake_uri or task.source_uri], each.path, each.size, each.etag))
            reports.append(reading.report)
            if not reading.report.asks and not reading.report.damage:
                writer.absorb(reading.rows)
        writer.flush()
    return Flattened(reports, writer.files)


class _Reading:
    """One object, from its text to rows that are ready to be written."""

    def __init__(
        self,
        source: EventObject,
        task: FlattenTask,
        lake: Lake,
        seen: SeenRecords,
        shape: RecordShape,
        row_rules: ArrowRowRules,
    ) -> None:
        self._row_rules, self._words = row_rules, task.row_rules.words
        self._source, self._rules, self._days_allowed = source, task.rules, task.days
        self._seen, self._shape, self._scope = seen, shape, sink_scope(source.path)
        self._schema = EventSchema(task.columns)
        self.report = ObjectReport(source.path)
        self.rows = TableWriter(lake, task.table)
        self._place, self._quarantine = task.quarantine, QuarantineWriter(lake, task.quarantine)

    def read(self, text: ObjectText) -> None:
        try:
            self.report.damage = self._read_lines(text)
        except LongRecordError as error:
            self.report.damage = f"{error}; none of its rows were read"
        except ObjectRefusedError as error:
            self.report.damage = error.reasons[self._source.path]
        if self.report.damage:
            return
        self._quarantine.flush()
        self.report.quarantine = self._quarantine.files

    def _read_lines(self, text: ObjectText) -> str:
        """Read all lines; return the reason to refuse the object, or an empty string."""
        line = record = 0
        last = b""
        for lines in split_lines(text, max_bytes=self._rules.max_record_bytes):
            if text.damage:  # the rest is the beginning of a line
                break
            flat = flatten_block(lines, self._shape, after_line=line, after_record=record)
            self._take(flat)
            line += len(lines)
            record += len(lines) - flat.blank
            last = lines[-1]
        return text.find_damage(line, last)

    def _take(self, flat: FlatRows) -> None:
        if self._source.superseded:
            self._drop_superseded(flat)
        self._reject(flat.rejected)
        days = self._days(flat)
        if undated := {row for row, day in enumerate(days) if day is None}:
            column = write_path(self._rules.day) if self._rules.day else None
            lines = (flat.lines[row] for row in sorted(undated))
            self._reject(RejectedLine(line.number, "day", line.text, column) for line in lines)
        places = self._places(flat)
        if undated:
            flat.remove(undated)
            days, places = _without(days, undated), places.without(undated)
        typed = type_columns(flat.values, len(flat.lines), self._schema, self._rules.timestamps)
        asks = self.report.asks or typed.news.asks(self._schema)
        if self._row_rules and not asks and (broken := self._break_rules(flat.lines, places, typed.columns)):
            flat.remove(broken)
            days, places = _without(days, broken), places.without(broken)
            typed = type_columns(flat.values, len(flat.lines), self._schema, self._rules.timestamps)
        self.report.read += len(flat.lines)
        self._note_repeats(places)
        self.report.news = self.report.news.merge(typed.news)
        self.report.set_aside.update(typed.set_aside)
        self.report.asks = asks
        if flat.lines and not asks:
            self._add(days, self._table(flat.lines, places, typed.columns))

    def _drop_superseded(self, flat: FlatRows) -> None:
        """Drop the lines that corrections replace, and count them."""
        superseded = self._source.superseded
        rows = {row for row, line in enumerate(flat.lines) if line.number in superseded}
        kept = [line for line in flat.rejected if line.number not in superseded]
        count = len(rows) + len(flat.rejected) - len(kept)
        self.report.read += count
        self.report.corrected += count
        flat.rejected = kept
        if rows:
            flat.remove(rows)

    def _break_rules(self, lines: Sequence[Line], places: "_Places", columns: Mapping[str, Any]) -> set[int]:
        """Reject the rows that break an expectation, each for the first one, and return them."""
        reasons: dict[int, RejectedLine] = {}
        for rule, mask in self._row_rules.broken(self._table(lines, places, columns)):
            for row in pc.indices_nonzero(mask).to_pylist():
                line = lines[row]
                reasons.setdefault(row, RejectedLine(line.number, rule.name, line.text, rule.column))
        self._reject(reasons[row] for row in sorted(reasons))
        return set(reasons)

    def _days(self, flat: FlatRows) -> list[str | None]:
        """Return the partition of each row; None for a row without a day within the range."""
        path = self._rules.day
        if path is None:
            day = self._source.day if _is_within(self._source.day, self._days_allowed) else None
            return [day] * len(flat.lines)
        if path not in flat.values:
            return [None] * len(flat.lines)
        times, _ = to_arrow(flat.values[path], f"timestamp({self._rules.timestamps[path]})")
        dates = times.cast(pa.timestamp("us")).cast(pa.date32())
        first, last = (pa.scalar(day, pa.date32()) for day in self._days_allowed)
        allowed = pc.and_(pc.greater_equal(dates, first), pc.less_equal(dates, last))
        # Arrow's strftime needs the system's time zone database, even for UTC, and containers may lack it.
        days = pc.if_else(allowed, dates, None).dictionary_encode()
        names = [f"year={day.year:04}/month={day.month:02}/day={day.day:02}" for day in days.dictionary.to_pylist()]
        return [None if place is None else names[place] for place in days.indices.to_pylist()]

    def _places(self, flat: FlatRows) -> "_Places":
        """Return topic, Kafka partition and offset of each record: its own, else derived from the object's name.

        A sink's file is ordered by offset, and its name contains the first. The computed offset (the first plus the
        number of preceding records) is a lower bound. It is exact unless offsets are missing: in compacted or
        transactional topics, or if the sink wrote the records between to other files.
        """
        name, rows = self._source.name, len(flat.lines)
        topics = _own(flat.values.get(self._rules.topic or ()), [name.topic] * rows, str)
        partitions = _own(flat.values.get(self._rules.partition or ()), [name.partition] * rows, int)
        known = self._source.offsets
        computed = [known[line.number - 1] if known else name.start + line.ordinal - 1 for line in flat.lines]
        carried = flat.values.get(self._rules.offset or ())
        if carried is None:
            return _Places(topics, partitions, computed, [self._scope] * rows)
        offsets = _own(carried, [None] * rows, int)
        return _Places(
            topics,
            partitions,
            [other if own is None else own for own, other in zip(offsets, computed, strict=True)],
            [self._scope if own is None else CARRIED for own in offsets],
        )

    def _note_repeats(self, places: "_Places") -> None:
        """Record whether keys repeat earlier ones; whether those records are equal is determined when settling."""
        streams = list(zip(places.scopes, places.topics, places.partitions, strict=True))
        for stream, rows in places_by_stream(streams).items():
            repeats = self._seen.add(stream, [places.offsets[row] for row in rows])
            self.report.meets = self.report.meets or bool(repeats)

    def _table(self, lines: Sequence[Line], places: "_Places", columns: Mapping[str, Any]) -> pa.Table:
        provenance = (
            places.topics,
            places.partitions,
            places.offsets,
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
        rows = [
            RejectedRow(line.number, [self._reason(line)], line.text.decode(errors="backslashreplace"))
            for line in lines
        ]
        if rows:
            self.report.read += len(rows)
            self.report.rejected.update(count_rules(rows))
            self._quarantine.add("", quarantine_table(rows, self._source.path, self._source.etag, self._place))

    def _reason(self, line: RejectedLine) -> Reason:
        reason = Reason(line.rule, line.column)
        return reason._replace(words=self._words.get(reason.name, ""))


class _Places(NamedTuple):
    """Topic, Kafka partition and offset of rows, and the scope in which the three identify a record."""

    topics: list[str]
    partitions: list[int]
    offsets: list[int]
    scopes: list[str]

    def without(self, rows: set[int]) -> "_Places":
        return _Places(*(_without(values, rows) for values in self))


def _is_within(day: str, days: DayRange) -> bool:
    """Return whether a partition's day is within a range; a partition without a day always is."""
    if not day:
        return True
    return days.first <= date(*(int(part.split("=", 1)[1]) for part in day.split("/"))) <= days.last


def _without(values: list[T], rows: set[int]) -> list[T]:
    return [value for row, value in enumerate(values) if row not in rows]


def _own(own: Sequence[Any] | None, otherwise: list[Any], kind: type) -> list[Any]:
    if own is None:
        return otherwise
    return [
        value if type(value) is kind and (kind is str or value in _LONG) else other
        for value, other in zip(own, otherwise, strict=True)
    ]
