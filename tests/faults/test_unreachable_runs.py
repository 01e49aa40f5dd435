"""Runs that S3 fails report the first error, whatever fails afterwards; errors from Spark are classified."""

import threading
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from lakewright.aws import outages
from lakewright.config import Feed
from lakewright.engine.choice import EngineChoice
from lakewright.errors import AccessDeniedError, SourceGoneError, UnreachableError
from lakewright.log.log import Append
from lakewright.log.state import TableState
from lakewright.runs.failures import find_unreachable
from lakewright.runs.interrupts import Interrupt
from lakewright.runs.job.batch import Choice, Survey
from lakewright.runs.job.interfaces import Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import TargetJob
from lakewright.runs.lifecycle.run import Run
from lakewright.runs.progress import SilentProgress
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.faults.conftest import BUCKET
from tests.faults.fault_proxy import Fault, FaultProxy


class Surveyor:
    """Reader and sink of a job whose runs end after the survey."""

    skips_refused = True

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def check(self, state: TableState, request: Request) -> Preflight:
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        if self._error:
            raise self._error
        return Survey(Choice([], Append()))


def run(lake: Lake, surveyor: Any) -> Any:
    job = TargetJob(Feed(job="csv_to_parquet"), Target("feed", "t", "refined/t/"), surveyor, list, surveyor)
    return Run(lake, job, Request(), SilentProgress(), EngineChoice(), Interrupt())()


@pytest.fixture
def lake(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(outages, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(outages, "COOLDOWN_SECONDS", 0)
    return open_lake(f"s3://{BUCKET}/lake")


REFUSED = Fault("status", "/receipts/", status=403, code="AccessDenied")


def test_a_failed_write_of_the_receipt_does_not_hide_the_error(proxy: FaultProxy, lake: Lake) -> None:
    proxy.reset(REFUSED)
    receipt = run(lake, Surveyor(SourceGoneError("day=01", ["a.csv"])))
    assert (receipt.exit_code, receipt.status) == (3, "refused")
    assert "1 committed ones are gone, first a.csv" in receipt.error
    (warning,) = receipt.warnings
    assert f"the receipt of run {receipt.run} could not be written: S3 refused PutObject" in warning


def test_a_failed_write_of_the_receipt_is_an_error(proxy: FaultProxy, lake: Lake) -> None:
    proxy.reset(REFUSED)
    receipt = run(lake, Surveyor())
    assert receipt.exit_code == 5
    assert receipt.error.startswith(f"the receipt of run {receipt.run} could not be written: S3 refused PutObject")
    assert lake.stat("state/feed/t/lease") is None


def test_s3_is_unreachable_after_the_first_error(proxy: FaultProxy, lake: Lake) -> None:
    class Cut(Surveyor):
        def survey(self, *_: Any, **__: Any) -> NoReturn:
            proxy.reset(Fault("gone"))
            lake.read("raw/a")
            raise AssertionError

    receipt = run(lake, Cut())
    assert (receipt.exit_code, receipt.status) == (5, "failed")
    assert f"bucket {BUCKET} has not answered" in receipt.error
    assert len(receipt.warnings) == 1


@pytest.mark.slow
def test_a_bucket_that_stays_unreachable_ends_the_process(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "GRACE_SECONDS", 0.2)
    left: list[UnreachableError] = []
    called = threading.Event()

    def leave(error: UnreachableError) -> None:
        left.append(error)
        called.set()

    proxy.reset(Fault("gone"))
    with outages.bounded_outages(leave):
        with pytest.raises(UnreachableError):
            lake.read("a")
        assert called.wait(5)
    assert BUCKET in str(left[0])
    called.clear()
    with outages.bounded_outages(leave):
        assert not called.wait(1.5), "no request has failed since"
    proxy.reset()
    assert lake.create("a", b"")
    called.clear()
    with outages.bounded_outages(leave):
        assert not called.wait(1.5), "the bucket responds again"


@pytest.mark.slow
def test_an_error_response_ends_an_outage(proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "PATIENCE_SECONDS", 1)
    for _ in range(4):
        proxy.reset(Fault("status", "^GET", times=1))
        with pytest.raises(FileNotFoundError):
            lake.read("not there")
        time.sleep(0.4)


REFUSED_BY_S3 = (
    "com.amazonaws.services.s3.model.AmazonS3Exception: Forbidden (Service: Amazon S3; Status Code: 403; "
    "Error Code: 403 Forbidden; Request ID: R; S3 Extended Request ID: null)"
)


@pytest.mark.parametrize(
    ("thrown", "error", "message"),
    [
        pytest.param(
            "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed, most recent failure: "
            "java.io.IOException: re-open s3a://b/a.csv: row secret\n"
            "Caused by: com.amazonaws.SdkClientException: Unable to execute HTTP request: Connect to s3:443 failed\n"
            "\tat com.amazonaws.http.AmazonHttpClient.execute(AmazonHttpClient.java:1)\n",
            UnreachableError,
            "Spark could not reach S3: Unable to execute HTTP request: Connect to s3:443 failed",
            id="no-connection",
        ),
        pytest.param(
            "org.apache.hadoop.fs.s3a.AWSServiceThrottledException: getFileStatus on s3a://b/a: "
            "com.amazonaws.services.s3.model.AmazonS3Exception: Slow (Service: Amazon S3; Status Code: 503; Error "
            "Code: SlowDown; Request ID: R)",
            UnreachableError,
            "Status Code: 503",
            id="throttled",
        ),
        pytest.param(f"x\nCaused by: {REFUSED_BY_S3}", AccessDeniedError, "S3 refused", id="refused"),
        pytest.param(
            "java.nio.file.AccessDeniedException: s3a://b/a: getFileStatus",
            AccessDeniedError,
            "S3 refused",
            id="denied",
        ),
        pytest.param(
            "com.amazonaws.services.s3.model.AmazonS3Exception: The provided token has expired. (Service: Amazon S3; "
            "Status Code: 400; Error Code: ExpiredToken; Request ID: R)",
            AccessDeniedError,
            "token has expired",
            id="expired",
        ),
        pytest.param(REFUSED_BY_S3.replace("403", "404"), None, "", id="a-missing-object"),
        pytest.param("java.nio.file.AccessDeniedException: /data/a.csv", None, "", id="a-local-file"),
        pytest.param("java.net.SocketException: Connection reset", None, "", id="a-dead-worker"),
        pytest.param("com.amazonaws.MyException", None, "", id="only-a-class-name"),
        pytest.param("ValueError: secret", None, "", id="anything-else"),
    ],
)
def test_errors_of_s3_are_recognized_in_errors_of_spark(
    thrown: str, error: type[Exception] | None, message: str
) -> None:
    unreachable = find_unreachable(RuntimeError(thrown))
    assert type(unreachable) is (error or type(None))
    assert message in str(unreachable or "")
    assert "secret" not in str(unreachable)
