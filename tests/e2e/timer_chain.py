"""Simulates what AWS does between the parts of the timer chain: event mapping, TTL sweep, dead letters."""

import importlib.util
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.dynamodb.models import dynamodb_backends

from tests.conftest import ROOT

TABLE = "objects-to-process"
MOST_TRIES = 3


def load_handler(name: str) -> Callable[[dict[str, Any], object], Any]:
    """Load a Lambda's handler from its file, as Lambda does."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"deploy/lambdas/{name}/handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[dict[str, Any], object], Any] = module.handler
    return handler


@dataclass
class TimerChain:
    """A bucket whose events go to a queue, a table with a stream, and the two handlers between them."""

    bucket: str
    dead_letters: list[str] = field(default_factory=list)
    removed_by_ttl: set[str] = field(default_factory=set)
    delivered: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3, self.sqs, self.dynamodb = (boto3.client(name) for name in ("s3", "sqs", "dynamodb"))
        self.streams: Any = boto3.client("dynamodbstreams")
        self.queue = self.sqs.create_queue(QueueName="s3-events")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        notify = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        self.s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=notify)
        self.dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "path", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "path", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        ttl = {"Enabled": True, "AttributeName": "ttl"}
        self.dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=ttl)
        self.schedule, self.scrub = load_handler("schedule_scrub"), load_handler("scrub_expired")
        stream = self.dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        (shard,) = self.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        self.iterator = self.streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def close(self) -> None:
        self.dynamodb.delete_table(TableName=TABLE)
        self.sqs.delete_queue(QueueUrl=self.queue)

    def deliver_uploads(self) -> list[str]:
        """Deliver pending S3 events to the first Lambda."""
        noted: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                noted += self.schedule(json.loads(message["Body"]), None)
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return noted

    def items(self) -> dict[str, int]:
        items = self.dynamodb.scan(TableName=TABLE)["Items"]
        return {item["path"]["S"]: int(item["ttl"]["N"]) for item in items}

    def sweep(self, *, now: float | None = None) -> int:
        """Delete expired items, and record that TTL deleted them."""
        (backend,) = (region["us-east-1"] for region in dynamodb_backends.values())
        table = backend.tables[TABLE]
        expired = [item for item in table.all_items() if int(item.attrs["ttl"].value) <= (now or time.time())]
        for item in list(expired):
            table.delete_item(item.hash_key, None)
            self.removed_by_ttl.add(str(table.stream_shard.items[-1].record["dynamodb"]["SequenceNumber"]))
        return len(expired)

    def deliver_stream(self) -> int:
        """Deliver new stream records to the second Lambda; failures are retried a bounded number of times."""
        answer = self.streams.get_records(ShardIterator=self.iterator)
        self.iterator = answer["NextShardIterator"]
        records = [self._as_lambda_sees(record) for record in answer["Records"]]
        self.delivered += records
        delivered = len(records)
        tries = 0
        while records:
            tries += 1
            failures = self.scrub({"Records": records}, None)["batchItemFailures"]
            failed = {failure["itemIdentifier"] for failure in failures}
            first = next((n for n, record in enumerate(records) if _number(record) in failed), len(records))
            records = records[first:]
            if tries == MOST_TRIES:
                self.dead_letters += map(_number, records)
                records = []
        return delivered

    def dead_paths(self) -> dict[str, dict[str, Any]]:
        """Return the paths of the records in the dead letters."""
        dead = [record for record in self.delivered if _number(record) in self.dead_letters]
        return {record["dynamodb"]["Keys"]["path"]["S"]: record for record in dead}

    def _as_lambda_sees(self, record: dict[str, Any]) -> dict[str, Any]:
        change = record["dynamodb"]
        seen = {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "dynamodb": {"Keys": change["Keys"], "SequenceNumber": str(change["SequenceNumber"])},
        }
        if str(change["SequenceNumber"]) in self.removed_by_ttl:
            seen["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        return seen


def _number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
