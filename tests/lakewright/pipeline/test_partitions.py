"""Raw in the catalog: the header's columns as text; partitions of other days stay."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from lakewright.csv.options import CsvOptions
from lakewright.pipeline.partitions import RawTable, column_names
from tests.lakewright.pipeline.conftest import BUCKET, KEY, SOURCE, execution_of, put

OPTIONS = CsvOptions(delimiter=";")
TABLE = RawTable("raw", "customers", SOURCE, OPTIONS, ["id", "name"])
NAMES = {"DatabaseName": "raw", "Name": "customers"}


@pytest.fixture
def glue(bucket: Any) -> Any:
    return boto3.client("glue")


def register(bucket: Any, day: str, text: str, table: RawTable = TABLE) -> None:
    body = text.encode()
    put(bucket, f"{SOURCE}year=2019/month=08/day={day}/customers_20190821.csv", body)
    execution = execution_of({"key": KEY, "etag": "e", "size": len(body)}, day=day)
    assert table.register(execution) == {"partitions": 1}


def partitions(glue: Any) -> dict[str, tuple[str, list[str]]]:
    listed = glue.get_partitions(DatabaseName="raw", TableName="customers")["Partitions"]
    return {
        "-".join(each["Values"]): (each["StorageDescriptor"]["Location"], columns(each["StorageDescriptor"]))
        for each in listed
    }


def columns(storage: dict[str, Any]) -> list[str]:
    assert {column["Type"] for column in storage["Columns"]} == {"string"}
    return [column["Name"] for column in storage["Columns"]]


def test_the_table_has_the_columns_of_the_header(bucket: Any, glue: Any) -> None:
    for _ in range(2):
        register(bucket, "21", "ID;Name;Extra\n1;a;x\n")
        table = glue.get_table(**NAMES)["Table"]
        storage = table["StorageDescriptor"]
        assert columns(storage) == ["id", "name", "extra"]
        assert storage["Location"] == f"s3://{BUCKET}/{SOURCE}"
        assert storage["SerdeInfo"] == {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            "Parameters": {"separatorChar": ";", "quoteChar": '"', "escapeChar": "\\"},
        }
        assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "month", "day"]
        assert table["Parameters"]["skip.header.line.count"] == "1"
        assert table["Parameters"]["classification"] == "csv"
        day = f"s3://{BUCKET}/{SOURCE}year=2019/month=08/day=21/"
        assert partitions(glue) == {"2019-08-21": (day, ["id", "name", "extra"])}


@pytest.mark.parametrize(
    ("options", "text", "lines"),
    [
        pytest.param({"skip_lines": 2}, "x\n\nID,Name\n", "3", id="lines-before-the-header"),
        pytest.param({"separator_line": True}, "sep=,\nID,Name\n", "2", id="a-separator-line"),
        pytest.param({"header": False}, "1,a\n", "0", id="no-header"),
        pytest.param({"header": False, "names": ["id", "name"], "skip_lines": 1}, "ID,x\n", "1", id="other-names"),
    ],
)
def test_lines_before_the_records_are_skipped(
    bucket: Any, glue: Any, options: dict[str, Any], text: str, lines: str
) -> None:
    register(bucket, "21", text, replace(TABLE, options=CsvOptions(**options)))
    table = glue.get_table(**NAMES)["Table"]
    assert table["Parameters"]["skip.header.line.count"] == lines
    assert columns(table["StorageDescriptor"]) == ["id", "name"]


def test_partitions_of_other_days_stay_as_they_are(bucket: Any, glue: Any) -> None:
    register(bucket, "21", "id;name\n")
    register(bucket, "22", "id;name;extra\n")
    register(bucket, "23", "id\n")
    register(bucket, "22", "id\n")
    assert {day: names for day, (_, names) in partitions(glue).items()} == {
        "2019-08-21": ["id", "name"],
        "2019-08-22": ["id"],
        "2019-08-23": ["id"],
    }


@pytest.mark.parametrize("text", ["", "\ufeff", '"unclosed\n', "PAR1\x00\x01"])
def test_without_a_header_the_columns_are_those_of_the_feed(bucket: Any, glue: Any, text: str) -> None:
    register(bucket, "21", text)
    assert partitions(glue)["2019-08-21"][1] == ["id", "name"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["A", "b"], ["a", "b"]),
        (["a", "A", "a"], ["a", "a_2", "a_3"]),
        (["", " "], ["column_1", "column_2"]),
        (["year", "DAY"], ["year_1", "day_2"]),
        (["x" * 300, "x" * 300], ["x" * 255, f"{'x' * 249}_2"]),
        (["a_2", "a", "a"], ["a_2", "a", "a_3"]),
        (["a_2", "a"], ["a_2", "a"]),
        (["a_3", "a", "a"], ["a_3", "a", "a_4"]),
    ],
)
def test_names_of_columns(header: list[str], names: list[str]) -> None:
    assert column_names(header) == names


@pytest.mark.parametrize(("quote", "in_table"), [("'", "'"), ("none", '"')])
def test_the_table_has_the_quote_of_the_feed_if_it_has_one(bucket: Any, glue: Any, quote: str, in_table: str) -> None:
    register(bucket, "21", "ID,Name\n", replace(TABLE, options=CsvOptions.model_validate({"quote": quote})))
    serde = glue.get_table(**NAMES)["Table"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["Parameters"]["quoteChar"] == in_table
