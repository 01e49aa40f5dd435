"""The handlers with what Lambda passes to them, one after the other, as the state machine calls them."""

import json
import logging
import runpy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lakewright.errors import ConfigError
from tests.conftest import ROOT

BUCKET = "pipeline-lake"
NAME = "customers_20190821.csv"
BODY = b"email_id,retailer_name,units_purchased,purchase_date,sale_id\na,b,1,c,d\n"
PLACES = {
    "FEED": "customers",
    "LAKEWRIGHT_LAKE": f"s3://{BUCKET}/data",
    "LAKEWRIGHT_CONFIG": str(ROOT / "conf"),
    "LANDING": "landing/",
    "ARCHIVE": "archive/",
    "RAW_DATABASE": "raw",
}
CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=256,
    invoked_function_arn="arn",
    aws_request_id="id",
    get_remaining_time_in_millis=lambda: 900_000,
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (PLACES | keys).items():
        monkeypatch.setenv(name, value)
    # Powertools makes the logger write JSON, and marks it.
    logger = logging.getLogger("lakewright").__dict__
    before = logger | {"handlers": list(logger["handlers"]), "filters": list(logger["filters"])}
    with mock_aws():
        states = boto3.client("stepfunctions").create_state_machine(
            name="csv", definition="{}", roleArn="arn:aws:iam::123456789012:role/csv"
        )
        monkeypatch.setenv("STATE_MACHINE", states["stateMachineArn"])
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        yield s3
    logger.clear()
    logger.update(before)


def call(name: str, event: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = runpy.run_path(str(ROOT / f"deploy/lambdas/{name}/handler.py"))["handler"](event, CONTEXT)
    return result


def queued(*keys: str, etag: str = "e") -> dict[str, Any]:
    bodies = [
        {
            "Records": [
                {
                    "eventName": "ObjectCreated:Put",
                    "eventTime": "2019-08-21T01:02:03.000Z",
                    "s3": {"bucket": {"name": BUCKET}, "object": {"key": key, "size": len(BODY), "eTag": etag}},
                }
            ]
        }
        for key in keys
    ]
    return {
        "Records": [
            {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def executions() -> list[dict[str, Any]]:
    states = boto3.client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
    listed = [each for page in pages for each in page["executions"]]
    return [states.describe_execution(executionArn=each["executionArn"]) for each in listed]


def test_the_functions_of_an_execution(s3: Any) -> None:
    key = f"data/landing/{NAME}"
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=BODY)["ETag"].strip('"')
    assert call("start_pipeline", queued(key, key, etag=etag)) == {"batchItemFailures": []}
    (execution,) = executions()
    state = json.loads(execution["input"]) | {"execution": execution["name"], "table": {}, "page": 0}
    assert call("copy_objects", state) == {"copied": 1, "next_page": None}
    size = len(BODY)
    complete = {"complete": True, "objects": 1, "bytes": size, "missing": 0, "replaced": 0}
    assert call("check_copy", state) == complete
    assert call("reflect_partitions", state | {"zone": "raw"}) == {"partitions": 1}
    assert call("check_table", state)["rerun"]
    assert call("reflect_partitions", state | {"zone": "refined"}) == {"partitions": 0}
    assert "has failed" in call("notice", state | {"error": {"Error": "E", "Cause": ""}})["message"]
    assert call("archive_objects", state) == {"copied": 1, "next_page": None}
    assert call("check_landing", state) == {"clear": True, "left": 0}
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        f"data/archive/2019-08-21/{NAME}",
        f"data/raw/customers/year=2019/month=08/day=21/{NAME}",
    ]


def test_of_a_batch_only_the_failed_messages_come_again(s3: Any) -> None:
    event = queued("data/landing/customers_20190230.csv", f"data/landing/{NAME}", "data/landing/orders_20190821.csv")
    event["Records"][2]["body"] = "damaged"
    failures = [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]
    assert call("start_pipeline", event) == {"batchItemFailures": failures}
    assert len(executions()) == 1
    event["Records"] = event["Records"][:1]
    assert call("start_pipeline", event) == {"batchItemFailures": failures[:1]}, "if all of them failed, too"


def test_hundreds_of_messages(s3: Any) -> None:
    keys = [f"data/landing/customers_2019{month:02d}{day:02d}.csv" for month in range(1, 11) for day in range(1, 29)]
    assert call("start_pipeline", queued(*keys)) == {"batchItemFailures": []}
    assert len(executions()) == 280


def test_messages_for_which_no_time_is_left_come_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CONTEXT, "get_remaining_time_in_millis", lambda: 10_000)
    assert call("start_pipeline", queued(f"data/landing/{NAME}")) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert executions() == []


def test_a_schedule_finds_what_events_missed(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"data/landing/{NAME}", Body=BODY)
    assert call("start_pipeline", {"scheduled": "2026-01-01T00:00:00Z"}) == {"started": []}
    (name,) = call("start_pipeline", {"scheduled": "2999-01-01T00:00:00Z"})["started"]
    assert [each["name"] for each in executions()] == [name]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  file_name: customers_{year}{month}{day}*.csv\n", "", "a pipeline needs the day of each object"),
        ("{day}", "", r"has no \{day\}"),
        ("path: raw/customers/", "path: s3://other/raw/", "a pipeline needs a source.path in the lake"),
    ],
)
def test_a_feed_without_a_pipeline_is_refused(
    s3: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, old: str, new: str, problem: str
) -> None:
    text = (ROOT / "conf/feeds/customers.yaml").read_text()
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/customers.yaml").write_text(text.replace(old, new))
    monkeypatch.setenv("LAKEWRIGHT_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match=problem):
        call("start_pipeline", queued(f"data/landing/{NAME}"))
