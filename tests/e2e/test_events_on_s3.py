"""Events of a sink in S3, to tables in S3 and the Glue catalog; workers access both directly."""

import gzip
import json
import signal
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from lakewright.log.log import Log
from lakewright.storage.uris import open_lake
from tests.conftest import Answer, command
from tests.faults.test_killed_runs import killed
from tests.jobs.event_bench import DAY, EventBench
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow


class S3EventBench(EventBench):
    """``EventBench`` with a lake below a prefix of a bucket."""

    uri = f"s3://{BUCKET}/some/lake"

    def put_object(self, path: str, body: bytes) -> Path:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"some/lake/raw/topics/{path}", Body=body)
        return Path(path)

    def command(self, verb: str, *arguments: str) -> Answer:
        return command(verb, "events", "--lake", self.uri, "--config", str(self.root / "conf"), *arguments)

    def numbers(self, table: str = "t") -> list[Any]:
        """Read the attribute n of all files of a table."""
        state, _ = Log(open_lake(self.uri), f"state/events/{table}/").read()
        keys = [stored.key.removeprefix("some/lake/") for stored in boto3.resource("s3").Bucket(BUCKET).objects.all()]
        assert {key for key in keys if key.startswith("refined/")} == set(state.files)
        numbers = []
        for path in state.files:
            body = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"some/lake/{path}")["Body"].read()
            (self.root / "file.parquet").write_bytes(body)
            numbers += pq.read_table(self.root / "file.parquet", partitioning=None)["n"].to_pylist()
        return sorted(numbers)


@pytest.fixture
def bench(bucket: Any, spark: SparkSession, tmp_path: Path) -> S3EventBench:
    bench = S3EventBench(tmp_path, spark)
    bench.feed(target__catalog={"database": "events"})
    return bench


def columns(table: str) -> list[tuple[str, str]]:
    entry = boto3.client("glue").get_table(DatabaseName="events", Name=table)["Table"]
    assert entry["StorageDescriptor"]["Location"] == f"{S3EventBench.uri}/refined/{table}/"
    assert [key["Name"] for key in entry["PartitionKeys"]] == ["year", "month", "day"]
    return [(column["Name"], column["Type"]) for column in entry["StorageDescriptor"]["Columns"]]


def test_new_topics_and_attributes_are_registered_in_the_catalog(bench: S3EventBench) -> None:
    provenance = [("_topic", "string"), ("_partition", "bigint"), ("_offset", "bigint")]
    provenance += [("_object", "string"), ("_line", "bigint")]
    bench.put_events(0, {"n": 1, "userId": "a"})
    assert bench.run()["catalog"] == "events.t"
    assert columns("t") == [*provenance, ("n", "bigint"), ("userid", "string")]

    bench.put_events(1, {"n": 2, "Items": [{"Price": 0.5}]}, folder="year=2026/month=08/day=02")
    bench.put_events(0, {"n": 3}, topic="a new.Topic+", folder=f"odd//{DAY}")
    answer = bench.command("run", "--json")
    assert [(receipt["target"], receipt["exit_code"]) for receipt in answer.data] == [("a_new_topic", 0), ("t", 0)]
    assert columns("a_new_topic") == [*provenance, ("n", "bigint")]
    assert columns("t") == [
        *provenance,
        *(("n", "bigint"), ("userid", "string"), ("items", "array<struct<price:double>>")),
    ]
    partitions = boto3.client("glue").get_partitions(DatabaseName="events", TableName="t")["Partitions"]
    assert sorted(partition["Values"] for partition in partitions) == [["2026", "08", "01"], ["2026", "08", "02"]]


def test_a_table_is_compacted(bench: S3EventBench) -> None:
    for start in (0, 10, 20):
        bench.put_events(start, {"n": start})
        assert bench.run()["exit_code"] == 0
    (entry,) = bench.command("compact", "--json").data
    assert [(each["files"], each["into"], each["rows"]) for each in entry["compactions"]] == [(3, 1, 3)]
    assert bench.numbers() == [0, 10, 20]
    assert [name for name, _ in columns("t")][-1] == "n"
    bench.put_events(0, {"n": 5})
    assert bench.run()["exit_code"] == 0
    assert bench.numbers() == [5, 10, 20]


def test_an_object_of_several_reads_gets_the_day_of_its_last_modified_time(bench: S3EventBench) -> None:
    bench.feed(source__day={"from": "object"})
    lines = [json.dumps({"n": n, "text": "x" * 900, "noise": hash(str(n))}).encode() for n in range(12_000)]
    bench.put_object("t/partition=0/t+0+0.json", b"\n".join(lines))
    bench.put_object("t/partition=0/t+0+12000.json.gz", gzip.compress(b'{"n":12000}\n'))
    receipt = bench.run()
    assert (receipt["counts"]["written"], receipt["exit_code"]) == (12_001, 0)
    assert bench.numbers() == list(range(12_001))


@pytest.mark.parametrize(("stage", "nth"), [("check", 1), ("move", 2), ("remove", 1)])
def test_a_killed_run_is_completed_by_the_next(bench: S3EventBench, stage: str, nth: int) -> None:
    bench.put_events(0, {"n": 0}, {"n": 1})
    bench.run()
    bench.put_events(0, {"n": 10}, {"n": 11, "new": 1})
    bench.put_events(2, {"n": 2}, folder="year=2026/month=08/day=02")
    arguments = ("run", "events", "--lake", bench.uri, "--config", str(bench.root / "conf"))
    assert killed("SIGKILL", stage, nth, *arguments).wait(120) == -signal.SIGKILL
    bench.put_events(3, {"n": 3})
    assert bench.run()["exit_code"] == 0
    assert bench.numbers() == [2, 3, 10, 11]
    assert [name for name, _ in columns("t")][-2:] == ["n", "new"]


def test_an_empty_object_has_no_rows_and_stops_no_other(bench: S3EventBench) -> None:
    bench.put_object(f"t/{DAY}/t+0+0000000000.json", b"")
    bench.put_events(1, {"n": 1})
    assert bench.run()["exit_code"] == 0
    assert bench.numbers() == [1]
    assert bench.run()["status"] == "nothing_new"


def test_an_empty_version_of_an_object_is_read_unless_it_was_rewritten(bench: S3EventBench) -> None:
    lake = open_lake(bench.uri)
    bench.put_object("x", b"")
    (listed,) = lake.list("raw/topics/")
    assert list(lake.pieces(listed.path, length=10, etag=listed.etag)) == []
    assert lake.read(listed.path, length=10, etag=listed.etag) == b""
    for body in (b"new", b""):
        bench.put_object("x", body)
        with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
            list(lake.pieces(listed.path, length=10, etag=listed.etag if body else "other"))
