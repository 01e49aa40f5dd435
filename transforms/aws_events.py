"""What the events of S3 and DynamoDB say, as Lambda hands them over. Text only, no pyspark."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

_TTL: Final = "dynamodb.amazonaws.com"


class CreatedObject(NamedTuple):
    """An object that was written, as its event names it."""

    bucket: str
    key: str
    size: int


class ExpiredItem(NamedTuple):
    """An item that its time to live removed: the place of its record in the stream, and the path that it held."""

    sequence_number: str
    path: str


def created_objects(event: Mapping[str, Any]) -> Iterator[CreatedObject]:
    """Name the objects of all records of an S3 event; keys come URL-encoded there, with ``+`` for a blank.

    S3 tries a new notification out with an event that has no records.
    Source: S3 user guide, "Event message structure".
    """
    for record in event.get("Records", ()):
        if record.get("eventName", "").removeprefix("s3:").startswith("ObjectCreated:"):
            found = record["s3"]
            yield CreatedObject(
                found["bucket"]["name"], unquote_plus(found["object"]["key"]), int(found["object"].get("size", 0))
            )


def expired_items(event: Mapping[str, Any]) -> Iterator[ExpiredItem]:
    """Name the items of a DynamoDB stream event that were removed by their time to live, and by nobody else.

    Source: DynamoDB developer guide, "DynamoDB Streams and Time to Live".
    """
    for record in event.get("Records", ()):
        by = record.get("userIdentity") or {}
        if record.get("eventName") == "REMOVE" and (by.get("type"), by.get("principalId")) == ("Service", _TTL):
            change = record["dynamodb"]
            yield ExpiredItem(change["SequenceNumber"], change["Keys"]["path"]["S"])
