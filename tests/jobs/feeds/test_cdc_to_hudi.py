"""Validation of cdc_to_hudi feeds, and of the parameters that replace parts of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from jobs.feeds.cdc_to_hudi import CdcToHudiFeed, table_of_parameter
from lakewright.errors import ConfigError


def feed(**changes: Any) -> CdcToHudiFeed:
    whole = {"job": "cdc_to_hudi", "source": {"path": "raw/hr/"}, "target": {"path": "refined/hr/"}}
    return CdcToHudiFeed.model_validate(whole | changes)


def test_keys_are_separated_by_commas() -> None:
    tables = feed(tables={"t": {"key": "a, b", "partition_by": ["c"]}, "u": {}}).tables
    assert (tables["t"].key, tables["t"].partition_by, tables["u"].key) == (("a", "b"), ("c",), ())
    assert feed().schema_name == "hr"


def test_other_keys_use_the_names_after_renaming() -> None:
    swapped = {"key": "a", "rename": {"a": "b", "b": "a", "Straße": "street"}}
    renaming = feed(tables={"t": swapped, "u": {"key": "id"}})
    assert renaming.renamed_columns() == {"t": {"a": "b", "b": "a", "Straße": "street"}}


def test_a_table_may_override_the_order_of_its_source() -> None:
    by_file = feed(source={"path": "raw/hr/", "order_by": "file"}, tables={"t": {}, "u": {"order_by": "columns"}})
    orders = {name: by_file.source.ordered(table).order_by for name, table in by_file.tables.items()}
    assert orders == {"t": "file", "u": "columns"}
    assert feed().source.ordered(by_file.tables["t"]).order_by == "columns"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"tables": {"t": {"key": "a, A"}}}, "names a column twice: a, A", id="key-twice"),
        pytest.param({"tables": {"a/b": {"key": "a"}}}, "a table is the name of a folder", id="table-name"),
        pytest.param({"tables": {"t": {"key": "_change_order"}}}, "a column added by this job", id="reserved"),
        pytest.param({"target": {"path": "raw/hr/x/"}}, " overlap", id="inside"),
        pytest.param({"target": {"path": "state/x/"}}, "a separate folder in the lake", id="own-zone"),
        pytest.param({"source": {"path": "raw/../x/"}}, "a source must be a folder in the lake", id="source"),
        pytest.param(
            {"target": {"path": "refined/hr/", "keep_columns": ["x"]}},
            "'x' is not a column of the replication",
            id="keep",
        ),
        pytest.param(
            {"tables": {"t": {"key": "Kunden-Nr"}}},
            "key: 'Kunden-Nr' is a source column, and its name in the table is 'Kunden_Nr': use that name here, or rename",
            id="key-by-the-source-s-name",
        ),
        pytest.param(
            {"tables": {"t": {"key": "id", "partition_by": "ORT", "rename": {"ORT": "city"}}}},
            "partition_by: 'ORT' is a source column, and its name in the table is 'city'",
            id="partition-by-the-name-before-a-rename",
        ),
        pytest.param(
            {"tables": {"t": {"key": "id", "keep_when_null": "große bio"}}},
            "keep_when_null: 'große bio' is a source column, and its name in the table is 'gro_e_bio'",
            id="kept-by-the-source-s-name",
        ),
        pytest.param(
            {"tables": {"t": {"rename": {"a": "b c"}}}},
            "'a' cannot become 'b c': names consist of letters",
            id="rename",
        ),
        pytest.param(
            {"tables": {"t": {"rename": {"a": "_hoodie_a"}}}}, "'a' cannot become '_hoodie_a'", id="rename-reserved"
        ),
        pytest.param({"tables": {"t": {"rename": {"a": "x", "b": "X"}}}}, "'a' and 'b' would both be", id="rename-two"),
        pytest.param(
            {"tables": {"t": {"rename": {"é": "x", "e\u0301": "y"}}}}, "names a column twice", id="rename-twice"
        ),
        pytest.param(
            {"tables": {"t": {"rename": {"Op": "x"}}}},
            "tables.t.rename: 'Op' is a replication column, which the table drops",
            id="rename-of-the-replication-s",
        ),
        pytest.param({"source": {"path": "raw/hr/", "order_by": "name"}}, "Input should be 'columns'", id="order"),
        pytest.param(
            {"target": {"path": "refined/hr/", "index": "bucket"}}, "Input should be 'global_simple'", id="index"
        ),
    ],
)
def test_invalid_feeds_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        feed(**changes)


def test_parameters() -> None:
    spec = table_of_parameter("p", '{"primaryKey": "emp_no", "partitionKey": "department"}')
    assert (spec.key, spec.partition_by) == (("emp_no",), ("department",))
    assert table_of_parameter("p", "{}").key == ()
    for text, message in [
        ("[]", "parameter p is not a JSON object"),
        ('{"primary_key": "x"}', "unknown key 'primary_key'; did you mean 'primaryKey'?"),
        ('{"primaryKey": 7}', "parameter p: key: Input should be a valid tuple"),
        ('{"primaryKey": "a b"}', "parameter p: Value error, key: 'a b' is a source column"),
    ]:
        with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
            table_of_parameter("p", text)
