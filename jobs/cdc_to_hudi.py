"""Change data of a whole schema, as AWS DMS delivers it, to Hudi tables that equal the source."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import reduce
from typing import Any, Final

from pydantic import TypeAdapter
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.cdc_append import AppendTarget
from jobs.cdc_table import ChangedTable, UnusableTable, observe_read
from jobs.cdc_to_hudi_feed import CdcToHudiFeed, TableSpec, table_of_parameter
from jobs.entrypoint import run_as_script
from lakewright.catalog import CatalogEntry
from lakewright.errors import ConfigError, EmptySourceError, OvertakenError, StateError
from lakewright.hudi_catalog import HudiCatalog
from lakewright.hudi_compaction import Compacted, compact_table
from lakewright.hudi_timeline import Commit, Timeline, read_properties
from lakewright.lake import Lake
from lakewright.log import Before, Counts, Log, Plan, TableFile, TableState
from lakewright.parameters import read_parameter
from lakewright.progress import LOGGER, Progress
from lakewright.readers.dms import Footer, is_load
from lakewright.sources import Source, describe_empty
from lakewright.target_jobs import Request, Staged, Survey, TableCommit
from lakewright.writers.hudi import HudiTable, check_session, read_keys, write_changes, write_load
from lakewright.writers.parquet import stage_parquet
from transforms.changes import (
    IS_DELETED,
    KEY,
    ORDER,
    REJECTED,
    highest_load_order,
    keep_last_changes,
    keep_newer,
    needs_key_column,
    place_changes,
)
from transforms.errors import LakewrightError
from transforms.object_names import is_hidden

_CHANGES: Final = "changes/"
_NEWER: Final = "newer/"
_MEMORY: Final = "memory/"
_REMEMBERED_ON: Final = "remembered_on"
_HUDI_KEY: Final = "_hoodie_record_key"
#: So many files of deleted keys are brought together into one.
_MOST_MEMORY_FILES: Final = 32
_LOOK_UPS_AT_ONCE: Final = 8
_REBUILD: Final = "run `rebuild` to make the whole table anew"
_ANEW: Final = "run `rebuild` to make it anew from all sources"
_SKIPPED: Final = "its table is not configured, and the feed skips such tables"
_STAGED: Final = TypeAdapter(Staged)


def build(changes: DataFrame, *, read: Observation, kept: Observation) -> DataFrame:
    """Collapse changes to the last one of each key, counting on the way.

    Columns in:  those of ``transforms.changes.with_change_order``
    Columns out: the same
    Rows:        one per key, without rejected ones; ``read`` and ``kept`` observe what goes in and what comes out
    """
    return changes.transform(observe_read, read=read).transform(keep_last_changes).transform(observe_kept, kept=kept)


def observe_kept(changes: DataFrame, *, kept: Observation) -> DataFrame:
    """Count what is left to write and to delete, and note the lowest and the highest order."""
    return changes.observe(
        kept,
        F.count_if(F.col(IS_DELETED).isNull()).alias("written"),
        F.count_if(F.col(IS_DELETED).isNotNull()).alias("deleted"),
        F.min(ORDER).alias("lowest"),
        F.max(ORDER).alias("highest"),
    )


class HudiTarget(ChangedTable):
    """One table with a key; see ``lakewright.target_jobs.TargetJob`` and ``CommittingJob``."""

    widens = True

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``; the table on storage is held against feed and log first."""
        check_session(self._spark)
        if not request.everything:
            self._check_table(state.before())
        return super().survey(state, request, excluded=excluded)

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:
        """See ``TargetJob.stage``: the batch, collapsed, lies on disk and is counted before the table is touched."""
        before = Before() if plan.replaces is None else plan.before
        if plan.replaces is not None:
            self._check_table(before)
        footers, refused = self._look(plan.objects)
        if refused:
            return Staged(refused=refused)
        columns, _ = self._columns(footers, before.columns)
        if (
            not before.number
            and all(map(is_load, footers))
            and (load := self._stage_load(plan, folder, footers, columns))
        ):
            return load
        read, kept = Observation(), Observation()
        collapsed = self._read(footers, columns).transform(self._judge).transform(build, read=read, kept=kept)
        stage_parquet(collapsed.select(*columns, KEY, ORDER, IS_DELETED), self._uri(folder, _CHANGES), partition_by=())
        counted, last = read.get, kept.get
        self._check_read(counted, footers)
        if last["lowest"] is not None and last["lowest"] <= before.mark:
            progress.stage(self.target.name, "late changes")
            last = self._stage_newer(before, plan, folder)
        quarantine, rules = self._stage_rejected(plan, folder, counted, footers, columns)
        memory, forgotten = self._stage_memory(plan, folder) if last["deleted"] else ([], [])
        handed = last["written"] + last["deleted"]
        return Staged(
            counts=Counts(
                read=counted["read"],
                written=last["written"],
                deleted=last["deleted"],
                superseded=counted["read"] - counted["rejected"] - handed,
                rejected=counted["rejected"],
            ),
            rules=rules,
            columns=columns,
            quarantine=quarantine,
            handed=sum(file.rows for file in self._staged_files(plan, folder, self._changes_in(folder), "")),
            mark=last["highest"] or "",
            memory=memory,
            forgotten=plan.before.memory if plan.replaces is None else forgotten,
        )

    def applied(self, plan: Plan) -> TableCommit | None:
        """See ``CommittingJob.applied``."""
        if not read_properties(self._lake, self.target.path):
            return None
        commit = next((found for found in self._timeline().commits() if found.number == plan.number), None)
        if commit is None or not self._is_ours(commit):
            return None
        return TableCommit(commit.ours["attempt"], _STAGED.validate_json(commit.ours["staged"]), commit.told())

    def apply(self, plan: Plan, staged: Staged, folder: str, attempt: str) -> TableCommit:
        """See ``CommittingJob.apply``.

        Raises:
            OvertakenError: If another run committed the batch, or a later one.
            StateError: If the timeline does not hold the batch afterwards.
        """
        table = self._table(staged.columns)
        changes = self._rows_of(plan, staged, folder)
        size = sum(entry.size for entry in self._lake.list(folder)) or sum(taken.size for taken in plan.objects)
        ours = {
            "feed": self.target.feed_name,
            "target": self.target.name,
            "number": str(plan.number),
            "attempt": attempt,
            "staged": _STAGED.dump_json(staged).decode(),
        }
        is_new = plan.replaces is None or not self._has_commits()
        if self._has_commits() and (last := self._timeline().last_batch()) and last.number >= plan.number:
            raise OvertakenError(f"another run committed batch {last.number} meanwhile; nothing was done twice")
        try:
            if is_new:
                self._lake.delete_folder(self.target.path)
                write_load(changes.where(F.col(IS_DELETED).isNull()), table, ours, size=size)
            else:
                if table.places_changes:
                    held = read_keys(self._spark, table)
                    changes = changes.transform(place_changes, held=held, partition_by=table.partition_by)
                write_changes(changes, table, ours, size=size)
        except Exception:
            # What fails after the commit, such as cleaning, is no reason to make it again.
            if self.applied(plan) is None:
                raise
            LOGGER.warning("%s: Hudi failed after the commit of batch %s", self.target.name, plan.number, exc_info=True)
        commit = self.applied(plan)
        if commit is None:
            raise StateError(
                f"Hudi reported success, but the timeline of {self.target.path} holds no commit of batch "
                f"{plan.number}; run again"
            )
        if commit.attempt != attempt:
            raise OvertakenError(f"another run committed batch {plan.number} meanwhile; nothing was done twice")
        if is_new and commit.told["inserted"] != staged.counts.written:
            raise StateError(
                f"{commit.told['inserted']} rows are in {self.target.path}, and {staged.counts.written} were counted: "
                f"the load changed meanwhile; {_REBUILD}"
            )
        return commit

    def layout(self) -> str:
        """See ``TargetJob.layout``."""
        by = "/".join(self.spec.partition_by) or "no partition"
        return f"{self.target.path} by {by}, key {', '.join(self.spec.key)}"

    def catalog(self) -> CatalogEntry | None:
        """See ``TargetJob.catalog``; a folder on a person's own machine is nothing that the catalog could point to."""
        database = self.feed.target.catalog_database
        if not database or not self._lake.uri.startswith("s3://"):
            return None
        location = f"{self._lake.uri}/{self.target.path}".rstrip("/")
        return HudiCatalog(database, location, self._table, lambda: self._timeline().partitions())

    def compact(self) -> list[Compacted]:
        """Compact the table, as it is now.

        Raises:
            ConfigError: If there is no such table.
        """
        if not self._has_commits():
            raise ConfigError(f"{self.target.path} holds no Hudi table yet; nothing can be compacted")
        properties = read_properties(self._lake, self.target.path)
        if properties["hoodie.table.type"] == "COPY_ON_WRITE":
            return []
        state, open_plan = Log(self._lake, self.target.state_folder).read()
        if open_plan is not None:
            raise ConfigError(f"batch {open_plan.number} is open; `run` ends it, and then the table can be compacted")
        self._check_table(state.before())
        return compact_table(self._spark, self._table(state.columns))

    def _stage_load(
        self, plan: Plan, folder: str, footers: dict[str, Footer], columns: dict[str, str]
    ) -> Staged | None:
        """Count a full load that begins a table, and leave its rows where they lie; None if a key is there twice."""
        read = Observation()
        judged = self._read(footers, columns).transform(self._judge).transform(observe_read, read=read)
        rows_per_key = judged.where(~F.col(REJECTED)).groupBy(*self.spec.key).count()
        (most,) = rows_per_key.agg(F.max("count")).first() or (None,)
        if most is not None and most > 1:
            return None
        counted = read.get
        self._check_read(counted, footers)
        quarantine, rules = self._stage_rejected(plan, folder, counted, footers, columns)
        written = counted["read"] - counted["rejected"]
        return Staged(
            counts=Counts(read=counted["read"], written=written, rejected=counted["rejected"]),
            rules=rules,
            columns=columns,
            quarantine=quarantine,
            handed=sum(footer.rows for footer in footers.values()) - counted["rejected"],
            mark=highest_load_order(max(path[len(self._folder) :] for path in footers)),
            forgotten=plan.before.memory,
        )

    def _rows_of(self, plan: Plan, staged: Staged, folder: str) -> DataFrame:
        """Give the rows to write: those that are staged, or those of a load that was left where it lies."""
        if any(self._lake.list(folder + _NEWER)) or any(self._lake.list(folder + _CHANGES)):
            return self._spark.read.parquet(self._uri(folder, self._changes_in(folder)))
        footers, _ = self._look(plan.objects)
        load = self._read(footers, staged.columns).transform(self._judge).where(~F.col(REJECTED))
        return load.select(*staged.columns, KEY, ORDER, IS_DELETED)

    def _stage_newer(self, before: Before, plan: Plan, folder: str) -> dict[str, Any]:
        """Stage the batch again, without changes older than what the table holds of their key, or than its delete."""
        changes = self._spark.read.parquet(self._uri(folder, _CHANGES))
        late = changes.where(F.col(ORDER) <= before.mark).select(KEY)
        held = [self._memory(before.memory, plan).select(KEY, ORDER)] if before.memory else []
        if self._has_commits():
            rows = self._spark.read.format("hudi").load(self._lake.spark_uri(self.target.path))
            held.append(rows.select(F.col(_HUDI_KEY).alias(KEY), ORDER))
        of_late = reduce(DataFrame.unionByName, held).join(late, on=KEY, how="left_semi")
        kept = Observation()
        newer = changes.transform(keep_newer, held=of_late).transform(observe_kept, kept=kept)
        stage_parquet(newer, self._uri(folder, _NEWER), partition_by=())
        self._lake.delete_folder(folder + _CHANGES)
        return kept.get

    def _stage_memory(self, plan: Plan, folder: str) -> tuple[list[TableFile], list[str]]:
        """Stage the deleted keys of a batch, with those remembered before if these lie in many files."""
        changes = self._spark.read.parquet(self._uri(folder, self._changes_in(folder)))
        today = F.lit(plan.processing_date).alias(_REMEMBERED_ON)
        deleted = changes.where(F.col(IS_DELETED)).select(KEY, ORDER, today)
        merged = plan.before.memory if len(plan.before.memory) >= _MOST_MEMORY_FILES else []
        if merged and plan.replaces is not None:
            deleted = deleted.unionByName(self._memory(merged, plan))
        stage_parquet(deleted.coalesce(1), self._uri(folder, _MEMORY), partition_by=())
        return self._staged_files(plan, folder, _MEMORY, f"{self.target.state_folder}deleted/"), merged

    def _memory(self, paths: Sequence[str], plan: Plan) -> DataFrame:
        """Read the deleted keys that are still remembered."""
        days = timedelta(days=self.feed.target.keep_deleted_days)
        first = (date.fromisoformat(plan.processing_date) - days).isoformat()
        files = self._spark.read.parquet(*(self._lake.spark_uri(path) for path in paths))
        return files.where(F.col(_REMEMBERED_ON) >= first)

    def _check_table(self, before: Before) -> None:
        """Hold the table on storage against the feed, and its timeline against the log.

        Raises:
            ConfigError: If its properties are not those of the feed, or its place is taken.
            StateError: If the timeline does not end with the batch that the log ends with.
        """
        path, properties = self.target.path, read_properties(self._lake, self.target.path)
        if not properties:
            if before.number:
                raise StateError(f"the log ends with batch {before.number}, but {path} holds no Hudi table; {_ANEW}")
            if stray := next(iter(self._lake.list(path)), None):
                raise ConfigError(f"{path} holds {stray.path}, and is no Hudi table; choose another target.path")
            return
        last = self._timeline().last_batch()
        if last is not None and not self._is_ours(last):
            owner = f"feed {last.ours.get('feed')}, target {last.ours.get('target')}"
            raise ConfigError(f"{path} was last written by {owner}; one table belongs to one feed")
        if last is None and self._has_commits():
            raise ConfigError(f"{path} is a Hudi table that this project did not write; {_REBUILD}")
        held = last.number if last else 0
        if held != before.number:
            raise StateError(
                f"the log ends with batch {before.number}, the timeline of {path} with batch {held}: it was restored, "
                f"or written by another lake's run; {_ANEW}"
            )
        for name, wanted in self._table(before.columns).properties().items() if held else ():
            if (found := properties.get(name, "")) != wanted:
                raise ConfigError(f"{name} of {path} is {found!r}, and {wanted!r} in the feed; {_REBUILD}")

    def _is_ours(self, commit: Commit) -> bool:
        return (commit.ours.get("feed"), commit.ours.get("target")) == (self.target.feed_name, self.target.name)

    def _has_commits(self) -> bool:
        return bool(read_properties(self._lake, self.target.path)) and any(True for _ in self._timeline().commits())

    def _timeline(self) -> Timeline:
        return Timeline(self._spark, self._lake.spark_uri(self.target.path))

    def _table(self, columns: Mapping[str, str]) -> HudiTable:
        feed, spec = self.feed.target, self.spec
        own_key = needs_key_column({name: columns[name] for name in spec.key if name in columns})
        index = spec.index or feed.index
        # Hudi's own global index reads and shuffles all rows of the files that hold a changed key. But moments of one
        # millisecond share a folder: of these, Hudi alone can tell whether a key has moved.
        by_time = any(columns.get(name, "").startswith("timestamp") for name in spec.partition_by)
        looks_up = index == "global_simple" and not by_time
        return HudiTable(
            name=self.target.name,
            uri=self._lake.spark_uri(self.target.path),
            key=KEY if own_key or len(spec.key) > 1 else spec.key[0],
            partition_by=spec.partition_by,
            storage=spec.storage or feed.storage,
            index="simple" if looks_up else index,
            places_changes=looks_up and bool(spec.partition_by),
            version=feed.table_version,
            keep_commits=feed.keep_commits,
            file_mb=feed.max_file_mb,
            small_file_mb=feed.small_file_mb,
            parallelism=feed.parallelism,
        )

    def _changes_in(self, folder: str) -> str:
        """Name the folder of a batch's changes: those that are left after late ones were taken out, if any were."""
        return _NEWER if any(self._lake.list(folder + _NEWER)) else _CHANGES


