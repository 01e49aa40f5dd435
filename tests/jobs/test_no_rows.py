"""Objects without rows, in every job and position: the run succeeds, and its counts and table are correct."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from tests.cdc import STORAGES, CdcBench, matrix
from tests.conftest import Bench, command
from tests.jobs.event_bench import EventBench


def counts(receipt: dict[str, Any]) -> tuple[int, int, int, int, int]:
    assert receipt["exit_code"] == 0, receipt["error"]
    names = ("read", "written", "deleted", "superseded", "rejected")
    read, written, deleted, superseded, rejected = (receipt["counts"][name] for name in names)
    return read, written, deleted, superseded, rejected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fill", "partition_by"),
    [
        pytest.param("rebuild", ["year", "month", "day"], id="by-day"),
        pytest.param("rebuild", [], id="unpartitioned"),
        pytest.param("append", ["name"], id="appended-by-a-column"),
        pytest.param("append", [], id="appended"),
    ],
)
def test_csv(bench: Bench, fill: str, partition_by: list[str]) -> None:
    bench.feed(target__partition_by=partition_by, target__fill=fill)
    bench.put("header.csv", "id,name\n")
    bench.put("zero.csv", "")
    bench.put("packed.csv.gz", gzip.compress(b"id,name\n"), day="02")
    assert counts(bench.run()) == (0, 0, 0, 0, 0)
    assert bench.run()["status"] == "nothing_new"
    bench.put("rejected.csv", "id,name\nx,a\n", day="03")
    assert counts(bench.run()) == (1, 0, 0, 0, 1)
    bench.put("full.csv", "id,name\n1,a\n", day="04")
    bench.put("header.csv", "id,name\n", day="04")
    bench.put("zero.csv.gz", gzip.compress(b""), day="04")
    is_read_again = fill == "rebuild" and not partition_by
    assert counts(bench.run()) == ((2, 1, 0, 0, 1) if is_read_again else (1, 1, 0, 0, 0))
    assert bench.rows() == [(1, "a")]
    assert counts(bench.run(verb="rebuild")) == (2, 1, 0, 0, 1)
    assert bench.rows() == [(1, "a")]
    assert bench.strays() == []


@pytest.mark.parametrize("day", ["path", "field"])
def test_events(tmp_path: Path, day: str) -> None:
    without_spark: Any = None
    events = EventBench(tmp_path, without_spark)
    events.lake.mkdir()
    if day == "field":
        events.feed(source__day={"from": "field", "field": "ts"}, source__timestamps={"ts": "iso"})
    else:
        events.feed()
    for start, body in enumerate([b"", b"\n\n", b" \r\n", b"\xef\xbb\xbf"]):
        events.put_object(f"t/year=2026/month=08/day=01/t+0+{start:010}.json", body)
    events.put_object("t/year=2026/month=08/day=01/t+1+0000000000.json.gz", gzip.compress(b""))
    events.put_object("t/year=2026/month=08/day=02/t+2+0000000000.json", b"")
    events.put_object("t/year=2026/month=08/day=02/t+2+0000000001.json.gz", gzip.compress(b"\n"))
    assert counts(events.run()) == (0, 0, 0, 0, 0)
    assert events.run()["status"] == "nothing_new"
    events.put_events(10, "dirty", folder="year=2026/month=08/day=03")
    assert counts(events.run()) == (1, 0, 0, 0, 1)
    events.put_events(20, {"n": 1, "ts": "2026-08-04T00:00:00Z"}, folder="year=2026/month=08/day=04")
    events.put_object("t/year=2026/month=08/day=04/t+0+0000000030.json", b"")
    assert counts(events.run()) == (1, 1, 0, 0, 0)
    assert counts(events.run(verb="rebuild")) == (2, 1, 0, 0, 1)
    assert [row["n"] for row in events.table()] == [1]
    assert events.strays() == []


def test_scrub(tmp_path: Path) -> None:
    (tmp_path / "lake/landing").mkdir(parents=True)
    (tmp_path / "conf/feeds").mkdir(parents=True)
    feed = {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["email"], "verify": True}}
    (tmp_path / "conf/feeds/f.yaml").write_text(yaml.safe_dump(feed))
    bodies = {
        "blank.json": b"\n \n\r\n",
        "packed.json.gz": gzip.compress(b""),
        "packed-blank.json.gz": gzip.compress(b"\n\n"),
        "mark.json": b"\xef\xbb\xbf",
    }

    def run() -> dict[str, Any]:
        answer = command("run", "f", "--json", "--lake", str(tmp_path / "lake"), "--config", str(tmp_path / "conf"))
        (receipt,) = answer.data
        return receipt

    for name, body in bodies.items():
        (tmp_path / "lake/landing" / name).write_bytes(body)
    assert counts(run()) == (0, 0, 0, 0, 0)
    (tmp_path / "lake/landing/full.json").write_bytes(b'{"email": "x"}\n')
    (tmp_path / "lake/landing/blank2.json").write_bytes(b"\n")
    assert counts(run()) == (1, 1, 0, 0, 0)
    for name, written in bodies.items():
        body = written
        scrubbed = (tmp_path / "lake/landing" / name).read_bytes()
        if name.endswith(".gz"):
            scrubbed, body = gzip.decompress(scrubbed), gzip.decompress(body)
        assert scrubbed == body
    assert json.loads((tmp_path / "lake/landing/full.json").read_text()) == {"email": ""}


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    yield bench
    bench.remove()


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    "partition_by",
    [pytest.param("department", id="partitioned"), pytest.param("", id="unpartitioned", marks=matrix)],
)
def test_changes_of_a_table_with_a_key(cdc: CdcBench, storage: str, partition_by: str) -> None:
    cdc.feed(
        tables={"employees": {"key": "emp_no", "partition_by": partition_by}},
        target__storage=storage,
        max_rejected=1.0,
    )
    cdc.put("LOAD00000001.parquet", [])
    assert counts(cdc.run()) == (0, 0, 0, 0, 0)
    cdc.put("20260801-100000000.parquet", [])
    assert counts(cdc.run()) == (0, 0, 0, 0, 0)
    assert cdc.rows() == []
    cdc.put("20260801-101500000.parquet", [("I", "2026-08-01 10:00:00", 1, "a", "x")])
    cdc.put("20260801-101600000.parquet", [])
    assert counts(cdc.run()) == (1, 1, 0, 0, 0)
    assert cdc.rows() == [(1, "a", "x")]
    cdc.put("20260801-102000000.parquet", [("X", "2026-08-01 10:20:00", 2, "b", "x")])
    assert counts(cdc.run()) == (1, 0, 0, 0, 1)
    cdc.put("20260801-103000000.parquet", [("D", "2026-08-01 10:30:00", 1, "a", "x")])
    assert counts(cdc.run()) == (1, 0, 1, 0, 0)
    assert cdc.rows() == []
    cdc.put("20260801-104000000.parquet", [("D", "2026-08-01 10:40:00", 7, "a", "x")])
    assert counts(cdc.run()) == (1, 0, 1, 0, 0)
    assert counts(cdc.run(verb="rebuild")) == (4, 0, 2, 1, 1)
    assert cdc.rows() == []
    assert cdc.run()["status"] == "nothing_new"
    assert cdc.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize("partition_by", ["department", ""], ids=["partitioned", "unpartitioned"])
def test_changes_of_a_table_without_a_key(cdc: CdcBench, partition_by: str) -> None:
    cdc.feed(tables={"employees": {"partition_by": partition_by}}, max_rejected=1.0)
    cdc.put("LOAD00000001.parquet", [])
    assert counts(cdc.run()) == (0, 0, 0, 0, 0)
    cdc.put("20260801-100000000.parquet", [])
    assert counts(cdc.run()) == (0, 0, 0, 0, 0)
    cdc.put("20260801-101000000.parquet", [("X", "2026-08-01 10:10:00", 2, "b", "x")])
    assert counts(cdc.run()) == (1, 0, 0, 0, 1)
    cdc.put("20260801-101500000.parquet", [("D", "2026-08-01 10:15:00", 1, "a", "x")])
    cdc.put("20260801-101600000.parquet", [])
    assert counts(cdc.run()) == (1, 1, 0, 0, 0)
    assert counts(cdc.run(verb="rebuild")) == (2, 1, 0, 0, 1)
    table = cdc.spark.read.parquet(str(cdc.lake / "refined/hr/employees"))
    assert [tuple(row) for row in table.select("emp_no", "name", "department", "Op").collect()] == [(1, "a", "x", "D")]
    assert cdc.strays() == []
