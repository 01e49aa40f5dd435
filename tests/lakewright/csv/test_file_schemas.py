"""Files of a table that Spark wrote before, and files that workers write now, are read together."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.csv.conversion import ConversionTask, convert_parts
from lakewright.csv.heads import read_heads
from lakewright.csv.objects import CsvObject, CsvPart, CsvRules
from lakewright.csv.options import CsvOptions
from lakewright.engine.spark.quarantine import stage_rejected
from lakewright.log.records import SourceObject
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.rows import QUARANTINE
from lakewright.storage.uris import open_lake
from transforms.csv.typed_column import TypedColumn
from transforms.spark.typed_rows import OBJECT, keep_good, keep_rejected, with_typed_values

pytestmark = pytest.mark.slow

DAY = "2026-08-01"
TIMES = "yyyy-MM-dd HH:mm:ss[.SSSSSS]"
COLUMNS = (
    TypedColumn("a_long", "long"),
    TypedColumn("an_int", "int"),
    TypedColumn("a_double", "double"),
    TypedColumn("short", "decimal(5,2)"),
    TypedColumn("middle", "decimal(18,4)"),
    TypedColumn("wide", "decimal(38,10)"),
    TypedColumn("a_boolean", "boolean"),
    TypedColumn("a_date", "date"),
    TypedColumn("a_timestamp", "timestamp", format=TIMES),
    TypedColumn("a_string", "string"),
)
TEXTS: list[list[str | None]] = [
    ["1", "-5", "1.5", "999.99", "-0.0001", "1" * 28, "yes", "0001-01-01", "0001-01-01 00:00:00", "é"],
    [
        "9223372036854775807",
        "0",
        "-0.0",
        "-1",
        "99999999999999.9999",
        "0",
        "f",
        "9999-12-31",
        "9999-12-31 23:59:59.999999",
        "",
    ],
    [None] * 10,
    ["3", "4", "5", "1.00", "2", "3", "1", "1500-02-28", "1850-06-01 12:00:00.5", "x"],
]
BAD: list[str | None] = ["x", None, "y", *["1"] * 4, "z", "w", "bad"]


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Path:
    """The folder of a table: Spark wrote the first day, a worker the second; and likewise the quarantine."""
    names = [column.name for column in COLUMNS]
    rows = spark.createDataFrame([tuple(row) for row in [*TEXTS, BAD]], ", ".join(f"{name} string" for name in names))
    judged = rows.transform(with_typed_values, columns=COLUMNS)
    judged.transform(keep_good, columns=COLUMNS).coalesce(1).write.parquet(str(tmp_path / "table/day=1"))
    lake, places = open_lake(str(tmp_path)), [QuarantinePlace(f"quarantine/day={day}/", "", "r", DAY) for day in (1, 2)]
    rejected = judged.coalesce(1).withColumn(OBJECT, F.lit("a.csv")).transform(keep_rejected, columns=COLUMNS)
    stage_rejected(rejected.withColumn("position", F.lit(7)), lake, places[0], [SourceObject("a.csv", 1, "e")])

    lines = [",".join(names), *(",".join('""' if text == "" else text or "" for text in row) for row in [*TEXTS, BAD])]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    listed = lake.stat("a.csv")
    assert listed is not None
    options = CsvOptions(timestamp_format=TIMES)
    header = read_heads(lake, [("a.csv", listed.size)], options).headers["a.csv"]
    part = CsvPart(CsvObject("a.csv", listed.size, listed.etag, header, {"day": "2"}))
    table = TablePlace("table/", "table/", "", partition_by=("day",))
    rules = CsvRules(options, {name: (name,) for name in names}, 1 << 20)
    convert_parts(ConversionTask(lake.uri, lake.uri, [part], rules, COLUMNS, table, places[1]))
    return tmp_path


@pytest.fixture(params=["vectorized", "row-by-row"])
def plain_session(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    """A session with the settings of a reader that knows nothing of this project."""
    settings = {
        "spark.sql.parquet.datetimeRebaseModeInRead": "EXCEPTION",
        "spark.sql.parquet.int96RebaseModeInRead": "EXCEPTION",
        "spark.sql.parquet.enableVectorizedReader": str(request.param == "vectorized").lower(),
    }
    before = {name: spark.conf.get(name) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield spark
    for name, value in before.items():
        spark.conf.set(name, str(value))


def column_types(file: Path) -> list[Any]:
    schema = pq.ParquetFile(file).schema
    return [
        (
            column.path,
            column.physical_type,
            column.length,
            str(column.logical_type),
            column.max_definition_level,
            column.max_repetition_level,
        )
        for column in (schema.column(number) for number in range(len(schema)))
    ]


@pytest.mark.parametrize("kind", ["table", "quarantine"])
def test_files_have_the_types_that_spark_writes(table: Path, kind: str) -> None:
    (old,), (new,) = (list((table / f"{kind}/day={day}").glob("*.parquet")) for day in (1, 2))
    if kind == "table":
        assert column_types(new) == column_types(old)
    else:
        # Spark declares map keys, rules, words and runs as required.
        assert [column[:4] for column in column_types(new)] == [column[:4] for column in column_types(old)]
        assert [pq.read_schema(file).names for file in (old, new)] == [QUARANTINE.names] * 2


def test_spark_reads_old_and_new_files_as_one_table(table: Path, plain_session: SparkSession) -> None:
    rows = plain_session.read.parquet(str(table / "table"))
    values = [f"cast({column.name} as string) {column.name}" for column in COLUMNS]
    days = [sorted(map(str, rows.where(f"day = {day}").selectExpr(*values).collect())) for day in (1, 2)]
    assert len(days[0]) == len(TEXTS)
    assert days[0] == days[1]
    rejected = plain_session.read.parquet(str(table / "quarantine")).selectExpr("day", "reasons", "fields").collect()
    assert [row["reasons"] for row in rejected] == [rejected[0]["reasons"]] * 2
    assert [row["fields"] for row in rejected] == [rejected[0]["fields"]] * 2


def test_other_readers_read_old_and_new_files_as_one_table(table: Path) -> None:
    names = ", ".join(column.name for column in COLUMNS)
    # DuckDB 2.0.0 crashes on Python 3.13 in the process of the tests, and not in one of its own.
    script = "import sys, duckdb; [print(duckdb.sql(query).fetchall()) for query in sys.argv[1:]]"
    queries = (f"select {names} from '{table}/table/*/*.parquet' where day = {day} order by all" for day in (1, 2))
    rejections = f"select reasons, fields from '{table}/quarantine/*/*.parquet' order by day"
    command = [sys.executable, "-c", script, *queries, rejections]
    first, second, rejected = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert first == second
    assert first.count("datetime.date(") == len(TEXTS) - 1
    (first_reasons, second_reasons) = ast.literal_eval(rejected)
    assert first_reasons == second_reasons
    stored = ds.dataset(table / "quarantine", partitioning="hive").to_table().sort_by("day").to_pylist()
    assert len(stored) == 2
    assert [row["fields"] for row in stored] == [stored[0]["fields"]] * 2
    rows = ds.dataset(table / "table", partitioning="hive").to_table().to_pylist()
    by_day = [sorted(str(row | {"day": 0}) for row in rows if row["day"] == day) for day in (1, 2)]
    assert by_day[0] == by_day[1]
