"""The timer of the scrub: an upload is recorded with a time to live, and scrubbed when it expires.

Both handlers are idempotent: a scrubbed object is recognized by its tag.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakewright.aws.clients import bounded_client, s3_client
from lakewright.aws.s3_calls import code_of
from lakewright.errors import ConfigError, UnreachableError
from lakewright.json.scrub import hidden_in, scrub_object
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.in_place import PROCESSED
from lakewright.storage.s3 import S3Lake
from lakewright.storage.s3_in_place import S3InPlace
from lakewright.unexpected import cause_of
from transforms.aws_events import CreatedObject, created_objects, expired_items
from transforms.errors import LakewrightError
from transforms.object_names import one_line

LOGGER = logging.getLogger("lakewright")


def schedule_scrubs(event: Mapping[str, Any], *, table: str, delay_seconds: int) -> list[str]:
    """Record each object of an S3 event in DynamoDB as ``{path, ttl}``; a path that is already there gets a new time.

    Empty objects, deleted ones, and those tagged as processed, such as our output, are skipped.

    Returns:
        The recorded paths.

    Raises:
        UnreachableError: If the tags of an object could not be read, or it could not be recorded; the others were.
    """
    s3, dynamodb = s3_client(attempts=3), bounded_client("dynamodb")
    scheduled, failed = [], []
    for created in created_objects(event):
        path = f"s3://{created.bucket}/{created.key}"
        try:
            if not created.size or not _is_waiting(s3, created):
                continue
            ttl = int(time.time()) + delay_seconds
            dynamodb.put_item(TableName=table, Item={"path": {"S": path}, "ttl": {"N": str(ttl)}})
            scheduled.append(path)
        except (ClientError, BotoCoreError) as error:
            LOGGER.error("%s was not scheduled: %s", one_line(path), error)  # noqa: TRY400 - no traceback needed
            failed.append(path)
    if failed:
        raise UnreachableError(f"{len(failed)} objects were not scheduled, first {failed[0]}")
    return scheduled


def _is_waiting(s3: Any, created: CreatedObject) -> bool:
    try:
        tags = s3.get_object_tagging(Bucket=created.bucket, Key=created.key)["TagSet"]
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "404", "MethodNotAllowed"):
            return False
        raise
    return dict([PROCESSED]).items().isdisjoint((tag["Key"], tag["Value"]) for tag in tags)


@dataclass(frozen=True)
class ScrubJob:
    """The Glue job for objects too large for a Lambda, and the folder that it scrubs."""

    name: str
    feed: str
    lake: str
    config: str
    source: str

    def start(self, paths: Sequence[str]) -> None:
        """Start a run for some objects of the source.

        Raises:
            ConfigError: If one of them is not below the source.
        """
        if outside := [path for path in paths if not path.startswith(self.source)]:
            raise ConfigError(f"{outside[0]} is not in {self.source}, which feed {self.feed} scrubs")
        names = json.dumps([path.removeprefix(self.source) for path in paths])
        arguments = {
            "--feed": self.feed,
            "--lake": self.lake,
            "--config": self.config,
            "--set": f"source.objects={names}",
        }
        bounded_client("glue").start_job_run(JobName=self.name, Arguments=arguments)


def scrub_expired(
    event: Mapping[str, Any], *, rules: ScrubRules, largest_bytes: int, job: ScrubJob
) -> dict[str, list[dict[str, str]]]:
    """Scrub the objects whose time to live has expired; pass those above ``largest_bytes`` to the job.

    Returns:
        The failed records in Lambda's format; Lambda retries them until its maximum of attempts.
    """
    failed: list[str] = []
    large: dict[str, str] = {}
    for number, path in expired_items(event):
        bucket, _, key = path.removeprefix("s3://").partition("/")
        try:
            lake = S3Lake(bucket, "")
            stored = lake.stat(key)
            if stored is None:
                lake.check()  # a deleted object needs no scrub; a missing bucket is an error
            elif stored.size > largest_bytes:
                large[path] = number
            else:
                report = scrub_object(S3InPlace(bucket), key, rules)
                LOGGER.info("%s: %s %s", one_line(path), report.status, report.numbers)
                if hidden := hidden_in(report):
                    LOGGER.warning("%s: %d strings still hide fields to scrub in JSON", one_line(path), hidden)
        except Exception as error:  # noqa: BLE001 - it concerns only this object
            LOGGER.error("%s was not scrubbed: %s", one_line(path), one_line(cause_of(error)))  # noqa: TRY400 - no traceback needed
            failed.append(number)
    try:
        if large:
            job.start(list(large))
    except (LakewrightError, ClientError, BotoCoreError) as error:
        LOGGER.error("%d large objects were not passed to the job: %s", len(large), cause_of(error))  # noqa: TRY400
        failed += large.values()
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
