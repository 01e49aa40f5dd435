"""Rules that changes must follow, and the rejected changes."""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, MapType, StringType, StructType

from transforms.changes.columns import (
    ABSENT,
    IS_DELETED,
    IS_LOAD,
    KEY,
    KIND,
    OBJECT,
    ORDER,
    POSITION,
    REASONS,
    REJECTED,
)
from transforms.object_names import HIVE_NULL
from transforms.spark.changes.keys import is_utf8
from transforms.spark.exact_casts import INEXACT
from transforms.spark.names import column

_BROKEN_ORDER: Final = "_lakewright_broken_order"
_BROKEN_REASONS: Final = "_lakewright_broken_reasons"
REASONS_TYPE: Final = "array<struct<rule:string,column:string>>"
_OF_READER: Final = "_lakewright_"
_MICROSECONDS: Final = "yyyy-MM-dd HH:mm:ss.SSSSSS"


def with_partition_reasons(changes: DataFrame, *, partition_by: Sequence[str]) -> DataFrame:
    """Also reject changes whose partition values are not valid UTF-8: Hudi would merge their partitions.

    Columns in:  ``partition_by``, _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is encoding
    """
    return with_faults(changes, encoding_faults(changes, partition_by))


def with_value_reasons(changes: DataFrame, *, key: Sequence[str], beside_values: Collection[str] = ()) -> DataFrame:
    """Also reject inserts and updates of files that have only the key, which is valid for deletes only.

    Columns in:  those of ``with_change_order``, _lakewright_absent (array of string; names of the columns that the
                 change's file lacks)
    Columns out: the same
    Rows:        unchanged; the rule is no_values

    ``beside_values`` are columns that do not count as values, such as the time of a change.
    """
    own = [name for name in changes.columns if not name.startswith(("_lakewright_", KEY, ORDER, IS_DELETED))]
    values = [name for name in own if name not in (*key, *beside_values)]
    lacks_all = F.size(F.array_intersect(ABSENT, F.array(*map(F.lit, values)))) == len(values)
    is_whole = ~F.col(IS_LOAD) & F.col(KIND).isin("I", "U")
    return with_faults(changes, [(is_whole & lacks_all, "no_values", key[0])] if values else [])


def with_folder_reasons(changes: DataFrame, *, partition_by: Sequence[str]) -> DataFrame:
    """Also reject changes whose partition values cannot be read back from a folder name.

    Columns in:  ``partition_by``, _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is partition: a string that is empty, or means null in folder names
    """
    faults = [(column(name).cast("string").isin("", HIVE_NULL), "partition", name) for name in partition_by]
    return with_faults(changes, faults)


def with_inexact_reasons(changes: DataFrame) -> DataFrame:
    """Also reject changes with values that their column's type cannot represent exactly.

    Columns in:  _lakewright_inexact (map of column to text), _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is inexact
    """
    lost = F.map_keys(INEXACT)
    reasons = F.transform(lost, lambda name: F.struct(F.lit("inexact").alias("rule"), name.alias("column")))
    all_reasons = F.concat(REASONS, reasons.cast(REASONS_TYPE))
    return changes.withColumns({REJECTED: F.col(REJECTED) | (F.size(lost) > 0), REASONS: all_reasons})


def with_reasons_of(changes: DataFrame, *, broken: DataFrame) -> DataFrame:
    """Also reject the changes in ``broken``, for the reasons given there.

    Columns in:  _change_order, _lakewright_rejected and _lakewright_reasons; in ``broken`` _change_order and
                 _lakewright_reasons, one row per change
    Columns out: those of ``changes``
    Rows:        unchanged
    """
    further = broken.select(F.col(ORDER).alias(_BROKEN_ORDER), F.col(REASONS).alias(_BROKEN_REASONS))
    joined = changes.join(further, on=F.col(ORDER) == F.col(_BROKEN_ORDER), how="left")
    reasons = F.concat(REASONS, F.coalesce(_BROKEN_REASONS, F.array().cast(REASONS_TYPE)))
    both = {REJECTED: F.col(REJECTED) | F.col(_BROKEN_ORDER).isNotNull(), REASONS: reasons}
    return joined.withColumns(both).select(*map(column, changes.columns))


def keep_rejected_changes(
    changes: DataFrame, *, columns: Sequence[str], names: Mapping[str, str] = MappingProxyType({})
) -> DataFrame:
    """Keep the rejected changes, with all reasons and values.

    Columns in:  those of ``with_change_order``, _lakewright_object and ``columns``
    Columns out: object (string), position (bigint; the row of the file, from 0), reasons (array of struct of rule and
                 column), text (string; ``fields`` as JSON), fields (map of column to text, without columns that the
                 change's file lacks)
    Rows:        the rejected ones

    ``names`` are the names in the source of columns that have others here; columns of the reader, such as
    _lakewright_kind, are part of ``fields`` if they have one. Binary values are written in base64, nested ones as JSON.
    """
    of_change = [name for name in names if name.startswith(_OF_READER) and name in changes.columns]
    by_name = {names.get(name, name): name for name in (*of_change, *columns)}
    entries = [F.struct(F.lit(label), _text_of(changes, name)) for label, name in by_name.items()]
    if ABSENT in changes.columns:
        entries = [
            F.when(~F.array_contains(ABSENT, name), entry)
            for entry, name in zip(entries, by_name.values(), strict=True)
        ]
    pairs = F.array_compact(F.array(*entries)) if entries else F.array()
    fields = F.map_from_entries(pairs.cast("array<struct<name:string,text:string>>"))
    return changes.where(REJECTED).select(
        F.col(OBJECT).alias("object"),
        F.col(POSITION).alias("position"),
        F.filter(REASONS, lambda reason: reason.isNotNull()).alias("reasons"),
        F.to_json(fields, {"ignoreNullFields": "false"}).alias("text"),
        fields.alias("fields"),
    )


def _text_of(changes: DataFrame, name: str) -> Column:
    text = _as_text(column(name), changes.schema[name].dataType)
    return F.coalesce(F.col(INEXACT)[name], text) if INEXACT in changes.columns else text


def _as_text(value: Column, kind: DataType) -> Column:
    """Return values as text from which they can be read back."""
    if isinstance(kind, BinaryType):
        return F.base64(value)
    if isinstance(kind, ArrayType | MapType | StructType):
        return F.to_json(value, {"ignoreNullFields": "false", "timestampFormat": _MICROSECONDS})
    return value.cast("string")


def with_faults(changes: DataFrame, faults: Sequence[tuple[Column, str, str]]) -> DataFrame:
    """Also reject changes with given faults: a condition, the broken rule, and the column at fault.

    The flag is separate from the reasons, so that these are only computed for rejected changes.
    """
    if not faults:
        return changes
    broken = [F.coalesce(condition, F.lit(False)) for condition, _, _ in faults]
    reasons = [
        F.when(condition, F.struct(F.lit(rule).alias("rule"), F.lit(name).alias("column")))
        for condition, rule, name in faults
    ]
    all_reasons = F.concat(REASONS, F.array(*reasons).cast(REASONS_TYPE))
    return changes.withColumns({REJECTED: reduce(or_, broken, F.col(REJECTED)), REASONS: all_reasons})


def encoding_faults(changes: DataFrame, names: Sequence[str]) -> list[tuple[Column, str, str]]:
    """Return the faults of strings that are not valid UTF-8."""
    types = {field.name: field.dataType for field in changes.schema}
    texts = [name for name in names if isinstance(types.get(name), StringType)]
    return [(~is_utf8(column(name)), "encoding", name) for name in texts]
