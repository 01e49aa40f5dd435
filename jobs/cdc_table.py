"""One table of changes: which files lie at its source, which make the next batch, what columns they bring."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from jobs.feeds.cdc_to_hudi import CdcToHudiFeed, TableSpec
from lakewright.aws.catalog import Catalog
from lakewright.config import suggest
from lakewright.dms.files import (
    ChangeColumns,
    Footer,
    find_damaged,
    first_time,
    is_load,
    read_changes,
    read_footers,
    written_at,
)
from lakewright.engine.spark.parquet import broken_rules, stage_parquet, staged_files
from lakewright.engine.spark.session import own_session
from lakewright.errors import AccountingError, ConfigError, ReloadedError, SourceGoneError, StaleLoadError
from lakewright.runs.job import Request, Staged, Survey, Target
from lakewright.runs.log import Plan
from lakewright.runs.records import SourceObject, DataFile
from lakewright.runs.actions import TableState
from lakewright.runs.progress import Progress
from lakewright.sources.listing import Listed, Source, describe_empty
from lakewright.sources.selection import Choice, choose_append
from lakewright.storage.lake import Lake
from transforms.changes.schema_drift import merge_columns
from transforms.errors import LakewrightError, SchemaDriftError
from transforms.spark.changes import OBJECT, ORDER, REJECTED, keep_rejected_changes, with_change_order

#: In the values of a source object that a batch knows and does not read.
LEFT_OUT: Final = "left_out"
_QUARANTINE: Final = "quarantine/"
_NO_NAME: Final = "Spark cannot open an object of this name; rename it"


def observe_read(changes: DataFrame, *, read: Observation) -> DataFrame:
    """Count the rows read and rejected, and note the lowest order and the objects with rejected rows, a line each."""
    return changes.observe(
        read,
        F.count(F.lit(1)).alias("read"),
        F.count_if(REJECTED).alias("rejected"),
        F.min(F.when(~F.col(REJECTED), F.col(ORDER))).alias("lowest"),
        F.array_join(F.collect_set(F.when(F.col(REJECTED), F.col(OBJECT))), "\n").alias("dirty"),
    )


class ChangedTable(ABC):
    """What tables with and without a key have in common; see ``lakewright.runs.job.TargetJob``."""

    #: What is earlier than an object that cannot be read goes on without it; see ``_earlier``.
    skips_refused = True
    #: Whether whole numbers of the table may grow from int to bigint.
    widens = False

    def __init__(self, feed_name: str, feed: CdcToHudiFeed, lake: Lake, name: str, spec: TableSpec) -> None:
        self.feed, self.spec, self._lake = feed, spec, lake
        self.target = Target(feed_name, name, f"{feed.target.path}{name}/")
        self._source = Source(lake, f"{feed.source.path}{name}", None)
        self._folder = "" if "://" in feed.source.path else f"{feed.source.path}{name}/"
        self._footers: dict[tuple[str, str], Footer] = {}

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``."""
        if request.wanted:
            raise ConfigError("changes are taken in their order: leave --date and --partition out")
        if (problem := state.other_layout(self.layout())) and not request.everything:
            raise ConfigError(f"{problem}; run `rebuild` to make the whole table anew")
        listing = self._source.look()
        listed = [found for found in listing.objects if found.path.endswith(".parquet")]
        ignored = listing.ignored | {
            found.path: "not named .parquet" for found in listing.objects if not found.path.endswith(".parquet")
        }
        refused = {found.path: _NO_NAME for found in listing.unreadable} | dict(excluded)
        choice = self._choose(listed, state, request)
        ignored |= {taken.path: taken.values[LEFT_OUT] for taken in choice.objects if LEFT_OUT in taken.values}
        footers, unreadable = self._look(choice.objects)
        refused |= unreadable
        if refused:
            objects = [] if request.everything else _earlier(choice.objects, refused)
            choice = Choice(objects, choice.replaces if objects else [])
            footers = {taken.path: footers[taken.path] for taken in objects}
        columns, changes = self._columns(footers, {} if request.everything else state.columns)
        return Survey(
            choice=choice,
            refused=refused,
            ignored=ignored,
            dropped_columns=sorted({name for found in self._dropped(footers, columns).values() for name in found}),
            schema_changes=changes,
            warnings=self._absent_columns(footers, columns),
            nothing=""
            if listed or refused
            else describe_empty(self._source.where, ignored, whose="a Parquet file of the table"),
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``TargetJob.changed``."""
        return self._source.changed(plan.objects)

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    @abstractmethod
    def layout(self) -> str:
        """See ``TargetJob.layout``."""

    def _owner(self) -> str:
        """Say whose the table is in the catalog."""
        return f"{self.target.feed_name}/{self.target.name} in {self._lake.uri}"

    @cached_property
    def _spark(self) -> SparkSession:
        session = own_session(lake_uris=(self._lake.uri, self._source.lake.uri))
        # A source may have a column op, and DMS adds Op.
        session.conf.set("spark.sql.caseSensitive", value=True)
        return session

    def _read(self, footers: Mapping[str, Footer], columns: Mapping[str, str]) -> DataFrame:
        source = self.feed.source
        names = ChangeColumns(
            source.kind_column,
            source.time_column,
            source.sequence_column,
            source.before_image_prefix,
            (*self.spec.key, *self.spec.partition_by) if source.before_image_prefix else (),
            frozenset(source.added_columns() - {*self.feed.target.keep_columns}),
        )
        return read_changes(self._spark, self._source.lake, self._folder, footers, columns=columns, names=names)

    def _uri(self, folder: str, part: str) -> str:
        return self._lake.spark_uri(folder + part)

    def _staged_files(self, plan: Plan, folder: str, part: str, destination: str) -> list[DataFile]:
        return staged_files(self._spark, self._lake, folder + part, destination, prefix=f"{plan.number:06d}-")

    def _judge(self, changes: DataFrame) -> DataFrame:
        """Give each change its order, and say which must be rejected."""
        source = self.feed.source
        return with_change_order(
            changes, key=self.spec.key, kind_column=source.kind_column, time_column=source.time_column
        )

    def _damaged(self, plan: Plan) -> dict[str, str]:
        """Look for files of a batch that make a read of it fail."""
        return find_damaged(self._source.lake, (taken for taken in plan.objects if LEFT_OUT not in taken.values))

    def _check_read(self, counted: Mapping[str, Any], footers: Mapping[str, Footer]) -> None:
        rows = sum(footer.rows for footer in footers.values())
        if counted["read"] != rows:
            raise AccountingError(f"the files hold {rows} rows, and {counted['read']} were read; nothing was written")

    def _stage_rejected(
        self,
        plan: Plan,
        folder: str,
        counted: Mapping[str, Any],
        footers: Mapping[str, Footer],
        columns: Mapping[str, str],
    ) -> tuple[list[DataFile], dict[str, int]]:
        """Read those files again that hold rejected rows, stage these rows, and count the rules that they broke."""
        if not counted["rejected"]:
            return [], {}
        dirty = set(counted["dirty"].split("\n"))
        again = self._read({path: footer for path, footer in footers.items() if path in dirty}, columns)
        rejected = again.transform(self._judge).transform(keep_rejected_changes, columns=list(columns))
        stage_parquet(rejected, self._uri(folder, _QUARANTINE), partition_by=())
        files = self._staged_files(plan, folder, _QUARANTINE, self.target.quarantine_folder)
        return files, broken_rules(self._spark, self._uri(folder, _QUARANTINE))

    def _look(self, objects: Iterable[SourceObject]) -> tuple[dict[str, Footer], dict[str, str]]:
        """Read the footers of the objects that a batch reads."""
        wanted = [taken for taken in objects if LEFT_OUT not in taken.values]
        new = [taken for taken in wanted if (taken.path, taken.etag) not in self._footers]
        limit = self.feed.source.max_record_bytes
        found, refused = read_footers(self._source.lake, new, max_record_bytes=limit)
        self._footers |= {(taken.path, taken.etag): found[taken.path] for taken in new if taken.path in found}
        known = {taken.path: self._footers.get((taken.path, taken.etag)) for taken in wanted}
        return {path: footer for path, footer in known.items() if footer is not None}, refused

    def _columns(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Bring the columns of table and files together, without those that the replication added."""
        files = []
        dropped = self._dropped(footers, table)
        for path, footer in sorted(footers.items(), key=lambda item: (not is_load(item[0]), item[0])):
            files.append((path, {name: kind for name, kind in footer.columns.items() if name not in dropped[path]}))
        columns, changes = merge_columns(
            table,
            files,
            key=self.spec.key,
            partition_by=self.spec.partition_by,
            of_deletes=(self.feed.source.time_column,),
            widens=self.widens,
        )
        if columns and (missing := [name for name in self.spec.partition_by if name not in columns]):
            raise SchemaDriftError(
                f"{self.target.name}: no file has the partition column {missing[0]!r} yet, and the table cannot begin "
                "without it; nothing was written"
            )
        if binary := [name for name in self.spec.partition_by if columns.get(name) == "binary"]:
            raise ConfigError(
                f"{self.target.name}: partition column {binary[0]!r} is binary, and bytes are no name of a folder; "
                "partition by another column"
            )
        if unknown := [name for name in self.spec.keep_when_null if columns and name not in columns]:
            raise ConfigError(
                f"{self.target.name}: keep_when_null names {unknown[0]!r}, which is no column of the table"
                f"{suggest(unknown[0], list(columns))}"
            )
        return columns, changes

    def _dropped(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> dict[str, list[str]]:
        """Name the columns of each file that the replication added, and that the table leaves out."""
        prefix = self.feed.source.before_image_prefix
        kept = {*self.feed.target.keep_columns, *self.spec.key, *self.spec.partition_by}
        added = self.feed.source.added_columns() - kept
        names = {name for footer in footers.values() for name in footer.columns}
        before = {(prefix + name).casefold() for name in (*table, *names)} if prefix else set()
        return {
            path: [name for name in footer.columns if name in added or name.casefold() in before]
            for path, footer in footers.items()
        }

    def _absent_columns(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> list[str]:
        """Warn of columns that files of changes lack: updates make them null."""
        if self.spec.keep_when_absent or not self.spec.key:
            return []
        absent: dict[str, list[str]] = {}
        dropped = self._dropped(footers, table)
        for path, footer in footers.items():
            own = {name.casefold() for name in footer.columns}
            of_deletes = (*self.spec.key, *dropped[path], self.feed.source.time_column)
            if is_load(path) or own <= {name.casefold() for name in of_deletes}:
                continue
            for name in table:
                if name.casefold() not in own and name not in self.spec.keep_when_null:
                    absent.setdefault(name, []).append(path)
        return [
            f"column {name!r} is absent from {len(paths)} files, first {paths[0]}: it becomes null in the rows that "
            f"they update; tables.{self.target.name}.keep_when_absent: true keeps its values"
            for name, paths in absent.items()
        ]

    def _choose(self, listed: Sequence[Listed], state: TableState, request: Request) -> Choice:
        before = state.objects
        loads = [found for found in listed if is_load(found.path)]
        reloaded = [found.path for found in loads if found.path in before and before[found.path].etag != found.etag]
        if not request.everything:
            if reloaded:
                raise ReloadedError(reloaded[0])
            return choose_append(listed, state, values=lambda _: {}, everything=False, allow_gone=False)
        stale = self._stale_loads(loads, before, reloaded)
        begun = self._load_began(found for found in loads if found.path not in stale) if reloaded else ""
        objects = []
        for found in listed:
            values = {}
            if found.path in stale:
                values = {LEFT_OUT: "of an older full load"}
            elif self._is_older(found, before, reloaded, begun):
                values = {LEFT_OUT: "older than the full load"}
            objects.append(SourceObject(path=found.path, size=found.size, etag=found.etag, values=values))
        here = {found.path for found in listed}
        needed = [path for path, taken in before.items() if LEFT_OUT not in taken.values]
        gone = sorted(path for path in needed if path not in here and not (reloaded and not is_load(path)))
        if gone and self.feed.target.on_missing_source == "refuse":
            raise SourceGoneError("", gone)
        return Choice(objects, None)

    def _stale_loads(
        self, loads: Sequence[Listed], before: Mapping[str, SourceObject], reloaded: Sequence[str]
    ) -> set[str]:
        """Name the files of an older full load than the one that the table begins with.

        Raises:
            StaleLoadError: If some files were written again and others were not, and the feed does not say what those
                are.
        """
        # A file that was written again with the same content has the same ETag in S3.
        begun = min((found.modified for found in loads if found.path in reloaded), default=None)
        same = [
            found.path
            for found in loads
            if found.path in before
            and before[found.path].etag == found.etag
            and (begun is None or found.modified < begun)
        ]
        known = {path for path in same if LEFT_OUT in before[path].values}
        fresh = [path for path in same if path not in known]
        if not reloaded or not fresh or self.feed.target.on_stale_load == "keep":
            return known
        if self.feed.target.on_stale_load == "refuse":
            raise StaleLoadError(reloaded, fresh)
        return known | set(fresh)

    def _is_older(self, found: Listed, before: Mapping[str, SourceObject], reloaded: Sequence[str], begun: str) -> bool:
        """Tell whether a file of changes is older than the full load that the table now begins with.

        What was taken before a reload was seen is older; else the time in its name counts.
        """
        if is_load(found.path):
            return False
        taken = before.get(found.path)
        if taken is not None and (reloaded or LEFT_OUT in taken.values):
            return True
        stamp = written_at(found.path)
        length = min(len(stamp), len(begun))
        return bool(length) and stamp[:length] < begun[:length]

    def _load_began(self, loads: Iterable[Listed]) -> str:
        """Give the first time that the rows of a full load have, as digits; empty if they do not tell."""
        objects = [SourceObject(path=found.path, size=found.size, etag=found.etag) for found in loads]
        readable, _ = self._look(objects)
        if len(readable) < len(objects):
            return ""  # a damaged file is refused later on
        return first_time(self._source.lake, objects, self.feed.source.time_column)


def _earlier(objects: Iterable[SourceObject], refused: Collection[str]) -> list[SourceObject]:
    """Keep the files that come before all that were refused: nothing later than those may be applied.

    Where a full load is damaged, or a name says no time, nothing is known to come before.
    """
    stamps = [written_at(path) for path in refused]
    if any(map(is_load, refused)) or not all(stamps):
        return []
    return [
        taken
        for taken in objects
        if taken.path not in refused and (is_load(taken.path) or "" < written_at(taken.path) < min(stamps))
    ]


class UnusableTable:
    """A table that lies at the source and cannot be written, or must not: it says why, and stops no other."""

    skips_refused = False

    def __init__(self, feed_name: str, feed: CdcToHudiFeed, name: str, problem: LakewrightError | None) -> None:
        self.feed, self._problem = feed, problem
        self.target = Target(feed_name, name, f"{feed.target.path}{name}/")

    @property
    def is_skipped(self) -> bool:
        """Tell whether the feed skips the table, which is no problem."""
        return self._problem is None

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:  # noqa: ARG002
        """See ``TargetJob.survey``."""
        if self._problem is not None:
            raise self._problem
        folder = f"{self.feed.source.path}{self.target.name}/"
        return Survey(choice=Choice([], []), ignored={folder: "not configured; the feed skips such tables"})

    def changed(self, plan: Plan) -> list[str]:
        """See ``TargetJob.changed``; a batch that is open from when the table was configured stays open."""
        raise self._problem or ConfigError(f"batch {plan.number} is open, and its table is no longer configured")

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:  # noqa: ARG002
        """See ``TargetJob.stage``."""
        raise self._problem or ConfigError(f"batch {plan.number} has a table that is not configured")

    def layout(self) -> str:
        """See ``TargetJob.layout``."""
        return ""

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``."""
        return None
