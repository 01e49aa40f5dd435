"""What the feeds of cdc_to_hudi, and the parameters that stand for a part of them, may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from jobs.feeds.cdc_to_hudi import CdcToHudiFeed, table_of_parameter
from lakewright.errors import ConfigError


def feed(**changes: Any) -> CdcToHudiFeed:
    whole = {"job": "cdc_to_hudi", "source": {"path": "raw/hr/"}, "target": {"path": "refined/hr/"}}
    return CdcToHudiFeed.model_validate(whole | changes)


def test_keys_by_commas() -> None:
    tables = feed(tables={"t": {"key": "a, b", "partition_by": ["c"]}, "u": {}}).tables
    assert (tables["t"].key, tables["t"].partition_by, tables["u"].key) == (("a", "b"), ("c",), ())
    assert feed().schema_name == "hr"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"tables": {"t": {"key": "a, A"}}}, "names a column twice: a, A", id="key-twice"),
        pytest.param({"tables": {"a/b": {"key": "a"}}}, "a table is the name of a folder", id="table-name"),
        pytest.param({"tables": {"t": {"key": "_change_order"}}}, "a column that this job makes", id="reserved"),
        pytest.param({"target": {"path": "raw/hr/x/"}}, "lie inside one another", id="inside"),
        pytest.param({"target": {"path": "state/x/"}}, "a folder of its own in the lake", id="own-zone"),
        pytest.param({"source": {"path": "raw/../x/"}}, "a source is a folder in the lake", id="source"),
        pytest.param(
            {"target": {"path": "refined/hr/", "keep_columns": ["x"]}}, "'x' is no column of the replication", id="keep"
        ),
        pytest.param(
            {"target": {"path": "refined/hr/", "index": "bucket"}}, "Input should be 'global_simple'", id="index"
        ),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        feed(**changes)


def test_parameters() -> None:
    spec = table_of_parameter("p", '{"primaryKey": "emp_no", "partitionKey": "department"}')
    assert (spec.key, spec.partition_by) == (("emp_no",), ("department",))
    assert table_of_parameter("p", "{}").key == ()
    for text, message in [
        ("[]", "parameter p is no JSON object"),
        ('{"primary_key": "x"}', "unknown key 'primary_key'; did you mean 'primaryKey'?"),
        ('{"primaryKey": 7}', "parameter p: key: Input should be a valid tuple"),
    ]:
        with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
            table_of_parameter("p", text)
