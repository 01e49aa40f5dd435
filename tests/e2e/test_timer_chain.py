"""From upload to scrubbed, tagged object: S3 events, a table with a stream, and the Lambda handlers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
import yaml

from jobs.cli.entrypoint import run_as_script
from lakewright.errors import UnreachableError
from lakewright.storage.s3_in_place import S3InPlace
from tests.conftest import ROOT
from tests.e2e.timer_chain import TABLE, TimerChain
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow

RECORD = b'{"id": 1, "file_contents": "x"}\n'
SCRUBBED = b'{"id": 1, "file_contents": ""}\n'


@pytest.fixture
def chain(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TimerChain]:
    feed = {"job": "json_scrub", "source": {"path": "dataset/"}, "scrub": {"fields": ["file_contents"]}}
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/uploads.yaml").write_text(yaml.safe_dump(feed))
    environment = {
        "TABLE": TABLE,
        "DELAY_SECONDS": "300",
        "FEED": "uploads",
        "LAKEWRIGHT_CONFIG": str(tmp_path),
        "LAKEWRIGHT_LAKE": f"s3://{BUCKET}",
        "GLUE_JOB": "json_scrub",
        "LARGEST_BYTES": "10000",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    chain = TimerChain(BUCKET)
    yield chain
    chain.close()


def put(chain: TimerChain, key: str, body: bytes = RECORD, **more: Any) -> str:
    chain.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)
    return f"s3://{BUCKET}/{key}"


def body_and_tags(chain: TimerChain, key: str) -> tuple[bytes, dict[str, str]]:
    tags = chain.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    body = chain.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body, {tag["Key"]: tag["Value"] for tag in tags}


def test_an_upload_is_scrubbed_and_tagged(chain: TimerChain) -> None:
    keys = ["dataset/a b+c?x#y%2Fé.json", "dataset/b.json", "dataset/tagged.json"]
    paths = [put(chain, key) for key in keys[:2]] + [put(chain, keys[2], Tagging="team=a")]
    put(chain, "dataset/empty.json", b"")
    put(chain, "dataset/done.json", Tagging="PROCESSED=True")
    before = time.time()
    assert sorted(chain.deliver_uploads()) == sorted(paths)
    assert set(chain.items()) == set(paths)
    assert all(before + 299 < ttl < time.time() + 301 for ttl in chain.items().values())

    assert chain.sweep() == 0
    chain.deliver_stream()
    assert body_and_tags(chain, keys[0]) == (RECORD, {})
    assert chain.sweep(now=time.time() + 301) == 3
    chain.deliver_stream()
    assert chain.items() == {}
    assert body_and_tags(chain, keys[0]) == body_and_tags(chain, keys[1]) == (SCRUBBED, {"PROCESSED": "True"})
    assert body_and_tags(chain, keys[2]) == (SCRUBBED, {"PROCESSED": "True", "team": "a"})
    assert body_and_tags(chain, "dataset/done.json")[0] == RECORD
    assert chain.deliver_uploads() == [], "its own output is not scheduled"
    assert chain.dead_letters == []

    put(chain, keys[1], RECORD * 2)
    assert chain.deliver_uploads() == [paths[1]], "a rewritten object is scheduled again"


def test_an_upload_during_the_scrub_is_scrubbed_too(chain: TimerChain) -> None:
    put(chain, "dataset/a.json")
    chain.deliver_uploads()
    chain.sweep(now=time.time() + 301)
    replace = S3InPlace.replace
    news = iter([RECORD * 2])

    def replace_late(objects: S3InPlace, path: str, *arguments: Any, **options: Any) -> Any:
        for body in news:
            put(chain, path, body)
        return replace(objects, path, *arguments, **options)

    with mock.patch.object(S3InPlace, "replace", replace_late):
        chain.deliver_stream()
    assert body_and_tags(chain, "dataset/a.json") == (SCRUBBED * 2, {"PROCESSED": "True"})
    assert chain.deliver_uploads() == []


def test_failures_are_retried_and_then_become_dead_letters(chain: TimerChain) -> None:
    put(chain, "dataset/a.json")
    put(chain, "dataset/bad.json", b"no JSON\n")
    put(chain, "dataset/deleted.json")
    put(chain, "dataset/z.json")
    chain.deliver_uploads()
    chain.s3.delete_object(Bucket=BUCKET, Key="dataset/deleted.json")
    chain.sweep(now=time.time() + 301)
    with mock.patch.object(chain, "scrub", wraps=chain.scrub) as scrub:
        chain.deliver_stream()
    assert scrub.call_count == 3
    assert body_and_tags(chain, "dataset/a.json")[0] == body_and_tags(chain, "dataset/z.json")[0] == SCRUBBED
    assert body_and_tags(chain, "dataset/bad.json") == (b"no JSON\n", {})
    assert f"s3://{BUCKET}/dataset/bad.json" in chain.dead_paths()


def test_fields_hidden_in_strings_are_scrubbed_logged_or_refused(
    chain: TimerChain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    envelope = b'{"Message": "{\\"file_contents\\": 1}"}\n'
    scrubbed = b'{"Message": "{\\"file_contents\\": \\"\\"}"}\n'
    feed = yaml.safe_load((tmp_path / "feeds/uploads.yaml").read_text())
    for rules, body, tagged in (
        ({"verify": True}, envelope, True),
        ({"on_hidden": "refuse"}, envelope, False),
        ({"inside_strings": ["Message"], "on_hidden": "refuse"}, scrubbed, True),
    ):
        feed["scrub"] = {"fields": ["file_contents"], **rules}
        (tmp_path / "feeds/uploads.yaml").write_text(yaml.safe_dump(feed))
        put(chain, "dataset/a.json", envelope)
        chain.deliver_uploads()
        chain.sweep(now=time.time() + 301)
        chain.deliver_stream()
        assert body_and_tags(chain, "dataset/a.json") == (body, {"PROCESSED": "True"} if tagged else {}), rules
    assert list(chain.dead_paths()) == [f"s3://{BUCKET}/dataset/a.json"]
    assert "1 strings still hide fields to scrub in JSON" in caplog.text


@pytest.mark.parametrize(
    ("records", "template"),
    [("concatenated", b"%s%s"), ("array", b"[ %s,\n%s]"), ("document", b"\n%s\n"), ("lines", b"%s\n%s\n")],
)
def test_objects_are_read_in_the_framing_of_the_feed(
    chain: TimerChain, tmp_path: Path, records: str, template: bytes
) -> None:
    feed = yaml.safe_load((tmp_path / "feeds/uploads.yaml").read_text())
    feed["source"]["records"], feed["scrub"]["verify"] = records, True
    (tmp_path / "feeds/uploads.yaml").write_text(yaml.safe_dump(feed))
    body, scrubbed = (template % ((text.strip(),) * template.count(b"%s")) for text in (RECORD, SCRUBBED))
    put(chain, "uploads/a.json", body)
    put(chain, "uploads/b.json", b"[" + body)
    chain.deliver_uploads()
    chain.sweep(now=time.time() + 301)
    chain.deliver_stream()
    assert body_and_tags(chain, "uploads/a.json") == (scrubbed, {"PROCESSED": "True"})
    assert body_and_tags(chain, "uploads/b.json") == (b"[" + body, {})
    assert list(chain.dead_paths()) == [f"s3://{BUCKET}/uploads/b.json"]


def test_deletions_by_others_and_duplicate_deliveries_are_harmless(chain: TimerChain) -> None:
    path = put(chain, "dataset/a.json")
    put(chain, "dataset/b.json")
    chain.deliver_uploads()
    chain.dynamodb.delete_item(TableName=TABLE, Key={"path": {"S": path}})
    chain.sweep(now=time.time() + 301)
    events = []
    with mock.patch.object(
        chain, "scrub", side_effect=lambda event, _: events.append(event) or {"batchItemFailures": []}
    ):
        chain.deliver_stream()
    assert {record["eventName"] for record in events[0]["Records"]} == {"INSERT", "REMOVE"}
    for event in events * 2:
        assert chain.scrub(event, None) == {"batchItemFailures": []}
    assert body_and_tags(chain, "dataset/a.json") == (RECORD, {})
    assert body_and_tags(chain, "dataset/b.json") == (SCRUBBED, {"PROCESSED": "True"})


def test_a_large_object_is_passed_to_the_job(chain: TimerChain) -> None:
    glue = boto3.client("glue")
    key = "dataset/large one,[x]\x85, day=1.json"
    put(chain, key, RECORD * 1000)
    put(chain, "dataset/small.json")
    chain.deliver_uploads()
    chain.sweep(now=time.time() + 301)
    chain.deliver_stream()
    assert chain.dead_letters, "the job does not exist yet, which is a failure"
    assert body_and_tags(chain, key)[1] == {}
    assert body_and_tags(chain, "dataset/small.json")[0] == SCRUBBED

    glue.create_job(Name="json_scrub", Role="r", Command={"Name": "glueetl"})
    letter = chain.dead_paths()[f"s3://{BUCKET}/{key}"]
    assert chain.scrub({"Records": [letter]}, None) == {"batchItemFailures": []}
    (run,) = glue.get_job_runs(JobName="json_scrub")["JobRuns"]
    arguments = [word for pair in run["Arguments"].items() for word in pair]
    run_as_script("json_scrub", [*arguments, "--job-bookmark-option", "job-bookmark-disable"])
    assert body_and_tags(chain, key) == (SCRUBBED * 1000, {"PROCESSED": "True"})
    put(chain, "elsewhere/large.json", RECORD * 1000)
    outside = letter | {
        "dynamodb": {"SequenceNumber": "7", "Keys": {"path": {"S": f"s3://{BUCKET}/elsewhere/large.json"}}}
    }
    gone = letter | {"dynamodb": {"SequenceNumber": "8", "Keys": {"path": {"S": "s3://no-such-bucket/a"}}}}
    failures = chain.scrub({"Records": [outside, gone]}, None)["batchItemFailures"]
    assert sorted(failure["itemIdentifier"] for failure in failures) == ["7", "8"]
    glue.delete_job(JobName="json_scrub")


def test_an_upload_that_cannot_be_recorded_is_an_error(chain: TimerChain, monkeypatch: pytest.MonkeyPatch) -> None:
    put(chain, "dataset/a.json")
    monkeypatch.setenv("TABLE", "no-such-table")
    with pytest.raises(UnreachableError, match="1 objects were not scheduled, first s3://"):
        chain.deliver_uploads()
    monkeypatch.setenv("TABLE", TABLE)
    assert chain.schedule({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}, None) == []


@pytest.mark.parametrize("name", ["schedule_scrub", "scrub_expired"])
def test_the_lambdas_do_not_import_spark(name: str) -> None:
    script = f"""
import sys
sys.modules["pyspark"] = None
sys.path.insert(0, {str(ROOT)!r})
sys.path.insert(0, {str(ROOT / "deploy/lambdas" / name)!r})
import handler
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd="/")
