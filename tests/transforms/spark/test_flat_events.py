"""Records of a DataFrame flattened to the columns of a schema."""

import datetime as dt
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from transforms import flatten_events
from transforms.errors import MissingColumnsError
from transforms.events.schema import EventColumn, EventSchema
from transforms.spark.flat_events import learn_schema

SCHEMA = EventSchema(
    [
        EventColumn(("id",), "id", "bigint"),
        EventColumn(("at",), "at", "timestamp(epoch_millis)"),
        EventColumn(("user", "name"), "user_name", "string"),
        EventColumn(("id",), "id__text", "string", is_text=True),
    ]
)
OUT = (
    "n int, id long, at timestamp, user_name string, id__text string, "
    "_lakewright_fault string, _lakewright_text string, _lakewright_left_out map<string,string>"
)
AT = dt.datetime(2026, 8, 1, 10)

#: A record, and its row; none if it is not a record.
ROWS: dict[str, tuple[Any, Any]] = {
    "clean": ('{"id": 1, "at": 1785578400000, "user": {"name": "a"}}', (1, AT, "a", None, None, None, None)),
    "empty": ("{}", (None,) * 7),
    "misfit with a text column": ('{"id": "12"}', (None, None, None, '"12"', None, None, None)),
    "misfit without one": ('{"at": "late"}', (None,) * 6 + ({"at": "late"},)),
    "unknown attributes": ('{"new": {"x.y": [1], "z": null}}', (None,) * 6 + ({"new.x\\.y": "[1]"},)),
    "no JSON": ("nope", (None, None, None, None, "json", "nope", None)),
    "two on a line": ("{} {}", (None, None, None, None, "json", "{} {}", None)),
    "no object": ("[1]", (None, None, None, None, "record", "[1]", None)),
    "doubled key": ('{"id": 1, "id": 1}', (None, None, None, None, "doubled_key", '{"id": 1, "id": 1}', None)),
    "doubled key over several lines": (
        '{"id"\n: 1,\n"id": 2}',
        (None, None, None, None, "doubled_key", '{"id"\n: 1,\n"id": 2}', None),
    ),
    "over several lines": ('{\n"id": 2\n}\n', (2, None, None, None, None, None, None)),
    "not UTF-8": (b'{"id": "\xff"}', (None, None, None, None, "encoding", '{"id": "\\xff"}', None)),
    "blank": (" \n", None),
    "null": (None, None),
}


def test_each_record_is_a_row(spark: SparkSession) -> None:
    texts = [text.encode() if isinstance(text, str) else text for text, _ in ROWS.values()]
    records = spark.createDataFrame(list(enumerate(texts)), "n int, value binary").coalesce(1)
    expected = spark.createDataFrame([(n, *row) for n, (_, row) in enumerate(ROWS.values()) if row], OUT)
    flat = records.transform(flatten_events, schema=SCHEMA)
    assert_df_equality(flat.orderBy("n"), expected)
    as_text = records.withColumn("value", F.col("value").cast("string"))
    assert_df_equality(as_text.transform(flatten_events, schema=SCHEMA).orderBy("n"), expected)
    assert_df_equality(records.limit(0).transform(flatten_events, schema=SCHEMA), expected.limit(0))


def test_structs_are_records(spark: SparkSession) -> None:
    records = spark.sql(
        "select named_struct('id', 7L, 'user', named_struct('name', 'ü'), 'at', timestamp_micros(1785578400000001)) value"
    )
    schema = learn_schema(records, timestamps={"at": "iso"})
    expected = spark.sql("select timestamp_micros(1785578400000001) at, 7L id, 'ü' user_name")
    rows = records.transform(flatten_events, schema=schema).select("at", "id", "user_name")
    assert_df_equality(rows, expected, ignore_nullable=True)


def test_new_columns_are_appended(spark: SparkSession) -> None:
    records = spark.createDataFrame(
        [('{"id": "n/a", "name": 1.5, "at": "late"}', 1), ('{"name": "x"}', 2), ("nope", 3)], "value string, NAME int"
    )
    grown = learn_schema(records, known=SCHEMA, separator="_")
    assert grown.columns == (
        *SCHEMA.columns,
        EventColumn(("name",), "name_2", "double"),  # the column NAME also exists
        EventColumn(("at",), "at__text", "string", is_text=True),
        EventColumn(("name",), "name_2__text", "string", is_text=True),
    )
    flat = records.transform(flatten_events, schema=grown)
    assert flat.where("_lakewright_left_out is not null").isEmpty()
    assert learn_schema(records, known=grown).columns == grown.columns
    assert learn_schema(records.limit(0), known=SCHEMA).columns == SCHEMA.columns


def test_invalid_arguments_fail_immediately(spark: SparkSession) -> None:
    records = spark.createDataFrame([("{}", 1)], "value string, User_Name int")
    with pytest.raises(MissingColumnsError, match="value"):
        flatten_events(records.drop("value"), schema=SCHEMA)
    with pytest.raises(ValueError, match="the records have a column 'User_Name', and so has the schema"):
        flatten_events(records, schema=SCHEMA)
    with pytest.raises(ValueError, match="unknown format of times 'millis'; known are epoch_seconds"):
        learn_schema(records, timestamps={"at": "millis"})
    with pytest.raises(ValueError, match=r"separator '\.' cannot be part of a column's name"):
        learn_schema(records, separator=".")
    with pytest.raises(ValueError, match="column id is bigint in the known schema, and no iso"):
        learn_schema(records, timestamps={"id": "iso"}, known=SCHEMA)
