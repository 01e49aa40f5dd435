"""Inputs of executions that are written by hand."""

from typing import Any

import pytest

from lakewright.errors import ConfigError
from tests.lakewright.pipeline.conftest import BUCKET, KEY, execution_of, put

OBJECT = {"key": KEY, "etag": "e", "size": 1}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"day": "32"}, "year, month and day are not a date: 2019-08-32", id="no such day"),
        pytest.param({"day": "1"}, "year, month and day are not a date: 2019-08-1", id="a day without its zero"),
        pytest.param({"month": 8}, r"Expected `str`, got `int` - at `\$.month`", id="a number as month"),
        pytest.param({"lake": "s3://other"}, f"lake s3://other is not in bucket {BUCKET}", id="another bucket"),
        pytest.param({"lake": "lake"}, "lake lake is not in bucket", id="a local lake"),
        pytest.param({"objects": []}, "needs either objects or a manifest", id="no objects"),
        pytest.param({"manifest": "m"}, "needs either objects or a manifest", id="objects and a manifest"),
        pytest.param(
            {"objects": [{"key": KEY}]}, r"missing required field `etag` - at `\$.objects\[0\]`", id="no ETag"
        ),
        pytest.param({"objects": [OBJECT | {"key": "landing/"}]}, "without name or ETag: 'landing/'", id="no name"),
        pytest.param({"objects": [OBJECT | {"etag": ""}]}, "without name or ETag", id="an empty ETag"),
        pytest.param(
            {"objects": [OBJECT, OBJECT | {"key": "x/customers_20190821.csv"}]},
            "two objects of the execution are named 'customers_20190821.csv': start one for each",
            id="two of one name",
        ),
        pytest.param({"event_time": "yesterday"}, "event_time 'yesterday' is not a time", id="no time"),
        pytest.param({"event_time": "2019-08-21T01:02:03"}, "is not a time like", id="a time without its zone"),
        pytest.param(
            {"objects": [], "manifest": "m"}, f"the manifest s3://{BUCKET}/m does not exist", id="no manifest"
        ),
    ],
)
def test_problems_are_named(bucket: Any, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        execution_of(**({"objects": [OBJECT]} | changes))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "is not JSON"),
        (b"{}", "Expected `array`, got `object`"),
        (b"[]", "the execution has no objects"),
        (b"\xff", "is not JSON"),
    ],
)
def test_problems_of_manifests_are_named(bucket: Any, text: bytes, problem: str) -> None:
    put(bucket, "m", text)
    with pytest.raises(ConfigError, match=problem):
        execution_of(manifest="m")
