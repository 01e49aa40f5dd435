"""The CSV pipeline from landing to archive: the real state machine, functions, and job runs in processes."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.checks.calls import normalised, read_calls
from lakewright.runs.lease import Lease
from lakewright.storage.uris import open_lake
from tests.conftest import ROOT
from tests.e2e.pipeline.function_process import PAGE_OBJECTS
from tests.e2e.pipeline.stack import LAKE, Stack

pytestmark = pytest.mark.slow

WORKED_EXAMPLE = ROOT / "examples/raw/customers/year=2019/month=08/day=21/customers_20190821.csv"
EXPECTED = ROOT / "examples/walkthroughs/customers/day.csv"
HEADER = "email_id,retailer_name,units_purchased,purchase_date,sale_id\n"


def sales(*numbers: int, units: str = "1") -> str:
    return HEADER + "".join(f"a@example.org,Shop,{units},01/09/2019,s-{number}\n" for number in numbers)


def ids(stack: Stack, day: str) -> list[str]:
    return [row["sale_id"] for row in stack.rows(day)]


def statuses(stack: Stack, key: str) -> list[str]:
    return [execution["status"] for execution in stack.executions(key)]


def test_the_worked_example_goes_from_landing_through_raw_and_refined_to_the_archive(stack: Stack) -> None:
    stack.upload("landing/customers_20190821.csv", WORKED_EXAMPLE.read_bytes())
    stack.run()
    (execution,) = stack.executions("landing/customers_20190821.csv")
    assert execution["status"] == "SUCCEEDED", (execution["error"], execution["cause"])
    assert execution["name"].startswith("2019-08-21-")
    day = "year=2019/month=08/day=21"
    assert stack.keys("landing/") == []
    assert stack.keys("archive/") == ["archive/2019-08-21/customers_20190821.csv"]
    assert stack.keys("raw/") == [f"raw/customers/{day}/customers_20190821.csv"]
    assert stack.body("archive/2019-08-21/customers_20190821.csv") == WORKED_EXAMPLE.read_bytes()
    with EXPECTED.open() as lines:
        expected = [{name: row[name] for name in HEADER.strip().split(",")} for row in csv.DictReader(lines)]
    shown = [
        {name: "null" if value is None else str(value) for name, value in row.items()}
        for row in stack.rows("2019-08-21")
    ]
    assert shown == expected
    assert stack.partitions("raw") == stack.partitions("refined") == [["2019", "08", "21"]]
    (run,) = stack.job_runs(execution)
    assert run["JobRunState"] == "SUCCEEDED"
    (receipt,) = stack.receipts(execution)
    assert receipt["counts"]["read"] == 7
    runtime = receipt["runtime"]
    assert (runtime["platform"], runtime["worker_type"], runtime["workers"]) == ("glue", "G.1X", 2)
    assert receipt["cost"]["items"][0]["what"] == "Glue"
    assert stack.notices() == []


def test_a_job_that_dies_is_run_again(stack: Stack) -> None:
    stack.faults.add("job dies at start")
    stack.upload("landing/customers_20190901.csv", sales(1))
    stack.run()
    (execution,) = stack.executions("landing/customers_20190901.csv")
    assert execution["status"] == "SUCCEEDED"
    assert [run["JobRunState"] for run in stack.job_runs(execution)] == ["FAILED", "SUCCEEDED"]
    assert stack.keys("archive/2019-09-01/") == ["archive/2019-09-01/customers_20190901.csv"]


def test_what_a_job_committed_before_it_died_is_archived(stack: Stack) -> None:
    stack.faults.add("job dies after its commit")
    stack.upload("landing/customers_20190902.csv", sales(1))
    stack.run()
    (execution,) = stack.executions("landing/customers_20190902.csv")
    assert execution["status"] == "SUCCEEDED"
    assert [run["JobRunState"] for run in stack.job_runs(execution)] == ["FAILED"]
    assert ids(stack, "2019-09-02") == ["s-1"]
    assert stack.keys("archive/2019-09-02/") == ["archive/2019-09-02/customers_20190902.csv"]


def test_refused_data_ends_in_a_notice_and_is_loaded_when_uploaded_again_after_the_cause_is_mended(
    stack: Stack,
) -> None:
    key, refused = "landing/customers_20190903.csv", sales(1) + "a@example.org,Shop,many,01/09/2019,s-2\n"
    stack.upload(key, refused)
    stack.run()
    (execution,) = stack.executions(key)
    assert (execution["status"], execution["error"]) == ("FAILED", "NotLoaded")
    assert len(stack.job_runs(execution)) == 1, "a rerun would not help"
    ((subject, text),) = stack.notices()
    (receipt,) = stack.receipts(execution)
    assert receipt["error"] in text
    assert "customers" in subject
    assert stack.keys("landing/") == [key]
    assert stack.keys("archive/2019-09-03/") == []
    assert ids(stack, "2019-09-03") == []

    stack.configure(max_rejected=1.0)
    stack.upload(key, refused)
    stack.run()
    stack.configure()
    assert statuses(stack, key) == ["FAILED", "SUCCEEDED"], "the same bytes, uploaded again, have another execution"
    assert ids(stack, "2019-09-03") == ["s-1"]
    assert stack.keys("landing/") == []


def test_an_event_that_is_delivered_twice_starts_one_execution(stack: Stack) -> None:
    stack.upload("landing/customers_20190904.csv", sales(1))
    stack.deliver(twice=True)
    stack.run()
    assert statuses(stack, "landing/customers_20190904.csv") == ["SUCCEEDED"]
    assert ids(stack, "2019-09-04") == ["s-1"]


def test_two_files_of_a_day_at_once_are_both_loaded(stack: Stack) -> None:
    keys = ["landing/customers_20190905-1.csv", "landing/customers_20190905-2.csv"]
    for number, key in enumerate(keys):
        stack.upload(key, sales(number))
    stack.run()
    assert [statuses(stack, key) for key in keys] == [["SUCCEEDED"], ["SUCCEEDED"]]
    assert ids(stack, "2019-09-05") == ["s-0", "s-1"]
    assert stack.keys("landing/") == []
    assert len(stack.keys("archive/2019-09-05/")) == 2


def test_objects_are_copied_and_archived_in_pages(stack: Stack) -> None:
    keys = [f"landing/customers_20190918-{number}.csv" for number in range(2 * PAGE_OBJECTS + 1)]
    etags = [stack.upload(key, sales(number)) for number, key in enumerate(keys)]
    stack.discard_events()
    stack.start("by-hand", "2019-09-18", dict(zip(keys, etags, strict=True)))
    stack.run()
    assert statuses(stack, keys[-1]) == ["SUCCEEDED"]
    assert len(ids(stack, "2019-09-18")) == len(stack.keys("archive/2019-09-18/")) == len(keys)
    assert stack.keys("landing/") == []


def test_what_arrives_during_archiving_stays_until_its_own_execution(stack: Stack) -> None:
    key, other = "landing/customers_20190906.csv", "landing/customers_20190907.csv"
    stack.hold("ArchiveObjects")
    stack.upload(key, sales(1))
    stack.deliver()
    stack.wait_for("ArchiveObjects")
    stack.upload(other, sales(2))
    stack.upload(key, sales(1, 3))
    stack.release("ArchiveObjects")
    stack.wait(lambda: statuses(stack, key) == ["SUCCEEDED"])
    assert stack.keys("landing/") == [key, other]
    assert stack.body(key).decode() == sales(1, 3)
    stack.run()
    assert statuses(stack, key) == ["SUCCEEDED", "SUCCEEDED"]
    assert ids(stack, "2019-09-06") == ["s-1", "s-3"]
    assert ids(stack, "2019-09-07") == ["s-2"]
    assert stack.keys("landing/") == []
    assert stack.body("archive/2019-09-06/customers_20190906.csv").decode() == sales(1, 3)


@pytest.mark.parametrize("function", ["CheckCopy", "ArchiveObjects"])
def test_a_stopped_execution_can_be_repeated(stack: Stack, function: str) -> None:
    day = {"CheckCopy": "2019-09-08", "ArchiveObjects": "2019-09-09"}[function]
    key = f"landing/customers_{day.replace('-', '')}.csv"
    stack.hold(function)
    stack.upload(key, sales(1, 2))
    stack.deliver()
    stack.wait_for(function)
    stack.stop_executions()
    stack.release(function)
    stack.upload(key, sales(1, 2))
    stack.run()
    assert statuses(stack, key) == ["ABORTED", "SUCCEEDED"]
    loaded, repeated = stack.executions(key)
    assert len(stack.job_runs(loaded) + stack.job_runs(repeated)) == 1, "what is in the table needs no job"
    assert ids(stack, day) == ["s-1", "s-2"]
    assert stack.keys("landing/") == []


def test_keys_may_have_any_characters(stack: Stack) -> None:
    name = "customers_20190910 a+b 100%2F&?#;=é文.csv"
    stack.upload(f"landing/{name}", sales(1))
    stack.run()
    assert statuses(stack, f"landing/{name}") == ["SUCCEEDED"]
    assert stack.keys("raw/customers/year=2019/month=09/day=10/") == [f"raw/customers/year=2019/month=09/day=10/{name}"]
    assert stack.keys("archive/2019-09-10/") == [f"archive/2019-09-10/{name}"]
    assert stack.keys("landing/") == []
    assert ids(stack, "2019-09-10") == ["s-1"]


@contextmanager
def lease_of_another_run(stack: Stack) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", stack.endpoint)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with Lease(open_lake(f"s3://{LAKE}"), "state/customers/customers/", run="another", seconds=2):
            yield


def test_an_execution_waits_while_another_run_holds_the_table(stack: Stack) -> None:
    key = "landing/customers_20190912.csv"
    with lease_of_another_run(stack):
        stack.upload(key, sales(1))
        stack.deliver()
        (execution,) = stack.executions(key)
        stack.wait(lambda: [run["JobRunState"] for run in stack.job_runs(execution)] == ["FAILED"])
    stack.run()
    assert statuses(stack, key) == ["SUCCEEDED"]
    assert [receipt["exit_code"] for receipt in stack.receipts(execution)] in ([4, 0], [4, 4, 0])
    assert ids(stack, "2019-09-12") == ["s-1"]
    assert stack.notices() == []


def test_an_object_deleted_before_its_copy_ends_in_a_notice_and_starts_no_job(stack: Stack) -> None:
    key = "landing/customers_20190913.csv"
    stack.hold("CopyObjects")
    stack.upload(key, sales(1))
    stack.deliver()
    stack.wait_for("CopyObjects")
    stack.s3.delete_object(Bucket=LAKE, Key=key)
    stack.release("CopyObjects")
    stack.run()
    (execution,) = stack.executions(key)
    assert (execution["status"], execution["error"]) == ("FAILED", "CopyIncomplete")
    assert stack.job_runs(execution) == []
    ((_, text),) = stack.notices()
    assert "deleted from landing" in text
    assert stack.keys("archive/2019-09-13/") == []


@pytest.mark.parametrize("state", ["STOPPED", "TIMEOUT"])
def test_a_job_that_is_stopped_is_not_run_again(stack: Stack, state: str) -> None:
    key = "landing/customers_20190914.csv"
    stack.hold("job process")
    etag = stack.upload(key, sales(1))
    stack.deliver()
    stack.wait_for("job process")
    execution = stack.executions(key)[-1]
    (run,) = stack.job_runs(execution)
    if state == "STOPPED":
        stack.glue.batch_stop_job_run(JobName=stack.job, JobRunIds=[run["Id"]])
    else:
        stack.faults.add("job times out")
    stack.run()
    execution = stack.executions(key)[-1]
    assert (execution["status"], execution["error"]) == ("FAILED", "JobStopped")
    assert [run["JobRunState"] for run in stack.job_runs(execution)] == [state]
    ((_, text),) = stack.notices()
    assert "The job run was stopped or timed out before it committed." in text
    assert stack.s3.head_object(Bucket=LAKE, Key=key)["ETag"] == etag
    stack.s3.delete_object(Bucket=LAKE, Key=key)


def test_a_catalog_that_fails_does_not_block_the_data(stack: Stack) -> None:
    key = "landing/customers_20190915.csv"
    stack.fail("ReflectPartitions")
    stack.upload(key, sales(1))
    stack.run()
    (execution,) = stack.executions(key)
    assert (execution["status"], execution["error"]) == ("FAILED", "CatalogBehind")
    assert ids(stack, "2019-09-15") == ["s-1"]
    assert stack.keys("landing/") == []
    ((_, text),) = stack.notices()
    assert "catalog" in text


def test_a_notice_is_sent_even_if_its_function_fails(stack: Stack) -> None:
    key = "landing/customers_20190916.csv"
    stack.fail("CopyObjects")
    stack.fail("Notice")
    stack.upload(key, sales(1))
    stack.run()
    (execution,) = stack.executions(key)
    assert (execution["status"], execution["error"]) == ("FAILED", "Fault")
    ((subject, text),) = stack.notices()
    assert subject == "csv_to_parquet failed"
    assert execution["name"] in text
    assert "CopyObjects fails in this test" in text
    stack.s3.delete_object(Bucket=LAKE, Key=key)


def test_other_objects_start_nothing(stack: Stack) -> None:
    stack.upload("landing/notes.txt", "x")
    stack.run()
    assert stack.executions("landing/notes.txt") == []
    assert stack.keys("landing/") == ["landing/notes.txt"]
    stack.s3.delete_object(Bucket=LAKE, Key="landing/notes.txt")


@pytest.mark.needs_s3a
def test_the_job_on_spark_loads_the_same(stack: Stack) -> None:
    key = "landing/customers_20190917.csv"
    stack.faults.add("job on Spark")
    stack.upload(key, sales(1, 2))
    stack.run()
    (execution,) = stack.executions(key)
    assert execution["status"] == "SUCCEEDED"
    (receipt,) = stack.receipts(execution)
    assert receipt["engine"]["name"] == "spark"
    assert ids(stack, "2019-09-17") == ["s-1", "s-2"]


def test_the_roles_are_checked_for_every_call_of_the_tests_above(stack: Stack) -> None:
    made = set(normalised(read_calls(stack.calls)))
    assert made - set(read_calls()) == set(), f"write them anew: python -m deploy.checks.calls {stack.calls}"
