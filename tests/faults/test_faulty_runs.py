"""Every job with one fault of S3; ``make faults`` runs every job with every fault."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.conftest import command
from tests.faults.conftest import BUCKET, direct
from tests.faults.fault_proxy import Fault, FaultProxy
from tests.faults.faulty_runs import CASES, Faulty

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("job", "fault"),
    [
        pytest.param(
            "csv_to_parquet", Fault("lost", "^(PUT|COPY|POST|DELETE)", after=1, every=4), id="csv-responses-lost"
        ),
        pytest.param("flatten_events", Fault("error_body", "^(COPY|POST /.)", times=3), id="events-200-with-an-error"),
        pytest.param("json_scrub", Fault("broken", "^GET", every=3), id="scrub-bodies-interrupted"),
        pytest.param("cdc_to_hudi", Fault("status", every=9), id="cdc-slow-down"),
    ],
)
def test_a_job_survives_a_fault(
    proxy: FaultProxy, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, fault: Fault
) -> None:
    # Spark's Python workers inherit the environment of a JVM that was started before this.
    aws_variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": proxy.url}
    monkeypatch.setattr(spark.sparkContext, "environment", spark.sparkContext.environment | aws_variables)
    faulty = Faulty(CASES[job], proxy, direct(proxy), BUCKET, tmp_path)
    faulty.deliver(faulty.case.first | faulty.case.second)
    proxy.reset(fault)
    answer = command(*faulty.arguments())
    assert fault.hits > 0
    assert answer.exit_code == 0, answer.stderr
    assert faulty.is_right()
    proxy.reset()
    answer = command(*faulty.arguments())
    assert (answer.exit_code, answer.data[0]["status"]) == (0, "nothing_new")
    assert faulty.is_right()
