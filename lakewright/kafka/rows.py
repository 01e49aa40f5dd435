"""Events as rows of a table: read, flattened and deduplicated while they are written, with learned columns."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from lakewright.corrections.manifests import CORRECTS
from lakewright.kafka.batches import EventBatch, read_events
from lakewright.kafka.blocks.objects import ObjectReport
from lakewright.kafka.copies import find_copies, twins_of
from lakewright.kafka.reader import TopicObjects
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.kafka.selection import SUPERSEDED
from lakewright.kafka.settling import SettledEvents, settle
from lakewright.kafka.sink import EventObject
from lakewright.log.actions.objects import CountPerObject, ForgetObjects
from lakewright.log.actions.tables import LearnSchema, SetAside
from lakewright.log.actions.union import AnyAction
from lakewright.log.records import Counts, SourceObject
from lakewright.log.schemas import describe_changes, known_schema, next_version
from lakewright.parquet.place import TablePlace
from lakewright.parquet.provenance import PROVENANCE_TYPES
from lakewright.parquet.sink import WrittenRows
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from lakewright.runs.progress import count_of, readable_bytes
from transforms.events.schema import EventSchema
from transforms.events.types import ddl_type
from transforms.key_paths import write_path
from transforms.object_names import DATE_KEYS


@dataclass(frozen=True)
class FlatEvents:
    """The deduplicated rows of a batch of events; see ``JudgedRows``.

    Attributes:
        rules: The feed's rules for its events.
        days: The range of valid days.
        separator: The separator between the keys in a column name.
        reserved: Names that attributes' columns must not have.
        dedupe_days: Within how many days of its own a record that carries its offset is deduplicated against the table.
        refuses_conflicts: Whether two different records with the same key fail the batch.
        lake_uri: The lake of the table.
        layout: The table's layout; while it stays the same, columns keep their names across rebuilds.
        row_rules: The expectations that reject rows.
    """

    events: TopicObjects
    rules: EventRules
    days: DayRange
    separator: str
    reserved: Sequence[str]
    dedupe_days: int
    refuses_conflicts: bool
    lake_uri: str
    layout: str
    row_rules: RowRules = NO_ROW_RULES

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        """See ``JudgedRows.write``."""
        workers, events = self.events.workers, self._batch(batch, table, quarantine)
        read = read_events(workers, events, self._copies(batch), partial(self._report_again, batch))
        batch.progress.stage(self.events.table, "settle")
        settled = settle(workers, events, read)
        is_unchanged = {each.file.staged for each in read.files} == {file.staged for file in settled.files}
        written = self._written(batch, events.retaken, settled)
        return replace(written, publishes_all=read.is_in_one_pass and is_unchanged)

    def _report_again(self, batch: Batch, objects: Sequence[EventObject]) -> None:
        """Report that objects are read again, with the columns learned from them."""
        size = sum(each.size for each in objects)
        detail = f"new columns: {count_of(len(objects), 'object')}, {readable_bytes(size)}"
        batch.progress.stage(self.events.table, "read again", detail)
        batch.progress.expect(self.events.table, size)

    def _batch(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> EventBatch:
        plan, state = batch.plan, batch.state
        is_whole, known = plan.overwrites_table, known_schema(state.schema_versions)
        retaken = () if is_whole else (source.path for source in plan.objects if source.path in state.objects)
        void = self.events.void_corrections
        return EventBatch(
            source_uri=self.events.uri,
            lake_uri=self.lake_uri,
            objects=self.events.objects,
            rules=self.rules,
            separator=self.separator,
            reserved=self.reserved,
            known=EventSchema() if is_whole else known,
            former=known if is_whole and state.layout == self.layout else EventSchema(),
            existing=[] if is_whole else list(state.files.values()),
            retaken=frozenset(retaken) | void,
            dedupe_days=self.dedupe_days,
            table=table,
            quarantine=quarantine,
            days=self.days,
            refuses_conflicts=self.refuses_conflicts,
            row_rules=self.row_rules,
        )

    def _copies(self, batch: Batch) -> dict[str, ObjectReport]:
        """Find objects that are exact copies of others, in this batch or in the table."""
        if not self.rules.dedupes:
            return {}
        events, objects = self.events, {} if batch.plan.overwrites_table else batch.state.objects
        committed = {path: source for path, source in objects.items() if CORRECTS not in source.notes}
        own = [each for each in events.objects if not each.lake_uri]
        new, before = twins_of(own, committed, events.read_name)
        if not new:
            return {}
        limit, records = self.rules.max_record_bytes, self.rules.records
        return find_copies(events.workers, events.uri, new, before, max_record_bytes=limit, records=records)

    def _written(self, batch: Batch, retaken: frozenset[str], settled: SettledEvents) -> WrittenRows:
        plan, state, reports = batch.plan, batch.state, settled.reports.values()
        rules = _total(report.rejected for report in reports)
        skipped = _total(report.skipped for report in reports)
        types = {column.name: ddl_type(column.type) for column in settled.schema.columns}
        before = known_schema(state.schema_versions)
        return WrittenRows(
            counts=_counts(reports),
            columns=PROVENANCE_TYPES | types | dict.fromkeys(DATE_KEYS, "string"),
            table=settled.files,
            quarantine=[file for report in reports for file in report.quarantine],
            replaced=settled.replaced,
            kept=settled.kept,
            released=[path for path, file in state.quarantine.items() if retaken & set(file.objects)],
            objects=[_with_note(source, settled.reports[source.path]) for source in plan.objects],
            actions=self._actions(batch, settled),
            rules=dict(sorted(rules.items())),
            first_rejected=_first_rejected(reports),
            skipped=dict(sorted(skipped.items())),
            schema_changes=describe_changes(before, settled.schema, separator=self.separator),
            warnings=[*_conflicts_among(reports), *_empty_among(plan.objects), *self._unknown_keys(settled)],
            are_as_planned=True,
        )

    def _unknown_keys(self, settled: SettledEvents) -> list[str]:
        """Warn of attributes of the feed's key that no record of the table has: then nothing is deduplicated."""
        schema, warnings = settled.schema, []
        for path in self.rules.key if settled.files else ():
            if path not in schema.values and path not in schema.texts:
                is_object = any(column.path[: len(path)] == path for column in schema.columns)
                what = "it is an object; name attributes of it" if is_object else "no record has it"
                warnings.append(f"source.dedupe: nothing is deduplicated by {write_path(path)}: {what}")
        return warnings

    def _actions(self, batch: Batch, settled: SettledEvents) -> list[AnyAction]:
        """Return the actions that are specific to events."""
        reports = settled.reports.values()
        version = next_version(batch.plan, batch.state, settled.schema, separator=self.separator)
        set_aside = _total(report.set_aside for report in reports)
        conflicts = {report.path: {"offset_conflicts": report.conflicts} for report in reports if report.conflicts}
        actions: list[AnyAction] = [LearnSchema(version)] if version else []
        void = self.events.void_corrections
        actions += [ForgetObjects(sorted(void))] if void else []
        actions += [SetAside(dict(sorted(set_aside.items())))] if set_aside else []
        actions += [CountPerObject(conflicts)] if conflicts else []
        return actions


