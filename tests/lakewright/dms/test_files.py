"""Names and footers of DMS files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.dms.files import ChangeColumns, ChangeFiles, Footer, is_load, read_footers, written_at
from lakewright.engine.spark.changes import frame as change_files
from lakewright.engine.spark.changes.frame import read_changes
from lakewright.log.records import SourceObject
from lakewright.storage.uris import open_lake
from transforms.spark.changes import REASONS, TIME, with_change_order, with_inexact_reasons
from transforms.spark.exact_casts import INEXACT


def footers(folder: Path) -> tuple[dict[str, Footer], dict[str, str]]:
    lake = open_lake(str(folder))
    objects = [SourceObject(path=stored.path, size=stored.size, etag=stored.etag) for stored in lake.list("")]
    return read_footers(lake, objects)


@pytest.mark.parametrize(
    ("path", "load", "stamp"),
    [
        ("LOAD00000001.parquet", True, ""),
        ("2026/08/01/LOAD1.parquet", True, ""),
        ("load1.parquet", False, ""),
        ("20260801-101512345.parquet", False, "20260801101512345"),
        ("2026/08/01/20260801-101512345.parquet", False, "20260801101512345"),
        ("20260801101512.parquet", False, "20260801101512"),
        ("changes.parquet", False, ""),
    ],
)
def test_loads_and_stamps_are_recognized_by_name(path: str, load: bool, stamp: str) -> None:
    assert (is_load(path), written_at(path)) == (load, stamp)


def test_a_footer_larger_than_the_first_read(tmp_path: Path) -> None:
    times = [f"2026-08-01 10:00:00.{n:06}" for n in range(20_000)]
    columns = {f"column_{n}": pa.array(range(20_000), pa.int32()) for n in range(8)}
    pq.write_table(pa.table({**columns, "ts": times}), tmp_path / "a.parquet", row_group_size=100, compression="none")
    assert (tmp_path / "a.parquet").stat().st_size > 1 << 20
    by_path, refused = footers(tmp_path)
    assert refused == {}
    footer = by_path["a.parquet"]
    assert footer.rows == 20_000
    assert footer.columns == {**dict.fromkeys(columns, "int"), "ts": "string"}


def test_folders_of_a_lake(tmp_path: Path) -> None:
    for path in ("a/x", "b/c/x", "x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    lake = open_lake(str(tmp_path))
    assert lake.folders("") == ["a", "b"]
    assert lake.folders("b/") == ["c"]
    assert lake.folders("none/") == []


def test_wide_rows_are_read_in_small_batches(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"id": "int", "text": "string"}
    for number in range(2):
        ids = range(number * 50, number * 50 + 50)
        rows = {"Op": ["I"] * 50, "id": pa.array(ids, pa.int32()), "text": [f"{n}" * 99 for n in ids]}
        pq.write_table(pa.table(rows), tmp_path / f"2026080{number + 1}-100000000.parquet", row_group_size=7)
    session, read_at_once = spark.newSession(), "spark.sql.parquet.columnarReaderBatchSize"
    rows_read, sizes = [], []
    for bytes_at_once in (change_files._BYTES_AT_ONCE, 10_000, 1):
        monkeypatch.setattr(change_files, "_BYTES_AT_ONCE", bytes_at_once)
        files = ChangeFiles(open_lake(str(tmp_path)), "", [], footers(tmp_path)[0], names, ChangeColumns())
        changes = read_changes(session, files)
        rows_read.append(sorted(map(str, changes.collect())))
        sizes.append(int(str(session.conf.get(read_at_once))))
    assert rows_read[0] == rows_read[1] == rows_read[2]
    assert (len(rows_read[0]), sizes[0], 1 < sizes[1] < 100, sizes[2]) == (100, 4096, True, 1)


def test_a_cast_does_not_merge_keys(tmp_path: Path, spark: SparkSession) -> None:
    texts = ["7", "07", " 7", "+7"]
    pq.write_table(pa.table({"id": texts, "v": texts}), tmp_path / "LOAD1.parquet")
    names = ChangeColumns(key=("id",))
    files = ChangeFiles(open_lake(str(tmp_path)), "", [], footers(tmp_path)[0], {"id": "int", "v": "int"}, names)
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    ordered = read_changes(session, files).transform(with_change_order, key=["id"], kind_column="Op", time_column="")
    judged = ordered.transform(with_inexact_reasons).select("id", "v", INEXACT, F.filter(REASONS, F.isnotnull))
    kept, *rejected = sorted(map(tuple, judged.collect()), key=lambda row: len(row[2]))
    assert kept == (7, 7, {}, [])
    expected = [(None, 7, {"id": text}, [("inexact", "id")]) for text in texts[1:]]
    assert sorted(rejected, key=str) == sorted(expected, key=str)


def test_a_time_without_a_date_does_not_become_one_of_today(tmp_path: Path, spark: SparkSession) -> None:
    times = ["10:00:00", " T10:00", "2026-08-01 10:00:00", "2026-08-01T10:00:00+01:00"]
    pq.write_table(pa.table({"Op": ["U"] * 4, "ts": times}), tmp_path / "20260801-101512345.parquet")
    names = ChangeColumns(time="ts")
    files = ChangeFiles(open_lake(str(tmp_path)), "", [], footers(tmp_path)[0], {"ts": "string"}, names)
    rows = read_changes(spark.newSession(), files).where(F.col(TIME).isNull()).select("ts").collect()
    assert sorted(row.ts for row in rows) == sorted(times[:2])


def test_a_file_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    pq.write_table(
        pa.table([pa.array([1]), pa.array(["x"]), pa.array(["y"])], ["id", "v", "v"]), tmp_path / "a.parquet"
    )
    pq.write_table(
        pa.table([pa.array([1]), pa.array(["x"]), pa.array(["y"])], ["id", "v", "V"]), tmp_path / "b.parquet"
    )
    read, refused = footers(tmp_path)
    assert list(read) == ["b.parquet"]
    assert refused == {"a.parquet": "it has 2 columns named 'v': rename or drop one at the source"}


@pytest.mark.parametrize(
    ("options", "stored_as"),
    [
        ({"compression": "brotli"}, "'id' is stored as BROTLI"),
        ({"use_dictionary": False, "use_byte_stream_split": ["y"]}, "'y' is stored as BYTE_STREAM_SPLIT"),
        ({"compression": "lz4"}, ""),
        ({"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED", "y": "PLAIN"}}, ""),
    ],
    ids=["brotli", "byte-stream-split", "lz4", "delta"],
)
def test_a_file_with_a_codec_or_encoding_that_spark_lacks_is_refused(
    tmp_path: Path, options: dict[str, Any], stored_as: str
) -> None:
    pq.write_table(pa.table({"id": [1], "y": [1.5]}), tmp_path / "a.parquet", **options)
    _, refused = footers(tmp_path)
    assert bool(refused) == bool(stored_as)
    assert stored_as in refused.get("a.parquet", "")
