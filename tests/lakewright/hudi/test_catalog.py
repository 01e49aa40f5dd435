"""Catalog types in Spark's JSON schema format."""

import pytest
from pyspark.sql import SparkSession

from lakewright.hudi.catalog import _json_type


@pytest.mark.parametrize(
    "kind",
    [
        "bigint",
        "decimal(20,4)",
        "array<int>",
        "map<string,struct<a:decimal(10,2),b:array<bigint>>>",
        "struct<a:map<string,date>,b:timestamp,c:binary>",
    ],
)
def test_types_equal_those_of_spark(spark: SparkSession, kind: str) -> None:
    (field,) = spark.createDataFrame([], f"x {kind}").schema.jsonValue()["fields"]
    assert _json_type(kind) == field["type"]
