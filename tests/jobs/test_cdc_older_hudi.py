"""Tables that other versions of Hudi wrote are continued as they are, or refused."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench, Change, committed, rows_after
from tests.lanes.old_lake import ARCHIVE, FILES, TABLES, changed, put

pytestmark = [pytest.mark.slow, pytest.mark.needs_hudi]

NEXT: tuple[str, list[Change]] = (
    "20260803-101500000.parquet",
    [
        changed("U", 3, 1, "Anne", "IT"),
        changed("D", 3, 2),
        changed("I", 3, 3, "Cid again", "HR"),
        changed("I", 3, 4, "Dora", "R&D/lab"),
    ],
)
LATE: tuple[str, list[Change]] = (
    "20260804-101500000.parquet",
    [changed("U", 1, 1, "older than its row", "HR"), changed("U", 1, 2, "older than its delete", "HR")],
)


@pytest.fixture
def old(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    """The lake of tests.lanes.old_lake, which Hudi 0.15 wrote."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    bench = CdcBench(tmp_path, spark)
    bench.feed(TABLES)
    yield bench
    bench.remove()


def properties_file(bench: CdcBench, table: str) -> Path:
    return bench.lake / f"refined/hr/{table}/.hoodie/hoodie.properties"


def test_tables_of_hudi_0_15_are_continued_without_an_upgrade(old: CdcBench) -> None:
    before = {table: properties_file(old, table).read_text() for table in TABLES}
    assert "hoodie.table.version=6" in before["mor"].splitlines()
    for number, delivery in enumerate([NEXT, LATE]):
        put(old, *delivery)
        answer = old.command("run", "--json")
        assert [committed(receipt)["read"] for receipt in answer.data] == [len(delivery[1])] * 2
        expected = sorted(rows_after([*FILES, *[NEXT, LATE][: number + 1]]).values(), key=repr)
        assert {table: old.rows(table=table) for table in TABLES} == dict.fromkeys(TABLES, expected)
    assert old.command("compact").exit_code == 0
    assert old.rows(table="mor") == expected
    assert {table: properties_file(old, table).read_text() for table in TABLES} == before
    assert old.batches("cow") == old.batches("mor") == [1, 2, 3, 4]


def test_tables_that_hudi_1_1_created_are_continued(old: CdcBench) -> None:
    """It names their order differently, also in tables of version 6."""
    for table in TABLES:
        file = properties_file(old, table)
        file.write_text(file.read_text().replace("hoodie.table.precombine.field=", "hoodie.table.ordering.fields="))
    put(old, *NEXT)
    assert old.command("run").exit_code == 0
    expected = sorted(rows_after([*FILES, NEXT]).values(), key=repr)
    assert {table: old.rows(table=table) for table in TABLES} == dict.fromkeys(TABLES, expected)


@pytest.mark.parametrize("verb", ["run", "rebuild", "compact"])
def test_tables_of_a_later_version_are_refused_and_left_alone(old: CdcBench, verb: str) -> None:
    for table in TABLES:
        file = properties_file(old, table)
        file.write_text(file.read_text().replace("hoodie.table.version=6", "hoodie.table.version=99"))
    refined = old.lake / "refined"
    before = {path: path.read_bytes() for path in refined.rglob("*") if path.is_file()}
    put(old, *NEXT)
    answer = old.command(verb)
    assert answer.exit_code == 2
    assert "refined/hr/cow/ is a Hudi table of version 99, which needs Hudi later than 1.1" in answer.stderr
    assert {path: path.read_bytes() for path in refined.rglob("*") if path.is_file()} == before
