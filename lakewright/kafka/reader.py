"""The reader of one topic: its objects, which of them are new, and which are refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from re import Pattern
from typing import Literal

from lakewright.corrections.manifests import CORRECTS, CorrectionFolder
from lakewright.errors import ConfigError, TableDiffersError
from lakewright.kafka.corrected import BatchCorrections, CorrectedTopic, batch_corrections, corrected_topic
from lakewright.kafka.selection import choose_all, choose_news, lost_records
from lakewright.kafka.sink import EventObject, SinkFolder, SinkListing, SinkObject
from lakewright.log.log import Plan
from lakewright.log.records import SourceObject
from lakewright.log.schemas import known_schema
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Survey
from lakewright.runs.job.request import Request
from lakewright.sources.selection import is_within
from lakewright.workers import Workers
from transforms.events.declared.kinds import declared_kind, type_of
from transforms.events.schema import Path
from transforms.events.sink_names import SinkName, date_of_folders
from transforms.object_names import DATE_KEYS, is_day, partition_path
from transforms.schema_changes import FIXED_TYPE, SchemaChange


@dataclass(frozen=True)
class TopicObjects:
    """The objects of a batch: their folder, the workers that read them, the table and the processing day.

    ``void_corrections`` are objects of the table whose rows it removes. ``read_name`` parses the path of an object, or
    returns why it is not one of the sink's.
    """

    uri: str
    objects: Sequence[EventObject]
    workers: Workers
    table: str
    processing_date: date
    read_name: Callable[[str], SinkName | str]
    void_corrections: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TopicReader:
    """The reader of one topic; see ``Reader``.

    Attributes:
        source: The sink's folder.
        table: The table of the topic.
        listing: Its objects when all topics were listed together. If several topics map to the table, all of them are
            refused.
        day_from: What determines a row's day: the object's path, its last-modified time, or an attribute of the event.
        path_date: For paths, the pattern of the folders; None for ``key=value`` folders.
        formats: The declared format of attributes.
        refuses_gone: Whether to refuse a batch if an object that must be read again has disappeared.
        corrections: The corrections of the topic's objects.
        warnings: Warnings about the feed.
    """

    source: SinkFolder
    table: str
    listing: SinkListing
    day_from: Literal["path", "object", "field"]
    path_date: Pattern[str] | None
    formats: Mapping[Path, str]
    refuses_gone: bool
    corrections: CorrectionFolder
    warnings: Sequence[str] = ()

    #: An object whose path contains no day is refused by name; the others are processed.
    skips_refused = True

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``."""
        topic = self._topic()
        self._check_formats(state, request)
        listing = self._look(topic, state)
        listed = listing.topics.get(topic, ())
        there, refused = self._sorted_out(listed, excluded)
        etags = {found.path: found.etag for found in listed}
        corrected = self._corrected(there, etags, state, is_whole=request.is_whole)
        there, state = {path: each for path, each in corrected.there.items() if path not in excluded}, corrected.state
        refused |= corrected.corrections.refused
        lost: list[str] = []
        if request.is_whole:
            choice = choose_all(there, state, refused, refuses_gone=self.refuses_gone)
        else:
            is_field = self.day_from == "field"
            choice, waiting = choose_news(
                there, state, refused, request, refuses_gone=self.refuses_gone, day_in_event=is_field
            )
            refused |= waiting
            lost = lost_records(choice.objects, there, state, refused)
        warnings = [*self.warnings, *lost, *corrected.corrections.warnings()]
        is_of_days = request.everything or any(is_within(source.values, request.wanted) for source in there.values())
        if request.wanted and not is_of_days:
            warnings.append(f"topic {topic!r} has no objects of {partition_path(request.wanted)}")
        return Survey(choice, refused=refused, ignored=dict(listing.strays), listed=etags, warnings=warnings)

    def look(self, state: TableState) -> CorrectedTopic:
        """Return the objects of the topic that are not refused, with the corrections that count."""
        listed = self._look(self._topic(), state).topics.get(self._topic(), ())
        there, _ = self._sorted_out(listed, {})
        etags = {found.path: found.etag for found in listed}
        return self._corrected(there, etags, state, is_whole=False)

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``."""
        own = [source for source in plan.objects if CORRECTS not in source.notes]
        topics = [self._name_of(source.path).topic for source in own[:1]]  # all have the same
        listed = (found for topic in topics for found in self.source.lake.list(self.source.folder_of(topic)))
        current = {found.path: found.etag for found in listed}
        if len(own) < len(plan.objects):
            current |= {each.path: each.etag for each in self.corrections.look()}
        return [source.path for source in plan.objects if current.get(source.path) != source.etag]

    def read(self, batch: Batch) -> TopicObjects:
        """See ``Reader.read``: workers read the objects when they write their rows."""
        corrections = batch_corrections(batch.plan, batch.state, self.corrections)
        objects = [self.event_object(source, corrections) for source in batch.plan.objects]
        day = date.fromisoformat(batch.plan.processing_date)
        return TopicObjects(
            self.source.lake.uri,
            objects,
            batch.workers,
            self.table,
            day,
            self.source.read_name,
            corrections.void,
        )

    def event_object(self, source: SourceObject, corrections: BatchCorrections) -> EventObject:
        """Return an object of a batch for workers."""
        described = corrections.described.get(source.path)
        return EventObject(
            source.path,
            source.size,
            self._name_of(described.name if described else source.path),
            partition_path(source.values),
            source.etag,
            lake_uri=self.corrections.lake.uri if described else "",
            superseded=corrections.superseded.get((source.path, source.etag), frozenset()),
            offsets=described.offsets if described else (),
        )

    def _corrected(
        self, there: Mapping[str, SourceObject], etags: Mapping[str, str], state: TableState, *, is_whole: bool
    ) -> CorrectedTopic:
        allows_gone = not self.refuses_gone
        return corrected_topic(there, etags, self.corrections, state, is_whole=is_whole, allows_gone=allows_gone)

    def _topic(self) -> str:
        topics = list(self.listing.topics)
        if len(topics) > 1:
            raise ConfigError(
                f"topics {' and '.join(map(repr, topics))} map to the same table {self.table}; "
                "use separate feeds with different source.topics and target.path"
            )
        return topics[0]

    def _look(self, topic: str, state: TableState) -> SinkListing:
        """Return the topic's objects as listed with all topics, which saves requests, unless a batch was dropped.

        A batch is dropped if its objects have changed or could not be read: the listing may then be out of date.
        """
        is_outdated = state.last is not None and state.last.status == "dropped"
        return self.source.list(topic) if is_outdated else self.listing

    def _sorted_out(
        self, listed: Sequence[SinkObject], excluded: Mapping[str, str]
    ) -> tuple[dict[str, SourceObject], dict[str, str]]:
        """Separate readable objects, by path, from refused ones."""
        there, refused = {}, dict(excluded)
        for found in listed:
            day = self._day(found)
            if self.day_from == "path" and not (len(day) == len(DATE_KEYS) and is_day(day)):
                refused[found.path] = f"its path contains no valid day{f': {partition_path(day)}' if day else ''}"
            elif found.path not in excluded:
                there[found.path] = SourceObject(found.path, found.size, found.etag, day)
        return there, refused

    def _day(self, found: SinkObject) -> dict[str, str]:
        """Return year, month and day of an object's rows, as far as the object determines them."""
        if self.day_from == "path":
            return date_of_folders(found.name.folders, self.path_date)
        if self.day_from == "object":
            return dict(zip(DATE_KEYS, f"{found.modified:%Y-%m-%d}".split("-"), strict=True))
        return {}

    def _check_formats(self, state: TableState, request: Request) -> None:
        """Refuse declared types that differ between table and feed."""
        if request.is_whole:
            return
        for path, column in known_schema(state.schema_versions).values.items():
            kind = type_of(self.formats[path]) if path in self.formats else ""
            is_declared = isinstance(column.type, str) and declared_kind(column.type) is not None
            if column.type != kind and (kind or is_declared):
                declared = kind or ("not a timestamp" if str(column.type).startswith("timestamp") else "not declared")
                change = SchemaChange("refused", column.name, str(column.type), declared, FIXED_TYPE)
                raise TableDiffersError(f"{change}; run `rebuild` to rebuild the whole table", changes=[change])

    def _name_of(self, path: str) -> SinkName:
        name = self.source.read_name(path)
        if isinstance(name, str):
            raise ConfigError(f"{path}: {name}; it was planned with another source.path or delimiter")
        return name
