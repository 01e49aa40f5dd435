"""Validation and deduplication of changes of a table with a key."""

from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.spark.changes import (
    IS_DELETED,
    IS_IMPLIED,
    keep_last_changes,
    with_change_order,
    with_partition_reasons,
    with_value_reasons,
)
from transforms.spark.exact_casts import INEXACT
from transforms.spark.kept_values import carry_values_forward, reject_key_changes_without_values
from transforms.spark.key_changes import IS_SHARED, delete_former_keys, drop_departures, with_former_key


def judge_keyed_changes(
    changes: DataFrame,
    *,
    key: Sequence[str],
    partition_by: Sequence[str],
    kind_column: str,
    time_column: str,
    sequence_column: str,
    by_file: bool,
    beside_values: Collection[str],
    keep: Mapping[str, bool],
    allows_absent: bool,
    follows_keys: bool,
) -> DataFrame:
    """Add the order of each change, and the reasons for rejecting it.

    Columns in:  the table's columns, and the reader's columns of ``transforms.spark.changes``; _lakewright_inexact
    Columns out: those of ``transforms.spark.changes.with_change_order``; with ``follows_keys`` also
                 _lakewright_former_key
    Rows:        unchanged

    ``keep`` maps columns whose values an update may omit to whether null means omitted. With ``allows_absent`` an
    update may lack columns, otherwise a row without values except its key is rejected (``beside_values`` do not count
    as values). With ``follows_keys`` updates carry the former key. For a delete only key and partition values must be
    exact.
    """
    judged = changes.transform(
        with_change_order,
        key=key,
        kind_column=kind_column,
        time_column=time_column,
        sequence_column=sequence_column,
        by_file=by_file,
    ).transform(with_partition_reasons, partition_by=partition_by)
    # Were a delete rejected for any other value, its row would stay.
    of_place = F.map_filter(INEXACT, lambda name, _: name.isin(*key, *partition_by))
    judged = judged.withColumn(INEXACT, F.when(F.col(IS_DELETED), of_place).otherwise(F.col(INEXACT)))
    if not allows_absent:
        judged = judged.transform(with_value_reasons, key=key, beside_values=beside_values)
    if not follows_keys:
        return judged
    return judged.transform(with_former_key, key=key).transform(reject_key_changes_without_values, keep=keep)


def collapse_changes(
    changes: DataFrame,
    *,
    key: Sequence[str],
    partition_by: Sequence[str],
    followed: DataFrame | None,
    keep: Mapping[str, bool],
) -> DataFrame:
    """Keep the last change of each key.

    Columns in:  those of ``judge_keyed_changes``; with ``followed`` (see ``transforms.spark.key_changes.follow_rows``)
                 those of ``delete_former_keys``; with ``keep`` those of ``carry_values_forward``
    Columns out: the same, _lakewright_is_implied, _lakewright_is_shared, _lakewright_unchanged, _lakewright_updates,
                 _lakewright_first_order
    Rows:        one per key, without rejected ones
    """
    if followed is None:
        resolved = changes.withColumns({IS_IMPLIED: F.lit(False), IS_SHARED: F.lit(False)})
    else:
        with_deletions = changes.transform(delete_former_keys, key=key, partition_by=partition_by)
        resolved = with_deletions.transform(drop_departures, followed=followed)
    return resolved.transform(carry_values_forward, keep=keep).transform(keep_last_changes)
