"""Values omitted by updates come from earlier changes of the batch, else from the table."""

import datetime as dt
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from transforms.spark.changes import KEY, REJECTED, keep_last_changes, with_change_order
from transforms.spark.kept_values import (
    UNCHANGED,
    carry_values_forward,
    reject_key_changes_without_values,
    take_values_from_table,
)
from transforms.spark.key_changes import with_former_key

SCHEMA = (
    "id int, bio string, n int, _lakewright_kind string, _lakewright_absent array<string>, _lakewright_sequence string, "
    "_lakewright_time timestamp, _lakewright_is_load boolean, _lakewright_file string, _lakewright_position long, "
    "_lakewright_before_id int"
)
LAST = f"bio string, n int, {UNCHANGED} array<string>"
T = dt.datetime(2026, 8, 1)


def changes_of(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Create changes in order from key, bio, n, kind (empty: a load), and the columns that their file lacks."""
    full = [
        (key, bio, n, kind or None, list(absent), None, T, not kind, "f", place, None)
        for place, (key, bio, n, kind, *absent) in enumerate(rows)
    ]
    frame = spark.createDataFrame(full, SCHEMA)
    return frame.transform(with_change_order, key=["id"], kind_column="Op", time_column="ts")


#: By rule: changes of a key (bio, n, kind), values of the last one, and columns to fill from the table.
LEFT_OUT: dict[str, tuple[list[tuple[Any, ...]], tuple[Any, ...]]] = {
    "from the insert before": ([("a", 1, "I"), (None, 2, "U")], ("a", 2, [])),
    "from the load before": ([("a", 1, ""), (None, 2, "U")], ("a", 2, [])),
    "across updates": ([("a", 1, "U"), (None, 2, "U"), (None, 3, "U")], ("a", 3, [])),
    "the last one": ([("a", 1, "U"), ("b", 2, "U"), (None, 3, "U")], ("b", 3, [])),
    "must come from the table": ([(None, 2, "U")], (None, 2, ["bio"])),
    "an insert is whole": ([(None, 2, "I")], (None, 2, [])),
    "null was inserted": ([(None, 2, "I"), (None, 3, "U")], (None, 3, [])),
    "what was deleted is gone": ([("a", 1, "U"), (None, None, "D"), (None, 2, "I"), (None, 3, "U")], (None, 3, [])),
    "absent and null": ([(None, None, "U", "n")], (None, None, ["bio", "n"])),
    "null counts where it is not declared": ([("a", None, "U")], ("a", None, [])),
    "absent from a later file": ([("a", 5, "U"), ("b", None, "U", "n")], ("b", 5, [])),
}


def test_omitted_values(spark: SparkSession) -> None:
    """Each case has a different key."""
    changes = [(key, *change) for key, (rows, _) in enumerate(LEFT_OUT.values()) for change in rows]
    filled = changes_of(spark, *changes).transform(carry_values_forward, keep={"bio": True, "n": False})
    last = filled.transform(keep_last_changes).select("id", "bio", "n", UNCHANGED)
    expected = spark.createDataFrame(
        [(key, *values) for key, (_, values) in enumerate(LEFT_OUT.values())], f"id int, {LAST}"
    )
    assert_df_equality(last, expected, ignore_row_order=True, ignore_nullable=True)


def test_rejected_changes_do_not_provide_values(spark: SparkSession) -> None:
    changes = changes_of(spark, (1, "a", 1, "I"), (1, "b", 1, "X"), (1, None, 2, "U"))
    kept = changes.transform(carry_values_forward, keep={"bio": True}).transform(keep_last_changes)
    expected = spark.createDataFrame([("a", 2, [])], LAST)
    assert_df_equality(kept.select("bio", "n", UNCHANGED), expected, ignore_nullable=True)


def test_values_are_only_kept_if_declared(spark: SparkSession) -> None:
    changes = changes_of(spark, (1, "a", 1, "I"), (1, None, 2, "U"))
    kept = changes.transform(carry_values_forward, keep={}).transform(keep_last_changes)
    expected = spark.createDataFrame([(None, 2, [])], LAST)
    assert_df_equality(kept.select("bio", "n", UNCHANGED), expected, ignore_nullable=True)


def test_values_from_the_table(spark: SparkSession) -> None:
    changes = spark.createDataFrame(
        [("1", None, 1, ["bio"]), ("2", None, 2, []), ("3", None, None, ["bio", "n"]), ("4", "x", 4, [])],
        f"{KEY} string, bio string, n int, {UNCHANGED} array<string>",
    )
    rows_in_table = spark.createDataFrame(
        [("1", "one", 9), ("2", "two", 9), ("4", "four", 9)], f"{KEY} string, bio string, n int"
    )
    expected = spark.createDataFrame(
        [("1", "one", 1), ("2", None, 2), ("3", None, None), ("4", "x", 4)], f"{KEY} string, bio string, n int"
    )
    filled = changes.transform(take_values_from_table, held=rows_in_table, names=["bio", "n"])
    assert_df_equality(filled, expected, ignore_row_order=True)


def test_a_changed_key_without_its_values_is_rejected(spark: SparkSession) -> None:
    changes = changes_of(spark, (2, None, 1, "U"), (3, "x", 1, "U"), (1, None, 1, "U"))
    judged = (
        changes.withColumn("_lakewright_before_id", F.lit(1))
        .transform(with_former_key, key=["id"])
        .transform(reject_key_changes_without_values, keep={"bio": True})
    )
    expected = spark.createDataFrame([(2, True), (3, False), (1, False)], f"id int, {REJECTED} boolean")
    assert_df_equality(judged.select("id", REJECTED), expected, ignore_nullable=True)
