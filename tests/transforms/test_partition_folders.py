"""Folders of partitions, compared with those that Spark writes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.conftest import examples
from transforms.partition_folders import split_by_partition


def folders(values: Any, name: str = "p") -> list[str]:
    rows = pa.table({name: values, "n": list(range(len(values)))})
    return [folder for folder, _ in split_by_partition(rows, [name], {})]


def test_rows_are_split_by_all_partition_columns_in_their_order() -> None:
    rows = pa.table({"n": [1, 2, 3, 4], "kind": ["a", "b", "a", None], "size": [1, 1, 1, 2]})
    split = split_by_partition(rows, ["kind", "year", "size"], {"year": "2026"})
    assert {folder: part.to_pylist() for folder, part in split} == {
        "kind=a/year=2026/size=1": [{"n": 1}, {"n": 3}],
        "kind=b/year=2026/size=1": [{"n": 2}],
        "kind=__HIVE_DEFAULT_PARTITION__/year=2026/size=2": [{"n": 4}],
    }


def test_rows_of_one_partition_are_not_copied() -> None:
    rows = pa.table({"n": [1, 2]})
    assert split_by_partition(rows, ["year", "month"], {"year": "2026", "month": "08"}) == [
        ("year=2026/month=08", rows)
    ]
    assert split_by_partition(rows, [], {}) == [("", rows)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param(pa.int64(), [0, -5, 2**63 - 1], id="bigint"),
        pytest.param(pa.bool_(), [True, False], id="boolean"),
        pytest.param(pa.date32(), [date(1, 1, 1), date(2026, 8, 1), date(9999, 12, 31)], id="date"),
        pytest.param(
            pa.timestamp("us", "UTC"),
            [
                datetime(2026, 8, 1, tzinfo=UTC),
                datetime(2026, 8, 1, 10, 0, 0, 500_000, UTC),
                datetime(1, 1, 1, 10, 20, 30, 1, UTC),
            ],
            id="timestamp",
        ),
        pytest.param(
            pa.float64(),
            [0.0, -0.0, 1.0, -1.5, 0.001, 0.00099, 1e7, 9_999_999.5, 1.5e-10, 123_456_789.25, 1e21, -2.5e300],
            id="double",
        ),
        pytest.param(
            pa.decimal128(20, 8), [Decimal("1.5"), Decimal("-0.00000001"), Decimal(0), Decimal("99.5")], id="decimal"
        ),
        pytest.param(pa.decimal128(5, 0), [Decimal(0), Decimal(-12)], id="decimal-without-fraction"),
        pytest.param(
            pa.string(), ["a/b", "a=b %", "R&D", "Zürich", " x ", ".", "a:b?c#d'e\"f\\g{h[i]j^k*"], id="string"
        ),
    ],
)
def test_folders_equal_those_of_spark(spark: SparkSession, tmp_path: Path, kind: Any, values: list[Any]) -> None:
    ddl = {"int64": "bigint", "bool": "boolean", "date32[day]": "date", "double": "double", "string": "string"}
    name = "timestamp" if pa.types.is_timestamp(kind) else str(kind).replace("128", "").replace(" ", "")
    texts = [(number, None if value is None else str(value)) for number, value in enumerate([*values, None])]
    frame = spark.createDataFrame(texts, "n int, p string").selectExpr("n", f"cast(p as {ddl.get(str(kind), name)}) p")
    frame.write.partitionBy("p").parquet(str(tmp_path / "table"))
    of_spark = {path.name for path in (tmp_path / "table").glob("p=*")}
    assert set(folders(pa.array([*values, None], kind))) == of_spark


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
@example("".join(map(chr, range(128))))
def test_escapes_equal_those_of_spark(spark: SparkSession, text: str) -> None:
    jvm: Any = spark._jvm
    escape = jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.escapePathName
    assert folders(pa.array([text]), name=text if text != "n" else "m")[0].endswith(f"={escape(text)}")
    assert folders(pa.array(["x"]), name=text if text != "n" else "m") == [f"{escape(text if text != 'n' else 'm')}=x"]
