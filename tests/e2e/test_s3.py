"""The same commands on an S3 server, reached through boto3 and S3A."""

import gzip
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession

from lakewright.engine.spark.session import get_session
from tests.conftest import Bench, command
from tests.faults.test_killed_runs import killed
from tests.s3_server import BUCKET

pytestmark = [pytest.mark.slow, pytest.mark.needs_s3a]


class S3Bench(Bench):
    """``Bench`` with its lake below a prefix of a bucket."""

    uri = f"s3://{BUCKET}/some/lake"

    def put(self, name: str, text: str | bytes, day: str = "01") -> Path:
        body = text.encode() if isinstance(text, str) else text
        key = f"some/lake/raw/people/year=2026/month=08/day={day}/{name}"
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        return Path(key)

    def command(self, verb: str, *arguments: str) -> Any:
        return command(verb, "people", "--lake", self.uri, "--config", str(self.root / "conf"), *arguments)

    def all_keys(self) -> list[str]:
        objects = boto3.resource("s3").Bucket(BUCKET).objects.all()
        return sorted(stored.key.removeprefix("some/lake/") for stored in objects)

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        path = f"{self.uri}/refined/people".replace("s3://", "s3a://")
        get_session(lake_uris=(self.uri,))  # sets up S3A, which local runs do not need
        table = self.spark.read.parquet(path).select(*(columns or ("id", "name")))
        return sorted((tuple(row) for row in table.collect()), key=repr)

    def strays(self) -> list[str]:
        from lakewright.log.log import Log
        from lakewright.storage.uris import open_lake

        state, _ = Log(open_lake(self.uri), "state/people/people/").read()
        known = {*state.files, *state.quarantine}
        ours = ("raw/", *(f"state/people/people/{name}" for name in ("log/0", "log/head", "receipts/", "catalog")))
        return [key for key in self.all_keys() if key not in known and not key.startswith(ours)]


@pytest.fixture
def s3_bench(bucket: Any, spark: SparkSession, tmp_path: Path) -> S3Bench:
    bench = S3Bench(tmp_path, spark)
    bench.feed(target__catalog={"database": "refined", "table": "people"})
    return bench


def test_run_rewrite_and_catalog(s3_bench: S3Bench) -> None:
    bench = s3_bench
    bench.put("a b+c:d.csv", "id,name\n1,a\nx,dirty\n")
    bench.put("odd//name.csv", "id,name\n", day="05")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "odd//name.csv: its name is not a valid Hadoop path" in receipt["error"]
    assert (receipt["status"], receipt["catalog"]) == ("committed", "refined.people")
    assert bench.rows() == [(1, "a")]
    assert bench.strays() == []

    bench.put("a b+c:d.csv", "id,name\n2,b\n")
    bench.put("d.csv", "id,name\n3,d\n", day="02")
    bench.run()
    assert bench.rows() == [(2, "b"), (3, "d")]
    assert [key for key in bench.all_keys() if key.startswith("quarantine/")] == []
    assert bench.strays() == []
    glue = boto3.client("glue")
    table = glue.get_table(DatabaseName="refined", Name="people")["Table"]
    assert table["StorageDescriptor"]["Location"] == f"{bench.uri}/refined/people/"
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint"),
        ("name", "string"),
    ]
    partitions = glue.get_partitions(DatabaseName="refined", TableName="people")["Partitions"]
    assert sorted(partition["Values"] for partition in partitions) == [["2026", "08", "01"], ["2026", "08", "02"]]


