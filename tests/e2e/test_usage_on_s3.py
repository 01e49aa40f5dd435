"""What receipts say of requests, bytes, files and workers equals what the S3 server and the bucket have seen."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from lakewright.engine import choice
from lakewright.measuring.meters import current_meter
from tests.conftest import Answer, command
from tests.s3_server import BUCKET
from tests.served_requests import ServedRequests
from tests.suites import gxe, write_suite

pytestmark = pytest.mark.slow

#: The operations of S3's API by the server's names.
OPERATIONS = {
    "GET": "GetObject",
    "GET tags": "GetObjectTagging",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "COPY": "CopyObject",
    "LIST": "ListObjectsV2",
    "LIST versions": "ListObjectVersions",
    "DELETE": "DeleteObject",
    "DELETE keys": "DeleteObjects",
}
CSV: dict[str, Any] = {
    "job": "csv_to_parquet",
    "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
    "target": {"path": "refined/people/", "partition_by": ["year", "month", "day"]},
}
GATED: dict[str, Any] = CSV | {"gates": {"suite": "counted"}}
EVENTS: dict[str, Any] = {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}}
SCRUB: dict[str, Any] = {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["x"]}}


def put(key: str, body: str | bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"lake/{key}", Body=body)


def put_csv() -> None:
    for day in (1, 2, 3):
        put(f"raw/people/year=2026/month=08/day={day:02}/a.csv", "id,name\n1,a\nx,b\n")


def put_events() -> None:
    for topic in "tuv":
        put(f"raw/topics/{topic}/year=2026/month=08/day=01/{topic}+0+0.json.gz", gzip.compress(b'{"n":1}\n{"n":2}\n'))


def put_json() -> None:
    for number in range(3):
        put(f"landing/{number}.json", json.dumps({"x": "secret", "n": number}))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Answer]:
    def run(feed: dict[str, Any], *arguments: str) -> Answer:
        (tmp_path / "conf/feeds").mkdir(parents=True, exist_ok=True)
        write_suite(tmp_path, "counted", gxe.ExpectColumnValuesToNotBeNull(column="id"))
        (tmp_path / "conf/feeds/counted.yaml").write_text(yaml.safe_dump(feed | {"max_rejected": 1.0}))
        lake = ("--lake", f"s3://{BUCKET}/lake", "--config", str(tmp_path / "conf"))
        answer = command("run", "counted", *lake, "--json", *arguments)
        assert answer.exit_code == 0, answer.stderr
        return answer

    return run


def stored(*prefixes: str) -> tuple[int, int]:
    """Return the number and the size of the objects with these prefixes."""
    pages = (boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"lake/{prefix}") for prefix in prefixes)
    sizes = [entry["Size"] for page in pages for entry in page.get("Contents", ())]
    return len(sizes), sum(sizes)


@pytest.mark.parametrize("uses_processes", [False, True], ids=["in the driver", "in worker processes"])
@pytest.mark.parametrize(
    ("feed", "fill", "read", "written"),
    [
        pytest.param(CSV, put_csv, ["raw/"], ["refined/", "quarantine/"], id="csv, with rejected rows"),
        pytest.param(GATED, put_csv, ["raw/"], ["refined/", "quarantine/"], id="csv, judged by a gate"),
        pytest.param(EVENTS, put_events, ["raw/"], ["refined/"], id="events of three targets side by side"),
        pytest.param(SCRUB, put_json, ["landing/"], ["landing/"], id="json, in place"),
    ],
)
def test_requests_equal_those_that_the_server_has_seen(
    run: Callable[..., Answer],
    served: ServedRequests,
    monkeypatch: pytest.MonkeyPatch,
    feed: dict[str, Any],
    fill: Callable[[], None],
    read: list[str],
    written: list[str],
    uses_processes: bool,
) -> None:
    if uses_processes:
        monkeypatch.setattr(choice, "_SMALL_BYTES", 0)
    fill()
    objects_read = stored(*read)
    current_meter().take_requests()  # those of earlier tests
    for expects_batch in (True, False):
        served.requests.clear()
        receipts = run(feed, "--engine", "local").data
        counted: Counter[str] = Counter()
        for receipt in receipts:
            counted.update(receipt["usage"]["requests"])
            assert bool(receipt["batches"]) == expects_batch
            assert bool(receipt["usage"]["workers"]) == (uses_processes and expects_batch)
        assert counted == Counter({OPERATIONS[name]: count for name, count in served.count().items()})
        usages = [receipt["usage"] for receipt in receipts]
        names = (("objects_read", "bytes_read"), ("files_written", "bytes_written"))
        volumes = [
            (sum(usage[count] for usage in usages), sum(usage[size] for usage in usages)) for count, size in names
        ]
        assert volumes == ([objects_read, stored(*written)] if expects_batch else [(0, 0)] * 2)
