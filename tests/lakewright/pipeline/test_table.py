"""Whether an execution's objects are in the table, from the log and the receipts of real runs."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakewright.errors import ConfigError
from lakewright.log.actions.objects import TakeObjects
from lakewright.log.log import FORMAT, Append, Log, Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import Outcome
from lakewright.pipeline.execution import Execution
from lakewright.pipeline.raw import copy_objects
from lakewright.pipeline.table import check_table
from lakewright.runs.receipts import Receipt, find_receipts, last_receipt_of, write_receipt
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.conftest import ROOT, command
from tests.lakewright.pipeline.conftest import KEY, RAW, SOURCE, StrictS3, always, execution_of, put

IN_TABLE = {"in_table": True, "held": False, "rerun": False, "objects": 1, "replaced": 0, "missing": 0, "reason": ""}
FOLDER = "state/customers/customers/"
NAME = f"{RAW}customers_20190821.csv"


def check(execution: Execution) -> dict[str, Any]:
    return check_table(execution, SOURCE, "customers")


def landed(bucket: Any, strict: StrictS3, body: bytes = b"id\n1\n") -> Execution:
    """Put an object into landing and copy it to raw."""
    put(bucket, KEY, body)
    etag = bucket.meta.client.head_object(Bucket=bucket.name, Key=KEY)["ETag"].strip('"')
    execution = execution_of({"key": KEY, "etag": etag, "size": len(body)}, event_time="2019-08-21T01:02:03Z")
    copy_objects(execution, SOURCE, page=0, has_time=always)
    return execution


def commit(bucket: Any, execution: Execution, number: int = 1, target: str = "customers") -> None:
    """Write a batch with the object of raw into the log, as a run does."""
    etag = bucket.meta.client.head_object(Bucket=bucket.name, Key=NAME)["ETag"].strip('"')
    objects = [SourceObject(NAME, 5, etag)]
    log = Log(execution.lake, f"state/customers/{target}/")
    log.write_plan(Plan(FORMAT, number, "r", "csv_to_parquet", "2019-08-21", "c", objects, Append()))
    log.write_outcome(Outcome(FORMAT, number, "committed", "r", actions=[TakeObjects(objects)]))


def finish(lake: Lake, run: str, **more: Any) -> None:
    """Write the receipt of a run."""
    known = {"feed": "customers", "target": "customers", "job": "j", "verb": "run", "started": "", "execution": "e"}
    receipt = Receipt(**{"run": run, **known, **more})
    write_receipt(lake, f"state/customers/{receipt.target}/", receipt)


@pytest.mark.parametrize("has_kms", [False, True])
def test_a_committed_object_is_in_the_table(bucket: Any, strict: StrictS3, has_kms: bool) -> None:
    strict.has_kms = has_kms
    execution = landed(bucket, strict)
    assert not check(execution)["in_table"]
    commit(bucket, execution)
    assert check(execution) == IN_TABLE
    bucket.Object(KEY).delete()
    assert check(execution) == IN_TABLE


def test_the_log_of_another_target_does_not_count(bucket: Any, strict: StrictS3) -> None:
    execution = landed(bucket, strict)
    commit(bucket, execution, target="customers_before")
    assert not check(execution)["in_table"]


def test_another_version_in_the_table_does_not_count(bucket: Any, strict: StrictS3) -> None:
    commit(bucket, landed(bucket, strict))
    newer = landed(bucket, strict, b"id\n2\n")
    assert not check(newer)["in_table"]
    commit(bucket, newer, number=2)
    assert check(newer) == IN_TABLE


def test_an_object_that_a_newer_upload_replaced_needs_no_run(bucket: Any, strict: StrictS3) -> None:
    older = landed(bucket, strict)
    newer = landed(bucket, strict, b"id\n2\n")
    answer = check(older)
    assert (answer["in_table"], answer["replaced"], answer["missing"]) == (True, 1, 0)
    assert not check(newer)["in_table"]


@pytest.mark.parametrize(
    ("receipts", "held", "rerun", "reason"),
    [
        pytest.param([], False, True, "no run of this execution has written a receipt", id="killed"),
        pytest.param([{"execution": "other"}], False, True, "no run of this", id="of another execution"),
        pytest.param([{"exit_code": 4, "status": "overtaken", "error": "held"}], True, False, "held", id="held"),
        pytest.param([{"exit_code": 1, "status": "failed", "error": "x"}], False, True, "x", id="unexpected"),
        pytest.param([{"exit_code": 5, "status": "failed", "error": "x"}], False, True, "x", id="unreachable"),
        pytest.param([{"exit_code": 130, "status": "failed", "error": "x"}], False, True, "x", id="interrupted"),
        pytest.param([{"exit_code": 3, "status": "refused", "error": "x"}], False, False, "x", id="data refused"),
        pytest.param([{"exit_code": 2, "status": "failed", "error": "x\ny"}], False, False, r"x\\ny", id="config"),
        pytest.param(
            [{"status": "nothing_new"}],
            False,
            False,
            f"the run ended as nothing_new, and did not read {NAME}",
            id="idle",
        ),
        pytest.param(
            [{"exit_code": 3, "refused": {NAME: "no header"}, "error": "x"}],
            False,
            False,
            f"{NAME}: no header",
            id="the object was refused",
        ),
        pytest.param(
            [{"exit_code": 4, "error": "held"}, {"exit_code": 3, "error": "x"}],
            False,
            False,
            "x",
            id="the last decides",
        ),
    ],
)
def test_the_last_receipt_says_why_and_what_helps(
    bucket: Any, strict: StrictS3, receipts: list[dict[str, Any]], held: bool, rerun: bool, reason: str
) -> None:
    execution = landed(bucket, strict)
    for number, receipt in enumerate(receipts):
        finish(execution.lake, f"2026112{number}T000000", **receipt)
    answer = check(execution)
    assert (answer["in_table"], answer["missing"], answer["held"], answer["rerun"]) == (False, 1, held, rerun)
    assert answer["reason"].startswith(reason.replace("\\\\", "\\"))


def test_the_name_of_the_execution_is_needed(bucket: Any, strict: StrictS3) -> None:
    execution = execution_of(put(bucket, KEY), execution="")
    with pytest.raises(ConfigError, match="no name of the execution"):
        check(execution)


def test_receipts_of_an_execution_are_found_without_reading_older_ones(bucket: Any, strict: StrictS3) -> None:
    execution = execution_of(put(bucket, KEY))
    now = datetime(2026, 11, 27, 0, 30, tzinfo=UTC)
    for run in ("20261125T233000-a", "20261126T233000-b", "20261127T003000-c"):
        finish(execution.lake, run)
    finish(execution.lake, "20261127T003000-d", target="other", exit_code=3)
    finish(execution.lake, "20261127T003000-e", execution="other")

    def found(since: datetime | None) -> list[str]:
        strict.calls.clear()
        return [receipt.run for receipt in find_receipts(execution.lake, "customers", "e", since=since)]

    assert found(now) == ["20261127T003000-c", "20261127T003000-d"]
    assert strict.calls["GetObject"] == 3
    assert len(found(now - timedelta(days=1))) == 3
    assert len(found(None)) == 4
    assert found(now + timedelta(days=1)) == []
    last = last_receipt_of(execution.lake, "customers", "e")
    assert last is not None
    assert last.target == "other", "of several targets, the one that failed"
    assert last_receipt_of(execution.lake, "customers", "unknown") is None


def test_a_run_records_its_execution(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/raw/customers", tmp_path / "raw/customers")
    run = ["run", "customers", "--lake", str(tmp_path), "--config", str(ROOT / "conf"), "--json"]
    (receipt,) = command(*run, "--execution", "2019-08-21-abc").data
    assert (receipt["execution"], receipt["status"]) == ("2019-08-21-abc", "committed")
    assert command(*run).data[0]["execution"] == ""
    lake = open_lake(str(tmp_path))
    (found,) = find_receipts(lake, "customers", "2019-08-21-abc")
    assert found.run == receipt["run"]
    state, _ = Log(lake, FOLDER).read()
    assert NAME in state.objects, "check_table looks for objects by these paths"
    answer = command(*run, "--execution", "x" * 81)
    assert (answer.exit_code, answer.last_line) == (2, "error: --execution needs at most 80 characters, not 81")
