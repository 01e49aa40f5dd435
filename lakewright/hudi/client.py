"""Hudi's write client, for operations that its Spark data source lacks: compaction and rollback."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

from lakewright.hudi.writer import HudiTable


@contextmanager
def write_client(spark: SparkSession, table: HudiTable, further: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Open the write client of a table, with its write options and ``further`` ones."""
    jvm: Any = spark._jvm
    all_options = jvm.java.util.HashMap()
    for key, value in (table.options(spark.sparkContext.defaultParallelism) | dict(further or {})).items():
        all_options.put(key, value)
    client = jvm.org.apache.hudi.HoodieCLIUtils.createHoodieWriteClient(
        spark._jsparkSession, table.uri, jvm.PythonUtils.toScalaMap(all_options), jvm.scala.Option.empty()
    )
    try:
        yield client
    finally:
        client.close()


def roll_back(spark: SparkSession, table: HudiTable, instant: str) -> bool:
    """Roll back the last commit of a table, and return whether that succeeded."""
    with write_client(spark, table) as client:
        return bool(client.rollback(instant))
