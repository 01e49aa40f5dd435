"""Tombstones of a table: recently deleted keys, so that an older change that arrives late does not restore them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakewright.engine.spark.parquet import stage_parquet, staged_files
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.log.actions import AddTombstones, AnyAction, RemoveTombstones
from lakewright.parquet.place import TablePlace
from lakewright.runs.job import Batch
from transforms.spark.changes import IS_DELETED, KEY, ORDER

_REMEMBERED_ON: Final = "remembered_on"
#: Number of files at which they are merged into one.
MOST_FILES: Final = 32


def read_tombstones(table: KeyedTable, paths: Sequence[str], processing_date: str) -> DataFrame:
    """Read the tombstones that have not expired.

    Columns out: _record_key, _change_order (of the deletion), remembered_on (string)
    """
    days = timedelta(days=table.options.keep_deleted_days)
    first = (date.fromisoformat(processing_date) - days).isoformat()
    files = table.spark.read.parquet(*(table.lake.spark_uri(path) for path in paths))
    return files.where(F.col(_REMEMBERED_ON) >= first)


def stage_tombstones(table: KeyedTable, batch: Batch, changes: DataFrame) -> list[AnyAction]:
    """Stage the tombstones of a batch, merged with earlier ones if these are in many files."""
    before = list(batch.state.tombstone_files)
    processing_date = batch.plan.processing_date
    today = F.lit(processing_date).alias(_REMEMBERED_ON)
    deleted = changes.where(F.col(IS_DELETED)).select(KEY, ORDER, today)
    merged = before if len(before) >= MOST_FILES and not batch.plan.overwrites_table else []
    if merged:
        deleted = deleted.unionByName(read_tombstones(table, merged, processing_date))
    place = TablePlace(batch.folder + "tombstones/", f"{table.target.state_folder}deleted/", batch.prefix)
    stage_parquet(deleted.coalesce(1), batch.lake.spark_uri(place.staging.rstrip("/")), partition_by=())
    files = staged_files(table.spark, batch.lake, place)
    return [AddTombstones(files), *([RemoveTombstones(merged)] if merged else [])]
