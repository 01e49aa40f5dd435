"""Parse events of S3 and DynamoDB as Lambda receives them. No pyspark."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

_TTL: Final = "dynamodb.amazonaws.com"


class CreatedObject(NamedTuple):
    """A written object, as named by its event; ``event_time`` is the time at which S3 finished the write."""

    bucket: str
    key: str
    size: int
    etag: str
    event_time: str


class ExpiredItem(NamedTuple):
    """An item removed by its TTL: the position of its stream record, and its path."""

    sequence_number: str
    path: str


def created_objects(event: Mapping[str, Any]) -> Iterator[CreatedObject]:
    """Return the objects of all records of an S3 event, in which keys are URL-encoded, with ``+`` for a blank.

    S3 sends a test event without records for a new notification.
    Source: S3 user guide, "Event message structure".
    """
    for record in event.get("Records", ()):
        if record.get("eventName", "").removeprefix("s3:").startswith("ObjectCreated:"):
            bucket, written = record["s3"]["bucket"]["name"], record["s3"]["object"]
            yield CreatedObject(
                bucket,
                unquote_plus(written["key"]),
                int(written.get("size", 0)),
                str(written.get("eTag", "")),
                str(record.get("eventTime", "")),
            )


def expired_items(event: Mapping[str, Any]) -> Iterator[ExpiredItem]:
    """Return the items of a DynamoDB stream event that were removed by TTL, and not by users.

    Source: DynamoDB developer guide, "DynamoDB Streams and Time to Live".
    """
    for record in event.get("Records", ()):
        by = record.get("userIdentity") or {}
        if record.get("eventName") == "REMOVE" and (by.get("type"), by.get("principalId")) == ("Service", _TTL):
            change = record["dynamodb"]
            yield ExpiredItem(change["SequenceNumber"], change["Keys"]["path"]["S"])
