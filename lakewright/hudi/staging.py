"""A batch of changes staged for a Hudi table: collapsed, counted, and held against what the table has seen."""

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any, Final, Generic, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from lakewright.engine.spark.changes.judged import observe_read
from lakewright.engine.spark.changes.keyed import KeyedChanges, observe_kept
from lakewright.engine.spark.observations import counted
from lakewright.engine.spark.parquet import stage_parquet, staged_files
from lakewright.errors import ObjectRefusedError
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.hudi.staged import LoadInPlace, StagedChanges
from lakewright.hudi.tombstones import read_tombstones
from lakewright.parquet.place import TablePlace
from lakewright.runs.job import Batch
from transforms.spark.changes import (
    FIRST_ORDER,
    FORMER_KEY,
    IS_DELETED,
    IS_IMPLIED,
    KEY,
    ORDER,
    REJECTED,
    UPDATES,
    highest_load_order,
    keep_newer,
)
from transforms.spark.kept_values import UNCHANGED, take_values_from_table
from transforms.spark.key_changes import IS_SHARED, follow_rows
from transforms.spark.names import column

_CHANGES: Final = StagedChanges("changes/")
_NEWER: Final = StagedChanges("newer/")
_FILLED: Final = StagedChanges("filled/")
_FILE_IN_ORDER: Final = r"^\S+ (.*) \d+$"
_BESIDE: Final = (KEY, ORDER, IS_DELETED, IS_IMPLIED, IS_SHARED, UNCHANGED, UPDATES, FIRST_ORDER)
BEFORE_IMAGES: Final = (
    "their keys may have changed at the source; let the replication write before images (source.before_image_prefix)"
)


Rows = TypeVar("Rows", LoadInPlace, StagedChanges)


@dataclass(frozen=True)
class StagedRows(Generic[Rows]):
    """Rows that are ready to be written.

    Attributes:
        rows: Where they are.
        read: What was counted of all changes; see ``observe_read``.
        last: What was counted of those that are left; see ``observe_kept``.
        in_table: How many of them there are, as they are staged.
        has_late_moves: Whether keys change in a batch that reaches below what the table has seen.
    """

    rows: Rows
    read: dict[str, Any]
    last: dict[str, Any]
    in_table: int
    has_late_moves: bool = False


AnyRows = StagedRows[LoadInPlace] | StagedRows[StagedChanges]


