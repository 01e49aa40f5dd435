"""Updates that change the key: the row leaves its old key in the order of the update.

The replication writes one row for such an update, with the new key, and the old key as a before image.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.spark.changes import (
    BEFORE,
    FORMER_KEY,
    IS_DELETED,
    IS_IMPLIED,
    IS_LOAD,
    KEY,
    KIND,
    ORDER,
    REJECTED,
    is_utf8,
    text_of_key,
)
from transforms.spark.names import column

#: Whether two rows share a key after all changes.
IS_SHARED: Final = "_lakewright_is_shared"
_REMAINING_KEY: Final = "_lakewright_remaining_key"
_REMAINING_ORDER: Final = "_lakewright_remaining_order"
_SHARED_KEY: Final = "_lakewright_shared_key"


def with_former_key(changes: DataFrame, *, key: Sequence[str]) -> DataFrame:
    """Add the former key of updates that change the key.

    Columns in:  those of ``transforms.spark.changes.with_change_order``, and for each key column
                 ``_lakewright_before_<name>``, of its type; null if there is no before image
    Columns out: every input column, _lakewright_former_key (string; null if the key is unchanged, or the old key is
                 invalid)
    Rows:        unchanged
    """
    former = [F.coalesce(column(BEFORE + name), column(name)) for name in key]
    text = text_of_key([(value, changes.schema[name].dataType) for value, name in zip(former, key, strict=True)])
    is_update = ~F.col(IS_LOAD) & (F.col(KIND) == "U")
    is_valid = (text != "") & is_utf8(text)
    return changes.withColumn(FORMER_KEY, F.when(is_update & is_valid & (text != F.col(KEY)), text))


def delete_former_keys(changes: DataFrame, *, key: Sequence[str], partition_by: Sequence[str]) -> DataFrame:
    """Delete the old key of each update that changes it, in the order of the update.

    Columns in:  those of ``with_former_key``; for each column of ``key`` and ``partition_by``
                 ``_lakewright_before_<name>``
    Columns out: every input column, _lakewright_is_implied (boolean)
    Rows:        all, and a deletion for each update that changes its key, unless rejected
    """
    has_former = F.col(FORMER_KEY).isNotNull() & ~F.col(REJECTED)
    both = F.when(has_former, F.array(F.lit(False), F.lit(True))).otherwise(F.array(F.lit(False)))
    is_implied = F.col(IS_IMPLIED)
    before = {name: F.coalesce(column(BEFORE + name), column(name)) for name in key}
    before |= {name: column(BEFORE + name) for name in partition_by}
    replaced = {name: F.when(is_implied, value).otherwise(column(name)) for name, value in before.items()}
    doubled = changes.withColumn(IS_IMPLIED, F.explode(both))
    return doubled.withColumns(
        {
            **replaced,
            KEY: F.when(is_implied, F.col(FORMER_KEY)).otherwise(F.col(KEY)),
            IS_DELETED: F.when(is_implied, F.lit(True)).otherwise(F.col(IS_DELETED)),
        }
    )


def follow_rows(changes: DataFrame, *, held: DataFrame) -> DataFrame:
    """Follow rows that move between keys, and find departures that leave another row behind.

    One statement may move rows onto keys of other rows (``set id = id + 1``, swaps). Its changes arrive one by one, so
    a key may temporarily have two rows: the older one leaves, and the newer one stays. A move from a key without a row
    was delivered before: nothing leaves.

    Columns in:  those of ``with_former_key``; in ``held`` _record_key: the unique keys of the table
    Columns out: _record_key, _change_order (string; null for a key with two rows at the end)
    Rows:        the departures that leave another row behind, and the keys with two rows at the end

    All changes of keys involved in moves go through one task, in order.
    """
    valid = changes.where(~F.col(REJECTED))
    moves = valid.where(F.col(FORMER_KEY).isNotNull())
    keys = moves.select(KEY).unionByName(moves.select(F.col(FORMER_KEY).alias(KEY))).distinct()
    former = F.coalesce(column(FORMER_KEY), F.lit(""))
    events = valid.select(KEY, former.alias(FORMER_KEY), ORDER, F.col(IS_DELETED).isNotNull().alias(IS_DELETED))
    in_table = held.select(KEY, F.lit("").alias(FORMER_KEY), F.lit("").alias(ORDER), F.lit(False).alias(IS_DELETED))
    involved = events.unionByName(in_table).join(keys, on=KEY, how="left_semi")
    return involved.repartition(1).sortWithinPartitions(ORDER).mapInArrow(_follow, f"{KEY} string, {ORDER} string")


def drop_departures(changes: DataFrame, *, followed: DataFrame) -> DataFrame:
    """Drop the implied deletions that would delete another row than the one that left.

    Columns in:  those of ``delete_former_keys``; in ``followed`` those of ``follow_rows``
    Columns out: every input column, _lakewright_is_shared (boolean; whether a key has two rows at the end)
    Rows:        without those deletions
    """
    stays = followed.where(F.col(ORDER).isNotNull()).select(
        F.col(KEY).alias(_REMAINING_KEY), F.col(ORDER).alias(_REMAINING_ORDER)
    )
    shared = followed.where(F.col(ORDER).isNull()).select(F.col(KEY).alias(_SHARED_KEY))
    is_same = (F.col(KEY) == F.col(_REMAINING_KEY)) & (F.col(ORDER) == F.col(_REMAINING_ORDER))
    kept = changes.join(stays, on=is_same & F.col(IS_IMPLIED), how="left_anti")
    joined = kept.join(shared, on=F.col(KEY) == F.col(_SHARED_KEY), how="left")
    return joined.withColumn(IS_SHARED, F.col(_SHARED_KEY).isNotNull()).drop(_SHARED_KEY)


def _follow(events: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows: dict[str, int] = {}
    stays: list[tuple[str, str | None]] = []
    for batch in events:
        columns = (batch[name].to_pylist() for name in (KEY, FORMER_KEY, ORDER, IS_DELETED))
        for key, former, order, is_deleted in zip(*columns, strict=True):
            if is_deleted:
                rows[key] = 0
            elif not former:
                rows[key] = max(rows.get(key, 0), 1)
            elif rows.get(former, 0):
                if rows[former] > 1:
                    stays.append((former, order))
                rows[former] -= 1
                rows[key] = rows.get(key, 0) + 1
            # Otherwise the move was delivered before, and its row has moved on.
    stays += [(key, None) for key, count in rows.items() if count > 1]
    yield pa.record_batch([pa.array(part, pa.string()) for part in zip(*stays, strict=True)] or _NOTHING, [KEY, ORDER])


_NOTHING: Final = [pa.array([], pa.string()), pa.array([], pa.string())]
