"""Files of a lake as the rows that a gate judges, on this machine and through the lake."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.errors import UnreachableError
from lakewright.log.records import DataFile
from lakewright.quality.duckdb_table import ParquetTable
from lakewright.quality.judged_table import ROWS
from lakewright.quality.sql.counts import Keys
from lakewright.storage.local import LocalLake
from lakewright.storage.uris import open_lake

TYPES = {"id": "bigint", "price": "decimal(12,2)", "seen": "timestamp", "_object": "string", "country": "string"}
SEEN = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
SCHEMA = pa.schema(
    [("id", pa.int64()), ("price", pa.decimal128(12, 2)), ("seen", pa.timestamp("us", "UTC")), ("_object", pa.string())]
)


@pytest.fixture(params=["lake", "lake [1]"], ids=["read-by-duckdb", "read-through-the-lake"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, dict[str, DataFile]]:
    """A lake whose path DuckDB would read as a pattern, and another one; two files in folders of partitions."""
    root = tmp_path / request.param
    files = {}
    parts = {"country=F%2FR": [1, 2, None], "country=__HIVE_DEFAULT_PARTITION__": [4]}
    for number, (folder, ids) in enumerate(parts.items()):
        path = root / f"t/{folder}/{number}.parquet"
        path.parent.mkdir(parents=True)
        rows = [{"id": id_, "price": Decimal("1.50"), "seen": SEEN, "_object": f"o{id_}"} for id_ in ids]
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
        name = f"t/{folder}/{number}.parquet"
        objects = sorted(str(row["_object"]) for row in rows)
        files[name] = DataFile(name, name, folder, len(ids), path.stat().st_size, objects)
    return open_lake(str(root)), files


def test_a_query_sees_columns_of_files_and_folders(files: tuple[Any, dict[str, DataFile]]) -> None:
    table = ParquetTable(*files, TYPES)
    assert table.count() == 4
    sql = f"SELECT count(*) AS n, sum(id)::BIGINT AS s, count(DISTINCT price) AS p FROM {ROWS}"
    assert table.one_row(sql, ["id", "price"]) == {"n": 4, "s": 7, "p": 1}
    sql = f"SELECT count(country) AS n, min(country) AS c FROM {ROWS}"
    assert table.one_row(sql, ["country"]) == {"n": 3, "c": "F/R"}
    assert table.one_row(f"SELECT count(*) AS n FROM {ROWS}", []) == {"n": 4}


@pytest.mark.parametrize(
    "folder", ["it's", "no\u00a0break", "with\ttab", 'quo"te', "id=7", "x[1]", "{a,b}", "back\\slash", "a*", "?"]
)
def test_a_lake_may_be_in_a_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    rows = {f"{folder}/t/0.parquet": 3, "x1/t/0.parquet": 5, "ab/t/0.parquet": 6, "a/t/0.parquet": 7}
    for path, value in rows.items():
        (tmp_path / path).parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": pa.array([value], pa.int64())}), tmp_path / path)
    name = "t/0.parquet"
    file = DataFile(name, name, "", 1, (tmp_path / folder / name).stat().st_size, ["o1"])
    table = ParquetTable(open_lake(str(tmp_path / folder)), {name: file}, {"id": "bigint"})
    assert table.one_row(f"SELECT list(id) AS ids FROM {ROWS}", ["id"]) == {"ids": [3]}


def test_rows_of_moved_objects_are_not_judged(files: tuple[Any, dict[str, DataFile]]) -> None:
    table = ParquetTable(*files, TYPES, frozenset(["o1", "o4"]))
    assert table.count() == 2
    assert table.one_row(f"SELECT count(*) AS n, max(id) AS id FROM {ROWS}", ["id"]) == {"n": 2, "id": 2}


def test_pandas_gets_types_that_the_library_compares(files: tuple[Any, dict[str, DataFile]]) -> None:
    frame = ParquetTable(*files, TYPES).frame(["id", "price", "seen", "country"])
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "id": "Int64", "price": "float64", "seen": "datetime64[us]", "country": "object"
    }  # fmt: skip
    assert frame["country"].tolist() == ["F/R"] * 3 + [None]
    assert frame["seen"][0] == pd.Timestamp("2026-08-01 12:00:00")
    assert len(ParquetTable(*files, TYPES).frame(["id"], rows=False)) == 0


class LakeThatFails(LocalLake):
    """A lake that can be read only for a while."""

    def __init__(self, root: str, reads: int) -> None:
        super().__init__(root)
        self.reads = reads

    def read(self, path: str, **options: Any) -> bytes:
        self.reads -= 1
        if self.reads < 0:
            raise UnreachableError("S3 does not respond")
        return super().read(path, **options)


def test_an_outage_while_duckdb_reads_is_raised_as_such(tmp_path: Path) -> None:
    root = tmp_path / "lake [1]"
    root.mkdir()
    pq.write_table(pa.table({"name": [str(number) * 9 for number in range(50_000)]}), root / "0.parquet")
    file = DataFile("0.parquet", "0.parquet", "", 50_000, (root / "0.parquet").stat().st_size)

    def table() -> ParquetTable:
        """Return rows of which the types can be read, and nothing more."""
        return ParquetTable(LakeThatFails(str(root), reads=1), {"0.parquet": file}, {"name": "string"})

    with pytest.raises(UnreachableError, match=r"^S3 does not respond$"):
        table().one_row(f"SELECT max(name) AS name FROM {ROWS}", ["name"], scans_once=True)
    with pytest.raises(UnreachableError, match=r"^S3 does not respond$"):
        list(table().hashes(Keys(("name",), "OR")))
