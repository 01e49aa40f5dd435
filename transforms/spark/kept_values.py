"""Updates that omit values: the columns keep their values instead of becoming null.

DMS and PostgreSQL do not send large values that an update has not changed: they arrive as null, or the file lacks the
column. Each table declares such columns.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transforms.spark.changes import ABSENT, FORMER_KEY, KEY, ORDER, REJECTED, is_update_in_place, with_faults
from transforms.spark.names import column

#: Names of the columns whose values are omitted by an update and by all earlier changes of the key in the batch.
UNCHANGED: Final = "_lakewright_unchanged"
_ROW: Final = "_lakewright_row"
_KNOWN: Final = "_lakewright_known_"


def reject_key_changes_without_values(changes: DataFrame, *, keep: Mapping[str, bool]) -> DataFrame:
    """Reject updates that change the key and omit a value, since the value belongs to another key.

    Columns in:  those of ``carry_values_forward``, _lakewright_former_key and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is unchanged
    """
    moved = F.col(FORMER_KEY).isNotNull()  # of an update, see with_former_key
    return with_faults(
        changes, [(moved & _is_left_out(name, when_null), "unchanged", name) for name, when_null in keep.items()]
    )


def carry_values_forward(changes: DataFrame, *, keep: Mapping[str, bool]) -> DataFrame:
    """Fill omitted values of updates from earlier changes of the key in the same batch.

    Columns in:  those of ``transforms.spark.changes.with_change_order``, the keys of ``keep``, and _lakewright_absent
                 (array of string; names of the columns that the change's file lacks)
    Columns out: the same, _lakewright_unchanged (array of string; columns whose values must come from the table)
    Rows:        unchanged

    ``keep`` maps columns to whether null in an update means omitted; a column missing from an update's file always is.
    """
    if not keep:
        return changes.withColumn(UNCHANGED, F.array().cast("array<string>"))
    in_order = Window.partitionBy(KEY, REJECTED).orderBy(ORDER)
    # Any change but an update in place is a whole row or a deletion: earlier values do not count.
    rows = changes.withColumn(_ROW, F.sum(F.when(is_update_in_place(changes), 0).otherwise(1)).over(in_order))
    of_row = Window.partitionBy(KEY, REJECTED, _ROW).orderBy(ORDER)
    last = {
        name: F.last(
            F.when(~(is_update_in_place(changes) & _is_left_out(name, when_null)), F.struct(column(name))),
            ignorenulls=True,
        ).over(of_row)
        for name, when_null in keep.items()
    }
    with_last = rows.withColumns({_KNOWN + name: value for name, value in last.items()})
    unchanged = [F.when(column(_KNOWN + name).isNull(), F.lit(name)) for name in keep]
    values = {name: column(_KNOWN + name)[name] for name in keep}
    filled = with_last.withColumns({UNCHANGED: F.array_compact(F.array(*unchanged)), **values})
    return filled.drop(_ROW, *(_KNOWN + name for name in keep))


def take_values_from_table(changes: DataFrame, *, held: DataFrame, names: Sequence[str]) -> DataFrame:
    """Fill omitted values of updates from the table.

    Columns in:  _record_key, ``names``, _lakewright_unchanged; in ``held`` unique _record_key, and ``names``
    Columns out: those of ``changes`` without _lakewright_unchanged
    Rows:        unchanged; values of keys that are not in the table stay null
    """
    renamed = held.select(F.col(KEY).alias(_KNOWN + KEY), *(column(name).alias(_KNOWN + name) for name in names))
    joined = changes.join(renamed, on=F.col(KEY) == F.col(_KNOWN + KEY), how="left")
    values = {
        name: F.when(F.array_contains(UNCHANGED, name), column(_KNOWN + name)).otherwise(column(name)) for name in names
    }
    kept = [column(name) for name in changes.columns if name != UNCHANGED]
    return joined.withColumns(values).select(*kept)


def _is_left_out(name: str, when_null: bool) -> Column:
    """Whether updates omit the value of a column."""
    is_absent = F.array_contains(ABSENT, name)
    return (column(name).isNull() | is_absent) if when_null else is_absent
