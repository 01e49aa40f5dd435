"""Staging of a batch for a Hudi table: deduplicates and counts changes, and drops those that arrive late."""

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any, Final, Generic, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from lakewright.engine.spark.changes.judged import observe_read
from lakewright.engine.spark.changes.keyed import KeyedChanges, observe_kept
from lakewright.engine.spark.judged.rows import row_rule_faults
from lakewright.engine.spark.observations import counted
from lakewright.engine.spark.parquet import stage_parquet, staged_files
from lakewright.errors import ObjectRefusedError
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.hudi.staged import LoadInPlace, StagedChanges
from lakewright.hudi.tombstones import read_tombstones
from lakewright.parquet.place import TablePlace
from lakewright.runs.job.batch import Batch
from transforms.spark.changes import (
    FIRST_ORDER,
    FORMER_KEY,
    IS_DELETED,
    IS_IMPLIED,
    KEY,
    ORDER,
    REASONS,
    REJECTED,
    UPDATES,
    highest_load_order,
    keep_newer,
    with_faults,
)
from transforms.spark.changes.rejection import REASONS_TYPE
from transforms.spark.kept_values import UNCHANGED, take_values_from_table
from transforms.spark.key_changes import IS_SHARED, follow_rows
from transforms.spark.names import column

_CHANGES: Final = StagedChanges("changes/")
_NEWER: Final = StagedChanges("newer/")
_FILLED: Final = StagedChanges("filled/")
_ACCEPTED: Final = StagedChanges("accepted/")
_FILE_IN_ORDER: Final = r"^\S+ (.*) \d+$"
_ADDED: Final = (KEY, ORDER, IS_DELETED, IS_IMPLIED, IS_SHARED, UNCHANGED, UPDATES, FIRST_ORDER)
BEFORE_IMAGES: Final = (
    "their keys may have changed at the source; let the replication write before images (source.before_image_prefix)"
)


Rows = TypeVar("Rows", LoadInPlace, StagedChanges)


@dataclass(frozen=True)
class StagedRows(Generic[Rows]):
    """Rows ready to be written.

    Attributes:
        rows: Their location.
        read: Counts of all changes; see ``observe_read``.
        last: Counts of the remaining changes; see ``observe_kept``.
        in_table: Number of staged rows.
        has_late_moves: Whether keys change in a batch with changes below the high watermark.
        broken: Changes rejected by row rules, by their order, with reasons.
    """

    rows: Rows
    read: dict[str, Any]
    last: dict[str, Any]
    in_table: int
    has_late_moves: bool = False
    broken: DataFrame | None = None


AnyRows = StagedRows[LoadInPlace] | StagedRows[StagedChanges]


