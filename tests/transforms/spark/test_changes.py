"""One change per key, in a total order; compared with plain Python."""

import datetime as dt
import json
from typing import Any

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.cdc import Change, last_changes
from tests.conftest import examples
from transforms.changes.file_order import stamp_of
from transforms.errors import MissingColumnsError
from transforms.spark.changes import (
    IS_DELETED,
    KEY,
    MOVES,
    ORDER,
    REASONS,
    REJECTED,
    is_utf8,
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
REJECTS = "object string, position long, reasons array<struct<rule: string, column: string>>, text string, fields map<string, string>"
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


@settings(max_examples=examples(8), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(histories=st.lists(history, min_size=40, max_size=60))
def test_the_last_change_of_each_key_equals_plain_python(spark: SparkSession, histories: list[Files]) -> None:
    """Many histories go through Spark at once, distinguished by key."""
    rows = [row for n, files in enumerate(histories) for row in rows_of(files, f"{n} ")]
    kept = spark.createDataFrame(rows, SCHEMA).transform(ordered).transform(keep_last_changes)
    expected = [
        (f"{n} {key}", last.values[0], True if last.kind == "D" else None)
        for n, files in enumerate(histories)
        for key, last in last_changes(files.items()).items()
    ]
    last = spark.createDataFrame(expected, f"{KEY} string, v string, {IS_DELETED} boolean")
    assert_df_equality(kept.select(KEY, "v", IS_DELETED), last, ignore_row_order=True)


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(histories=st.lists(history, min_size=150, max_size=200))
def test_the_order_is_total_and_equals_plain_python(spark: SparkSession, histories: list[Files]) -> None:
    """Comparing orders gives the last change of a history, however it is split into batches."""
    rows = [row for n, files in enumerate(histories) for row in rows_of(files, f"{n} ")]
    orders = spark.createDataFrame(rows, SCHEMA).transform(ordered).select(KEY, ORDER, "v").collect()
    assert len({(row[KEY], row[ORDER]) for row in orders}) == len(orders)
    last: dict[str, tuple[str, str]] = {}
    for key, order, value in orders:
        last[key] = max(last.get(key, ("", "")), (order, value))
    expected = {
        f"{n} {key}": last_change.values[0]
        for n, files in enumerate(histories)
        for key, last_change in last_changes(files.items()).items()
    }
    assert {key: value for key, (_, value) in last.items()} == expected


#: By rule: an invalid change, and the reasons for rejecting it.
REJECTIONS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nothing wrong": ({}, []),
    "null key": ({"key": None}, [("null_key", "id")]),
    "empty key": ({"key": ""}, [("empty_key", "id")]),
    "unknown kind": ({"kind": "X"}, [("kind", "Op")]),
    "no kind": ({"kind": ""}, [("kind", "Op")]),
    "no time": ({"time": ""}, [("order", "ts")]),
    "a sequence instead of a time": ({"time": "", "sequence": "12"}, []),
    "a time instead of a sequence": ({"sequence": "x"}, []),
    "all": ({"key": None, "time": "", "kind": ""}, [("null_key", "id"), ("kind", "Op"), ("order", "ts")]),
}


def test_rejected(spark: SparkSession) -> None:
    """Each case is a separate file."""
    files = {
        case: Change(**{"kind": "U", "time": TIMES[0], "key": case, "values": ("x",)} | changed)
        for case, (changed, _) in REJECTIONS.items()
    }
    rows = rows_of({case: [change] for case, change in files.items()})
    changes = spark.createDataFrame(rows, SCHEMA).coalesce(1).transform(ordered)
    rejects = [
        (
            f"raw/{case}",
            0,
            reasons,
            json.dumps(fields := {"id": change.key, "v": "x"}, separators=(",", ":"), ensure_ascii=False),
            fields,
        )
        for (case, change), (_, reasons) in zip(files.items(), REJECTIONS.values(), strict=True)
        if reasons
    ]
    rejected = changes.transform(keep_rejected_changes, columns=["id", "v"])
    assert_df_equality(rejected, spark.createDataFrame(rejects, REJECTS), ignore_nullable=True)
    kept = spark.createDataFrame(
        [(case, "x") for case, (_, reasons) in REJECTIONS.items() if not reasons], "id string, v string"
    )
    assert_df_equality(changes.transform(keep_last_changes).select("id", "v"), kept, ignore_row_order=True)


#: Names of the ordering columns, and the reasons of a change without values in them.
UNORDERED: list[tuple[dict[str, Any], list[str]]] = [
    ({"time_column": "ts"}, ["ts"]),
    ({"time_column": "ts", "sequence_column": "seq"}, ["seq", "ts"]),
    ({"time_column": "", "sequence_column": "seq"}, ["seq"]),
    ({"time_column": ""}, ["(time)"]),
    ({"time_column": "ts", "by_file": True}, ["(file)"]),
]


def test_each_ordering_column_is_a_reason(spark: SparkSession) -> None:
    changes = spark.createDataFrame(rows_of({"f.parquet": [Change("U", "", "a", ("x",))]}), SCHEMA)
    for names, columns in UNORDERED:
        judged = changes.transform(with_change_order, key=("id",), kind_column="Op", **names)
        (reasons,) = judged.select(F.array_compact(REASONS)).collect()[0]
        assert [tuple(reason) for reason in reasons] == [("order", name) for name in columns]


#: By path of a file: the order of its first change; none without a stamp in the name.
ORDERS_BY_FILE = {
    "20260801-101512345.parquet": "120260801101512345000 20260801-101512345.parquet 0000000000",
    "2026/08/01/20260801-101512.parquet": "120260801101512000000 2026/08/01/20260801-101512.parquet 0000000000",
    "20260801101512123456 b.parquet": "120260801101512123456 20260801101512123456 b.parquet 0000000000",
    "LOAD1.parquet": "0 LOAD1.parquet 0000000000",
    "changes.parquet": None,
    "20260801-1015121234567.parquet": None,
}


def test_orders_by_file(spark: SparkSession) -> None:
    """Time and sequence are ignored."""
    files = {name: [Change("U", TIMES[0], "a", ("x",), SEQUENCES[0])] for name in ORDERS_BY_FILE}
    rows = spark.createDataFrame(rows_of(files), SCHEMA).coalesce(1)
    judged = rows.transform(with_change_order, key=("id",), kind_column="Op", time_column="ts", by_file=True)
    assert dict(judged.select("_lakewright_file", ORDER).collect()) == ORDERS_BY_FILE  # type: ignore[arg-type]
    stamps = {name: (order or " ")[1:21] for name, order in ORDERS_BY_FILE.items() if not name.startswith("LOAD")}
    assert {name: stamp_of(name) for name in stamps} == {name: stamp.strip() for name, stamp in stamps.items()}


def test_a_load_needs_neither_kind_nor_time(spark: SparkSession) -> None:
    rows = rows_of({"LOAD1.parquet": [Change("", "", "a", ("x",))]})
    judged = spark.createDataFrame(rows, SCHEMA).transform(ordered).select(ORDER, IS_DELETED, REJECTED)
    expected = spark.createDataFrame(
        [("0 LOAD1.parquet 0000000000", None, False)], f"{ORDER} string, {IS_DELETED} boolean, {REJECTED} boolean"
    )
    assert_df_equality(judged, expected, ignore_nullable=True)


def test_years_out_of_range_have_no_order(spark: SparkSession) -> None:
    rows = spark.createDataFrame(rows_of({"f.parquet": [Change("U", TIMES[0], "a", ("x",))]}), SCHEMA)
    odd = rows.withColumn("_lakewright_time", F.expr("timestamp'+10000-01-01'"))
    rejected = odd.transform(ordered).transform(keep_rejected_changes, columns=[])
    expected = spark.createDataFrame([("raw/f.parquet", 0, [("order", "ts")], "{}", {})], REJECTS)
    assert_df_equality(rejected, expected, ignore_nullable=True)


NASTY = ["", "a", ",", "%", "a,b", "b,c", "%2C", "a%", "é", "a\0"]


def test_composite_keys_never_collide(spark: SparkSession) -> None:
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
        pytest.param({"a": "bigint"}, False, id="integer"),
        pytest.param({"a": "date"}, True, id="date"),
        pytest.param({"a": "decimal(9,2)"}, True, id="decimal"),
        pytest.param({"a": "int", "b": "int"}, True, id="composite"),
    ],
)
def test_needs_key_column(types: dict[str, str], needed: bool) -> None:
    assert needs_key_column(types) is needed


