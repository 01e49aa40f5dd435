"""Buckets that require certain headers: each job must read and write with them."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from lakewright.aws.buckets import BucketOptions, use_bucket_options
from lakewright.engine.spark.session import get_session
from lakewright.storage.uris import open_lake
from tests.conftest import Answer, command
from tests.workers import start_processes

pytestmark = pytest.mark.slow

KEY_ID = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
KMS: dict[str, Any] = {"encryption": "aws:kms", "kms_key_id": KEY_ID, "bucket_key": True}
REQUESTER_PAYS: dict[str, Any] = {"requester_pays": True, **KMS}
#: S3A caches bucket settings for the lifetime of its process.
BUCKET = "guarded-bucket"
REFUSAL = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
FEEDS: dict[str, dict[str, Any]] = {
    "people": {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
        "target": {"path": "refined/people/", "fill": "append", "partition_by": ["name"]},
        "max_rejected": 1.0,
    },
    "events": {
        "job": "flatten_events",
        "source": {"path": "raw/topics/", "day": {"from": "object"}},
        "target": {"path": "refined/"},
    },
    "hr": {
        "job": "cdc_to_hudi",
        "source": {"path": "raw/hr/", "order_by": "file"},
        "target": {"path": "refined/hr/", "parallelism": 1},
        "tables": {"employees": {"key": "id"}},
    },
    "uploads": {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["x"]}},
}


class Guard:
    """A proxy that refuses requests to a bucket without the headers required by its policy."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.is_open = True
        self.served: list[str] = []
        self.refused: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        if self.is_open or not environ["PATH_INFO"].startswith(f"/{BUCKET}") or self._is_allowed(environ):
            self.served.append(request)
            return self._app(environ, start_response)
        self.refused.append(request)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(REFUSAL)))])
        return [REFUSAL]

    def demand(self, *, requester_pays: bool = False, encryption: str, kms_key_id: str | None = None, **_: Any) -> None:
        """Refuse requests without these headers from now on."""
        self.is_open, self._payer = False, "requester" if requester_pays else None
        self._encryption = (encryption, kms_key_id)

    def _is_allowed(self, environ: dict[str, Any]) -> bool:
        if environ.get("HTTP_X_AMZ_REQUEST_PAYER") != self._payer:
            return False
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        method = environ["REQUEST_METHOD"]
        writes = (method == "PUT" and not query.keys() & {"partNumber", "tagging"}) or "uploads" in query
        encryption = (
            environ.get("HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION"),
            environ.get("HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID"),
        )
        return not writes or encryption == self._encryption


@pytest.fixture
def guard(aws: None, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    guard = server._server.app = Guard(server._server.app)  # type: ignore[union-attr, assignment]
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    environment = spark.sparkContext.environment | {"AWS_ENDPOINT_URL": endpoint}
    monkeypatch.setattr(spark.sparkContext, "environment", environment)
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield guard
    use_bucket_options({})
    guard.is_open = True
    bucket.objects.all().delete()
    bucket.delete()
    server.stop()


def put_inputs() -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"Op": ["I", "I"], "id": [1, 2]}), table)
    inputs = {
        "raw/people/a.csv": b"id,name\n1,Ann\nx,Bob\n",
        "raw/topics/t/partition=0/t+0+0000.json": b'{"n": 1}\n{"n": \n',
        "raw/hr/employees/20260801-000000000.parquet": table.getvalue(),
        "landing/a.json": b'{"x": "secret"}\n',
    }
    for key, body in inputs.items():
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"lake/{key}", Body=body)


def configure(conf: Path, options: dict[str, Any]) -> None:
    (conf / "feeds").mkdir(parents=True, exist_ok=True)
    (conf / "lake.yaml").write_text(yaml.safe_dump({"buckets": {BUCKET: options}}))
    for name, feed in FEEDS.items():
        (conf / f"feeds/{name}.yaml").write_text(yaml.safe_dump(feed | {"max_rejected": 1.0}))


def run(name: str, conf: Path, *arguments: str) -> Answer:
    return command("run", name, "--lake", f"s3://{BUCKET}/lake", "--config", str(conf), "--json", *arguments)