class CatalogView:
    """The catalog entry of the table, and foreign additions to it."""

    def __init__(self) -> None:
        self.glue = boto3.client("glue")
        self.others: list[Any] = [None, None, None]

    @property
    def table(self) -> dict[str, Any]:
        table: dict[str, Any] = self.glue.get_table(DatabaseName="laws", Name="people")["Table"]
        return table

    @property
    def partitions(self) -> dict[str, tuple[str, dict[str, str]]]:
        partitions = self.glue.get_partitions(DatabaseName="laws", TableName="people")["Partitions"]
        return {
            "/".join(partition["Values"]): (
                partition["StorageDescriptor"]["Location"],
                {column["Name"]: column["Type"] for column in partition["StorageDescriptor"]["Columns"]},
            )
            for partition in partitions
        }

    def versions(self) -> int:
        return len(self.glue.get_table_versions(DatabaseName="laws", TableName="people")["TableVersions"])

    def describe(self) -> None:
        table = self.table
        known = ("Name", "Parameters", "StorageDescriptor", "PartitionKeys", "TableType")
        table = {name: table[name] for name in known} | {"Description": "people of the firm"}
        table["Parameters"]["projection.enabled"] = "false"
        table["StorageDescriptor"]["Columns"][0]["Comment"] = "who"
        self.glue.update_table(DatabaseName="laws", TableInput=table)
        self.others = ["people of the firm", "false", "who"]

    def agrees(self, path: str, keys: list[str], columns: dict[str, str], *partitions: str) -> None:
        table, root = self.table, f"{S3Bench.uri}/refined/{path}/"
        storage = table["StorageDescriptor"]
        assert storage["Location"] == root
        assert {column["Name"]: column["Type"] for column in storage["Columns"]} == columns
        assert [key["Name"] for key in table["PartitionKeys"]] == keys
        assert self.partitions == {
            "/".join(part.split("=")[1] for part in partition.split("/")): (f"{root}{partition}/", columns)
            for partition in partitions
        }
        others = [table.get("Description"), table["Parameters"].get("projection.enabled")]
        assert [*others, storage["Columns"][0].get("Comment")] == self.others


def test_the_catalog_agrees_with_the_files_after_changes_of_the_feed(s3_bench: S3Bench) -> None:
    bench, view, catalog = s3_bench, CatalogView(), {"database": "Laws", "table": "people"}
    longs, texts = {"id": "bigint", "name": "string"}, {"id": "string", "name": "string"}
    keys, first, second = ["year", "month", "day"], "year=2026/month=08/day=01", "year=2026/month=08/day=02"
    bench.feed(target__catalog=catalog)
    bench.put("a.csv", "id,name\n1,a\n")
    assert bench.run()["catalog"] == "laws.people"
    view.agrees("people", keys, longs, first)
    view.describe()
    versions = view.versions()
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    bench.run()
    view.agrees("people", keys, longs, first, second)
    assert view.versions() == versions

    bench.feed(target__catalog=catalog, source__columns=texts)
    answer = bench.command("run")
    assert answer.exit_code == 2
    assert answer.last_line.startswith("error: column id is bigint in the table and string in the feed; run `rebuild`")
    view.agrees("people", keys, longs, first, second)
    assert bench.run(verb="rebuild")["exit_code"] == 0
    view.agrees("people", keys, texts, first, second)

    bench.feed(target__catalog=catalog, target__path="refined/persons/")
    answer = bench.command("run")
    assert answer.exit_code == 2
    assert answer.last_line.startswith("error: the table's layout is refined/people/ by year/month/day of the source")
    assert answer.last_line.endswith("run `rebuild` to rebuild the whole table")
    view.agrees("people", keys, texts, first, second)
    answer = bench.command("rebuild", "--json")
    assert (answer.exit_code, answer.data[0]["catalog"]) == (0, "laws.people")
    assert answer.last_line.startswith("warning: the former table with layout refined/people/ by year")
    view.agrees("persons", keys, longs, first, second)

    bench.feed(target__catalog=catalog, target__path="refined/persons/", target__partition_by=["year"])
    assert bench.run(verb="rebuild")["exit_code"] == 0
    view.agrees("persons", ["year"], longs, "year=2026")


@pytest.mark.parametrize(
    ("stage", "nth"),
    [
        pytest.param("read", 1, id="after-the-plan"),
        pytest.param("check", 1, id="before-the-outcome"),
        pytest.param("committed", 1, id="after-the-outcome"),
        pytest.param("move", 2, id="in-the-middle-of-publish"),
        pytest.param("remove", 1, id="before-the-old-files-are-removed"),
        pytest.param("catalog", 1, id="before-the-catalog-is-updated"),
    ],
)
def test_killed_and_rerun(s3_bench: S3Bench, stage: str, nth: int) -> None:
    bench = s3_bench
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    bench.put("a.csv", "id,name\n2,rewritten\nx,dirty\n")
    bench.put("b.csv", "id,name\n3,b\n", day="02")
    process = killed("SIGKILL", stage, nth, "run", "people", "--lake", bench.uri, "--config", str(bench.root / "conf"))
    assert process.wait(120) == -signal.SIGKILL
    bench.put("c.csv", "id,name\n4,c\n", day="02")
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(2, "rewritten"), (3, "b"), (4, "c")]
    assert bench.strays() == []
    status = bench.command("status", "--json").data[0]
    assert (status["last_batch"]["number"], status["open_batch"], status["quarantined_rows"]) == (3, None, 1)
    partitions = boto3.client("glue").get_partitions(DatabaseName="refined", TableName="people")["Partitions"]
    assert len(partitions) == 2


