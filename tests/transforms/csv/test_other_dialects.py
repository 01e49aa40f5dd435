"""Dialects of other writers and readers: Python's csv module, DuckDB and Spark."""

import csv
import io
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.conftest import examples
from tests.transforms.csv.reading import layout_of, read
from tests.transforms.csv.test_dialects import rows


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(st.lists(st.text("an,;\"'\\\n ", max_size=5), min_size=2, max_size=2), max_size=5),
    st.sampled_from([",", ";"]),
    st.sampled_from(['"', "'"]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONE]),
)
def test_what_python_writes_is_read(
    records: list[list[str]], delimiter: str, quote: str, doubles: bool, quoting: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=delimiter,
        quotechar=quote,
        doublequote=doubles,
        escapechar="\\",
        quoting=quoting,
        lineterminator="\n",
    ).writerows([["id", "name"], *records])
    of = layout_of(delimiter=delimiter, quote=quote, escape="\\")
    expected = [tuple(value or (None if quoting == csv.QUOTE_NONE else "") for value in record) for record in records]
    reading = read(text.getvalue(), of)
    assert (rows(reading), reading.faults) == (expected, [])


@pytest.mark.parametrize(
    ("options", "theirs", "text"),
    [
        pytest.param({"quote": "'"}, {"quote": "'", "escape": "'"}, "id,name\n1,'a'',\"b'\n2,'x\ny'\n", id="quote"),
        pytest.param({"quote": "none"}, {"quote": "", "escape": ""}, 'id,name\n1,"a"\n2,5" b\n', id="no-quotes"),
        pytest.param(
            {"delimiter": "||"},
            {"delim": "||", "quote": '"', "escape": '"'},
            'id||name\n1||a|b\n2||"c||d"\n3|||e\n',
            id="delimiter",
        ),
        pytest.param(
            {"escape": "spark"},
            {"quote": '"', "escape": "\\"},
            'id,name\n1,"a\\"b\\\\c"\n2,a\\b\n3,""\n4,\n',
            id="escape",
        ),
        pytest.param(
            {"comment": "#"},
            {"comment": "#", "quote": '"', "escape": '"'},
            '#x\nid,name\n1,a\n#b,c\n2,"#d"\n',
            id="comment",
        ),
    ],
)
def test_duckdb_reads_the_same(options: dict[str, Any], theirs: dict[str, str], text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    given = ", ".join(f"{option} = ?" for option in theirs)
    columns = "{'id': 'VARCHAR', 'name': 'VARCHAR'}"
    query = f"FROM read_csv(?, header = true, auto_detect = false, allow_quoted_nulls = false, columns = {columns}, {given})"
    records = duckdb.execute(query, [str(path), *theirs.values()]).fetchall()
    assert rows(read(text, layout_of(**options))) == records


def test_what_spark_writes_is_read(spark: SparkSession, tmp_path: Path) -> None:
    values = [
        "a",
        'a"b',
        "a\\b",
        "a\\b,c",
        "a\\",
        "a\\,",
        'a\\"b',
        '\\"',
        "",
        None,
        "x\ny",
        "a\\n,",
        '"',
        "\\",
        "\\\\,",
    ]
    records = [(str(number), value) for number, value in enumerate(values)]
    frame = spark.createDataFrame(records, "id string, name string").coalesce(1)
    frame.write.option("header", True).csv(str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("*.csv")
    assert rows(read(path.read_text(), layout_of(escape="spark"))) == records