def open_targets(feed_name: str, feed: CdcToHudiFeed, lake: Lake) -> list[ChangedTable | UnusableTable]:
    """Give the targets of a feed: the tables that it names, and those that lie at its source.

    Raises:
        EmptySourceError: If it names none, and none lies there that it does not skip.
    """
    source = Source(lake, feed.source.path, None)
    names = sorted({*feed.tables, *(name for name in source.folders() if not is_hidden(name))})
    with ThreadPoolExecutor(_LOOK_UPS_AT_ONCE) as pool:
        targets = list(pool.map(lambda name: _open_target(feed_name, feed, lake, name), names))
    if all(isinstance(target, UnusableTable) and target.is_skipped for target in targets):
        listing = source.look()
        others = {
            found.path: _SKIPPED if "/" in found.path.removeprefix(source.where) else "lies in no table's folder"
            for found in (*listing.objects, *listing.unreadable)
        }
        raise EmptySourceError(describe_empty(source.where, listing.ignored | others, whose="of a table of the feed"))
    return targets


def _open_target(feed_name: str, feed: CdcToHudiFeed, lake: Lake, name: str) -> ChangedTable | UnusableTable:
    try:
        spec = feed.tables.get(name) or _looked_up(feed, name)
    except LakewrightError as error:
        return UnusableTable(feed_name, feed, name, error)
    if spec is None and feed.unconfigured == "fail":
        problem = ConfigError(
            f"table {name} lies at {feed.source.path}{name}/ and is not configured; name it under tables:, or say "
            "unconfigured: append or skip"
        )
        return UnusableTable(feed_name, feed, name, problem)
    if spec is None and feed.unconfigured == "skip":
        return UnusableTable(feed_name, feed, name, None)
    if spec is None or not spec.key:
        return AppendTarget(feed_name, feed, lake, name, spec or TableSpec())
    return HudiTarget(feed_name, feed, lake, name, spec)


def _looked_up(feed: CdcToHudiFeed, table: str) -> TableSpec | None:
    """Look a table's config up in the parameter store; None if it has none there."""
    if not feed.parameters:
        return None
    name = f"{feed.parameters}{feed.schema_name}.{table}"
    text = read_parameter(name)
    return None if text is None else table_of_parameter(name, text)


if __name__ == "__main__":
    sys.exit(run_as_script())
