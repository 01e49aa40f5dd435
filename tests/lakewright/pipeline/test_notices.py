"""The notice: its sentence comes from the receipt, or else from the state machine, and never has values or arguments."""

import json
from typing import Any

import pytest

from lakewright.log.records import Counts
from lakewright.pipeline.notices import notice
from lakewright.runs.receipts import Receipt, write_receipt
from lakewright.storage.uris import open_lake
from tests.lakewright.pipeline.conftest import BUCKET, KEY

LAKE = f"s3://{BUCKET}"
RUN = "20261127T003403185308Z-d06959c0"
STATE = {
    "feed": "customers",
    "bucket": BUCKET,
    "lake": LAKE,
    "year": "2019",
    "month": "08",
    "day": "21",
    "objects": [{"key": KEY, "etag": "e", "size": 5}],
    "event_time": "2019-08-21T01:02:03.000Z",
    "execution": "2019-08-21-abc",
}
FAILED_JOB = {
    "Error": "States.TaskFailed",
    "Cause": json.dumps({"JobRunState": "FAILED", "ErrorMessage": "boom", "Arguments": {"--set": "token=secret"}}),
}


def write(**more: Any) -> None:
    known = {"feed": "customers", "target": "customers", "job": "csv_to_parquet", "verb": "run", "started": ""}
    receipt = Receipt(run=RUN, execution="2019-08-21-abc", **known, **more)
    write_receipt(open_lake(LAKE), "state/customers/customers/", receipt)


def test_a_refused_batch(bucket: Any) -> None:
    write(
        status="refused",
        exit_code=3,
        error="3 of 7 rows rejected, above max_rejected 0.3; nothing was published (units_purchased: type (3))",
        counts=Counts(read=7, rejected=3, withheld=4),
        rules={"units_purchased: type": 3},
        batches=[{"number": 4, "status": "dropped", "reason": "too many rejected rows"}],
    )
    assert notice(STATE | {"error": FAILED_JOB}) == {
        "subject": "lakewright: feed customers, 2019-08-21: refused, exit code 3",
        "message": "\n".join(
            [
                "Execution 2019-08-21-abc of feed customers, 2019-08-21 has failed.",
                "customers: 3 of 7 rows rejected, above max_rejected 0.3; nothing was published "
                "(units_purchased: type (3))",
                "Batch 4: dropped, too many rejected rows",
                "Rows: 7 read, 3 rejected, 4 withheld",
                "Rules: units_purchased: type (3)",
                f"Receipt: {LAKE}/state/customers/customers/receipts/{RUN}.json",
                f"Object: {KEY}",
            ]
        ),
    }


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        pytest.param({"error": FAILED_JOB}, "States.TaskFailed: FAILED: boom", id="a job killed before its receipt"),
        pytest.param(
            {"error": {"Error": "ConfigError", "Cause": '{"errorMessage": "bad", "errorType": "ConfigError"}'}},
            "ConfigError: ConfigError: bad",
            id="a Lambda",
        ),
        pytest.param({"error": {"Error": "States.Timeout", "Cause": ""}}, "States.Timeout", id="a time-out"),
        pytest.param(
            {"error": {"Error": "Glue.X", "Cause": "Rate exceeded\nmore"}}, "Glue.X: Rate exceeded", id="a plain text"
        ),
        pytest.param({"error": {"Error": "E", "Cause": "[1]"}}, "E", id="other JSON"),
        pytest.param({}, "The state machine gave no error.", id="no error"),
    ],
)
def test_without_a_receipt_the_state_machine_says_what_failed(
    bucket: Any, state: dict[str, Any], sentence: str
) -> None:
    told = notice(STATE | state)
    assert told["subject"] == "lakewright: feed customers, 2019-08-21: failed without a receipt"
    assert told["message"].split("\n")[1:3] == [sentence, "No run of this execution has written a receipt."]
    assert "secret" not in str(told)


def test_a_failure_after_the_job(bucket: Any) -> None:
    write(status="committed", counts=Counts(read=7, written=7))
    told = notice(STATE | {"error": {"Error": "CopyDiffersError", "Cause": '{"errorMessage": "differs"}'}})
    assert told["subject"] == "lakewright: feed customers, 2019-08-21: failed after the job"
    assert "CopyDiffersError: differs\nThe last run of the job ended as committed.\n" in told["message"]


HELD = {"status": "failed", "exit_code": 4, "error": "another run holds customers"}


@pytest.mark.parametrize("error", ["NotLoaded", "JobFailed", "TargetHeld", "States.TaskFailed"])
def test_the_receipt_explains_errors_of_the_run_that_wrote_it(bucket: Any, error: str) -> None:
    write(**HELD)
    told = notice(STATE | {"error": {"Error": error, "Cause": "x"}})
    assert told["subject"] == "lakewright: feed customers, 2019-08-21: failed, exit code 4"
    assert told["message"].split("\n")[1] == "customers: another run holds customers"


@pytest.mark.parametrize(
    ("error", "cause", "sentence"),
    [
        pytest.param("CopyDiffersError", '{"errorMessage": "differs"}', "CopyDiffersError: differs", id="archiving"),
        pytest.param("LandingNotClear", "1 is left", "LandingNotClear: 1 is left", id="a check"),
        pytest.param("CatalogBehind", "not updated", "CatalogBehind: not updated", id="the catalog"),
        pytest.param("JobStopped", "stopped", "JobStopped: stopped", id="a later run that was stopped"),
        pytest.param("JobBusy", "too many runs", "JobBusy: too many runs", id="a later run that was not started"),
    ],
)
def test_another_failure_after_a_held_run_comes_before_its_receipt(
    bucket: Any, error: str, cause: str, sentence: str
) -> None:
    write(**HELD)
    told = notice(STATE | {"error": {"Error": error, "Cause": cause}})
    assert told["subject"] == f"lakewright: feed customers, 2019-08-21: failed with {error}"
    assert told["message"].split("\n")[1:3] == [
        sentence,
        "The last run of the job ended as failed: another run holds customers",
    ]


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({}, id="empty"),
        pytest.param({"feed": 1, "lake": [], "objects": "x", "error": "e", "year": None}, id="of other types"),
        pytest.param(STATE | {"lake": "s3://no-such-bucket-here"}, id="a lake that does not exist"),
        pytest.param(STATE | {"event_time": "yesterday"}, id="no time"),
        pytest.param(STATE | {"lake": "ftp://x"}, id="no lake"),
    ],
)
def test_a_notice_is_written_whatever_the_input_is(bucket: Any, state: dict[str, Any]) -> None:
    told = notice(state)
    assert "failed without a receipt" in told["subject"]
    assert "has failed." in told["message"]


@pytest.mark.parametrize("feed", ["f" * 300, "Größe", "a\nb\u202e"])
def test_subjects_are_short_ascii_on_one_line(bucket: Any, feed: str) -> None:
    told = notice(STATE | {"feed": feed, "objects": [{"key": "a\nb"}] * 5})
    assert len(told["subject"]) < 100
    assert told["subject"].isascii()
    assert told["subject"].isprintable()
    assert told["message"].endswith("Object: a\\nb\nand 2 more objects")