class ChangeStaging:
    """The staging of one batch."""

    def __init__(self, table: KeyedTable, batch: Batch, changes: KeyedChanges) -> None:
        self._table, self._batch, self._changes = table, batch, changes
        self._judged = changes.judged()
        self._high_watermark = "" if batch.plan.overwrites_table else batch.state.high_watermark

    @cached_property
    def _is_new(self) -> bool:
        """Whether the table is empty or will be overwritten; reads the table."""
        return self._batch.plan.overwrites_table or not self._table.has_commits()

    def stage(self) -> AnyRows:
        """Stage the batch.

        Raises:
            ObjectRefusedError: If files are damaged, or contain changes that must be refused.
        """
        begins_table = self._batch.plan.overwrites_table or not self._batch.state.committed
        try:
            can_stay = begins_table and self._changes.files.are_loads and not self._changes.row_rules
            if can_stay and (load := self._stage_load()):
                return load
            staged = self._stage_changes()
        except Py4JJavaError as error:
            raise self._judged.failed(error) from error
        self._judged.check(staged.read)
        self._refuse_unknown_keys(staged)
        if staged.last["left_out"] and not self._is_new:
            self._report("values left out")
            staged = replace(staged, rows=self._stage_filled(staged.rows))
        if self._changes.row_rules:
            staged = self._without_broken(staged)
        return replace(staged, in_table=self._count(staged.rows))

    def frame(self, rows: LoadInPlace | StagedChanges) -> DataFrame:
        """Read staged rows, or those of a load from its source files."""
        if isinstance(rows, StagedChanges):
            return self._table.spark.read.parquet(self._uri(rows))
        return self._judged.frame(self._table.spark).where(~F.col(REJECTED))

    def size(self, rows: LoadInPlace | StagedChanges) -> int:
        """Return the approximate size of rows as Parquet, in bytes."""
        if isinstance(rows, StagedChanges):
            return sum(file.size for file in self._batch.lake.list(self._batch.folder + rows.part))
        return sum(source_file.size for source_file in self._batch.plan.objects)

    def _stage_load(self) -> StagedRows[LoadInPlace] | None:
        """Count a full load that creates a table, without copying its rows; None if a key is not unique."""
        read = Observation()
        judged = self._judged.frame(self._table.spark).transform(observe_read, read=read)
        rows_per_key = judged.where(~F.col(REJECTED)).groupBy(KEY).count()
        (most,) = rows_per_key.agg(F.max("count")).first() or (None,)
        if most is not None and most > 1:
            return None
        rows, files = counted(read), self._changes.files
        self._judged.check(rows)
        written = rows["read"] - rows["rejected"]
        last = {"written": written, "deleted": 0, "rekeyed": 0, "updates": 0, "shared": 0}
        last["highest"] = highest_load_order(max(path[len(files.folder) :] for path in files.footers))
        return StagedRows(LoadInPlace(), rows, last, in_table=files.rows - rows["rejected"])

    def _stage_changes(self) -> StagedRows[StagedChanges]:
        """Stage the last change of each key, without changes older than the table's rows."""
        changes = self._judged.frame(self._table.spark)
        followed = self._followed(changes)
        read = Observation()
        last = self._write(changes.transform(observe_read, read=read), followed)
        rows = counted(read)
        if rows["lowest"] is None or rows["lowest"] > self._high_watermark:
            return StagedRows(_CHANGES, rows, last, 0)
        self._report("late changes")
        late_moves = followed is not None
        if not self._changes.keep:
            if last["lowest"] > self._high_watermark:
                return StagedRows(_CHANGES, rows, last, 0, late_moves)
            return StagedRows(_NEWER, rows, self._stage_newer(), 0, late_moves)
        # A late change must not pass its values to later changes: the table has newer ones.
        self._batch.lake.delete_folder(self._batch.folder + _CHANGES.part)
        return StagedRows(_CHANGES, rows, self._write(self._without_late(changes), followed), 0, late_moves)

    def _write(self, changes: DataFrame, followed: DataFrame | None) -> dict[str, Any]:
        """Deduplicate changes, stage the rest, and return their counts."""
        kept = Observation()
        names = (column(name) for name in (*self._changes.files.columns, *_ADDED))
        last = self._changes.collapse(changes, followed=followed).transform(observe_kept, kept=kept).select(*names)
        stage_parquet(last, self._uri(_CHANGES), partition_by=())
        return counted(kept)

    def _followed(self, changes: DataFrame) -> DataFrame | None:
        """Follow rows whose keys change; None if there are none."""
        if not self._changes.follows_keys or changes.where(F.col(FORMER_KEY).isNotNull()).isEmpty():
            return None
        rows_in_table = changes.select(KEY).limit(0) if self._is_new else self._table.rows()
        return changes.transform(follow_rows, held=rows_in_table).localCheckpoint()

    def _stage_newer(self) -> dict[str, Any]:
        """Stage the batch again, without changes older than the table's row or tombstone of their key."""
        kept = Observation()
        newer = self._without_late(self.frame(_CHANGES))
        stage_parquet(newer.transform(observe_kept, kept=kept), self._uri(_NEWER), partition_by=())
        self._batch.lake.delete_folder(self._batch.folder + _CHANGES.part)
        return counted(kept)

    def _without_late(self, changes: DataFrame) -> DataFrame:
        """Keep the changes newer than the table's row and tombstone of their key."""
        plan, state = self._batch.plan, self._batch.state
        late = changes.where(F.col(ORDER) <= self._high_watermark).select(KEY).distinct()
        known = []
        if (tombstones := read_tombstones(self._table, state, plan.processing_date)) is not None:
            known.append(tombstones.select(KEY, ORDER))
        if not self._is_new:
            known.append(self._table.rows(ORDER))
        known_late = reduce(DataFrame.unionByName, known).join(late, on=KEY, how="left_semi")
        return changes.transform(keep_newer, held=known_late)

    def _stage_filled(self, rows: StagedChanges) -> StagedChanges:
        """Stage the batch again, with the table's values where updates left them unchanged."""
        changes = self.frame(rows)
        names = [name for name in changes.columns if name in self._batch.state.columns]
        needing = changes.where(F.size(UNCHANGED) > 0).select(KEY)
        rows_in_table = self._table.rows(*names).join(needing, on=KEY, how="left_semi")
        filled = changes.transform(take_values_from_table, held=rows_in_table, names=names)
        stage_parquet(filled, self._uri(_FILLED), partition_by=())
        return _FILLED

    def _without_broken(self, staged: StagedRows[StagedChanges]) -> StagedRows[StagedChanges]:
        """Stage the batch again without the changes that break row rules; deletes have no values to judge.

        Nothing is written for the key of such a change: the change before it is not the state of the source.
        """
        changes, is_row = self.frame(staged.rows), F.col(IS_DELETED).isNull()
        faults = row_rule_faults(self._changes.row_rules, self._changes.files.columns)
        unjudged = {REJECTED: F.lit(False), REASONS: F.array().cast(REASONS_TYPE)}
        judged = changes.withColumns(unjudged).transform(
            with_faults, [(is_row & condition, rule, name) for condition, rule, name in faults]
        )
        file = F.regexp_extract(ORDER, _FILE_IN_ORDER, 1)
        count, files = judged.where(REJECTED).agg(F.count(F.lit(1)), F.collect_set(file)).first() or (0, [])
        if not count:
            return staged
        self._report("row rules")
        kept = Observation()
        accepted = judged.where(~F.col(REJECTED)).select(*map(column, changes.columns))
        stage_parquet(accepted.transform(observe_kept, kept=kept), self._uri(_ACCEPTED), partition_by=())
        folder, dirty = self._changes.files.folder, staged.read["dirty"]
        # The order of a corrected change names the file of its original.
        corrections = self._changes.files.corrections
        paths = {*filter(None, dirty.split("\n")), *(folder + path for path in files), *corrections}
        return replace(
            staged,
            rows=_ACCEPTED,
            read=staged.read | {"rejected": staged.read["rejected"] + count, "dirty": "\n".join(paths)},
            last=counted(kept) | {"highest": staged.last["highest"]},
            broken=judged.where(REJECTED).select(ORDER, REASONS),
        )

    def _refuse_unknown_keys(self, staged: StagedRows[StagedChanges]) -> None:
        """Refuse files with updates of keys that the table does not have, if the feed says so."""
        if not staged.last["updates"] or self._table.options.on_update_of_unknown_key != "refuse":
            return
        self._report("unknown keys")
        updates = self.frame(staged.rows).where(F.col(UPDATES) & F.col(IS_DELETED).isNull())
        if not self._is_new:
            updates = updates.join(self._table.rows(), on=KEY, how="left_anti")
        file = F.regexp_extract(FIRST_ORDER, _FILE_IN_ORDER, 1)
        per_file = updates.groupBy(file.alias("file")).count().orderBy("file").collect()
        what = f"updates of keys that the table does not have: {BEFORE_IMAGES}"
        if per_file:
            raise ObjectRefusedError(
                {self._changes.files.folder + row["file"]: f"{row['count']} {what}" for row in per_file}
            )

    def _count(self, rows: StagedChanges) -> int:
        """Count staged rows, from file footers."""
        place = TablePlace(self._batch.folder + rows.part, "", "")
        return sum(file.rows for file in staged_files(self._table.spark, self._batch.lake, place))

    def _uri(self, rows: StagedChanges) -> str:
        return self._batch.lake.spark_uri(self._batch.folder + rows.part)

    def _report(self, stage: str) -> None:
        self._batch.progress.stage(self._table.target.name, stage)