def test_keep_newer(spark: SparkSession) -> None:
    changes = spark.createDataFrame(
        [("a", "2", 1), ("b", "2", 2), ("c", "2", 3)], f"{KEY} string, {ORDER} string, n int"
    )
    held = spark.createDataFrame([("a", "1"), ("a", "3"), ("b", "1"), ("d", "9")], f"{KEY} string, {ORDER} string")
    expected = spark.createDataFrame([("b", "2", 2), ("c", "2", 3)], changes.schema)
    assert_df_equality(changes.transform(keep_newer, held=held), expected, ignore_row_order=True)
    same = changes.transform(keep_newer, held=changes.select(KEY, ORDER))
    assert_df_equality(same, expected.limit(0))


def test_deletions_are_placed_in_the_partitions_of_their_keys(spark: SparkSession) -> None:
    changes = spark.createDataFrame(
        [
            ("same place", None, "x", 1, "v"),
            ("moved", None, "y", 1, "v"),
            ("moved in one of two", None, "x", 2, "v"),
            ("one folder", None, "", 1, "v"),
            ("from null", None, "x", 1, "v"),
            ("new", None, "x", 1, "v"),
            ("deleted", True, None, None, None),
            ("deleted, in two partitions", True, "x", 1, None),
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
            ("deleted, in two partitions", "x", 1),
            ("deleted, in two partitions", "y", 1),
            ("not in the batch", "x", 1),
        ],
        f"{KEY} string, place string, year int",
    )
    expected = spark.createDataFrame(
        [
            ("same place", None, "x", 1, "v", False),
            ("moved", None, "y", 1, "v", False),
            ("moved", True, "x", 1, "v", True),
            ("moved in one of two", None, "x", 2, "v", False),
            ("moved in one of two", True, "x", 1, "v", True),
            ("one folder", None, "", 1, "v", False),
            ("from null", None, "x", 1, "v", False),
            ("from null", True, None, None, "v", True),
            ("new", None, "x", 1, "v", False),
            ("deleted", True, "z", 9, None, False),
            ("deleted, in two partitions", True, "x", 1, None, False),
            ("deleted, in two partitions", True, "y", 1, None, False),
        ],
        f"{KEY} string, {IS_DELETED} boolean, place string, year int, v string, {MOVES} boolean",
    )
    placed = changes.transform(place_changes, held=held, partition_by=["place", "year"])
    assert_df_equality(placed, expected, ignore_row_order=True, ignore_nullable=True)