def _counts(reports: Collection[ObjectReport]) -> Counts:
    """Count the rows as they were read and judged; the runtime compares them with the files' rows."""
    read = sum(report.read for report in reports)
    superseded = sum(report.superseded + report.corrected for report in reports)
    rejected = sum(report.rejected.total() for report in reports)
    skipped = sum(report.skipped.total() for report in reports)
    written = read - superseded - rejected - skipped
    return Counts(read=read, written=written, superseded=superseded, rejected=rejected, skipped=skipped)


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    total = Counter[str]()
    for counter in counters:
        total.update(counter)
    return total


def _first_rejected(reports: Collection[ObjectReport]) -> dict[str, str]:
    """Describe the first record that breaks each rule, by object and line."""
    first: dict[str, str] = {}
    for report in sorted((report for report in reports if report.first_rejected), key=lambda report: report.path):
        first = {**(report.first_rejected or {}), **first}
    return first


def _with_note(source: SourceObject, report: ObjectReport) -> SourceObject:
    notes = {name: note for name, note in source.notes.items() if name != SUPERSEDED}
    notes |= {SUPERSEDED: report.superseded} if report.superseded else {}
    return msgspec.structs.replace(source, notes=notes)


def _conflicts_among(reports: Collection[ObjectReport]) -> list[str]:
    """Warn of records that share their offset with a different record; both are kept."""
    found = sorted((report for report in reports if report.conflicts), key=lambda report: report.path)
    if not found:
        return []
    count, more = sum(each.conflicts for each in found), f" and {len(found) - 1} more objects" if len(found) > 1 else ""
    return [
        f"records with the offset of another record and different content: {count}, in {found[0].path}{more}; "
        "all are kept (source.on_offset_conflict)"
    ]


def _empty_among(objects: Iterable[SourceObject]) -> list[str]:
    """Warn of empty objects, which may be gzip objects truncated to zero bytes."""
    return [
        f"{source.path} is empty, although gzip never is: it may be truncated"
        for source in objects
        if not source.size and source.path.endswith(".gz")
    ]
