"""Mapping of Parquet types, from footers of real files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lakewright.dms.test_files import footers

TYPES: dict[str, tuple[Any, str, str | None, str | None]] = {
    "int8": (pa.int8(), "int", "tinyint", None),
    "int16": (pa.int16(), "int", "smallint", None),
    "uint8": (pa.uint8(), "int", "smallint", None),
    "uint16": (pa.uint16(), "int", None, None),
    "uint32": (pa.uint32(), "bigint", None, None),
    "uint64": (pa.uint64(), "decimal(20,0)", None, None),
    "float": (pa.float32(), "float", None, None),
    "decimal": (pa.decimal128(9, 2), "decimal(9,2)", None, None),
    "a-wide-decimal": (pa.decimal256(38, 2), "decimal(38,2)", None, None),
    "large-text": (pa.large_string(), "string", None, None),
    "large-binary": (pa.large_binary(), "binary", None, None),
    "fixed-size-binary": (pa.binary(3), "binary", None, None),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), "string", None, None),
    "uuid": (pa.uuid() if hasattr(pa, "uuid") else None, "binary", None, None),
    "date64": (pa.date64(), "date", None, None),
    "millis": (pa.timestamp("ms", "UTC"), "timestamp", None, None),
    "a-zone": (pa.timestamp("us", "Europe/Zurich"), "timestamp", None, None),
    "nanos": (pa.timestamp("ns"), "timestamp", "bigint", "timestamp(ns)"),
    "time-of-millis": (pa.time32("ms"), "string", "int", "time(ms)"),
    "time-of-micros": (pa.time64("us"), "string", "bigint", "time(us)"),
    "time-of-nanos": (pa.time64("ns"), "string", "bigint", "time(ns)"),
    "duration": (pa.duration("us"), "bigint", None, None),
    "null": (pa.null(), "void", "int", None),
    "list": (pa.list_(pa.int8()), "array<int>", "array<tinyint>", None),
    "large-list": (pa.large_list(pa.string()), "array<string>", "array<string>", None),
    "struct": (
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.date32()))]),
        "struct<a:bigint,b:array<date>>",
        "struct<a:bigint,b:array<date>>",
        None,
    ),
    "map": (pa.map_(pa.string(), pa.int16()), "map<string,int>", "map<string,smallint>", None),
}


@pytest.mark.parametrize(("kind", "column", "read_as", "unit"), TYPES.values(), ids=list(TYPES))
def test_supported_types(tmp_path: Path, kind: Any, column: str, read_as: str | None, unit: str | None) -> None:
    if kind is None:
        pytest.skip("this version of pyarrow cannot write UUID columns, and reads them as binary")
    pq.write_table(pa.table({"x": pa.nulls(1, kind)}), tmp_path / "a.parquet")
    by_path, refused = footers(tmp_path)
    assert refused == {}
    footer = by_path["a.parquet"]
    assert (footer.columns["x"], footer.read_as.get("x"), footer.units.get("x")) == (column, read_as, unit)


def test_int96_is_a_timestamp(tmp_path: Path) -> None:
    table = pa.table({"n": [{"a": 1}], "x": pa.array([0], pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    footer = footers(tmp_path)[0]["a.parquet"]
    assert (footer.columns["x"], footer.units) == ("timestamp", {})


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        pytest.param(pa.float16(), "halffloat, and Spark 3.5 cannot open files with such a column", id="half-float"),
        pytest.param(
            pa.decimal256(39, 0), "decimal256(39, 0), and Spark decimals have at most 38 digits", id="decimal"
        ),
        pytest.param(pa.map_(pa.int32(), pa.int32()), "map<int32, int32 ('x')>, and keys of Hudi maps are", id="map"),
        pytest.param(
            pa.list_(pa.time32("ms")),
            "list<element: time32[ms]>, and time32[ms] in a nested column cannot be converted",
            id="time-in-a-list",
        ),
        pytest.param(pa.struct([("a b", pa.int32())]), "struct<a b: int32>, and Hudi field names are", id="names"),
        pytest.param(pa.struct([("ü", pa.int32())]), "struct<ü: int32>, and Hudi field names are", id="umlauts"),
        pytest.param(
            pa.list_(pa.struct([("A", pa.int32()), ("a", pa.int32())])),
            "struct<A: int32, a: int32>, and Spark reads no table with fields that differ in case alone",
            id="names-that-differ-in-case",
        ),
    ],
)
def test_unsupported_types_are_refused(tmp_path: Path, kind: Any, reason: str) -> None:
    pq.write_table(pa.table({"x": pa.nulls(1, kind)}), tmp_path / "a.parquet")
    _, refused = footers(tmp_path)
    assert refused["a.parquet"].startswith(f"column 'x' is {reason}")
