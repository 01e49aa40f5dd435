"""Change data of a whole schema, as AWS DMS delivers it, to Hudi tables that equal the source."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pydantic import TypeAdapter
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.cdc_append import AppendTarget
from jobs.cdc_table import ChangedTable, UnusableTable, observe_read
from jobs.cli.entrypoint import run_as_script
from jobs.feeds.cdc_to_hudi import CdcToHudiFeed, TableSpec, table_of_parameter
from lakewright.aws.catalog import CatalogEntry
from lakewright.aws.parameters import read_parameter
from lakewright.dms.files import Footer, is_load
from lakewright.engine.spark.observations import counted
from lakewright.engine.spark.parquet import stage_parquet
from lakewright.errors import ConfigError, EmptySourceError, OvertakenError, StateError
from lakewright.hudi.catalog import HudiCatalog
from lakewright.hudi.client import roll_back
from lakewright.hudi.compaction import Compacted, compact_table
from lakewright.hudi.counts import Handed
from lakewright.hudi.timeline import PROPERTIES_FILE, Commit, Timeline, find_backup, read_properties
from lakewright.hudi.writer import HudiTable, check_session, read_keys, write_changes, write_load
from lakewright.runs.job import Request, Staged, Survey, TableCommit
from lakewright.runs.log import Before, Counts, Log, Plan, TableFile, TableState
from lakewright.runs.progress import LOGGER, Progress
from lakewright.sources.listing import Source, describe_empty
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError
from transforms.spark.changes import (
    FIRST_ORDER,
    FORMER_KEY,
    IS_DELETED,
    IS_IMPLIED,
    KEY,
    MOVES,
    ORDER,
    REJECTED,
    UPDATES,
    column,
    highest_load_order,
    keep_last_changes,
    keep_newer,
    needs_key_column,
    place_changes,
    with_partition_reasons,
    with_value_reasons,
)
from transforms.spark.kept_values import (
    UNCHANGED,
    carry_values_forward,
    reject_key_changes_without_values,
    take_values_from_table,
)
from transforms.spark.key_changes import IS_SHARED, delete_former_keys, drop_departures, follow_rows, with_former_key

_CHANGES: Final = "changes/"
_NEWER: Final = "newer/"
_FILLED: Final = "filled/"
_MEMORY: Final = "memory/"
_REMEMBERED_ON: Final = "remembered_on"
_HUDI_KEY: Final = "_hoodie_record_key"
#: So many files of deleted keys are brought together into one.
_MOST_MEMORY_FILES: Final = 32
_LOOK_UPS_AT_ONCE: Final = 8
_REBUILD: Final = "run `rebuild` to make the whole table anew"
_ANEW: Final = "run `rebuild` to make it anew from all sources"
_SKIPPED: Final = "its table is not configured, and the feed skips such tables"
_FILE_IN_ORDER: Final = r"^\S+ (.*) \d+$"
_BEFORE_IMAGES: Final = (
    "their keys may have changed at the source; let the replication write before images (source.before_image_prefix)"
)
_UNKNOWN_KEYS: Final = (
    "updates of keys that the table did not hold, inserted as new rows: {} or more; "
    f"{_BEFORE_IMAGES}, or set target.on_update_of_unknown_key: refuse"
)
_SHARED_KEYS: Final = (
    "keys with two rows at the end of the batch, of which the later one is kept: {}; if the transaction that moved "
    "them goes on in files to come, run `rebuild` once they are there"
)
_LATE_MOVES: Final = (
    "keys change in a batch with late files: rows that move onto keys which are taken are followed in their order "
    "only; if there are such statements, run `rebuild`"
)
_STAGED: Final = TypeAdapter(Staged)
_STAGED_BESIDE: Final = (KEY, ORDER, IS_DELETED, IS_IMPLIED, IS_SHARED, UNCHANGED, UPDATES, FIRST_ORDER)
_OWN_COLUMNS: Final = ("_lakewright_", KEY, ORDER, IS_DELETED)


def build(
    changes: DataFrame,
    *,
    key: Sequence[str],
    partition_by: Sequence[str],
    followed: DataFrame | None,
    keep: Mapping[str, bool],
) -> DataFrame:
    """Collapse changes to the last one of each key.

    Columns in:  those of ``transforms.spark.changes.with_change_order``; with ``followed`` (see
                 ``transforms.spark.key_changes.follow_rows``) those of ``delete_former_keys``; with ``keep`` those of
                 ``transforms.spark.kept_values.carry_values_forward``
    Columns out: the same, _lakewright_is_implied, _lakewright_is_shared, _lakewright_unchanged, _lakewright_updates,
                 _lakewright_first_order
    Rows:        one per key, without rejected ones
    """
    if followed is None:
        alone = changes.withColumns({IS_IMPLIED: F.lit(False), IS_SHARED: F.lit(False)})
    else:
        both = changes.transform(delete_former_keys, key=key, partition_by=partition_by)
        alone = both.transform(drop_departures, followed=followed)
    return alone.transform(carry_values_forward, keep=keep).transform(keep_last_changes)


def observe_kept(changes: DataFrame, *, kept: Observation) -> DataFrame:
    """Count what is left to write and to delete, and note the lowest and the highest order."""
    is_deleted, is_implied = F.col(IS_DELETED).isNotNull(), F.col(IS_IMPLIED)
    return changes.observe(
        kept,
        F.count_if(~is_deleted).alias("written"),
        F.count_if(is_deleted & ~is_implied).alias("deleted"),
        F.count_if(is_implied).alias("rekeyed"),
        F.count_if(~is_deleted & F.col(UPDATES)).alias("updates"),
        F.count_if(~is_deleted & (F.size(UNCHANGED) > 0)).alias("left_out"),
        F.count_if(IS_SHARED).alias("shared"),
        F.min(ORDER).alias("lowest"),
        F.max(ORDER).alias("highest"),
    )


class HudiTarget(ChangedTable):
    """One table with a key; see ``lakewright.runs.job.TargetJob`` and ``CommittingJob``."""

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
        try:
            rows, last = self._stage_changes(before, plan, folder, footers, columns, progress)
        except Py4JJavaError:
            if damaged := self._damaged(plan):
                return Staged(refused=damaged)
            raise
        self._check_read(rows, footers)
        if refused := self._refused_changes(last, plan, folder, progress):
            return Staged(refused=refused)
        if last["left_out"] and plan.replaces is not None and self._has_commits():
            progress.stage(self.target.name, "values left out")
            self._stage_filled(folder, before)
        quarantine, rules = self._stage_rejected(plan, folder, rows, footers, columns)
        deleted = last["deleted"] + last["rekeyed"]
        memory, forgotten = self._stage_memory(plan, folder) if deleted else ([], [])
        return Staged(
            counts=Counts(
                read=rows["read"],
                written=last["written"],
                deleted=last["deleted"],
                superseded=rows["read"] - rows["rejected"] - last["written"] - last["deleted"],
                rejected=rows["rejected"],
                rekeyed=last["rekeyed"],
            ),
            updates=last["updates"],
            warnings=[
                *([_SHARED_KEYS.format(last["shared"])] if last["shared"] else []),
                *([_LATE_MOVES] if rows.get("late_moves") else []),
            ],
            rules=rules,
            columns=columns,
            quarantine=quarantine,
            handed=sum(file.rows for file in self._staged_files(plan, folder, self._changes_in(folder), "")),
            mark=last["highest"] or "",
            memory=memory,
            forgotten=plan.before.memory if plan.replaces is None else forgotten,
        )

    def _stage_changes(
        self,
        before: Before,
        plan: Plan,
        folder: str,
        footers: dict[str, Footer],
        columns: dict[str, str],
        progress: Progress,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stage the last change of each key; give what was counted of all changes, and of those."""
        changes, keep = self._read(footers, columns).transform(self._judge), self._keep(columns)
        followed = self._followed(changes, plan)
        how = {"key": self.spec.key, "partition_by": self.spec.partition_by, "followed": followed, "keep": keep}
        staged = [column(name) for name in (*columns, *_STAGED_BESIDE)]
        read, kept = Observation(), Observation()
        collapsed = changes.transform(observe_read, read=read).transform(build, **how)
        last = collapsed.transform(observe_kept, kept=kept).select(*staged)
        stage_parquet(last, self._uri(folder, _CHANGES), partition_by=())
        rows, found = counted(read), counted(kept)
        if rows["lowest"] is None or rows["lowest"] > before.mark:
            return rows, found
        progress.stage(self.target.name, "late changes")
        rows |= {"late_moves": followed is not None}
        if not keep:
            return rows, self._stage_newer(before, plan, folder) if found["lowest"] <= before.mark else found
        # A late change must not give its values to the ones behind it: the table has newer ones.
        newer = changes.transform(self._without_late, before=before, plan=plan)
        self._lake.delete_folder(folder + _CHANGES)
        kept = Observation()
        last = newer.transform(build, **how).transform(observe_kept, kept=kept).select(*staged)
        stage_parquet(last, self._uri(folder, _CHANGES), partition_by=())
        return rows, counted(kept)

    def _refused_changes(self, last: Mapping[str, Any], plan: Plan, folder: str, progress: Progress) -> dict[str, str]:
        """Name the files with changes that the table cannot take, and say why."""
        if last["updates"] and self.feed.target.on_update_of_unknown_key == "refuse":
            progress.stage(self.target.name, "unknown keys")
            updates = self._changes(folder).where(F.col(UPDATES) & F.col(IS_DELETED).isNull())
            if plan.replaces is not None and self._has_commits():
                updates = updates.join(self._held(), on=KEY, how="left_anti")
            return self._per_file(
                updates, FIRST_ORDER, f"updates of keys that the table does not hold: {_BEFORE_IMAGES}"
            )
        return {}

    def _per_file(self, changes: DataFrame, order: str, what: str) -> dict[str, str]:
        """Count changes by the file that an order of theirs names."""
        file = F.regexp_extract(order, _FILE_IN_ORDER, 1)
        per_file = changes.groupBy(file.alias("file")).count().orderBy("file").collect()
        return {self._folder + row["file"]: f"{row['count']} {what}" for row in per_file}

    def _followed(self, changes: DataFrame, plan: Plan) -> DataFrame | None:
        """Follow the rows whose keys change; None if there are none."""
        if not self.feed.source.before_image_prefix or changes.where(F.col(FORMER_KEY).isNotNull()).isEmpty():
            return None
        is_new = plan.replaces is None or not self._has_commits()
        held = changes.select(KEY).limit(0) if is_new else self._held()
        return changes.transform(follow_rows, held=held).localCheckpoint()

    def applied(self, plan: Plan) -> TableCommit | None:
        """See ``CommittingJob.applied``.

        Raises:
            StateError: If the table holds the batch, and Hudi did something else than it was to do; the commit has then
                been rolled back.
        """
        if not read_properties(self._lake, self.target.path):
            return None
        commit = next((found for found in self._timeline().commits() if found.number == plan.number), None)
        if commit is None or not self._is_ours(commit):
            return None
        staged, handed = _STAGED.validate_json(commit.ours["staged"]), Handed.load(commit.ours["handed"])
        if problem := handed.problem_with(commit):
            done = roll_back(self._spark, self._table(staged.columns), commit.instant)
            then = (
                "the commit was rolled back" if done else "it could not be rolled back, which the next run tries again"
            )
            raise StateError(f"{self.target.path}: {problem}; {then}")
        unknown = handed.updates_of_unknown_keys(commit)
        told = commit.told() | ({"updates_of_unknown_keys": unknown} if unknown else {})
        return TableCommit(commit.ours["attempt"], staged, told, [_UNKNOWN_KEYS.format(unknown)] if unknown else [])

    def apply(self, plan: Plan, staged: Staged, folder: str, attempt: str) -> TableCommit:
        """See ``CommittingJob.apply``.

        Raises:
            OvertakenError: If another run committed the batch, or a later one.
            StateError: If the timeline does not hold the batch afterwards, or Hudi did something else.
        """
        table = self._table(staged.columns)
        changes = self._rows_of(plan, staged, folder)
        part = self._changes_in(folder)
        rows_in = self._lake.list(folder + part) if part else plan.objects  # a load is left where it lies
        size = sum(found.size for found in rows_in)
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
        handed = Handed(
            upserts=staged.counts.written,
            deletes=0 if is_new else staged.counts.deleted + staged.counts.rekeyed,
            updates=staged.updates,
            is_load=is_new,
            hudi_moves=bool(table.partition_by) and table.index in ("global_simple", "global_bloom", "record_index"),
        )
        try:
            if is_new:
                self._lake.delete_folder(self.target.path)
                rows = changes.where(F.col(IS_DELETED).isNull())
                write_load(rows, table, ours | {"handed": handed.dump()}, size=size)
            elif table.places_changes:
                self._write_placed(changes, table, ours, handed, size=size)
            else:
                write_changes(changes, table, ours | {"handed": handed.dump()}, size=size)
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
        return commit

    def _write_placed(
        self, changes: DataFrame, table: HudiTable, ours: Mapping[str, str], handed: Handed, *, size: int
    ) -> None:
        """Write changes with deletions where their keys were, which Hudi's counts are held against."""
        held = read_keys(self._spark, table)
        placed = changes.transform(place_changes, held=held, partition_by=table.partition_by)
        placed.persist(StorageLevel.DISK_ONLY)
        try:
            deletes, moved = placed.where(IS_DELETED).agg(
                F.count(F.lit(1)), F.count_distinct(F.when(F.col(MOVES), F.col(KEY)))
            ).first() or (0, 0)
            handed = replace(handed, deletes=deletes, moved=moved)
            write_changes(placed.drop(MOVES), table, {**ours, "handed": handed.dump()}, size=size)
        finally:
            placed.unpersist()

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
        return HudiCatalog(database, location, self._table, lambda: self._timeline().partitions(), owner=self._owner())

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
        rows_per_key = judged.where(~F.col(REJECTED)).groupBy(KEY).count()
        try:
            (most,) = rows_per_key.agg(F.max("count")).first() or (None,)
        except Py4JJavaError:
            if damaged := self._damaged(plan):
                return Staged(refused=damaged)
            raise
        if most is not None and most > 1:
            return None
        rows = counted(read)
        self._check_read(rows, footers)
        quarantine, rules = self._stage_rejected(plan, folder, rows, footers, columns)
        written = rows["read"] - rows["rejected"]
        return Staged(
            counts=Counts(read=rows["read"], written=written, rejected=rows["rejected"]),
            rules=rules,
            columns=columns,
            quarantine=quarantine,
            handed=sum(footer.rows for footer in footers.values()) - rows["rejected"],
            mark=highest_load_order(max(path[len(self._folder) :] for path in footers)),
            forgotten=plan.before.memory,
        )

    def _rows_of(self, plan: Plan, staged: Staged, folder: str) -> DataFrame:
        """Give the rows to write: those that are staged, or those of a load that was left where it lies."""
        wanted = [column(name) for name in (*staged.columns, KEY, ORDER, IS_DELETED)]
        if part := self._changes_in(folder):
            return self._spark.read.parquet(self._uri(folder, part)).select(*wanted)
        footers, _ = self._look(plan.objects)
        load = self._read(footers, staged.columns).transform(self._judge).where(~F.col(REJECTED))
        return load.select(*wanted)

    def _stage_newer(self, before: Before, plan: Plan, folder: str) -> dict[str, Any]:
        """Stage the batch again, without changes older than what the table holds of their key, or than its delete."""
        kept = Observation()
        newer = self._changes(folder).transform(self._without_late, before=before, plan=plan)
        stage_parquet(newer.transform(observe_kept, kept=kept), self._uri(folder, _NEWER), partition_by=())
        self._lake.delete_folder(folder + _CHANGES)
        return counted(kept)

    def _without_late(self, changes: DataFrame, *, before: Before, plan: Plan) -> DataFrame:
        """Keep the changes that come after what the table holds of their key, and after its delete."""
        late = changes.where(F.col(ORDER) <= before.mark).select(KEY).distinct()
        held = [self._memory(before.memory, plan).select(KEY, ORDER)] if before.memory else []
        if self._has_commits():
            held.append(self._held(ORDER))
        of_late = reduce(DataFrame.unionByName, held).join(late, on=KEY, how="left_semi")
        return changes.transform(keep_newer, held=of_late)

    def _stage_filled(self, folder: str, before: Before) -> None:
        """Stage the batch again, with the values of the table where updates left them out."""
        changes = self._changes(folder)
        names = [name for name in changes.columns if name in before.columns]
        needing = changes.where(F.size(UNCHANGED) > 0).select(KEY)
        held = self._held(*names).join(needing, on=KEY, how="left_semi")
        filled = changes.transform(take_values_from_table, held=held, names=names)
        stage_parquet(filled, self._uri(folder, _FILLED), partition_by=())
        self._lake.delete_folder(folder + self._changes_in(folder, without=_FILLED))

    def _held(self, *names: str) -> DataFrame:
        """Read the rows that the table holds: their keys, and the columns that are named."""
        rows = self._spark.read.format("hudi").load(self._lake.spark_uri(self.target.path))
        return rows.select(F.col(_HUDI_KEY).alias(KEY), *(column(name) for name in names if name != KEY))

    def _stage_memory(self, plan: Plan, folder: str) -> tuple[list[TableFile], list[str]]:
        """Stage the deleted keys of a batch, with those remembered before if these lie in many files."""
        changes = self._changes(folder)
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
            if backup := find_backup(self._lake, path):
                raise StateError(
                    f"{PROPERTIES_FILE} of {path} is empty or gone, as a write that was cut off leaves it; copy its "
                    f"backup {backup} over it and run again"
                )
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

    def _changes(self, folder: str) -> DataFrame:
        """Read the changes of a batch as they are staged by now."""
        return self._spark.read.parquet(self._uri(folder, self._changes_in(folder)))

    def _changes_in(self, folder: str, *, without: str = "") -> str:
        """Name the folder of a batch's changes, the last that was staged; empty if a load was left where it lies."""
        parts = (part for part in (_FILLED, _NEWER, _CHANGES) if part != without)
        return next((part for part in parts if any(self._lake.list(folder + part))), "")

    def _keep(self, columns: Iterable[str]) -> dict[str, bool]:
        """Name the columns whose values an update may leave out, and whether it does so by null."""
        spec = self.spec
        values = (name for name in columns if name not in (*spec.key, *spec.partition_by))
        by_null = set(spec.keep_when_null)
        return {name: name in by_null for name in values if spec.keep_when_absent or name in by_null}

    def _judge(self, changes: DataFrame) -> DataFrame:
        """See ``ChangedTable``; what Hudi cannot hold is rejected too, and key changes that cannot be followed."""
        judged = super()._judge(changes).transform(with_partition_reasons, partition_by=self.spec.partition_by)
        if not self.spec.keep_when_absent:
            judged = judged.transform(with_value_reasons, key=self.spec.key, time_column=self.feed.source.time_column)
        if not self.feed.source.before_image_prefix:
            return judged
        keep = self._keep([name for name in changes.columns if not name.startswith(_OWN_COLUMNS)])
        return judged.transform(with_former_key, key=self.spec.key).transform(
            reject_key_changes_without_values, keep=keep
        )


def open_targets(feed_name: str, feed: CdcToHudiFeed, lake: Lake) -> list[ChangedTable | UnusableTable]:
    """Give the targets of a feed: the tables that it names, and those that lie at its source.

    Raises:
        EmptySourceError: If it names none, and none lies there that it does not skip.
    """
    source = Source(lake, feed.source.path, None)
    names = sorted({*feed.tables, *source.folders()})
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
    run_as_script("cdc_to_hudi")
