"""Descriptions of unexpected exceptions never contain values of the data."""

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from lakewright.unexpected import WorkerError, cause_of, trace_of
from transforms.errors import DataError

VALUE = "ann@example.com"
HIDDEN = " (its text may quote data; see show_values)"


class AnalysisException(Exception):  # noqa: N818 - Spark's name
    pass


class Py4JJavaError(Exception):
    __module__ = "py4j.protocol"


class NumberFormatException(Exception):  # noqa: N818 - Spark's name
    __module__ = "pyspark.errors.exceptions.captured"


def java(root: str) -> Py4JJavaError:
    return Py4JJavaError(
        f"An error occurred while calling o1.save.\n: org.apache.spark.SparkException: Job aborted: {VALUE}\n"
        f"\tat org.apache.spark.Some.where(Some.scala:1)\nCaused by: {root}\n\tat java.base/java.lang.Thread.run(Thread)\n"
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(DataError("line 3 is truncated"), "DataError: line 3 is truncated", id="errors-of-this-project"),
        pytest.param(WorkerError("KeyError at a.py:1"), "KeyError at a.py:1", id="errors-of-workers"),
        pytest.param(ValueError(f"invalid literal: '{VALUE}'"), "ValueError" + HIDDEN, id="quoted-value"),
        pytest.param(KeyError(VALUE), "KeyError" + HIDDEN, id="a-key-is-a-value"),
        pytest.param(pa.ArrowInvalid(f"Integer value {VALUE} not in range"), "ArrowInvalid" + HIDDEN, id="unquoted"),
        pytest.param(RuntimeError(), "RuntimeError", id="an-error-without-text"),
        pytest.param(
            OSError(28, "No space left on device"),
            "OSError: [Errno 28] No space left on device",
            id="of-the-operating-system",
        ),
        pytest.param(OSError(f"Corrupt page: {VALUE}"), "OSError" + HIDDEN, id="of-a-library-that-raises-oserror"),
        pytest.param(
            AttributeError("'NoneType' object has no attribute 'x'"),
            "AttributeError: 'NoneType' object has no attribute 'x'",
            id="of-code",
        ),
        pytest.param(
            pa.ArrowTypeError(f"got {VALUE}"), "ArrowTypeError" + HIDDEN, id="a-subclass-defined-by-a-library"
        ),
        pytest.param(
            ClientError({"Error": {"Code": "Throttled", "Message": "slow down"}}, "PutObject"),
            "ClientError: An error occurred (Throttled) when calling the PutObject operation: slow down",
            id="of-a-service",
        ),
        pytest.param(
            ParamValidationError(report=f"value: {VALUE}"), "ParamValidationError" + HIDDEN, id="arguments-quoted"
        ),
        pytest.param(
            AnalysisException("no column x"), "AnalysisException: no column x", id="raised-before-rows-are-read"
        ),
        pytest.param(
            java(f"org.apache.hudi.exception.HoodieUpsertException: Failed to merge record for key {VALUE}"),
            "Py4JJavaError: org.apache.hudi.exception.HoodieUpsertException" + HIDDEN,
            id="the-root-in-java",
        ),
        pytest.param(
            java(f"org.apache.spark.SparkDateTimeException: [CAST_INVALID_INPUT] The value '{VALUE}' cannot be cast"),
            "Py4JJavaError: org.apache.spark.SparkDateTimeException: CAST_INVALID_INPUT" + HIDDEN,
            id="sparks-condition",
        ),
        pytest.param(
            NumberFormatException(f"[CAST_INVALID_INPUT] The value '{VALUE}' cannot be cast"),
            "NumberFormatException: CAST_INVALID_INPUT" + HIDDEN,
            id="sparks-condition-in-python",
        ),
        pytest.param(
            java("com.example.ParseException: Malformed record: [ANN_MILLER]"),
            "Py4JJavaError: com.example.ParseException" + HIDDEN,
            id="other-brackets-may-contain-data",
        ),
        pytest.param(ValueError("[ANN_MILLER] is not a number"), "ValueError" + HIDDEN, id="brackets-in-other-errors"),
        pytest.param(
            java(f"java.lang.AssertionError: assertion failed: {VALUE}"),
            "Py4JJavaError: java.lang.AssertionError" + HIDDEN,
            id="an-assertion-of-java",
        ),
        pytest.param(
            json.JSONDecodeError("Expecting value", VALUE, 3),
            "JSONDecodeError: Expecting value: line 1 column 4 (char 3)",
            id="json-errors-contain-only-the-position",
        ),
        pytest.param(
            java("java.lang.OutOfMemoryError: Java heap space"),
            "Py4JJavaError: java.lang.OutOfMemoryError: Java heap space" + HIDDEN,
            id="javas-memory",
        ),
    ],
)
def test_the_cause_on_one_line(error: Exception, message: str) -> None:
    assert cause_of(error) == message
    trace = trace_of(error)
    assert VALUE not in trace
    assert trace.splitlines()[0] == message


def test_the_last_place_in_this_projects_code() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = DivisionInside().text
    assert re.match(r"ZeroDivisionError \(its text", cause_of(raised.value))

    from transforms.key_paths import read_path

    broken: Any = None
    with pytest.raises(TypeError) as raised_inside:
        read_path(broken)
    assert 'key_paths.py", line' in trace_of(raised_inside.value)


class DivisionInside:
    @property
    def text(self) -> float:
        return 1 / 0


def test_values_are_shown_if_allowed() -> None:
    error = java(f"java.lang.NumberFormatException: {VALUE}")
    assert cause_of(error, shows_values=True) == f"Py4JJavaError: java.lang.NumberFormatException: {VALUE}"
    assert VALUE in trace_of(error, shows_values=True)


def test_an_exception_without_a_cause_is_shown_if_allowed() -> None:
    error = Py4JJavaError("An error occurred while calling o7.save.\n: Failed: exit code 1\n\tat x.Y(Y.java:1)")
    assert cause_of(error, shows_values=True) == "Py4JJavaError: Failed: exit code 1"


def test_a_trace_contains_all_causes_without_their_texts() -> None:
    def fail() -> None:
        try:
            int(VALUE)
        except ValueError as error:
            raise DataError("not a number") from error

    with pytest.raises(DataError) as raised:
        fail()
    trace = trace_of(raised.value)
    assert VALUE not in trace
    assert "ValueError" in trace
    assert trace.endswith("DataError: not a number\n")
    java_trace = trace_of(java(f"x.y.SomeException: {VALUE}"))
    assert "\tat org.apache.spark.Some.where(Some.scala:1)\nCaused by: x.y.SomeException\n" in java_trace