def test_an_object_archived_after_its_commit_stays_committed(s3_bench: S3Bench) -> None:
    bench = s3_bench
    key = str(bench.put("a.csv", "id,name\n1,a\n"))
    bench.run()
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"id,name\n1,a\n", StorageClass="GLACIER")
    assert bench.run()["status"] == "nothing_new"
    bench.put("b.csv", "id,name\n2,b\n")
    bench.put("c.csv", "id,name\n3,c\n", day="02")
    receipt = bench.run()
    path = key.removeprefix("some/lake/")
    assert (receipt["exit_code"], receipt["refused"]) == (3, {path: "it is archived; restore it first"})
    assert bench.rows() == [(1, "a"), (3, "c")], "the partition that needs it is unchanged"
    boto3.client("s3").restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        pytest.param(["run"], "PutObject of s3://no-such-bucket/state/people/people/lease", id="run"),
        pytest.param(
            ["receipt", "--run", "x"],
            "GetObject of s3://no-such-bucket/state/people/people/receipts/x.json",
            id="receipt-of-a-run",
        ),
    ],
)
def test_no_such_bucket(aws: None, s3_bench: S3Bench, arguments: list[str], request_: str) -> None:
    """The first request says so, which writes nothing but its own object."""
    verb, *options = arguments
    answer = command(verb, "people", "--lake", "s3://no-such-bucket", "--config", str(s3_bench.root / "conf"), *options)
    assert answer.exit_code == 2
    assert answer.last_line == f"error: no such lake: bucket no-such-bucket does not exist ({request_})"


def test_an_unreachable_server(s3_bench: S3Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("lakewright.aws.outages.PATIENCE_SECONDS", 1)
    answer = s3_bench.command("status")
    assert answer.exit_code == 5
    assert answer.last_line.startswith(f"error: S3 could not be reached: bucket {BUCKET} has not answered")


def test_feeds_in_s3(s3_bench: S3Bench) -> None:
    feed = (s3_bench.root / "conf/feeds/people.yaml").read_bytes()
    boto3.client("s3").put_object(Bucket=BUCKET, Key="conf/feeds/people.yaml", Body=feed)
    s3_bench.put("a.csv", "id,name\n1,a\n")
    answer = command("plan", "people", "--lake", s3_bench.uri, "--config", f"s3://{BUCKET}/conf", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.data[0]["partitions"] == ["year=2026/month=08/day=01"]
    unknown = command("plan", "peeple", "--lake", s3_bench.uri, "--config", f"s3://{BUCKET}/conf")
    assert "did you mean 'people'?" in unknown.last_line


def test_workers_read_objects_that_spark_would_misread(s3_bench: S3Bench) -> None:
    bench = s3_bench
    bench.feed(source__hidden="read")
    bench.put("_a.csv", "id,name\n1,hidden\n")
    bench.put("b+c d.csv", 'id,name\n2,"x"y\n3,"c"\n', day="02")
    bench.put("cut.csv.gz", gzip.compress(b"id,name\n4,d\n")[:-1], day="03")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert list(receipt["refused"].values()) == ["damaged gzip: it is truncated"]
    assert bench.rows() == [(1, "hidden"), (3, "c")]
    assert receipt["rules"] == {"quote": 1}
    assert bench.strays() == []


def test_an_object_costs_few_requests(s3_bench: S3Bench, requests: Counter[str]) -> None:
    """Counted for objects of a partition each, apart from what a run costs whatever its objects."""
    bench, counted = s3_bench, []
    bench.feed()
    for days in (range(1, 2), range(2, 22)):
        for day in days:
            bench.put("a.csv", "id,name\n1,a\n2,b\n", day=f"{day:02}")
        requests.clear()
        receipt = bench.run("--engine", "local")
        assert (receipt["exit_code"], receipt["counts"]["written"]) == (0, 2 * len(days))
        counted.append(requests.total())
    per_object = (counted[1] - counted[0]) / 19
    assert per_object <= 6, requests
