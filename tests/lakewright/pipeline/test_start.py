"""Which uploads start executions, and that each starts one."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.errors import ConfigError, UnreachableError
from lakewright.pipeline.execution import LandedObject, execution_name, read_execution
from lakewright.pipeline.start import Pipeline, open_pipeline
from tests.lakewright.pipeline.conftest import BUCKET, KEY, put
from transforms.errors import DataError
from transforms.object_names import compile_date_template

TIME = "2019-08-21T01:02:03.000Z"


class States:
    """Step Functions: executions by name, with errors that the next calls raise."""

    def __init__(self) -> None:
        self.inputs: dict[str, str] = {}
        self.errors: list[str] = []

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        if self.errors:
            raise ClientError({"Error": {"Code": self.errors.pop()}}, "StartExecution")
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name)
        if name in self.inputs:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.inputs[name] = input

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803
        arn, _, name = executionArn.rpartition(":")
        assert arn == "arn:aws:states:eu-central-1:1:execution:csv"
        return {"input": self.inputs[name]}


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def pipeline(bucket: Any, states: States) -> Pipeline:
    return open_pipeline_with(states)


def open_pipeline_with(states: States, **changes: Any) -> Pipeline:
    lake = open_pipeline(
        "customers",
        changes.get("lake", f"s3://{BUCKET}"),
        landing="landing",
        file_name=compile_date_template(changes.get("file_name", "customers_{year}{month}{day}*.csv"), needs_day=True),
        reads_hidden=False,
        state_machine="",
    ).lake
    pattern = compile_date_template(changes.get("file_name", "customers_{year}{month}{day}*.csv"))
    arn = "arn:aws:states:eu-central-1:1:stateMachine:csv"
    return Pipeline("customers", lake, "landing/", pattern, False, arn, states)


def record(key: str = KEY, *, etag: str = "e", time: str = TIME, bucket: str = BUCKET, size: int = 5) -> dict[str, Any]:
    written = {"key": quote_plus(key), "size": size, "eTag": etag}
    s3 = {"bucket": {"name": bucket}, "object": written}
    return {"eventName": "ObjectCreated:Put", "eventTime": time, "s3": s3}


def message(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def test_an_upload_starts_an_execution(pipeline: Pipeline, states: States) -> None:
    (name,) = pipeline.start(message(record()))
    assert name.startswith("2019-08-21-")
    assert json.loads(states.inputs[name]) == {
        "feed": "customers",
        "bucket": BUCKET,
        "lake": f"s3://{BUCKET}",
        "year": "2019",
        "month": "08",
        "day": "21",
        "objects": [{"key": KEY, "etag": "e", "size": 5}],
        "event_time": TIME,
    }
    execution = read_execution(json.loads(states.inputs[name]) | {"execution": name})
    assert execution.objects == [LandedObject(KEY, "e", 5)]
    assert execution.path_in("raw/", execution.objects[0]) == "raw/year=2019/month=08/day=21/customers_20190821.csv"


def test_an_event_delivered_twice_starts_one_execution(pipeline: Pipeline, states: States) -> None:
    assert pipeline.start(message(record())) == pipeline.start(message(record()))
    assert len(states.inputs) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"etag": "f"}, id="other content"),
        pytest.param({"time": "2019-08-21T01:02:04.000Z"}, id="uploaded again"),
        pytest.param({"key": "landing/customers_20190821-2.csv"}, id="another file of the day"),
    ],
)
def test_another_upload_starts_another_execution(pipeline: Pipeline, states: States, other: dict[str, str]) -> None:
    names = pipeline.start(message(record(), record(**other)))
    assert len(set(names)) == len(states.inputs) == 2


def test_an_execution_of_this_name_with_other_input_is_an_error(pipeline: Pipeline, states: States) -> None:
    pipeline.start(message(record()))
    (name,) = states.inputs
    states.inputs[name] = states.inputs[name].replace(f"s3://{BUCKET}", "s3://other")
    with pytest.raises(ConfigError, match=r"exists with other input: the feed or the lake has changed"):
        pipeline.start(message(record()))


@pytest.mark.parametrize(
    ("upload", "reason"),
    [
        pytest.param({"key": "landing/orders_20190821.csv"}, "does not match source.file_name", id="another feed's"),
        pytest.param({"key": f"{KEY}.bak"}, "does not match source.file_name", id="a longer name"),
        pytest.param({"key": "landing/x/customers_20190821.csv"}, "in a subfolder", id="in a subfolder"),
        pytest.param({"key": "landing//customers_20190821.csv"}, "in a subfolder", id="an empty segment"),
        pytest.param({"key": "landing/"}, "does not match", id="a folder marker"),
        pytest.param({"key": "raw/customers_20190821.csv"}, "it is not in s3://", id="in another zone"),
        pytest.param({"key": "customers_20190821.csv"}, "it is not in s3://", id="in the root"),
        pytest.param({"bucket": "another"}, "it is not in s3://", id="in another bucket"),
        pytest.param({"key": "landing/customers_2019-08-21.csv"}, "does not match", id="a date in another format"),
    ],
)
def test_what_is_not_the_feeds_is_left_alone(
    pipeline: Pipeline, states: States, upload: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert pipeline.start(message(record(**upload))) == []
    assert states.inputs == {}
    assert "is left alone" in caplog.text
    assert reason in caplog.text


def test_names_hidden_to_the_job_are_left_alone(bucket: Any, states: States, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = open_pipeline_with(states, file_name="*{year}{month}{day}.csv")
    keys = ["landing/_customers_20190821.csv", "landing/.customers_20190821.csv"]
    assert pipeline.start(message(*map(record, keys))) == []
    assert caplog.text.count("hidden: a folder or its name begins with") == 2


@pytest.mark.parametrize("day", ["20190230", "20191301", "00000101"])
def test_a_day_that_does_not_exist_is_an_error_and_blocks_no_other(
    pipeline: Pipeline, states: States, day: str
) -> None:
    with pytest.raises(DataError, match=r"is named for a day that does not exist; rename it"):
        pipeline.start(message(record(f"landing/customers_{day}.csv"), record()))
    assert len(states.inputs) == 1


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("landing/customers_20190821 1+1 100%2F.csv", id="blank, plus, percent"),
        pytest.param("landing/customers_20190821\n.csv", id="line end"),
        pytest.param("landing/customers_20190821….csv", id="Unicode"),
        pytest.param(f"landing/customers_20190821{'x' * 980}.csv", id="very long"),
    ],
)
def test_keys_are_decoded(pipeline: Pipeline, states: States, key: str) -> None:
    (name,) = pipeline.start(message(record(key)))
    assert json.loads(states.inputs[name])["objects"][0]["key"] == key


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded", "AccessDeniedException"])
def test_a_refused_start_is_an_error_and_blocks_no_other(pipeline: Pipeline, states: States, code: str) -> None:
    states.errors = [code]
    with pytest.raises(UnreachableError, match=f"Step Functions answered StartExecution of 2019-08-21-.* with {code}"):
        pipeline.start(message(record(), record("landing/customers_20190822.csv")))
    assert len(states.inputs) == 1
    assert len(pipeline.start(message(record(), record("landing/customers_20190822.csv")))) == 2


@pytest.mark.parametrize("text", ['{"Service": "Amazon S3", "Event": "s3:TestEvent"}', '{"Records": []}'])
def test_a_test_event_starts_nothing(pipeline: Pipeline, text: str) -> None:
    assert pipeline.start(text) == []


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '"text"'])
def test_what_is_no_event_is_an_error(pipeline: Pipeline, text: str) -> None:
    with pytest.raises(DataError, match=r"the message is not an S3 event"):
        pipeline.start(text)


def test_deleted_objects_start_nothing(pipeline: Pipeline) -> None:
    assert pipeline.start(message(record() | {"eventName": "ObjectRemoved:Delete"})) == []


def test_the_lake_may_have_a_prefix(bucket: Any, states: States, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = open_pipeline_with(states, lake=f"s3://{BUCKET}/data")
    assert len(pipeline.start(message(record(f"data/{KEY}"), record(KEY)))) == 1
    (text,) = states.inputs.values()
    execution = read_execution(json.loads(text))
    assert execution.key_of("raw/x") == "data/raw/x"


def test_overlooked_objects_get_one_execution_each(bucket: Any, pipeline: Pipeline, states: States) -> None:
    put(bucket, KEY)
    put(bucket, "landing/orders.csv")
    now = datetime.now(UTC)
    assert pipeline.start_overlooked(now) == [], "its event may still arrive"
    (name,) = pipeline.start_overlooked(now + timedelta(hours=2))
    assert pipeline.start_overlooked(now + timedelta(days=1)) == [name]
    assert len(states.inputs) == 1
    assert read_execution(json.loads(states.inputs[name])).landed_at is not None


def test_the_search_logs_a_day_that_does_not_exist_and_goes_on(
    bucket: Any, pipeline: Pipeline, states: States, caplog: pytest.LogCaptureFixture
) -> None:
    put(bucket, "landing/customers_20190230.csv")
    put(bucket, KEY)
    assert len(pipeline.start_overlooked(datetime.now(UTC) + timedelta(hours=2))) == len(states.inputs) == 1
    assert "customers_20190230.csv is named for a day that does not exist; rename it" in caplog.text


def test_the_search_fails_if_step_functions_refuses(bucket: Any, pipeline: Pipeline, states: States) -> None:
    put(bucket, "landing/customers_20190230.csv")
    put(bucket, KEY)
    states.errors = ["ThrottlingException"]
    with pytest.raises(UnreachableError, match="ThrottlingException"):
        pipeline.start_overlooked(datetime.now(UTC) + timedelta(hours=2))


@settings(max_examples=30)
@given(key=st.text(), etag=st.text(), time=st.text())
def test_every_upload_has_a_valid_name(key: str, etag: str, time: str) -> None:
    name = execution_name("2019-08-21", "b", LandedObject(key, etag, 1), time)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name)


def test_a_pipeline_needs_a_lake_on_s3(tmp_path: Any) -> None:
    pattern = compile_date_template("{year}{month}{day}")
    with pytest.raises(ConfigError, match="a pipeline needs a lake on S3"):
        open_pipeline("f", str(tmp_path), landing="l/", file_name=pattern, reads_hidden=False, state_machine="arn")
