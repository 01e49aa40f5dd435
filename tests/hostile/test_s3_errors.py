"""Errors of S3 name bucket and key."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.conftest import command
from tests.faults.conftest import BUCKET, direct, proxy, session_proxy  # noqa: F401 - fixtures
from tests.faults.fault_proxy import Fault, FaultProxy
from tests.faults.faulty_runs import CASES, Faulty
from tests.hostile.cases import report

pytestmark = pytest.mark.slow

DENIED = {"status": 403, "code": "AccessDenied"}
ARCHIVED = {"status": 403, "code": "InvalidObjectState"}
NO_KEY = {"status": 400, "code": "KMS.DisabledException"}
PEOPLE = "raw/people/year=2026/month=08/day=01/a.csv"
UPLOAD = "landing/a.json"
EVENTS = "raw/topics/t/year=2026/month=08/day=01/t+0+0000000000.json"
ODD_KEY = r"t(\+|%2B)0(\+|%2B)0000000000"


@pytest.mark.parametrize(
    ("job", "fault", "exit_codes", "words"),
    [
        pytest.param("csv_to_parquet", Fault("status", "GET .*list-type", **DENIED), (5,), (BUCKET,), id="a-denied-listing-names-the-bucket"),
        pytest.param("csv_to_parquet", Fault("status", "GET .*a.csv", **DENIED), (5,), (BUCKET, PEOPLE), id="a-denied-csv-object-is-named"),
        pytest.param("csv_to_parquet", Fault("status", "GET .*a.csv", **NO_KEY), (5,), (BUCKET, PEOPLE, "KMS"), id="a-csv-object-without-its-KMS-key-is-named"),
        pytest.param("csv_to_parquet", Fault("status", "GET .*a.csv", **ARCHIVED), (3,), (PEOPLE, "archived; restore it first"), id="an-archived-csv-object-is-named"),
        pytest.param("csv_to_parquet", Fault("status", "(PUT|COPY|POST) .*/refined/", **DENIED), (5,), (BUCKET, "refined/"), id="a-table-that-may-not-be-written-is-named"),
        pytest.param("csv_to_parquet", Fault("status", "PUT .*/state/", **DENIED), (5,), (BUCKET, "state/"), id="a-state-that-may-not-be-written-is-named"),
        pytest.param("csv_to_parquet", Fault("status", "POST .*delete", **DENIED), (5,), (f"s3://{BUCKET}/lake/refined/_staging/",), id="files-that-may-not-be-deleted-are-named"),
        pytest.param("json_scrub", Fault("status", "GET .*landing/a.json", **DENIED), (5,), (BUCKET, UPLOAD), id="an-upload-that-is-denied-is-named"),
        pytest.param("json_scrub", Fault("status", "PUT .*landing/a.json", **DENIED), (5,), (BUCKET, UPLOAD), id="an-upload-that-may-not-be-replaced-is-named"),
        pytest.param("json_scrub", Fault("status", "GET .*landing/a.json", **NO_KEY), (5,), (BUCKET, UPLOAD, "KMS"), id="an-upload-without-its-KMS-key-is-named"),
        pytest.param("flatten_events", Fault("status", f"GET .*{ODD_KEY}", **DENIED), (5,), (BUCKET, EVENTS), id="an-event-object-that-is-denied-is-named"),
        pytest.param("flatten_events", Fault("status", f"GET .*{ODD_KEY}", **ARCHIVED), (3,), (EVENTS, "archived; restore it first"), id="an-event-object-that-is-archived-is-named"),
        pytest.param("cdc_to_hudi", Fault("status", "GET .*LOAD00000001", **DENIED), (5,), (BUCKET, "raw/hr/employees/LOAD00000001.parquet"), id="a-load-that-is-denied-is-named"),
    ],
)  # fmt: skip
def test_what_S3_refuses_is_named(  # noqa: N802
    proxy: FaultProxy,  # noqa: F811
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    job: str,
    fault: Fault,
    exit_codes: tuple[int, ...],
    words: tuple[str, ...],
) -> None:
    # Spark's Python workers inherit the environment of a JVM that started earlier.
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": proxy.url}
    monkeypatch.setattr(spark.sparkContext, "environment", spark.sparkContext.environment | environment)
    faulty = Faulty(CASES[job], proxy, direct(proxy), BUCKET, tmp_path)
    faulty.deliver(faulty.case.first)
    proxy.reset(fault)
    answer = command(*faulty.arguments())
    report("expected", f"exit code {exit_codes}, mentions {words}")
    report("actual", f"exit code {answer.exit_code}: {answer.last_line}")
    assert fault.hits > 0
    assert answer.exit_code in exit_codes, answer.stderr
    missing = [word for word in words if word.casefold() not in answer.stderr.casefold()]
    assert not missing, answer.stderr
    proxy.reset()
    assert command(*faulty.arguments()).exit_code == 0
