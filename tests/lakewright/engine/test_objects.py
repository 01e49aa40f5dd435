"""URIs as Hadoop writes them."""

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lakewright.engine.spark.objects import hadoop_uri
from tests.conftest import examples


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=6))
@example("100%25")
def test_hadoop_uri_equals_javas(spark: SparkSession, name: str) -> None:
    assume(name not in (".", ".."))  # names that sources refuse
    jvm: Any = spark._jvm
    uri = f"s3a://bucket/{name}"
    assert hadoop_uri(uri) == jvm.org.apache.hadoop.fs.Path(uri).toUri().toString()
