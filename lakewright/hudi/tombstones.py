"""Tombstones of a table: recently deleted keys, so that an older change that arrives late does not restore them."""

from collections.abc import Iterable
from datetime import date, timedelta
from operator import attrgetter
from typing import Final

import msgspec
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakewright.engine.spark.parquet import stage_parquet, staged_files
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.log.actions.files import AddTombstones, RemoveTombstones
from lakewright.log.actions.union import AnyAction
from lakewright.log.records import DataFile
from lakewright.log.state import TableState
from lakewright.parquet.place import TablePlace
from lakewright.parquet.small_files import tier_of
from lakewright.runs.job.batch import Batch
from transforms.spark.changes import IS_DELETED, KEY, ORDER

_REMEMBERED_ON: Final = "remembered_on"
#: Declared, since Spark would start a job to read it from a file.
_SCHEMA: Final = f"{KEY} string, {ORDER} string, {_REMEMBERED_ON} string"
#: Number of files at which small ones are merged.
MOST_FILES: Final = 32


def read_tombstones(table: KeyedTable, state: TableState, processing_date: str) -> DataFrame | None:
    """Read the tombstones that have not expired; None if there are none.

    Columns out: _record_key, _change_order (of the deletion), remembered_on (string)
    """
    first = _first_day(table, processing_date)
    return _read(table, [file.path for file in state.tombstone_files.values() if not is_expired(file, first)], first)


def expire_tombstones(table: KeyedTable, batch: Batch) -> list[AnyAction]:
    """Return the action that removes files whose tombstones have all expired, or that a rebuild replaces."""
    first, files = _first_day(table, batch.plan.processing_date), batch.state.tombstone_files.values()
    removed = [file.path for file in files if batch.plan.overwrites_table or is_expired(file, first)]
    return [RemoveTombstones(removed)] if removed else []


def stage_tombstones(table: KeyedTable, batch: Batch, changes: DataFrame, *, deletes: int) -> list[AnyAction]:
    """Stage the tombstones of a batch, merged with earlier small files if there are many."""
    today = batch.plan.processing_date
    first = _first_day(table, today)
    files = () if batch.plan.overwrites_table else batch.state.tombstone_files.values()
    merged = files_to_merge([file for file in files if not is_expired(file, first)], deletes)
    deleted = changes.where(F.col(IS_DELETED)).select(KEY, ORDER, F.lit(today).alias(_REMEMBERED_ON))
    if (earlier := _read(table, merged, first)) is not None:
        deleted = deleted.unionByName(earlier)
    place = TablePlace(batch.folder + "tombstones/", f"{table.target.state_folder}deleted/", batch.prefix)
    stage_parquet(deleted.coalesce(1), batch.lake.spark_uri(place.staging.rstrip("/")), partition_by=())
    staged = staged_files(table.spark, batch.lake, place)
    days = days_with([file for file in files if file.path in merged], first, today)
    added = [msgspec.structs.replace(file, first_seen=days) for file in staged]
    return [AddTombstones(added), *([RemoveTombstones(merged)] if merged else [])]


def files_to_merge(files: Iterable[DataFile], rows: int) -> list[str]:
    """Return the files to merge with a new one of this number of rows; none while there are few files.

    The policy is that of ``lakewright.parquet.small_files``, except that at least one file is merged, so that their
    number does not grow.
    """
    by_rows = sorted(files, key=attrgetter("rows"))
    if len(by_rows) < MOST_FILES:
        return []
    count = max(1, tier_of([file.rows for file in by_rows], added=rows))
    return [file.path for file in by_rows[:count]]


def days_with(merged: Iterable[DataFile], first: str, today: str) -> tuple[str, str]:
    """Return the days of a file with today's tombstones and those of merged files, without those before ``first``.

    An earlier batch may have had a later day, by another clock.
    """
    last_days = [file.first_seen[1] if file.first_seen else today for file in merged]
    return (first if last_days else today, max([today, *last_days]))


def is_expired(file: DataFile, first: str) -> bool:
    """Return whether all tombstones of a file are older than a day; False if the file does not name its days."""
    return file.first_seen is not None and file.first_seen[1] < first


def _first_day(table: KeyedTable, processing_date: str) -> str:
    """Return the first day whose tombstones have not expired."""
    return (date.fromisoformat(processing_date) - timedelta(days=table.options.keep_deleted_days)).isoformat()


def _read(table: KeyedTable, paths: list[str], first: str) -> DataFrame | None:
    if not paths:
        return None
    files = table.spark.read.schema(_SCHEMA).parquet(*(table.lake.spark_uri(path) for path in paths))
    return files.where(F.col(_REMEMBERED_ON) >= first)
