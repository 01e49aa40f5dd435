"""Events of a Kafka Connect S3 sink to flat, typed Parquet tables, one a topic."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.flatten_events import RESERVED, FlattenEventsFeed
from lakewright.aws.catalog import Catalog
from lakewright.engine.spark.session import own_session
from lakewright.errors import ConfigError, EmptySourceError, ObjectRefusedError, SourceGoneError
from lakewright.kafka.batches import BatchResult, EventBatch, EventFlattening
from lakewright.kafka.copies import find_copies, twins_of
from lakewright.kafka.files import EventObject, ObjectReport
from lakewright.kafka.schemas import describe_changes, known_schema, next_version
from lakewright.kafka.sink import SinkListing, SinkObject, is_wanted, list_sink
from lakewright.parquet.arrow import PROVENANCE_TYPES
from lakewright.parquet.place import TablePlace
from lakewright.runs.actions import TableState
from lakewright.runs.job import Choice, Request, Staged, Survey, Target
from lakewright.runs.log import Log, Plan
from lakewright.runs.progress import Progress
from lakewright.runs.records import Counts, SourceObject
from lakewright.sources.listing import describe_empty
from lakewright.sources.selection import is_within
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.events.schema import EventSchema
from transforms.events.sink_names import SinkName, date_of_folders, read_sink_name, topics_by_table
from transforms.events.types import ddl_type
from transforms.object_names import DATE_KEYS, compile_date_template, is_day, partition_path


class FlattenEvents:
    """The job for one topic; see ``lakewright.runs.job.TargetJob``.

    Args:
        topics: The topics whose name for a table this is. With more than one, none of them is taken.
        listing: What lies at the source, listed for all topics together; it serves for the first look.
        warnings: What a person should know of the feed.
    """

    #: An object whose path does not say its day is named, and the others go on.
    skips_refused = True

    def __init__(
        self,
        feed_name: str,
        feed: FlattenEventsFeed,
        lake: Lake,
        *,
        table: str,
        topics: Sequence[str],
        listing: SinkListing,
        warnings: Sequence[str] = (),
    ) -> None:
        self.feed, self._lake, self._table, self._topics = feed, lake, table, topics
        self.target = Target(feed_name, table, f"{feed.target.path.strip('/')}/{table}/")
        self._source, self._folder = open_source(feed, lake)
        path_format = feed.source.day.path_format
        self._path_date = compile_date_template(path_format, needs_day=True) if path_format else None
        self._listing: SinkListing | None = listing
        self._warnings = list(warnings)
        self._state: TableState | None = None

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``."""
        if len(self._topics) > 1:
            raise ConfigError(
                f"topics {' and '.join(map(repr, self._topics))} would both fill the table {self._table}; "
                "take them with feeds of their own, with other source.topics and target.path"
            )
        self._state = state
        if (problem := self._unfit(state)) and not (request.everything and not request.wanted):
            raise ConfigError(f"{problem}; run `rebuild` to make the whole table anew")
        listing = self._look()
        objects, refused = [], dict(excluded)
        for found in listing.topics.get(self._topics[0], ()):
            day = self._day(found)
            if self.feed.source.day.source == "path" and not (len(day) == len(DATE_KEYS) and is_day(day)):
                refused[found.path] = f"its path says no day, but {partition_path(day) or 'nothing'}"
            elif found.path not in excluded:
                objects.append(SourceObject(path=found.path, size=found.size, etag=found.etag, values=day))
        choice = self._choose(objects, state, request, refused)
        warnings = list(self._warnings)
        is_of_days = request.everything or any(is_within(taken.values, request.wanted) for taken in objects)
        if request.wanted and not is_of_days:
            warnings.append(f"no object of topic {self._topics[0]!r} is of {partition_path(request.wanted)}")
        return Survey(choice=choice, refused=refused, ignored=dict(listing.strays), warnings=warnings)

    def changed(self, plan: Plan) -> list[str]:
        """See ``TargetJob.changed``."""
        folder = f"{self._folder}{self._name_of(plan.objects[0].path).topic}/"
        current = {found.path: found.etag for found in self._source.list(folder)}
        return [taken.path for taken in plan.objects if current.get(taken.path) != taken.etag]

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:
        """See ``TargetJob.stage``."""
        state = self._state_before(plan)
        spark = own_session()
        batch = self._batch(plan, state, folder)
        new, before = twins_of(batch.objects, state.objects if plan.replaces is not None else {})
        if new:
            limit = batch.rules.max_record_bytes
            batch = replace(batch, copies=find_copies(spark, batch.source_uri, new, before, max_record_bytes=limit))
        flattening = EventFlattening(spark, batch)
        if damaged := flattening.read():
            return Staged(refused=damaged)
        progress.stage(self.target.name, "settle")
        result = flattening.settle()
        return self._staged(plan, state, batch, result)

    def layout(self) -> str:
        """See ``TargetJob.layout``."""
        day, target = self.feed.source.day, self.feed.target
        source = f"the {day.source} {day.field or day.path_format}".rstrip()
        return f"{self.target.path} by the day of {source}, names with {target.separator!r}"

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``; a folder on a person's own machine is nothing that the catalog could point to."""
        catalog = self.feed.target.catalog
        if catalog is None or not self._lake.uri.startswith("s3://"):
            return None
        location = f"{self._lake.uri}/{self.target.path}"
        owner = f"{self.target.feed_name}/{self._table} in {self._lake.uri}"
        return Catalog(catalog.database, self._table, location, DATE_KEYS, owner=owner)

    def _unfit(self, state: TableState) -> str:
        """Say what of the table is not as the feed has it now; empty if nothing."""
        if problem := state.other_layout(self.layout()):
            return problem
        declared = self.feed.rules().timestamps
        for path, column in known_schema(state.schema_versions).values.items():
            kind = f"timestamp({declared[path]})" if path in declared else ""
            if column.type != kind and (kind or str(column.type).startswith("timestamp")):
                return f"column {column.name} is {column.type} in the table and {kind or 'no timestamp'} in the feed"
        return ""

    def _look(self) -> SinkListing:
        listing, self._listing = self._listing, None
        if listing is None:
            source = self.feed.source
            listing = list_sink(
                self._source, self._folder, delimiter=source.delimiter, topics=source.topics, below=self._topics[0]
            )
        return listing

    def _day(self, found: SinkObject) -> dict[str, str]:
        """Give year, month and day of an object's rows, as far as the object says it."""
        source = self.feed.source.day.source
        if source == "path":
            return date_of_folders(found.name.folders, self._path_date)
        if source == "object":
            return dict(zip(DATE_KEYS, f"{found.modified:%Y-%m-%d}".split("-"), strict=True))
        return {}

    def _choose(
        self, objects: Sequence[SourceObject], state: TableState, request: Request, refused: dict[str, str]
    ) -> Choice:
        """Choose what is new or was written again; with it, what lost rows to what was written again.

        What waits for another object is added to ``refused``.

        Raises:
            ObjectRefusedError: If the whole table is to be made anew, and an object that it holds is refused.
            SourceGoneError: If an object that must be taken again is gone, and the feed refuses that.
        """
        there = {taken.path: taken for taken in objects}
        if request.everything and not request.wanted:
            if damaged := {path: reason for path, reason in refused.items() if path in state.objects}:
                raise ObjectRefusedError(damaged)
            self._refuse_gone("", set(state.objects) - set(there))
            return Choice(list(objects), None)
        if request.wanted:
            paths = self._within(objects, state, request, refused)
        else:
            paths = {taken.path for taken in objects if not state.has(taken.path, taken.etag)}
        if again := paths & set(state.objects):
            repeating = {path for path, taken in state.objects.items() if taken.superseded}
            if missing := sorted(repeating & set(refused)):
                why = f"its rows stay as they are until {missing[0]} is whole again, whose records they may stand for"
                refused |= dict.fromkeys(again, why)
                paths -= again
            else:
                paths |= repeating
        return Choice([there[path] for path in sorted(paths & set(there))], [])

    def _within(
        self, objects: Sequence[SourceObject], state: TableState, request: Request, refused: Mapping[str, str]
    ) -> set[str]:
        """Name the objects of the wanted days; where rows say their days, those that gave rows to them."""
        of_path = {taken.path for taken in objects if taken.values and is_within(taken.values, request.wanted)}
        if not request.everything:
            if self.feed.source.day.source == "field":
                raise ConfigError("the day of an event is in the event: run without --date and --partition")
            return {taken.path for taken in objects if taken.path in of_path and not state.has(taken.path, taken.etag)}
        of_rows = {
            path
            for file in state.files.values()
            if is_within(dict(part.split("=", 1) for part in file.partition.split("/")), request.wanted)
            for path in file.objects
        }
        if not of_path | of_rows:
            raise ConfigError(f"no event is of {partition_path(request.wanted)}")
        self._refuse_gone(partition_path(request.wanted), of_rows - {taken.path for taken in objects} - set(refused))
        return of_path | of_rows

    def _refuse_gone(self, partition: str, gone: set[str]) -> None:
        if gone and self.feed.target.on_missing_source == "refuse":
            raise SourceGoneError(partition, sorted(gone))

    def _state_before(self, plan: Plan) -> TableState:
        if self._state is None or self._state.number != plan.number - 1:
            self._state, _ = Log(self._lake, self.target.state_folder).read()
        return self._state

    def _name_of(self, path: str) -> SinkName:
        name = read_sink_name(path[len(self._folder) :], self.feed.source.delimiter)
        if isinstance(name, str):
            raise ConfigError(f"{path}: {name}; it was planned under another source.path or delimiter")
        return name

    def _batch(self, plan: Plan, state: TableState, folder: str) -> EventBatch:
        target, is_whole = self.feed.target, plan.replaces is None
        known = known_schema(state.schema_versions)
        prefix = f"{plan.number:06d}-"
        return EventBatch(
            source_uri=self._source.uri,
            lake_uri=self._lake.uri,
            objects=[
                EventObject(taken.path, taken.size, self._name_of(taken.path), partition_path(taken.values))
                for taken in plan.objects
            ],
            rules=self.feed.rules(),
            separator=target.separator,
            reserved=RESERVED,
            known=EventSchema() if is_whole else known,
            former=known if is_whole and state.layout == self.layout() else EventSchema(),
            existing=[] if is_whole else list(state.files.values()),
            retaken=frozenset() if is_whole else frozenset(taken.path for taken in plan.objects) & set(state.objects),
            dedupe_days=target.dedupe_days,
            table=TablePlace(folder + "table/", self.target.path, prefix, target.compression, target.sort_by),
            quarantine=TablePlace(folder + "quarantine/", self.target.quarantine_folder, prefix, target.compression),
            days=self.feed.days(date.fromisoformat(plan.processing_date)),
            refuses_conflicts=self.feed.source.on_offset_conflict == "refuse",
        )

    def _staged(self, plan: Plan, state: TableState, batch: EventBatch, result: BatchResult) -> Staged:
        reports = result.reports.values()
        read, superseded = sum(report.read for report in reports), sum(report.superseded for report in reports)
        rules = sum((report.rejected for report in reports), Counter[str]())
        before, columns = known_schema(state.schema_versions), result.schema.columns
        fresh = columns if plan.replaces is None else columns[len(before.columns) :]
        separator = self.feed.target.separator
        types = {column.name: ddl_type(column.type) for column in columns}
        return Staged(
            counts=Counts(
                read=read,
                written=read - superseded - rules.total(),
                superseded=superseded,
                rejected=rules.total(),
            ),
            taken=[
                taken.model_copy(update={"superseded": result.reports[taken.path].superseded}) for taken in plan.objects
            ],
            rules=dict(sorted(rules.items())),
            columns=PROVENANCE_TYPES | types | dict.fromkeys(DATE_KEYS, "string"),
            table=result.files,
            quarantine=[file for report in reports for file in report.quarantine],
            replaced=result.replaced,
            released=[path for path, file in state.quarantine.items() if batch.retaken & set(file.objects)],
            kept=result.kept,
            schema_version=next_version(plan, state, () if fresh == before.columns else fresh, separator=separator),
            schema_changes=describe_changes(before, result.schema, separator=separator),
            set_aside=dict(sorted(sum((report.set_aside for report in reports), Counter[str]()).items())),
            numbers={report.path: {"offset_conflicts": report.conflicts} for report in reports if report.conflicts},
            warnings=[*_conflicts_among(reports), *_empty_among(plan.objects)],
        )


