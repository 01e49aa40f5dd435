import pytest
from chispa import assert_df_equality
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

from transforms.errors import MissingColumnsError
from transforms.spark.scrubbed_lines import scrub_lines

SCHEMA = "object string, value string, line long"


def test_only_the_field_is_removed(spark: SparkSession) -> None:
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
    assert_df_equality(lines.limit(0).transform(scrub_lines, fields=["file_contents"]), expected.limit(0))


def test_json_inside_strings(spark: SparkSession) -> None:
    lines = spark.createDataFrame([(r'{"Message": "{\"email\": 1}", "log": "{\"email\": 1}"}',)], "value string")
    expected = spark.createDataFrame([(r'{"Message": "{\"email\": \"\"}", "log": "{\"email\": 1}"}',)], "value string")
    scrubbed = lines.transform(scrub_lines, fields=["email"], inside_strings=["Message"])
    assert_df_equality(scrubbed, expected)
    with pytest.raises(ValueError, match="names of fields, or the word any, not 'Message'"):
        scrub_lines(lines, fields=["email"], inside_strings="Message")


def test_a_line_that_is_not_a_record_fails_the_query(spark: SparkSession) -> None:
    lines = spark.createDataFrame([('{"a": 1',)], "value string")
    with pytest.raises(PythonException, match=r"NotARecordError: Input data was truncated"):
        scrub_lines(lines, fields=["a"]).collect()
    with pytest.raises(MissingColumnsError, match="value"):
        scrub_lines(lines.withColumnRenamed("value", "text"), fields=["a"])


def test_a_refused_line_becomes_null_with_its_reason(spark: SparkSession) -> None:
    rows = [(1, b'{"a": 1}'), (2, b'{"a": "secret'), (3, b'{"a": "\xff"}'), (4, b"[]"), (5, None), (6, b" ")]
    expected = spark.createDataFrame(
        [
            (1, b'{"a": ""}', None),
            (2, None, "Input data was truncated"),
            (3, None, "not UTF-8 (byte 8 of the record)"),
            (4, None, "not a JSON object"),
            (5, None, None),
            (6, b" ", None),
        ],
        "n int, value binary, _lakewright_fault string",
    )
    lines = spark.createDataFrame([(n, bytearray(text) if text else None) for n, text in rows], "n int, value binary")
    scrubbed = lines.transform(scrub_lines, fields=["a"], on_refused_line="reject")
    assert_df_equality(scrubbed, expected)
    with pytest.raises(ValueError, match="the lines have a column _lakewright_fault already"):
        scrubbed.transform(scrub_lines, fields=["a"], on_refused_line="reject")
    with pytest.raises(ValueError, match="on_refused_line is fail or reject, not 'skip'"):
        lines.transform(scrub_lines, fields=["a"], on_refused_line="skip")
