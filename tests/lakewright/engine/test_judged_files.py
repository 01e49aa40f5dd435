"""Files that DuckDB judges in Spark's workers: their parts give the counts of the whole."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.engine.spark.judged.files import JudgedFiles
from lakewright.engine.spark.workers import SparkWorkers
from lakewright.log.records import DataFile
from lakewright.parquet.arrow import write_file
from lakewright.parquet.place import TablePlace
from lakewright.quality.duckdb_table import ParquetTable
from lakewright.quality.expectation import Expectation
from lakewright.quality.sql.compiled import Aggregate
from lakewright.quality.sql.counts import Counts, Keys
from lakewright.storage.uris import open_lake
from tests.lakewright.quality.drawn import COLUMNS, arrow_table, draw_rows, pandas_frame
from tests.lakewright.quality.library import validate
from tests.lakewright.quality.sql.test_against_library import assert_equal, compiled

EXPECTATIONS = [
    *(Expectation("expect_column_values_to_be_unique", {"column": column}) for column in ("id", "x", "name")),
    Expectation("expect_compound_columns_to_be_unique", {"column_list": ["n", "at"], "ignore_row_if": "never"}),
    Expectation("expect_compound_columns_to_be_unique", {"column_list": ["id", "price"]}),
    Expectation("expect_column_values_to_be_between", {"column": "at", "min_value": "2020-01-01"}),
    Expectation("expect_table_row_count_to_be_between", {"max_value": 10}),
]

pytestmark = pytest.mark.usefixtures("spark")


def staged(lake: Path, tables: Sequence[pa.Table]) -> tuple[ParquetTable, JudgedFiles]:
    """Write a file per table, and return them as each engine judges them."""
    lake.mkdir()
    files = {}
    for number, table in enumerate(tables):
        name = f"{number}.parquet"
        pq.write_table(table, lake / name)
        size, arrow_bytes = (lake / name).stat().st_size, table.nbytes or 1
        files[name] = DataFile(name, name, "", table.num_rows, size, ["a", "b"], arrow_bytes=arrow_bytes)
    judged = SparkWorkers().judged_table(open_lake(str(lake)), files, COLUMNS, frozenset())
    assert isinstance(judged, JudgedFiles)
    return judged.table, judged


@pytest.mark.parametrize("name", ["lake", "lake [1] {a,b}*?"], ids=["read-by-duckdb", "read-through-the-lake"])
def test_parts_have_the_counts_of_the_whole(tmp_path: Path, name: str) -> None:
    random = Random(7)
    tables = [arrow_table(draw_rows(random, with_oddities=False)) for _ in range(4)]
    whole, parts = staged(tmp_path / name, tables)
    aggregate = Aggregate(EXPECTATIONS, COLUMNS, "duckdb")
    results = aggregate.results(lambda counts: parts.counts(counts, list(COLUMNS)))
    assert results == aggregate.results(lambda counts: whole.counts(counts, list(COLUMNS)))
    with duckdb.connect() as connection:
        connection.register("batch", pa.concat_tables(tables))
        in_memory = aggregate.evaluate("batch", lambda sql: connection.sql(sql).to_arrow_table().to_pylist()[0])
    assert results == in_memory


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_workers_decide_like_the_library(tmp_path: Path) -> None:
    random = Random(11)
    tables = [arrow_table(draw_rows(random, with_oddities=True)) for _ in range(3)]
    _, parts = staged(tmp_path / "lake", tables)
    expectations = compiled(random, 60)
    results = Aggregate(expectations, COLUMNS, "duckdb").results(lambda counts: parts.counts(counts, list(COLUMNS)))
    theirs = validate(pandas_frame(pa.concat_tables(tables)), expectations)
    outcomes = assert_equal(expectations, results, theirs, exempt="at")
    assert outcomes["met"]
    assert outcomes["not met"]


def test_files_of_workers_are_judged_in_workers(tmp_path: Path) -> None:
    lake = open_lake(str(tmp_path))
    place = TablePlace(staging="s/", destination="t/", prefix="", compression="snappy", sort_by=())
    file = write_file(lake, place, "", pa.table({"id": [1, 2, 2]}))
    judged = SparkWorkers().judged_table(lake, {file.staged: file}, {"id": "bigint"}, frozenset())
    assert isinstance(judged, JudgedFiles)
    assert judged.counts(Counts({}, {"g": Keys(("id",), "OR")}), ["id"]) == {"g": 2}


def numbers(*ids: int | None) -> pa.Table:
    return arrow_table([dict.fromkeys(COLUMNS) | {"id": id_, "x": 0.0, "name": str(id_)} for id_ in ids])


@pytest.mark.parametrize(
    ("tables", "copies"),
    [
        pytest.param([numbers(3, 1), numbers(2, None), numbers(None)], 0, id="in-no-order-with-nulls"),
        pytest.param([numbers(1, 2), numbers(4), numbers(2)], 2, id="in-two-files"),
        pytest.param([numbers(1, 1), numbers(3)], 2, id="in-one-file"),
        pytest.param([numbers(*range(3000)), numbers(*range(2999, 6000))], 2, id="one-of-many"),
    ],
)
def test_copies_are_counted_across_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: Sequence[pa.Table], copies: int
) -> None:
    """Of ranges of hashes, there are more than files and workers."""
    monkeypatch.setattr("lakewright.engine.spark.judged.files._MOST_MERGED", 1000)
    _, parts = staged(tmp_path / "lake", tables)
    keys = {"single": Keys(("id",), "OR"), "several": Keys(("id", "name"), "AND")}
    assert parts.counts(Counts({}, keys), ["id", "name"]) == {"single": copies, "several": copies}


@pytest.mark.parametrize(
    ("tables", "proves"),
    [
        pytest.param([numbers(1, 2), numbers(5, 9), numbers(3)], True, id="parts-that-ascend-in-any-order"),
        pytest.param([numbers(None, 1, None, 2), numbers(None)], True, id="nulls-are-not-considered"),
        pytest.param([numbers(1, 5), numbers(3)], False, id="parts-that-overlap"),
        pytest.param([numbers(1, 2), numbers(2, 3)], False, id="parts-that-touch"),
        pytest.param([numbers(2, 1), numbers(3)], False, id="a-part-that-descends"),
        pytest.param([numbers(1, 1), numbers(3)], False, id="equal-neighbours"),
    ],
)
def test_order_proves_that_keys_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: Sequence[pa.Table], proves: bool
) -> None:
    hashed: set[str] = set()
    monkeypatch.setattr(JudgedFiles, "_repeated", lambda _judged, copies: hashed.update(copies) or set())
    _, parts = staged(tmp_path / "lake", tables)
    assert parts.counts(Counts({}, {"g": Keys(("id",), "OR")}), ["id"]) == {"g": 0}
    assert (hashed == set()) == proves


@pytest.mark.parametrize(
    ("columns", "rows", "ascent"),
    [
        pytest.param({"a": "int", "b": "string"}, [(1, "x"), (1, "y"), (2, "a")], ((1, "x"), (2, "a")), id="several"),
        pytest.param({"a": "string"}, [("Z",), ("a",), ("é",), ("😀",)], (("Z",), ("😀",)), id="texts-by-code-points"),
        pytest.param({"a": "int", "b": "string"}, [(1, "x"), (2, None)], None, id="a-null-among-several"),
        pytest.param({"a": "double"}, [(1.0,), (2.0,)], None, id="doubles-have-NaN"),
        pytest.param({"a": "int"}, [(None,), (None,)], (), id="no-rows"),
        pytest.param(
            {"ascends": "int", "has_null": "int", "key": "int"},
            [(1, 1, 1), (1, 1, 2), (1, 2, 0)],
            ((1, 1, 1), (1, 2, 0)),
            id="columns-named-as-in-the-query",
        ),
        pytest.param({"key": "int"}, [(1,), (3,), (2,)], None, id="one-that-descends"),
    ],
)
def test_the_ascent_of_keys(tmp_path: Path, columns: dict[str, str], rows: Sequence[Any], ascent: Any) -> None:
    kinds = {"int": pa.int32(), "string": pa.string(), "double": pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    pq.write_table(pa.table(list(zip(*rows, strict=True)), schema), tmp_path / "0.parquet")
    file = DataFile("0.parquet", "0.parquet", "", len(rows), (tmp_path / "0.parquet").stat().st_size)
    table = ParquetTable(open_lake(str(tmp_path)), {"0.parquet": file}, columns, threads=1)
    assert table.ascent(Keys(tuple(columns), "OR")) == ascent


def test_equal_hashes_of_different_keys_are_no_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JudgedFiles, "_repeated", lambda _judged, copies: set(copies))
    _, parts = staged(tmp_path / "lake", [numbers(1, 2), numbers(3)])
    assert parts.counts(Counts({}, {"g": Keys(("id",), "OR")}), ["id"]) == {"g": 0}


def test_columns_may_differ_in_case_only(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    pq.write_table(pa.table({"op": [1, 1, 2], "Op": ["I", "U", "U"]}), tmp_path / "lake/0.parquet")
    file = DataFile("0.parquet", "0.parquet", "", 3, (tmp_path / "lake/0.parquet").stat().st_size)
    types = {"op": "bigint", "Op": "string"}
    judged = SparkWorkers().judged_table(open_lake(str(tmp_path / "lake")), {"0.parquet": file}, types, frozenset())
    expectations = [
        Expectation("expect_column_values_to_be_unique", {"column": "Op"}),
        Expectation("expect_column_values_to_be_in_set", {"column": "Op", "value_set": ["I"]}),
        Expectation("expect_column_values_to_be_in_set", {"column": "op", "value_set": [2]}),
    ]
    results = Aggregate(expectations, types, judged.dialect).results(lambda counts: judged.counts(counts, list(types)))
    assert [result.unexpected_count for result in results if result] == [2, 2, 2]
