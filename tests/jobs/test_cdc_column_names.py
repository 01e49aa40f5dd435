"""Change data with column names that are invalid in tables."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.cdc import STORAGES, CdcBench, committed

pytestmark = pytest.mark.slow
LOAD = "LOAD00000001.parquet"
FIRST, SECOND, THIRD = (f"20260801-10{minute}12345.parquet" for minute in (15, 20, 25))
#: Source columns; in the table: Kunden_Nr, Ort, street, _360p, a_b_c, ___.
ODD = pa.schema(
    [
        ("Kunden-Nr", pa.int32()),
        ("Ört", pa.string()),
        ("Straße", pa.string()),
        ("360p", pa.int64()),
        ('a.b`"c', pa.string()),
        ("имя", pa.string()),
    ]
)
NAMES = ("Kunden_Nr", "Ort", "street", "_360p", "a_b__c", "___")
CUSTOMERS = {"customers": {"key": "Kunden_Nr", "partition_by": "Ort", "rename": {"Straße": "street"}}}
SOURCES = {name: source for name, source in zip(NAMES, ODD.names, strict=True) if name != source}


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}.000000"


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed(CUSTOMERS)
    yield bench
    bench.remove()


@pytest.mark.parametrize("storage", STORAGES)
def test_unusual_column_names_are_mapped_and_reported(cdc: CdcBench, storage: str) -> None:
    cdc.feed(CUSTOMERS, target__storage=storage)
    cdc.put(LOAD, [(1, "Köln", "A", 1, "x", "я"), (2, "Bonn", "B", 2, "y", None)], ODD, table="customers")
    changes = [f"column {source!r} of the source is {name}" for name, source in SOURCES.items()]
    assert cdc.command("plan", "--json").data[0]["schema_changes"] == changes
    assert cdc.run()["schema_changes"] == changes
    cdc.put(FIRST, [("U", at(1), 1, "Bonn", "C", 3, "z", "ю"), ("D", at(1), 2, *[None] * 5)], ODD, table="customers")
    assert committed(cdc.run()) == {"read": 2, "written": 1, "deleted": 1}
    assert cdc.rows(*NAMES, table="customers") == [(1, "Bonn", "C", 3, "z", "ю")]
    if storage == "merge_on_read":
        assert cdc.command("compact").exit_code == 0
        assert cdc.rows(*NAMES, table="customers") == [(1, "Bonn", "C", 3, "z", "ю")]
    # A file of deletes has the key only, and other files may lack a column.
    cdc.put(SECOND, [("U", at(2), 1, "Bonn", "D")], pa.schema(list(ODD)[:3]), table="customers")
    cdc.put(THIRD, [("D", at(2), 7)], pa.schema(list(ODD)[:1]), table="customers")
    receipt = cdc.run()
    assert committed(receipt) == {"read": 2, "written": 1, "deleted": 1}
    assert receipt["warnings"][0].startswith("column '_360p' is absent from 1 files")
    assert cdc.rows(*NAMES, table="customers") == [(1, "Bonn", "D", None, None, None)]
    (schema,) = cdc.command("schema", "--json").data
    assert (schema["sources"], list(schema["columns"])) == (SOURCES, list(NAMES))
    assert "_360p bigint from '360p'" in cdc.command("schema").stdout
    assert committed(cdc.run(verb="rebuild"))["read"] == 6
    assert cdc.command("schema", "--json").data == [schema]


def test_unusual_column_names_in_an_appended_table(cdc: CdcBench) -> None:
    cdc.feed({"customers": {"partition_by": "Ort"}})
    cdc.put(LOAD, [(1, "Köln", "A", 1, "x", "я")], ODD, table="customers")
    cdc.put(FIRST, [("U", at(1), 1, "Bonn", "C", 3, "z", "ю")], ODD, table="customers")
    assert committed(cdc.run()) == {"read": 2, "written": 2}
    rows = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/customers")).orderBy("_change_order")
    names = [name.replace("street", "Stra_e") for name in NAMES]
    in_table = [tuple(row) for row in rows.select(*names, "Op").collect()]
    assert in_table == [(1, "Köln", "A", 1, "x", "я", "I"), (1, "Bonn", "C", 3, "z", "ю", "U")]
    assert cdc.command("schema", "--json").data[0]["sources"]["Stra_e"] == "Straße"


def test_a_later_column_with_the_name_of_another_is_refused(cdc: CdcBench) -> None:
    cdc.feed({"t": {"key": "id"}})
    cdc.put(LOAD, [(1, "one")], pa.schema([("id", pa.int32()), ("a_b", pa.string())]), table="t")
    assert committed(cdc.run()) == {"read": 1, "written": 1}
    both = pa.schema([("id", pa.int32()), ("a_b", pa.string()), ("a b", pa.string())])
    cdc.put(FIRST, [("U", at(1), 1, "two", "three")], both, table="t")
    receipt = cdc.run()
    assert receipt["exit_code"] == 3
    assert f"raw/hr/t/{FIRST}: columns 'a_b' and 'a b' would both be 'a_b' in the table" in receipt["error"]
    (cdc.lake / "raw/hr/t" / FIRST).unlink()
    alone = pa.schema([("id", pa.int32()), ("a b", pa.string())])
    cdc.put(SECOND, [("U", at(1), 1, "three")], alone, table="t")
    problem = f"raw/hr/t/{SECOND}: column 'a b' would be 'a_b' in the table, where that is the source's column 'a_b'"
    (plan,) = cdc.command("plan", "--json").data
    assert plan["exit_code"] == 3
    assert plan["error"].startswith(problem)
    assert cdc.run()["error"] == plan["error"]
    assert cdc.rows("id", "a_b", table="t") == [(1, "one")]

    cdc.feed({"t": {"key": "id", "rename": {"a b": "a_blank_b"}}})
    assert committed(cdc.run()) == {"read": 1, "written": 1}
    assert cdc.rows("id", "a_b", "a_blank_b", table="t") == [(1, None, "three")]


def test_an_invalid_rename_is_refused(cdc: CdcBench) -> None:
    schema = pa.schema([("id", pa.int32()), ("name", pa.string())])
    cdc.put(LOAD, [(1, "one")], schema, table="t")
    for rename, exit_code, problem in [
        (
            {"nmae": "label"},
            2,
            "tables.t.rename names 'nmae', which is not a column of the source; did you mean 'name'?",
        ),
        ({"name": "ID"}, 3, "columns 'id' and 'name' would both be 'ID' in the table"),
    ]:
        cdc.feed({"t": {"key": "id", "rename": rename}})
        receipt = cdc.run()
        assert (receipt["exit_code"], problem in receipt["error"]) == (exit_code, True), receipt["error"]
    cdc.feed({"t": {"key": "id"}})
    assert committed(cdc.run()) == {"read": 1, "written": 1}
    cdc.feed({"t": {"key": "id", "rename": {"name": "label"}}})
    cdc.put(FIRST, [("U", at(1), 1, "two")], schema, table="t")
    receipt = cdc.run()
    assert receipt["exit_code"] == 2
    assert (
        "column 'name' of the source is 'name' in the table, and 'label' by the feed; run `rebuild`"
        in (receipt["error"])
    )
    assert committed(cdc.run(verb="rebuild")) == {"read": 2, "written": 1, "superseded": 1}
    assert cdc.rows("id", "label", table="t") == [(1, "two")]
    # A file of deletes lacks the column, but the table has it.
    cdc.put(SECOND, [("D", at(2), 1)], pa.schema([("id", pa.int32())]), table="t")
    assert committed(cdc.run()) == {"read": 1, "deleted": 1}


def test_a_renamed_key_has_before_images(cdc: CdcBench) -> None:
    cdc.feed({"t": {"key": "no", "rename": {"№": "no"}}}, source__before_image_prefix="BI_")
    schema = pa.schema([("№", pa.int32()), ("na me", pa.string())])
    cdc.put(LOAD, [(1, "one"), (2, "two")], schema, table="t")
    # A column of the table has the name of a before image in the table.
    images = pa.schema([*schema, ("BI-na-me", pa.string()), ("BI_№", pa.int32()), ("BI_na me", pa.string())])
    cdc.put(FIRST, [("U", at(1), 3, "three", "own", 2, "two")], images, table="t")
    receipt = cdc.run()
    assert committed(receipt) == {"read": 3, "written": 2, "superseded": 1, "rekeyed": 1}
    assert receipt["dropped_columns"] == ["BI_na me", "BI_№", "Op", "ts"]
    assert cdc.rows("no", "na_me", "BI_na_me", table="t") == [(1, "one", None), (3, "three", "own")]


def test_a_replication_column_can_be_a_partition(cdc: CdcBench) -> None:
    cdc.feed({"t": {"key": "id", "partition_by": "sub_folder"}}, source__replication_columns=["ts", "sub folder"])
    schema = pa.schema([("id", pa.int32()), ("sub folder", pa.string())])
    cdc.put(LOAD, [(1, "a")], schema, table="t")
    assert committed(cdc.run()) == {"read": 1, "written": 1}
    assert cdc.rows("id", "sub_folder", table="t") == [(1, "a")]