class ChangeStaging:
    """The staging of one batch."""

    def __init__(self, table: KeyedTable, batch: Batch, changes: KeyedChanges) -> None:
        self._table, self._batch, self._changes = table, batch, changes
        self._judged = changes.judged()
        self._high_watermark = "" if batch.plan.overwrites_table else batch.state.high_watermark

    @cached_property
    def _is_new(self) -> bool:
        """Whether the table holds nothing, or nothing that stays; asks the table."""
        return self._batch.plan.overwrites_table or not self._table.has_commits()

    def stage(self) -> AnyRows:
        """Stage the batch.

        Raises:
            ObjectRefusedError: If files are damaged, or hold changes that the table cannot take.
        """
        begins_table = self._batch.plan.overwrites_table or not self._batch.state.committed
        try:
            if begins_table and self._changes.files.are_loads and (load := self._stage_load()):
                return load
            staged = self._stage_changes()
        except Py4JJavaError as error:
            raise self._judged.failed(error) from error
        self._judged.check(staged.read)
        self._refuse_unknown_keys(staged)
        if staged.last["left_out"] and not self._is_new:
            self._say("values left out")
            staged = replace(staged, rows=self._stage_filled(staged.rows))
        return replace(staged, in_table=self._count(staged.rows))

    def frame(self, rows: LoadInPlace | StagedChanges) -> DataFrame:
        """Read rows as they are staged, or those of a load as it lies."""
        if isinstance(rows, StagedChanges):
            return self._table.spark.read.parquet(self._uri(rows))
        return self._judged.frame(self._table.spark).where(~F.col(REJECTED))

    def size(self, rows: LoadInPlace | StagedChanges) -> int:
        """Say about how many bytes of Parquet rows are."""
        if isinstance(rows, StagedChanges):
            return sum(found.size for found in self._batch.lake.list(self._batch.folder + rows.part))
        return sum(taken.size for taken in self._batch.plan.objects)

    def _stage_load(self) -> StagedRows[LoadInPlace] | None:
        """Count a full load that begins a table, and leave its rows where they lie; None if a key is there twice."""
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
        """Stage the last change of each key, without those that the table has newer ones of."""
        changes = self._judged.frame(self._table.spark)
        followed = self._followed(changes)
        read = Observation()
        last = self._write(changes.transform(observe_read, read=read), followed)
        rows = counted(read)
        if rows["lowest"] is None or rows["lowest"] > self._high_watermark:
            return StagedRows(_CHANGES, rows, last, 0)
        self._say("late changes")
        late_moves = followed is not None
        if not self._changes.keep:
            if last["lowest"] > self._high_watermark:
                return StagedRows(_CHANGES, rows, last, 0, late_moves)
            return StagedRows(_NEWER, rows, self._stage_newer(), 0, late_moves)
        # A late change must not give its values to the ones behind it: the table has newer ones.
        self._batch.lake.delete_folder(self._batch.folder + _CHANGES.part)
        return StagedRows(_CHANGES, rows, self._write(self._without_late(changes), followed), 0, late_moves)

    def _write(self, changes: DataFrame, followed: DataFrame | None) -> dict[str, Any]:
        """Collapse changes, stage what is left, and give what was counted of it."""
        kept = Observation()
        names = (column(name) for name in (*self._changes.files.columns, *_BESIDE))
        last = self._changes.collapse(changes, followed=followed).transform(observe_kept, kept=kept).select(*names)
        stage_parquet(last, self._uri(_CHANGES), partition_by=())
        return counted(kept)

    def _followed(self, changes: DataFrame) -> DataFrame | None:
        """Follow the rows whose keys change; None if there are none."""
        if not self._changes.follows_keys or changes.where(F.col(FORMER_KEY).isNotNull()).isEmpty():
            return None
        held = changes.select(KEY).limit(0) if self._is_new else self._table.rows()
        return changes.transform(follow_rows, held=held).localCheckpoint()

    def _stage_newer(self) -> dict[str, Any]:
        """Stage the batch again, without changes older than what the table holds of their key, or than its delete."""
        kept = Observation()
        newer = self._without_late(self.frame(_CHANGES))
        stage_parquet(newer.transform(observe_kept, kept=kept), self._uri(_NEWER), partition_by=())
        self._batch.lake.delete_folder(self._batch.folder + _CHANGES.part)
        return counted(kept)

    def _without_late(self, changes: DataFrame) -> DataFrame:
        """Keep the changes that come after what the table holds of their key, and after its delete."""
        plan, tombstones = self._batch.plan, list(self._batch.state.tombstone_files)
        late = changes.where(F.col(ORDER) <= self._high_watermark).select(KEY).distinct()
        held = []
        if tombstones:
            held.append(read_tombstones(self._table, tombstones, plan.processing_date).select(KEY, ORDER))
        if not self._is_new:
            held.append(self._table.rows(ORDER))
        of_late = reduce(DataFrame.unionByName, held).join(late, on=KEY, how="left_semi")
        return changes.transform(keep_newer, held=of_late)

    def _stage_filled(self, rows: StagedChanges) -> StagedChanges:
        """Stage the batch again, with the values of the table where updates left them out."""
        changes = self.frame(rows)
        names = [name for name in changes.columns if name in self._batch.state.columns]
        needing = changes.where(F.size(UNCHANGED) > 0).select(KEY)
        held = self._table.rows(*names).join(needing, on=KEY, how="left_semi")
        filled = changes.transform(take_values_from_table, held=held, names=names)
        stage_parquet(filled, self._uri(_FILLED), partition_by=())
        return _FILLED

    def _refuse_unknown_keys(self, staged: StagedRows[StagedChanges]) -> None:
        """Refuse files with updates of keys that the table does not hold, if the feed says so."""
        if not staged.last["updates"] or self._table.options.on_update_of_unknown_key != "refuse":
            return
        self._say("unknown keys")
        updates = self.frame(staged.rows).where(F.col(UPDATES) & F.col(IS_DELETED).isNull())
        if not self._is_new:
            updates = updates.join(self._table.rows(), on=KEY, how="left_anti")
        file = F.regexp_extract(FIRST_ORDER, _FILE_IN_ORDER, 1)
        per_file = updates.groupBy(file.alias("file")).count().orderBy("file").collect()
        what = f"updates of keys that the table does not hold: {BEFORE_IMAGES}"
        if per_file:
            raise ObjectRefusedError(
                {self._changes.files.folder + row["file"]: f"{row['count']} {what}" for row in per_file}
            )

    def _count(self, rows: StagedChanges) -> int:
        """Count staged rows, by the footers of their files."""
        place = TablePlace(self._batch.folder + rows.part, "", "")
        return sum(file.rows for file in staged_files(self._table.spark, self._batch.lake, place))

    def _uri(self, rows: StagedChanges) -> str:
        return self._batch.lake.spark_uri(self._batch.folder + rows.part)

    def _say(self, stage: str) -> None:
        self._batch.progress.stage(self._table.target.name, stage)