def test_partition_values_that_folder_names_cannot_represent(spark: SparkSession) -> None:
    values = ["x", "", "__HIVE_DEFAULT_PARTITION__", None]
    rows = rows_of({"f.parquet": [Change("I", TIMES[0], "a", (value,)) for value in values]})
    changes = spark.createDataFrame(rows, SCHEMA).transform(ordered)
    judged = changes.transform(with_folder_reasons, partition_by=["v"])
    expected = spark.createDataFrame(
        [("x", False), ("", True), ("__HIVE_DEFAULT_PARTITION__", True), (None, False)], f"v string, {REJECTED} boolean"
    )
    assert_df_equality(judged.select("v", REJECTED), expected, ignore_nullable=True)
    assert_df_equality(changes.transform(with_folder_reasons, partition_by=[]), changes)


def test_a_missing_key_column_is_named(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match=r"missing columns \['no'\]; available are \['id', 'v'\]"):
        spark.createDataFrame([], SCHEMA).transform(ordered, key=("no",))


def test_text_that_is_not_valid_utf8_is_recognized(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [(1, b"Z\xc3\xbcrich"), (2, b"\xff"), (3, b"\xc3"), (4, b""), (5, None)], "id int, b binary"
    )
    texts = rows.select("id", F.col("b").cast("string").alias("text"))
    valid = spark.createDataFrame([(1, True), (2, False), (3, False), (4, True), (5, None)], "id int, valid boolean")
    assert_df_equality(texts.select("id", is_utf8(F.col("text")).alias("valid")), valid, ignore_nullable=True)