def _conflicts_among(reports: Collection[ObjectReport]) -> list[str]:
    """Say how many records share their offsets with others that differ; they are rows all the same."""
    found = sorted((report for report in reports if report.conflicts), key=lambda report: report.path)
    if not found:
        return []
    count, more = sum(each.conflicts for each in found), f" and {len(found) - 1} more objects" if len(found) > 1 else ""
    return [
        f"records that share their offset with another one and differ from it: {count}, in {found[0].path}{more}; "
        "all were kept (source.on_offset_conflict)"
    ]


def _empty_among(objects: Iterable[SourceObject]) -> list[str]:
    """Name what cannot be told from a gzip that was cut off before its first byte."""
    return [
        f"{taken.path} is empty, which gzip never is: it may have been cut off"
        for taken in objects
        if not taken.size and taken.path.endswith(".gz")
    ]


def open_source(feed: FlattenEventsFeed, lake: Lake) -> tuple[Lake, str]:
    """Open where the sink writes: a lake, and the folder in it."""
    path = feed.source.path
    return (open_lake(path), "") if "://" in path else (lake, path)


def open_targets(feed_name: str, feed: FlattenEventsFeed, lake: Lake) -> list[FlattenEvents]:
    """Give a target for each topic that lies there; the source is listed once for all of them.

    Raises:
        EmptySourceError: If there is none.
    """
    source, folder = open_source(feed, lake)
    found = list_sink(source, folder, delimiter=feed.source.delimiter, topics=feed.source.topics)
    if not found.topics:
        raise EmptySourceError(_describe_no_topic(feed, source, folder))
    idle = [
        pattern for pattern in feed.source.topics if not any(is_wanted(topic, (pattern,)) for topic in found.topics)
    ]
    warnings = [f"source.topics: no object lies there of a topic like {pattern!r}" for pattern in idle]
    jobs = []
    for table, topics in topics_by_table(found.topics).items():
        others = [f"{folder}{topic}/" for topic in found.topics if topic not in topics]
        strays = {path: why for path, why in found.strays.items() if not path.startswith(tuple(others))}
        listing = SinkListing({topic: found.topics[topic] for topic in topics}, strays)
        jobs.append(
            FlattenEvents(feed_name, feed, lake, table=table, topics=topics, listing=listing, warnings=warnings)
        )
        warnings = []  # once is enough
    return jobs


def _describe_no_topic(feed: FlattenEventsFeed, source: Lake, folder: str) -> str:
    """Say what lies at a source that has no object of any wanted topic."""
    found = list_sink(source, folder, delimiter=feed.source.delimiter, topics=("*",))
    others = {
        taken.path: f"source.topics does not name topic {topic!r}"
        for topic, objects in found.topics.items()
        for taken in objects
    }
    return describe_empty(folder or f"{source.uri}/", others | dict(found.strays), whose="one of the sink's")


if __name__ == "__main__":
    run_as_script("flatten_events")