@pytest.mark.parametrize(
    ("feeds", "options", "engine"),
    [
        # The SDK of S3A refuses aws:kms over HTTP.
        pytest.param(
            ["people", "hr"],
            {"encryption": "AES256"},
            "auto",
            id="written-by-spark-and-hudi",
            marks=[pytest.mark.needs_hudi, pytest.mark.needs_s3a],
        ),
        pytest.param(["events", "uploads"], REQUESTER_PAYS, "local", id="written-by-worker-processes"),
        pytest.param(["events", "uploads"], REQUESTER_PAYS, "spark", id="written-by-workers-of-Spark"),
    ],
)
def test_each_write_has_the_required_headers(
    guard: Guard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    feeds: list[str],
    options: dict[str, Any],
    engine: str,
) -> None:
    start_processes(monkeypatch)
    put_inputs()
    configure(tmp_path, options)
    guard.demand(**options)
    for name in feeds:
        answer = run(name, tmp_path, "--engine", engine)
        assert answer.exit_code == 0, (name, answer.stderr, guard.refused)
        (receipt,) = json.loads(answer.stdout)
        assert receipt["status"] == "committed"
    assert guard.refused == []
    guard.is_open = True
    s3 = boto3.client("s3")
    keys = [listed["Key"] for listed in s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/")["Contents"]]
    written = [key for key in keys if not key.startswith(("lake/raw/", "lake/landing/"))]
    assert {key.split("/")[1] for key in written} == {"refined", "quarantine", "state"}
    heads = {key: s3.head_object(Bucket=BUCKET, Key=key) for key in written}
    encryptions = {(head["ServerSideEncryption"], head.get("SSEKMSKeyId")) for head in heads.values()}
    assert encryptions == {(options["encryption"], options.get("kms_key_id"))}
    if "uploads" in feeds:
        assert s3.get_object(Bucket=BUCKET, Key="lake/landing/a.json")["Body"].read() == b'{"x": ""}\n'


@pytest.mark.needs_hudi
@pytest.mark.needs_s3a
def test_spark_without_requester_pays_is_reported_before_a_request_fails(guard: Guard, tmp_path: Path) -> None:
    put_inputs()
    configure(tmp_path, {"requester_pays": True, **KMS})
    guard.demand(requester_pays=True, **KMS)
    answer = run("hr", tmp_path)
    assert answer.exit_code == 2
    assert f"bucket {BUCKET} has requester_pays, which Spark's S3A supports from Hadoop 3.3.5 on" in answer.last_line
    assert guard.refused == []


def test_an_error_without_headers_names_object_and_remedy(guard: Guard, tmp_path: Path) -> None:
    put_inputs()
    configure(tmp_path, {"requester_pays": True})
    guard.demand(requester_pays=True, **KMS)
    answer = run("uploads", tmp_path)
    assert answer.exit_code == 5
    assert f"S3 refused PutObject of s3://{BUCKET}/lake/state/uploads/landing/lease" in answer.last_line
    assert "AccessDenied; check the credentials, the policies of role and bucket" in answer.last_line
    configure(tmp_path, {})
    answer = run("uploads", tmp_path)
    assert answer.exit_code == 5
    assert f"S3 refused PutObject of s3://{BUCKET}/lake/state/uploads/landing/lease" in answer.last_line
    assert "Requester Pays or demands an encryption header needs an entry in conf/lake.yaml" in answer.last_line


def test_multipart_uploads_and_moves_have_the_headers(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakewright.storage.s3._PART_BYTES", 5 << 20)
    use_bucket_options({BUCKET: BucketOptions(requester_pays=True, **KMS)})
    guard.demand(requester_pays=True, **KMS)
    lake = open_lake(f"s3://{BUCKET}/lake")
    assert lake.create("a", b"x" * (11 << 20))
    assert lake.move_all({"a": "b"}) == []
    assert any("partNumber" in request for request in guard.served)
    stat = lake.stat("b")
    assert stat is not None
    assert lake.replace("b", b"new", etag=stat.etag)
    lake.delete("b")
    assert guard.refused == []


@pytest.mark.needs_s3a
def test_spark_gets_the_options_of_buckets(spark: SparkSession) -> None:
    use_bucket_options({"some-bucket": BucketOptions(region="eu-central-1", requester_pays=True, **KMS)})
    try:
        get_session()
    finally:
        use_bucket_options({})
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    names = ("endpoint.region", "requester.pays.enabled", "encryption.algorithm", "encryption.key")
    settings = [hadoop.get(f"fs.s3a.bucket.some-bucket.{name}") for name in names]
    assert settings == ["eu-central-1", "true", "SSE-KMS", KEY_ID]
