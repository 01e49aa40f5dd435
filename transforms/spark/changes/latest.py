"""The changes to apply to a table: the last one per key, if newer than the table's row, in the right partition."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transforms.changes.columns import (
    FIRST_ORDER,
    IS_DELETED,
    IS_LOAD,
    KEY,
    KIND,
    MOVES,
    ORDER,
    REJECTED,
    UPDATES,
)
from transforms.object_names import HIVE_NULL
from transforms.spark.changes.columns import is_update_in_place, require_columns
from transforms.spark.changes.keys import require_utc_for_times
from transforms.spark.names import column

_RANK: Final = "_lakewright_rank"
_HELD_KEY: Final = "_lakewright_held_key"
_HELD_ORDER: Final = "_lakewright_held_order"
_HELD_IN: Final = "_lakewright_held_in"


def keep_last_changes(changes: DataFrame) -> DataFrame:
    """Keep the last change of each key.

    Columns in:  those of ``with_change_order``; if present, _lakewright_former_key
    Columns out: the same, _lakewright_updates (boolean; whether the first change of the key is an update, so that its
                 row must be in the table already), _lakewright_first_order (string; the order of that change)
    Rows:        one per key, without rejected ones (see ``keep_rejected_changes``). The order is total, so the result
                 is deterministic

    Raises:
        MissingColumnsError: If a column of ``with_change_order`` is missing.
    """
    require_columns(changes, (KEY, ORDER, IS_DELETED, REJECTED, KIND, IS_LOAD))
    of_key = Window.partitionBy(KEY)
    ranked = changes.where(~F.col(REJECTED)).withColumns(
        {
            _RANK: F.row_number().over(of_key.orderBy(F.col(ORDER).desc())),
            UPDATES: F.min_by(is_update_in_place(changes), ORDER).over(of_key),
            FIRST_ORDER: F.min(ORDER).over(of_key),
        }
    )
    return ranked.where(F.col(_RANK) == 1).drop(_RANK)


def keep_newer(changes: DataFrame, *, held: DataFrame) -> DataFrame:
    """Keep the changes newer than the table's rows.

    Columns in:  _record_key, _change_order; also in ``held``, the rows of the table, with any number per key
    Columns out: those of ``changes``
    Rows:        without changes whose key has a later or the same order in ``held``

    Raises:
        MissingColumnsError: If the key or the order is missing.
    """
    require_columns(changes, (KEY, ORDER))
    require_columns(held, (KEY, ORDER))
    last_held = held.groupBy(KEY).agg(F.max(ORDER).alias(_HELD_ORDER)).withColumnRenamed(KEY, _HELD_KEY)
    joined = changes.join(last_held, on=F.col(KEY) == F.col(_HELD_KEY), how="left")
    newer = F.col(_HELD_ORDER).isNull() | (F.col(ORDER) > F.col(_HELD_ORDER))
    return joined.where(newer).select(changes.columns)


def place_changes(changes: DataFrame, *, held: DataFrame, partition_by: Sequence[str]) -> DataFrame:
    """Add deletions in the partitions of the table that keys leave, because they are deleted or move.

    Columns in:  _record_key, _hoodie_is_deleted and ``partition_by``; in ``held`` the key and ``partition_by``, with a
                 row for each partition that has a key
    Columns out: those of ``changes``, _lakewright_moves (boolean; whether a deletion is that of a key that has moved)
    Rows:        upserts unchanged, and a deletion for each partition with a key that is deleted or now in another
                 partition. Deletions of unknown keys are dropped

    Raises:
        MissingColumnsError: If the key, the deletion flag or a column of ``partition_by`` is missing.
        SessionSettingError: If one of ``partition_by`` is a timestamp, and the session's time zone is not UTC.
    """
    require_columns(changes, (KEY, IS_DELETED, *partition_by))
    require_columns(held, (KEY, *partition_by))
    require_utc_for_times(changes, partition_by)
    places = held.select(F.col(KEY).alias(_HELD_KEY), F.struct(*map(column, partition_by)).alias(_HELD_IN))
    in_table = changes.join(places, on=F.col(KEY) == F.col(_HELD_KEY))
    held_in = {name: F.col(_HELD_IN)[name] for name in partition_by}
    has_moved = reduce(or_, (_folder(column(name)) != _folder(held_in[name]) for name in partition_by))
    moves = F.col(IS_DELETED).isNull()
    deletions = in_table.where(~moves | has_moved).withColumns({MOVES: moves, **held_in, IS_DELETED: F.lit(True)})
    upserts = changes.where(F.col(IS_DELETED).isNull()).withColumn(MOVES, F.lit(False))
    return upserts.unionByName(deletions.select(*map(column, changes.columns), MOVES))


def _folder(value: Column) -> Column:
    """Return the value that names a partition's folder; null and empty strings share one."""
    text = value.cast("string")
    return F.when(text.isNull() | (text == ""), F.lit(HIVE_NULL)).otherwise(text)
