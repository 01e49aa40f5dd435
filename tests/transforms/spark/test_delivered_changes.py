"""DMS rows converted to changes without the job's reader."""

from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from transforms.errors import MissingColumnsError, SessionSettingError
from transforms.spark.changes import KEY, ORDER, REASONS, keep_last_changes, with_change_order
from transforms.spark.delivered_changes import with_delivery

SCHEMA = "id int, Op string, ts string, AR_H_CHANGE_SEQ string, file string, position long"
DELIVERY: dict[str, Any] = {"file_column": "file", "position_column": "position", "time_column": "ts"}
ORDERING: dict[str, Any] = {"key": ["id"], "kind_column": "Op", "time_column": "ts"}


#: By rule: kind, time, sequence, file and position of a row, and its order; none if it is rejected.
ORDERS: dict[str, tuple[tuple[Any, ...], str | None]] = {
    "load": ((None, "2026-08-01 10:00:00", None, "x/LOAD1.parquet", 7), "0 x/LOAD1.parquet 0000000007"),
    "load without time": ((None, None, None, "LOAD1.parquet", 0), "0 LOAD1.parquet 0000000000"),
    "time": (("U", "2026-08-01 10:00:00.000001", None, "f.parquet", 1), "120260801100000000001 f.parquet 0000000001"),
    "time with an offset": (
        ("U", "2026-08-01T12:00:00+02:00", None, "f.parquet", 1),
        "120260801100000000000 f.parquet 0000000001",
    ),
    "time in nanoseconds": (
        ("U", "2026-08-01 10:00:00.123456780+02:00", None, "f", 1),
        "12026080108000012345678 f 0000000001",
    ),
    "zeros below a microsecond": (
        ("U", "2026-08-01 10:00:00.123456000", None, "f", 1),
        "120260801100000123456 f 0000000001",
    ),
    "date": (("U", "2026-08-01", None, "f", 1), "120260801000000000000 f 0000000001"),
    "hour that berlin skips": (("U", "2026-03-29 02:30:00", None, "f", 1), "120260329023000000000 f 0000000001"),
    "before 1970": (("U", "1969-12-31 23:59:59.999999", None, "f", 1), "119691231235959999999 f 0000000001"),
    "year 1": (("U", "0001-01-01 00:00:00", None, "f", 1), "100010101000000000000 f 0000000001"),
    "sequence": (("U", None, "12", "f", 1), f"1{'12':0>35} f 0000000001"),
    "no time": (("U", "soon", None, "f", 1), None),
    "position above ten digits": (("U", "2026-08-01 10:00:00", None, "f", 2**40), None),
    "no file": (("U", "2026-08-01 10:00:00", None, None, 1), None),
    "a folder is not a load": (("U", None, None, "LOADS/f.parquet", 1), None),
}


def test_the_order_of_a_row(spark: SparkSession) -> None:
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    session.conf.set("spark.sql.ansi.enabled", True)
    delivered = [(number, *row) for number, (row, _) in enumerate(ORDERS.values())]
    rows = session.createDataFrame(delivered, SCHEMA).transform(with_delivery, **DELIVERY)
    ordered = rows.transform(with_change_order, **ORDERING).select("id", ORDER, F.array_compact(REASONS).alias(REASONS))
    expected = session.createDataFrame(
        [(number, order, [] if order else [("order", "ts")]) for number, (_, order) in enumerate(ORDERS.values())],
        f"id int, {ORDER} string, {REASONS} array<struct<rule: string, column: string>>",
    )
    assert_df_equality(ordered.orderBy("id"), expected, ignore_nullable=True)


def test_a_load_needs_neither_kind_nor_sequence(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, None, "LOAD1.parquet", 0)], "id int, ts string, file string, position long")
    last = (
        rows.transform(with_delivery, **DELIVERY).transform(with_change_order, **ORDERING).transform(keep_last_changes)
    )
    expected = spark.createDataFrame([("1", "0 LOAD1.parquet 0000000000")], f"{KEY} string, {ORDER} string")
    assert_df_equality(last.select(KEY, ORDER), expected)


def test_missing_columns_are_named(spark: SparkSession) -> None:
    rows = spark.createDataFrame([], SCHEMA)
    with pytest.raises(MissingColumnsError, match=r"missing columns \['place'\]"):
        rows.transform(with_delivery, **DELIVERY | {"position_column": "place"})
    with pytest.raises(MissingColumnsError, match="_lakewright_kind"):
        rows.transform(with_change_order, **ORDERING)
    with pytest.raises(MissingColumnsError, match="_record_key"):
        rows.transform(keep_last_changes)


def test_a_timestamp_key_needs_a_utc_session(spark: SparkSession) -> None:
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    rows = session.createDataFrame([], SCHEMA.replace("id int", "id timestamp")).transform(with_delivery, **DELIVERY)
    with pytest.raises(SessionSettingError, match=r"timeZone=Europe/Berlin, .*set it to UTC"):
        rows.transform(with_change_order, **ORDERING)
