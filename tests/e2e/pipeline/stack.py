"""The pipeline that the template declares, created on the emulator, and what tests do with it."""

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import boto3
import pyarrow.parquet as pq
import yaml

from tests.conftest import ROOT
from tests.e2e.pipeline.faults import Faults
from tests.e2e.pipeline.template import ACCOUNT, REGION, Template

LAKE, CODE = "pipeline-lake", "pipeline-code"
TEMPLATE = ROOT / "deploy/template.yaml"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
#: Seconds where the defaults are minutes.
PARAMETERS = {
    "LakeBucketName": LAKE,
    "ArtefactBucketName": CODE,
    "RetryIntervalSeconds": "1",
    "RetryBackoffRate": "1.5",
    "RetryMaxAttempts": "3",
    "TimeoutSeconds": "300",
}
_LONGEST_SECONDS: Final = 300


def partition_path(day: str) -> str:
    year, month, date = day.split("-")
    return f"year={year}/month={month}/day={date}"


class Stack:
    """Buckets, queues, functions, the job and the machine; events are delivered when a test says so."""

    def __init__(self, endpoint: str, work: Path) -> None:
        def client(service: str) -> Any:
            return boto3.client(service, endpoint_url=endpoint, region_name=REGION)

        self.endpoint, self.faults, self.calls = endpoint, Faults(work / "faults"), work / "calls.jsonl"
        self.s3, self.sqs, self.sns, self.glue = map(client, ("s3", "sqs", "sns", "glue"))
        self.functions, self.machines = client("lambda"), client("stepfunctions")
        parent = Template(TEMPLATE, PARAMETERS)
        nested = parent.resources("AWS::CloudFormation::Stack")["CsvToParquet"]
        self.template = Template(TEMPLATE.parent / nested["TemplateURL"], nested["Parameters"])
        trust = {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
        client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(trust))
        for database in parent.resources("AWS::Glue::Database").values():
            self.glue.create_database(DatabaseInput=database["DatabaseInput"])
        self._create_buckets()
        self._create_queues()
        self._create_functions()
        self._create_job()
        self._create_machine()

    # What the template declares

    def _create_buckets(self) -> None:
        for bucket in (LAKE, CODE):
            self.s3.create_bucket(Bucket=bucket)
        for path in sorted(path for path in (ROOT / "conf").rglob("*.*") if path.is_file()):
            self.s3.put_object(Bucket=CODE, Key=path.relative_to(ROOT).as_posix(), Body=path.read_bytes())
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write the feed with changes."""
        document = yaml.safe_load((ROOT / "conf/feeds/customers.yaml").read_text())
        document |= {"lease_seconds": 2, **changes}
        self.s3.put_object(Bucket=CODE, Key="conf/feeds/customers.yaml", Body=yaml.safe_dump(document).encode())

    def _create_queues(self) -> None:
        self.arrivals = self.sqs.create_queue(QueueName="Arrivals")["QueueUrl"]
        arn = self._arn_of(self.arrivals)
        filters = [{"Name": "prefix", "Value": self.template.parameters["LandingPrefix"]}]
        notify = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": filters}}}
        self.s3.put_bucket_notification_configuration(
            Bucket=LAKE, NotificationConfiguration={"QueueConfigurations": [notify]}
        )
        topic = self.template.parameters["NoticeTopicArn"]
        self.sns.create_topic(Name=topic.rpartition(":")[2])
        self._notices = self.sqs.create_queue(QueueName="notices-read-by-tests")["QueueUrl"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn_of(self._notices))

    def _arn_of(self, queue: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        return str(attributes["QueueArn"])

    def _create_functions(self) -> None:
        shared = self.template.defaults("Function")
        for name, properties in self.template.resources("AWS::Serverless::Function").items():
            folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.write(ROOT / f"deploy/lambdas/{folder}/handler.py", "handler.py")
            variables = [of.get("Environment", {}).get("Variables", {}) for of in (shared, properties)]
            self.functions.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role=ROLE,
                Handler=properties.get("Handler") or shared["Handler"],
                Code={"ZipFile": packed.getvalue()},
                Environment={"Variables": {**variables[0], **variables[1]}},
            )

    def _create_job(self) -> None:
        (properties,) = self.template.resources("AWS::Glue::Job").values()
        self.job = properties["Name"]
        self.job_arguments = {name: str(value) for name, value in properties["DefaultArguments"].items()}
        self.glue.create_job(
            Name=self.job,
            Role=ROLE,
            Command=properties["Command"],
            DefaultArguments=self.job_arguments | {"--engine": "local"},
            MaxRetries=int(properties.get("MaxRetries", 0)),
            ExecutionProperty={"MaxConcurrentRuns": int(properties["ExecutionProperty"]["MaxConcurrentRuns"])},
        )

    def _create_machine(self) -> None:
        ((name, properties),) = self.template.resources("AWS::Serverless::StateMachine").items()
        definition = (self.template.path.parent / properties["DefinitionUri"]).read_text()
        for variable, value in properties["DefinitionSubstitutions"].items():
            definition = definition.replace(f"${{{variable}}}", str(value))
        created = self.machines.create_state_machine(
            name=self.template.name_of(name), definition=definition, roleArn=ROLE
        )
        self.machine = created["stateMachineArn"]

    # What tests do

    def upload(self, key: str, body: str | bytes) -> str:
        """Put an object, whose event waits in the queue; return its ETag."""
        data = body.encode() if isinstance(body, str) else body
        return str(self.s3.put_object(Bucket=LAKE, Key=key, Body=data)["ETag"])

    def deliver(self, *, twice: bool = False) -> None:
        """Pass all waiting events to the first function, as Lambda's event source mapping does."""
        while messages := self.sqs.receive_message(QueueUrl=self.arrivals, MaxNumberOfMessages=10).get("Messages"):
            records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]
            event = {"Records": [{"eventSource": "aws:sqs", "attributes": {}, **record} for record in records]}
            for _ in range(1 + twice):
                answer = self.functions.invoke(FunctionName="StartPipeline", Payload=json.dumps(event))
                result = json.load(answer["Payload"])
                assert "FunctionError" not in answer, result
                assert result["batchItemFailures"] == []
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.arrivals, ReceiptHandle=message["ReceiptHandle"])

    def discard_events(self) -> None:
        self.sqs.purge_queue(QueueUrl=self.arrivals)

    def start(self, name: str, day: str, objects: Mapping[str, str]) -> None:
        """Start an execution by hand, for objects by key and ETag."""
        year, month, date = day.split("-")
        sizes = {key: self.s3.head_object(Bucket=LAKE, Key=key)["ContentLength"] for key in objects}
        listed = [{"key": key, "etag": etag.strip('"'), "size": sizes[key]} for key, etag in objects.items()]
        day_of_rows = {"year": year, "month": month, "day": date}
        written = {"feed": "customers", "bucket": LAKE, "lake": f"s3://{LAKE}", **day_of_rows, "objects": listed}
        self.machines.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(written))

    def run(self) -> None:
        """Deliver all events, and wait until no execution is running."""
        self.deliver()
        self.wait(self.is_idle)

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while not condition():
            assert time.monotonic() < deadline, [self.last_event(each["executionArn"]) for each in self._running()]
            time.sleep(0.1)

    def hold(self, name: str) -> None:
        """Let the next call of a function, or the next job run, wait before it begins."""
        self.faults.add(f"hold {name}")

    def wait_for(self, name: str) -> None:
        self.wait(lambda: self.faults.is_held(name))

    def release(self, name: str) -> None:
        self.faults.remove(f"hold {name}")

    def fail(self, name: str) -> None:
        """Let all calls of a function fail."""
        self.faults.add(f"fail {name}")

    def stop_executions(self) -> None:
        for execution in self._running():
            self.machines.stop_execution(executionArn=execution["executionArn"])

    # What tests look at

    def is_idle(self) -> bool:
        return not self._running()

    def _running(self) -> list[dict[str, Any]]:
        running: list[dict[str, Any]] = self.machines.list_executions(
            stateMachineArn=self.machine, statusFilter="RUNNING"
        )["executions"]
        return running

    def executions(self, key: str) -> list[dict[str, Any]]:
        """Return the executions of an object, from first to last."""
        listed = self.machines.list_executions(stateMachineArn=self.machine)["executions"]
        described = [self.machines.describe_execution(executionArn=each["executionArn"]) for each in listed]
        of_key = [each for each in described if key in (item["key"] for item in json.loads(each["input"])["objects"])]
        return sorted(of_key, key=lambda each: each["startDate"])  # type: ignore[no-any-return]

    def last_event(self, execution: str) -> Any:
        return self.machines.get_execution_history(executionArn=execution)["events"][-1]

    def job_runs(self, execution: dict[str, Any]) -> list[dict[str, Any]]:
        runs = self.glue.get_job_runs(JobName=self.job)["JobRuns"]
        return [run for run in runs if run["Arguments"]["--execution"] == execution["name"]]

    def keys(self, prefix: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=LAKE, Prefix=prefix).get("Contents", [])]

    def body(self, key: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()
        return data

    def rows(self, day: str) -> list[dict[str, Any]]:
        """Return the rows of a day's partition (``2019-08-21``) of the table, in order of sale."""
        keys = self.keys(f"refined/customers/{partition_path(day)}/")
        tables = [pq.read_table(io.BytesIO(self.body(key))) for key in keys if key.endswith(".parquet")]
        return sorted((row for table in tables for row in table.to_pylist()), key=itemgetter("sale_id"))

    def partitions(self, database: str) -> list[list[str]]:
        partitions = self.glue.get_partitions(DatabaseName=database, TableName="customers")["Partitions"]
        return [partition["Values"] for partition in partitions]

    def receipts(self, execution: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the receipts of an execution, from first to last."""
        receipts = [json.loads(self.body(key)) for key in self.keys("state/customers/customers/receipts/")]
        return [receipt for receipt in receipts if receipt["execution"] == execution["name"]]

    def notices(self) -> list[tuple[str, str]]:
        """Return subjects and texts of the notices since the last call."""
        notices = []
        while messages := self.sqs.receive_message(QueueUrl=self._notices, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                notice = json.loads(message["Body"])
                notices.append((notice["Subject"], notice["Message"]))
                self.sqs.delete_message(QueueUrl=self._notices, ReceiptHandle=message["ReceiptHandle"])
        return notices
