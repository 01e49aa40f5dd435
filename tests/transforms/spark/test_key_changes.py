"""Rows that move between keys, and the deletions at the keys they leave."""

from typing import Any

from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.spark.changes import FORMER_KEY, IS_DELETED, KEY, ORDER, REJECTED
from transforms.spark.key_changes import IS_SHARED, drop_departures, follow_rows

SCHEMA = f"{KEY} string, {FORMER_KEY} string, {ORDER} string, {IS_DELETED} boolean, {REJECTED} boolean"

#: By name: keys in the table; changes (key, former key, whether it deletes); departures that leave another row
#: behind, as key and number of the change; keys with two rows at the end.
CASES: dict[str, tuple[list[str], list[tuple[str, str | None, bool]], list[tuple[str, int]], list[str]]] = {
    "one row moves on": (["1"], [("2", "1", False), ("3", "2", False)], [], []),
    "all keys shift": (
        ["1", "2", "3"],
        [("2", "1", False), ("3", "2", False), ("4", "3", False)],
        [("2", 1), ("3", 2)],
        [],
    ),
    "all keys shift from the top": (["1", "2"], [("3", "2", False), ("2", "1", False)], [], []),
    "two rows swap": (["1", "2"], [("2", "1", False), ("1", "2", False)], [("2", 1)], []),
    "half of a shift": (["1", "2"], [("2", "1", False)], [], ["2"]),
    "the other was deleted before": (["1", "2"], [("2", None, True), ("2", "1", False), ("3", "2", False)], [], []),
    "the other was inserted before": (
        ["1"],
        [("2", None, False), ("2", "1", False), ("3", "2", False)],
        [("2", 2)],
        [],
    ),
    "a move that was delivered before": (["2"], [("2", "1", False), ("3", "2", False)], [], []),
    "two shifts, one after the other": (
        ["1", "2"],
        [("2", "1", False), ("3", "2", False), ("3", "2", False), ("4", "3", False)],
        [("2", 1), ("3", 3)],
        [],
    ),
    "no table yet": ([], [("1", None, False), ("2", "1", False)], [], []),
}


def test_rows_that_move_between_keys(spark: SparkSession) -> None:
    """All cases at once, distinguished by key."""
    changes: list[tuple[Any, ...]] = []
    held: list[tuple[str]] = []
    expected: list[tuple[str, str | None]] = []
    for name, (keys, events, stays, shared) in CASES.items():
        held += [(f"{name} {key}",) for key in keys]
        changes += [
            (f"{name} {key}", former and f"{name} {former}", f"1 f {number}", is_deleted or None, False)
            for number, (key, former, is_deleted) in enumerate(events)
        ]
        expected += [(f"{name} {key}", f"1 f {number}") for key, number in stays]
        expected += [(f"{name} {key}", None) for key in shared]
    frame = spark.createDataFrame([*changes, ("rejected 2", "rejected 1", "1 f 0", None, True)], SCHEMA)
    followed = frame.transform(follow_rows, held=spark.createDataFrame(held, f"{KEY} string"))
    departures = spark.createDataFrame(expected, f"{KEY} string, {ORDER} string")
    assert_df_equality(followed, departures, ignore_row_order=True)


def test_only_implied_deletions_are_dropped(spark: SparkSession) -> None:
    schema = f"{KEY} string, {ORDER} string, _lakewright_is_implied boolean"
    changes = spark.createDataFrame(
        [("a", "1", False), ("a", "2", True), ("b", "2", True), ("c", "2", False), ("a", "2", False)], schema
    )
    followed = spark.createDataFrame([("a", "2"), ("c", None)], f"{KEY} string, {ORDER} string")
    kept = changes.transform(drop_departures, followed=followed)
    expected = spark.createDataFrame(
        [
            ("a", "1", False, False),
            ("a", "2", False, False),
            ("b", "2", True, False),
            ("c", "2", False, True),
        ],
        f"{schema}, {IS_SHARED} boolean",
    )
    assert_df_equality(kept, expected, ignore_row_order=True, ignore_nullable=True)
