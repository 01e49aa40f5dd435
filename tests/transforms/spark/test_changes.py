"""One change per key, by a total order; held against plain Python."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.cdc import Change, last_changes
from transforms.errors import MissingColumnsError
from transforms.spark.changes import (
    IS_DELETED,
    KEY,
    MOVES,
    ORDER,
    REJECTED,
    keep_last_changes,
    keep_newer,
    keep_rejected_changes,
    key_text,
    needs_key_column,
    place_changes,
    with_change_order,
    with_folder_reasons,
)

READER = (
    "_lakewright_kind string, _lakewright_sequence string, _lakewright_time timestamp, _lakewright_is_load boolean, "
    "_lakewright_object string, _lakewright_file string, _lakewright_position long"
)
SCHEMA = f"id string, v string, {READER}"
TIMES = [f"2026-08-01 10:00:00.{n:06}" for n in range(3)]
SEQUENCES = [f"20260801100000{n:021}" for n in range(3)]


Files = dict[str, list[Change]]


def rows_of(files: Files, prefix: str = "") -> list[tuple[Any, ...]]:
    return [
        (
            None if change.key is None else prefix + change.key,
            *change.values,
            change.kind or None,
            change.sequence,
            dt.datetime.fromisoformat(change.time) if change.time else None,
            name.startswith("LOAD"),
            f"raw/{name}",
            name,
            position,
        )
        for name, changes in files.items()
        for position, change in enumerate(changes)
    ]


def ordered(changes: DataFrame, key: tuple[str, ...] = ("id",)) -> DataFrame:
    return changes.transform(with_change_order, key=key, kind_column="Op", time_column="ts")


def change(kinds: str) -> st.SearchStrategy[Change]:
    return st.builds(
        Change,
        kind=st.sampled_from(kinds or [""]),
        time=st.sampled_from(TIMES),
        key=st.sampled_from("abc"),
        values=st.tuples(st.sampled_from("xyz")),
        sequence=st.none() | st.sampled_from(SEQUENCES),
    )


history = st.builds(
    dict.__or__,
    st.dictionaries(st.sampled_from(["LOAD1.parquet", "LOAD2.parquet"]), st.lists(change(""), max_size=4)),
    st.dictionaries(
        st.sampled_from(["f1.parquet", "f2.parquet", "2026/08/f3.parquet"]), st.lists(change("IUD"), max_size=6)
    ),
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(histories=st.lists(history, min_size=40, max_size=60))
def test_the_last_change_of_each_key_is_that_of_plain_python(spark: SparkSession, histories: list[Files]) -> None:
    """Many histories go through Spark at once, told apart by their keys."""
    rows = [row for n, files in enumerate(histories) for row in rows_of(files, f"{n} ")]
    kept = spark.createDataFrame(rows, SCHEMA).transform(ordered).transform(keep_last_changes)
    found = [tuple(row) for row in kept.select(KEY, "v", F.coalesce(IS_DELETED, F.lit(False))).collect()]
    expected = [
        (f"{n} {key}", last.values[0], last.kind == "D")
        for n, files in enumerate(histories)
        for key, last in last_changes(files.items()).items()
    ]
    assert sorted(found) == sorted(expected)


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(histories=st.lists(history, min_size=150, max_size=200))
def test_the_order_is_that_of_plain_python_and_total(spark: SparkSession, histories: list[Files]) -> None:
    """However a history is cut into batches, comparing orders gives the last change of the whole."""
    rows = [row for n, files in enumerate(histories) for row in rows_of(files, f"{n} ")]
    orders = spark.createDataFrame(rows, SCHEMA).transform(ordered).select(KEY, ORDER, "v").collect()
    assert len({(row[KEY], row[ORDER]) for row in orders}) == len(orders)
    last: dict[str, tuple[str, str]] = {}
    for key, order, value in orders:
        last[key] = max(last.get(key, ("", "")), (order, value))
    expected = {
        f"{n} {key}": found.values[0]
        for n, files in enumerate(histories)
        for key, found in last_changes(files.items()).items()
    }
    assert {key: value for key, (_, value) in last.items()} == expected


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        pytest.param({}, [], id="nothing-wrong"),
        pytest.param({"key": None}, [("null_key", "id")], id="null-key"),
        pytest.param({"key": ""}, [("empty_key", "id")], id="empty-key"),
        pytest.param({"kind": "X"}, [("kind", "Op")], id="unknown-kind"),
        pytest.param({"kind": ""}, [("kind", "Op")], id="no-kind"),
        pytest.param({"time": ""}, [("order", "ts")], id="no-time"),
        pytest.param({"time": "", "sequence": "12"}, [], id="a-sequence-instead-of-a-time"),
        pytest.param({"sequence": "x"}, [], id="a-time-instead-of-a-sequence"),
        pytest.param(
            {"key": None, "time": "", "kind": ""}, [("null_key", "id"), ("kind", "Op"), ("order", "ts")], id="all"
        ),
    ],
)
def test_rejected(spark: SparkSession, changed: dict[str, Any], reasons: list[tuple[str, str]]) -> None:
    whole = {"kind": "U", "time": TIMES[0], "key": "a", "values": ("x",)} | changed
    changes = spark.createDataFrame(rows_of({"f.parquet": [Change(**whole)]}), SCHEMA).transform(ordered)
    rejected = changes.transform(keep_rejected_changes, columns=["id", "v"]).collect()
    assert [tuple(reason) for row in rejected for reason in row["reasons"]] == reasons
    assert changes.transform(keep_last_changes).count() == (0 if reasons else 1)
    for row in rejected:
        assert row["object"] == "raw/f.parquet"
        assert row["fields"]["v"] == "x"
        assert row["fields"]["(position)"] == "0"


def test_a_load_needs_neither_kind_nor_time(spark: SparkSession) -> None:
    rows = rows_of({"LOAD1.parquet": [Change("", "", "a", ("x",))]})
    (row,) = spark.createDataFrame(rows, SCHEMA).transform(ordered).select(ORDER, IS_DELETED, REJECTED).collect()
    assert tuple(row) == ("0 LOAD1.parquet 0000000000", None, False)


def test_years_that_do_not_fit_are_no_order(spark: SparkSession) -> None:
    rows = spark.createDataFrame(rows_of({"f.parquet": [Change("U", TIMES[0], "a", ("x",))]}), SCHEMA)
    odd = rows.withColumn("_lakewright_time", F.expr("timestamp'+10000-01-01'"))
    (row,) = odd.transform(ordered).transform(keep_rejected_changes, columns=[]).select("reasons").collect()
    assert row["reasons"] == [("order", "ts")]


NASTY = ["", "a", ",", "%", "a,b", "b,c", "%2C", "a%", "é", "a\0"]


def test_keys_of_several_columns_never_collide(spark: SparkSession) -> None:
    pairs = [(a, b) for a in NASTY for b in NASTY]
    keys = (
        spark.createDataFrame(pairs, "a string, b string")
        .transform(lambda keys: keys.select(key_text(keys, ["a", "b"])))
        .collect()
    )
    assert len({row[0] for row in keys}) == len(pairs)


@pytest.mark.parametrize(
    ("types", "needed"),
    [
        pytest.param({"a": "string"}, False, id="text"),
        pytest.param({"a": "bigint"}, False, id="whole-number"),
        pytest.param({"a": "date"}, True, id="date"),
        pytest.param({"a": "decimal(9,2)"}, True, id="decimal"),
        pytest.param({"a": "int", "b": "int"}, True, id="several"),
    ],
)
def test_needs_key_column(types: dict[str, str], needed: bool) -> None:
    assert needs_key_column(types) is needed


def test_keep_newer(spark: SparkSession) -> None:
    changes = spark.createDataFrame(
        [("a", "2", 1), ("b", "2", 2), ("c", "2", 3)], f"{KEY} string, {ORDER} string, n int"
    )
    held = spark.createDataFrame([("a", "1"), ("a", "3"), ("b", "1"), ("d", "9")], f"{KEY} string, {ORDER} string")
    newer = changes.transform(keep_newer, held=held)
    assert newer.columns == changes.columns
    assert sorted(row["n"] for row in newer.collect()) == [2, 3]
    same = changes.transform(keep_newer, held=changes.select(KEY, ORDER))
    assert same.count() == 0


def test_deletions_name_the_partitions_that_hold_their_keys(spark: SparkSession) -> None:
    changes = spark.createDataFrame(
        [
            ("same place", None, "x", 1, "v"),
            ("moved", None, "y", 1, "v"),
            ("moved in one of two", None, "x", 2, "v"),
            ("one folder", None, "", 1, "v"),
            ("from null", None, "x", 1, "v"),
            ("new", None, "x", 1, "v"),
            ("deleted", True, None, None, None),
            ("deleted, held twice", True, "x", 1, None),
            ("deleted, unknown", True, "x", 1, None),
        ],
        f"{KEY} string, {IS_DELETED} boolean, place string, year int, v string",
    )
    held = spark.createDataFrame(
        [
            ("same place", "x", 1),
            ("moved", "x", 1),
            ("moved in one of two", "x", 1),
            ("one folder", None, 1),
            ("from null", None, None),
            ("deleted", "z", 9),
            ("deleted, held twice", "x", 1),
            ("deleted, held twice", "y", 1),
            ("not in the batch", "x", 1),
        ],
        f"{KEY} string, place string, year int",
    )
    placed = changes.transform(place_changes, held=held, partition_by=["place", "year"])
    assert placed.columns == [*changes.columns, MOVES]
    upserts = [tuple(row) for row in placed.where(F.col(IS_DELETED).isNull()).drop(MOVES).collect()]
    assert sorted(upserts) == sorted(tuple(row) for row in changes.where(F.col(IS_DELETED).isNull()).collect())
    deletions = placed.where(IS_DELETED).select(KEY, "place", "year").collect()
    assert sorted(key for (key,) in placed.where(MOVES).select(KEY).collect()) == [
        "from null",
        "moved",
        "moved in one of two",
    ]
    assert sorted((tuple(row) for row in deletions), key=repr) == [
        ("deleted", "z", 9),
        ("deleted, held twice", "x", 1),
        ("deleted, held twice", "y", 1),
        ("from null", None, None),
        ("moved in one of two", "x", 1),
        ("moved", "x", 1),
    ]


def test_folders_that_cannot_be_read_back(spark: SparkSession) -> None:
    values = ["x", "", "__HIVE_DEFAULT_PARTITION__", None]
    rows = rows_of({"f.parquet": [Change("I", TIMES[0], "a", (value,)) for value in values]})
    changes = spark.createDataFrame(rows, SCHEMA).transform(ordered)
    judged = changes.transform(with_folder_reasons, partition_by=["v"]).select("v", REJECTED).collect()
    assert {row[0]: row[1] for row in judged} == {"x": False, "": True, "__HIVE_DEFAULT_PARTITION__": True, None: False}
    assert changes.transform(with_folder_reasons, partition_by=[]).where(REJECTED).count() == 0


def test_a_key_that_is_not_there_is_named(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match=r"missing columns \['no'\]; available are \['id', 'v'\]"):
        spark.createDataFrame([], SCHEMA).transform(ordered, key=("no",))
