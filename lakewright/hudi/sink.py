"""The Hudi sink: one commit per batch, which contains the batch's metadata and decides its outcome."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final, cast

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakewright.catalog.entries import can_point_to
from lakewright.engine.job_watch import watched_jobs
from lakewright.engine.spark.changes.keyed import KeyedChanges
from lakewright.engine.spark.judged.rows import SparkTable
from lakewright.errors import ConfigError, OvertakenError, StateError, TableDiffersError
from lakewright.hudi.catalog import HudiCatalog
from lakewright.hudi.compaction import Compacted, MergeOnReadTable, compact_table
from lakewright.hudi.counts import PassedRows
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.hudi.staged import StagedForHudi
from lakewright.hudi.staging import BEFORE_IMAGES, AnyRows, ChangeStaging
from lakewright.hudi.timeline import Commit
from lakewright.hudi.tombstones import expire_tombstones, stage_tombstones
from lakewright.hudi.writer import (
    HudiTable,
    has_other_types,
    read_keys,
    roll_back,
    write_changes,
    write_load,
)
from lakewright.log.actions.objects import TakeObjects
from lakewright.log.actions.tables import RaiseWatermark, TableCommit
from lakewright.log.actions.union import AnyAction
from lakewright.log.log import FORMAT, Log, Plan
from lakewright.log.records import Counts
from lakewright.log.schemas import note_source_columns
from lakewright.log.state import TableState
from lakewright.parquet.corrected_rows import correct_quarantine
from lakewright.parquet.table_actions import table_actions
from lakewright.quarantine.placing import quarantine_place
from lakewright.runs.job.batch import Applied, Batch, Staged
from lakewright.runs.job.interfaces import CatalogEntry, Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.progress import LOGGER
from lakewright.unexpected import cause_of, trace_of
from transforms.schema_changes import SchemaChange
from transforms.spark.changes import IS_DELETED, KEY, MOVES, ORDER, place_changes
from transforms.spark.names import column

_UNKNOWN_KEYS: Final = (
    "updates of keys that the table does not have, inserted as new rows: {} or more; "
    f"{BEFORE_IMAGES}, or set target.on_update_of_unknown_key: refuse"
)
_SHARED_KEYS: Final = (
    "keys with two rows at the end of the batch, of which the later one is kept: {}; if the transaction that moved "
    "them continues in later files, run `rebuild` once they have arrived"
)
_LATE_MOVES: Final = (
    "keys change in a batch with late files: moves onto keys of other rows are resolved by change order only; if there "
    "are such statements, run `rebuild`"
)
#: Indexes with which Hudi itself deletes keys from the partitions that they leave.
_GLOBAL_INDEXES: Final = ("global_simple", "global_bloom", "record_index")


@dataclass(frozen=True)
class HudiSink:
    """See ``lakewright.runs.job.interfaces.Sink`` and ``CommittingSink``.

    Attributes:
        catalog_database: Catalog database in which to register the table; empty for none.
    """

    table: KeyedTable
    catalog_database: str = ""

    def check(self, state: TableState, request: Request) -> Preflight:
        """See ``Sink.check``; compares the table on storage with feed and log."""
        if not request.everything:
            self.table.check(state)
            if problem := state.other_layout(self.layout()):
                change = SchemaChange("layout", "", state.layout, self.layout())
                raise TableDiffersError(f"{problem}; run `rebuild` to rebuild the whole table", changes=[change])
        return Preflight(state)

    def check_engine(self) -> None:
        """See ``CommittingSink.check_engine``."""
        self.table.check_version()

    def stage(self, batch: Batch, rows: KeyedChanges) -> StagedForHudi:
        """See ``Sink.stage``: deduplicates, stages and counts the batch before the table is modified."""
        with self._watched(batch):
            return self._stage(batch, rows)

    def _watched(self, batch: Batch) -> AbstractContextManager[None]:
        return watched_jobs(self.table.spark.sparkContext, batch.progress, self.table.target.name)

    def _stage(self, batch: Batch, rows: KeyedChanges) -> StagedForHudi:
        if not batch.plan.overwrites_table:
            self.table.check(batch.state)
        staging = ChangeStaging(self.table, batch, rows)
        staged, target = staging.stage(), self.table.target
        place = quarantine_place(
            batch.lake,
            batch.plan,
            batch.state,
            staging=batch.folder + "quarantine/",
            folder=target.quarantine_folder,
        )
        rejected, rules = rows.judged().write_rejected(
            self.table.spark, batch, place, staged.read, rows.row_rules, staged.broken
        )
        columns = dict(rows.files.columns)
        actions = table_actions(batch, layout=self.layout(), columns=columns, added=(), quarantined=rejected)
        # The commit carries these actions, and the plan already has the objects.
        actions = [action for action in actions if not isinstance(action, TakeObjects)]
        return StagedForHudi(
            counts=_counts(staged, rows.files.superseded_rows),
            in_table=staged.in_table,
            in_quarantine=sum(file.rows for file in rejected),
            actions=[
                *actions,
                *note_source_columns(rows.files.sources, batch.state, anew=batch.plan.overwrites_table),
                *self._order_actions(batch, staging, staged),
                *correct_quarantine(batch, target),
            ],
            rules=rules,
            warnings=[
                *([_SHARED_KEYS.format(staged.last["shared"])] if staged.last["shared"] else []),
                *([_LATE_MOVES] if staged.has_late_moves else []),
            ],
            columns=columns,
            rows=staged.rows,
            updates=staged.last["updates"],
        )

    def judged_table(self, batch: Batch, rows: KeyedChanges, staged: Staged) -> SparkTable:
        """See ``GatedSink.judged_table``: the last change of each key, without deletes, which have no values."""
        of_batch = cast(StagedForHudi, staged)
        changes = ChangeStaging(self.table, batch, rows).frame(of_batch.rows).where(F.col(IS_DELETED).isNull())
        return SparkTable(changes.select(*map(column, of_batch.columns)), staged.counts.written)

    def published_table(self, state: TableState) -> SparkTable:
        """See ``GatedSink.published_table``."""
        return SparkTable(self.table.rows(*state.columns).select(*map(column, state.columns)))

    def applied(self, plan: Plan) -> Applied | None:
        """See ``CommittingSink.applied``.

        Raises:
            StateError: If another format version committed the batch, or if Hudi's counts are wrong; the commit has
                then been rolled back.
        """
        table, commit = self.table, self._commit_of(plan)
        if commit is None:
            return None
        staged, passed = StagedForHudi.load(commit.ours["staged"]), PassedRows.load(commit.ours["handed"])
        if problem := passed.problem_with(commit):
            done = roll_back(table.spark, table.described(staged.columns), commit.instant)
            then = "the commit was rolled back" if done else "it could not be rolled back; the next run will try again"
            raise StateError(f"{table.target.path}: {problem}; {then}")
        unknown = passed.updates_of_unknown_keys(commit)
        details = commit.details() | ({"updates_of_unknown_keys": unknown} if unknown else {})
        actions: list[AnyAction] = [*staged.actions, TakeObjects(plan.objects), TableCommit(details)]
        warnings = [_UNKNOWN_KEYS.format(unknown)] if unknown else []
        return Applied(commit.ours["attempt"], replace(staged, actions=actions), warnings)

    def committed(self, plan: Plan) -> list[AnyAction] | None:
        """See ``CommittingSink.committed``."""
        commit = self._commit_of(plan)
        if commit is None:
            return None
        return [*StagedForHudi.load(commit.ours["staged"]).actions, TakeObjects(plan.objects)]

    def rewrites_table(self, state: TableState, types: Mapping[str, str]) -> bool:
        """See ``CommittingSink.rewrites_table``."""
        return has_other_types(state.columns, types)

    def _commit_of(self, plan: Plan) -> Commit | None:
        """Return the commit of a batch on the table's timeline, if it is there.

        Raises:
            StateError: If another format version wrote it.
        """
        if not self.table.properties():
            return None
        commits = self.table.timeline().commits()
        commit = next((each for each in commits if each.number == plan.number and self.table.is_ours(each)), None)
        if commit is not None and not 1 <= (written := int(commit.ours.get("format", "0"))) <= FORMAT:
            raise StateError(
                f"batch {plan.number} of {self.table.target.path} was committed by another version (format {written}; "
                f"this one reads up to {FORMAT}): run that version"
            )
        return commit

    def commit(self, batch: Batch, rows: KeyedChanges, staged: Staged) -> Applied:
        """See ``CommittingSink.commit``.

        Raises:
            OvertakenError: If another run committed the batch, or a later one.
            StateError: If the timeline lacks the batch afterwards, or Hudi's counts are wrong.
        """
        plan, table = batch.plan, self.table
        if table.has_commits() and (last := table.timeline().last_batch()) and last.number >= plan.number:
            raise OvertakenError(f"another run committed batch {last.number} meanwhile; nothing was applied twice")
        try:
            with self._watched(batch):
                self._write(batch, cast(StagedForHudi, staged), ChangeStaging(table, batch, rows))
        except Exception as error:
            # A failure after the commit, such as in cleaning, must not repeat the commit.
            if self.applied(plan) is None:
                raise
            problem = cause_of(error)
            LOGGER.warning("%s: Hudi failed after the commit of batch %s: %s", table.target.name, plan.number, problem)
            LOGGER.debug("%s: unexpected\n%s", table.target.name, trace_of(error))
        applied = self.applied(plan)
        if applied is None:
            raise StateError(
                f"Hudi reported success, but the timeline of {table.target.path} has no commit of batch {plan.number}; "
                "run again"
            )
        if applied.attempt != batch.attempt:
            raise OvertakenError(f"another run committed batch {plan.number} meanwhile; nothing was applied twice")
        return applied

    def layout(self) -> str:
        """See ``Sink.layout``."""
        spec, path = self.table.spec, self.table.target.path
        order = ", ordered by file" if spec.order_by == "file" else ""
        return f"{path} by {'/'.join(spec.partition_by) or 'no partition'}, key {', '.join(spec.key)}{order}"

    def catalog(self) -> CatalogEntry | None:
        """See ``Sink.catalog``."""
        table = self.table
        if not self.catalog_database or not can_point_to(table.lake):
            return None
        location = f"{table.lake.uri}/{table.target.path}".rstrip("/")
        owner = f"{table.target.feed_name}/{table.target.name} in {table.lake.uri}"
        partitions = lambda: table.timeline().partitions()  # noqa: E731
        return HudiCatalog(self.catalog_database, location, table.described, partitions, owner=owner)

    def merge_on_read(self) -> MergeOnReadTable | None:
        """See ``CompactingSink.merge_on_read``."""
        table = self.table
        if table.storage != "merge_on_read":
            return None
        return MergeOnReadTable(self.catalog_database, table.target.name, tuple(table.spec.partition_by))

    def compact(self) -> list[Compacted]:
        """Compact the table in its current state.

        Raises:
            ConfigError: If there is no such table.
        """
        table = self.table
        table.check_version()
        if not table.has_commits():
            raise ConfigError(f"{table.target.path} has no Hudi table yet; nothing can be compacted")
        if table.properties()["hoodie.table.type"] == "COPY_ON_WRITE":
            return []
        state, open_plan = Log(table.lake, table.target.state_folder).read()
        if open_plan is not None:
            raise ConfigError(f"batch {open_plan.number} is open; complete it with `run`, then compact the table")
        table.check(state)
        return compact_table(table.spark, table.described(state.columns))

    def _order_actions(self, batch: Batch, staging: ChangeStaging, staged: AnyRows) -> list[AnyAction]:
        """Return actions for the highest order and the tombstones."""
        actions: list[AnyAction] = []
        if highest := staged.last["highest"]:
            actions.append(RaiseWatermark(highest))
        actions += expire_tombstones(self.table, batch)
        if deletes := staged.last["deleted"] + staged.last["rekeyed"]:
            actions += stage_tombstones(self.table, batch, staging.frame(staged.rows), deletes=deletes)
        return actions

    def _write(self, batch: Batch, staged: StagedForHudi, staging: ChangeStaging) -> None:
        """Write the commit."""
        table, described = self.table, self.table.described(staged.columns)
        is_new = batch.plan.overwrites_table or not table.has_commits()
        if not is_new and has_other_types(batch.state.columns, staged.columns):
            table.widen(staged.columns, attempt=batch.attempt)
        counts, size = staged.counts, staging.size(staged.rows)
        passed = PassedRows(
            upserts=counts.written,
            deletes=0 if is_new else counts.deleted + counts.rekeyed,
            updates=staged.updates,
            is_load=is_new,
            hudi_moves=bool(described.partition_by) and described.index in _GLOBAL_INDEXES,
        )
        ours = {
            "format": str(FORMAT),
            "feed": table.target.feed_name,
            "target": table.target.name,
            "number": str(batch.plan.number),
            "attempt": batch.attempt,
            "staged": staged.dump(),
        }
        changes = staging.frame(staged.rows).select(*map(column, (*staged.columns, KEY, ORDER, IS_DELETED)))
        if is_new:
            table.lake.delete_folder(table.target.path)
            rows = changes.where(F.col(IS_DELETED).isNull())
            write_load(rows, described, ours | {"handed": passed.dump()}, size=size)
        elif described.places_changes:
            _write_placed(changes, described, ours, passed, size=size)
        else:
            write_changes(changes, described, ours | {"handed": passed.dump()}, size=size)


def _write_placed(
    changes: DataFrame, table: HudiTable, ours: Mapping[str, str], passed: PassedRows, *, size: int
) -> None:
    """Write changes with deletions in the partitions that keys leave; Hudi's counts must match both."""
    keys_in_table = read_keys(changes.sparkSession, table)
    placed = changes.transform(place_changes, held=keys_in_table, partition_by=table.partition_by)
    placed.persist(StorageLevel.DISK_ONLY)
    try:
        deletes, moved = placed.where(IS_DELETED).agg(
            F.count(F.lit(1)), F.count_distinct(F.when(F.col(MOVES), F.col(KEY)))
        ).first() or (0, 0)
        passed = replace(passed, deletes=deletes, moved=moved)
        write_changes(placed.drop(MOVES), table, {**ours, "handed": passed.dump()}, size=size)
    finally:
        placed.unpersist()


def _counts(staged: AnyRows, corrected: int) -> Counts:
    """Return the counts of a batch; ``corrected`` rows were not read, because corrections replace them."""
    read, last = staged.read, staged.last
    return Counts(
        read=read["read"] + corrected,
        written=last["written"],
        deleted=last["deleted"],
        superseded=corrected + read["read"] - read["rejected"] - last["written"] - last["deleted"],
        rejected=read["rejected"],
        rekeyed=last["rekeyed"],
    )
