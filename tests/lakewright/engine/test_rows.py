"""Rows that Spark reads, types and writes, with lowered sizes at which it changes its strategy."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark import parquet
from lakewright.engine.spark.lines import LineReading
from lakewright.engine.spark.rows import TextRows
from lakewright.log.records import SourceObject
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.progress import SilentProgress
from lakewright.storage.uris import open_lake
from transforms.csv.typed_column import TypedColumn
from transforms.spark.typed_rows import TEXT

pytestmark = pytest.mark.slow

COLUMNS = (TypedColumn("number", "long"), TypedColumn("na{me`", "string"))


def with_fields(lines: DataFrame) -> DataFrame:
    parts = F.split(TEXT, " ", 2)
    return lines.withColumns({"number": parts[0], "na{me`": parts[1]})


@pytest.mark.parametrize("partition_by", [("day",), ("day", "na{me`"), ()])
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param({"_SPLIT_BYTES": 64, "_SMALLEST_SPLIT": 16, "_OPEN_COST": 1}, id="objects-split-into-tasks"),
        # More than 512 small files with one partition used to fail every time.
        pytest.param({"_FEW_FILES": 1, "_OPEN_COST": parquet._SPLIT_BYTES}, id="rows-of-many-small-tasks-gathered"),
    ],
)
def test_lines(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sizes: dict[str, int],
    partition_by: tuple[str, ...],
) -> None:
    for name, value in sizes.items():
        monkeypatch.setattr(parquet, name, value)
    lake = open_lake(str(tmp_path))
    objects, expected = [], []
    for number in range(6):
        lines = "".join(f"{10 * number + line} {'ab'[line % 2]}\n" for line in range(10)) + "x dirty\n"
        (tmp_path / f"{number}.log").write_text(lines)
        values = {"day": f"0{number % 2}"} if partition_by else {}
        objects.append(SourceObject(path=f"{number}.log", size=len(lines), etag="e", values=values))
        expected += [(f"{number}.log", 11, "x dirty")]
    batch: Any = SimpleNamespace(lake=lake, progress=SilentProgress())
    table = TablePlace("_staging/table/", "table/", "1-", partition_by=partition_by)
    rows = TextRows(LineReading(lake, objects)).transform(with_fields).typed(COLUMNS)
    written = rows.write(batch, table, QuarantinePlace("_staging/quarantine/", "quarantine/", "run", "2026-08-01"))
    assert (written.counts.read, written.counts.rejected, written.rules) == (66, 6, {"number: type": 6})
    numbers = [n for file in written.table for n in pq.ParquetFile(tmp_path / file.staged).read()["number"].to_pylist()]
    assert sorted(numbers) == list(range(60))
    rejected = [row for file in written.quarantine for row in pq.read_table(tmp_path / file.staged).to_pylist()]
    assert sorted((row["object"], row["position"], row["text"]) for row in rejected) == expected
    assert {(row["etag"], str(row["first_seen"]), row["run"]) for row in rejected} == {("e", "2026-08-01", "run")}
    if "_FEW_FILES" in sizes:
        assert len(written.table) == len({file.partition for file in written.table}) or not partition_by
