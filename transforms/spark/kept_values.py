"""Updates that leave values out: what a column held before the update stays, instead of becoming null.

DMS and PostgreSQL do not send large values that an update has not changed: they arrive as null, or the file lacks the
column. Which columns are sent so is declared for each table.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transforms.spark.changes import ABSENT, FORMER_KEY, KEY, ORDER, REJECTED, is_update_in_place, with_faults
from transforms.spark.names import column

#: Names of the columns whose values an update left out, and no change before it in the same batch brought.
UNCHANGED: Final = "_lakewright_unchanged"
_ROW: Final = "_lakewright_row"
_HELD: Final = "_lakewright_held_"


def reject_key_changes_without_values(changes: DataFrame, *, keep: Mapping[str, bool]) -> DataFrame:
    """Reject updates that change the key and leave a value out: it would have to be looked up under another key.

    Columns in:  those of ``carry_values_forward``, _lakewright_former_key and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is unchanged
    """
    moved = F.col(FORMER_KEY).isNotNull()  # of an update, see with_former_key
    return with_faults(
        changes, [(moved & _is_left_out(name, when_null), "unchanged", name) for name, when_null in keep.items()]
    )


def carry_values_forward(changes: DataFrame, *, keep: Mapping[str, bool]) -> DataFrame:
    """Give each update the values that it left out, as far as earlier changes of the key in the same batch have them.

    Columns in:  those of ``transforms.spark.changes.with_change_order``, the keys of ``keep``, and _lakewright_absent
                 (array of string; names of the columns that the change's file lacks)
    Columns out: the same, _lakewright_unchanged (array of string; columns whose values must come from the table)
    Rows:        unchanged

    ``keep`` are columns, and whether null in an update means that the value was left out; a column that is absent from
    an update's file always was.
    """
    if not keep:
        return changes.withColumn(UNCHANGED, F.array().cast("array<string>"))
    in_order = Window.partitionBy(KEY, REJECTED).orderBy(ORDER)
    # Anything but an update in place is a whole row, or ends one: what was there before it does not count.
    rows = changes.withColumn(_ROW, F.sum(F.when(is_update_in_place(changes), 0).otherwise(1)).over(in_order))
    of_row = Window.partitionBy(KEY, REJECTED, _ROW).orderBy(ORDER)
    last = {
        name: F.last(
            F.when(~(is_update_in_place(changes) & _is_left_out(name, when_null)), F.struct(column(name))),
            ignorenulls=True,
        ).over(of_row)
        for name, when_null in keep.items()
    }
    found = rows.withColumns({_HELD + name: value for name, value in last.items()})
    unchanged = [F.when(column(_HELD + name).isNull(), F.lit(name)) for name in keep]
    values = {name: column(_HELD + name)[name] for name in keep}
    filled = found.withColumns({UNCHANGED: F.array_compact(F.array(*unchanged)), **values})
    return filled.drop(_ROW, *(_HELD + name for name in keep))


def take_values_from_table(changes: DataFrame, *, held: DataFrame, names: Sequence[str]) -> DataFrame:
    """Give updates the values that they left out and the table holds.

    Columns in:  _record_key, ``names``, _lakewright_unchanged; in ``held`` _record_key, once each, and ``names``
    Columns out: those of ``changes`` without _lakewright_unchanged
    Rows:        unchanged; the values of keys that the table does not hold stay null
    """
    renamed = held.select(F.col(KEY).alias(_HELD + KEY), *(column(name).alias(_HELD + name) for name in names))
    joined = changes.join(renamed, on=F.col(KEY) == F.col(_HELD + KEY), how="left")
    values = {
        name: F.when(F.array_contains(UNCHANGED, name), column(_HELD + name)).otherwise(column(name)) for name in names
    }
    kept = [column(name) for name in changes.columns if name != UNCHANGED]
    return joined.withColumns(values).select(*kept)


def _is_left_out(name: str, when_null: bool) -> Column:
    """Tell updates that leave the value of a column out."""
    is_absent = F.array_contains(ABSENT, name)
    return (column(name).isNull() | is_absent) if when_null else is_absent
