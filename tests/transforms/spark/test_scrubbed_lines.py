import pytest
from chispa import assert_df_equality
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

from transforms.errors import MissingColumnsError
from transforms.spark.scrubbed_lines import scrub_lines

SCHEMA = "object string, value string, line long"


def test_lines_lose_the_field_and_keep_all_else(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [
            ("a", '{"n": 1.00, "file_contents" : {"x": [1]} ,"é": "Zürich"}', 1),
            ("a", '{"other": "file_contents"}', 2),
            ("b", "", None),
            (None, None, 4),
        ],
        SCHEMA,
    )
    expected = spark.createDataFrame(
        [
            ("a", '{"n": 1.00, "file_contents" : "" ,"é": "Zürich"}', 1),
            ("a", '{"other": "file_contents"}', 2),
            ("b", "", None),
            (None, None, 4),
        ],
        SCHEMA,
    )
    assert_df_equality(lines.transform(scrub_lines, fields=["file_contents"]), expected, ignore_row_order=True)
    assert lines.limit(0).transform(scrub_lines, fields=["file_contents"]).collect() == []


def test_json_inside_strings(spark: SparkSession) -> None:
    lines = spark.createDataFrame([(r'{"Message": "{\"email\": 1}", "log": "{\"email\": 1}"}',)], "value string")
    expected = spark.createDataFrame([(r'{"Message": "{\"email\": \"\"}", "log": "{\"email\": 1}"}',)], "value string")
    scrubbed = lines.transform(scrub_lines, fields=["email"], inside_strings=["Message"])
    assert_df_equality(scrubbed, expected)
    with pytest.raises(ValueError, match="names of fields, or the word any, not 'Message'"):
        scrub_lines(lines, fields=["email"], inside_strings="Message")


def test_a_line_that_is_no_record_stops_it(spark: SparkSession) -> None:
    lines = spark.createDataFrame([('{"a": 1',)], "value string")
    with pytest.raises(PythonException, match=r"NotARecordError: Input data was truncated"):
        scrub_lines(lines, fields=["a"]).collect()
    with pytest.raises(MissingColumnsError, match="value"):
        scrub_lines(lines.withColumnRenamed("value", "text"), fields=["a"])
