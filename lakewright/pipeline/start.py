"""From S3 events to executions: one for each upload, started once."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from re import Pattern
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from lakewright.aws.clients import bounded_client
from lakewright.aws.s3_calls import code_of
from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError
from lakewright.pipeline.execution import ExecutionInput, LandedObject, execution_name
from lakewright.storage.s3 import S3Lake
from lakewright.storage.uris import open_lake
from transforms.aws_events import CreatedObject, created_objects
from transforms.errors import DataError, LakewrightError
from transforms.object_names import DATE_KEYS, is_day, one_line, why_no_data

LOGGER: Final = logging.getLogger("lakewright")

_ATTEMPTS: Final = 3
_OVERLOOKED_AFTER: Final = timedelta(hours=1)
_EXISTS: Final = "ExecutionAlreadyExists"
_REFUSALS: Final = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException")


@dataclass(frozen=True)
class Pipeline:
    """The pipeline of one feed.

    Attributes:
        lake: The lake, whose bucket also has the landing zone.
        landing: The folder in the lake where objects land, with a trailing slash.
        file_name: The pattern of the feed's names, with the day of their rows.
        state_machine: Its ARN.
        states: A client of Step Functions.
    """

    feed: str
    lake: S3Lake
    landing: str
    file_name: Pattern[str]
    reads_hidden: bool
    state_machine: str
    states: Any

    def start(self, message: str) -> list[str]:
        """Start an execution for each of the feed's objects in a message of S3; other objects are left alone.

        Returns:
            The names of the executions, including those that an earlier delivery of the event started.

        Raises:
            LakewrightError: If one of them was not started; the others were.
        """
        try:
            event = json.loads(message)
        except ValueError:
            raise DataError("the message is not an S3 event: it is not JSON") from None
        if not isinstance(event, dict):
            raise DataError("the message is not an S3 event")
        names, failures = self._start_all(created_objects(event))
        if failures:
            raise failures[0]
        return names

    def start_overlooked(self, now: datetime) -> list[str]:
        """Start an execution for each of the feed's objects that landed more than an hour ago and is still there.

        Its event was lost, or its execution failed. Repeated calls start one execution for each upload. An object whose
        name is refused is only logged: the message of its event is in the dead-letter queue.

        Raises:
            LakewrightError: If one of them was not started; the others were.
        """
        listed = [each for each in self.lake.list(self.landing) if now - each.modified > _OVERLOOKED_AFTER]
        names, failures = self._start_all(
            CreatedObject(
                self.lake.bucket, self.lake.prefix + each.path, each.size, each.etag, each.modified.isoformat()
            )
            for each in listed
        )
        if others := [failure for failure in failures if not isinstance(failure, DataError)]:
            raise others[0]
        return names

    def _start_all(self, objects: Iterable[CreatedObject]) -> tuple[list[str], list[LakewrightError]]:
        """Start executions; return their names, and the errors of those that were not started, which are logged."""
        names: list[str] = []
        failures: list[LakewrightError] = []
        for created in objects:
            try:
                if name := self._start_for(created):
                    names.append(name)
            except LakewrightError as error:
                LOGGER.error("no execution for %s: %s", _uri(created), error)  # noqa: TRY400 - no traceback needed
                failures.append(error)
        return names, failures

    def _start_for(self, created: CreatedObject) -> str:
        """Start the execution for an object; return its name, empty if the object is not the feed's."""
        path = created.key.removeprefix(self.lake.prefix + self.landing)
        if reason := self._why_left_alone(created, path):
            LOGGER.warning("%s is left alone: %s", _uri(created), reason)
            return ""
        match = self.file_name.fullmatch(path)
        date = {key: match[key] for key in DATE_KEYS} if match else {}
        if not is_day(date):
            raise DataError(f"{_uri(created)} is named for a day that does not exist; rename it")
        landed = LandedObject(created.key, created.etag, created.size)
        name = execution_name("-".join(date.values()), created.bucket, landed, created.event_time)
        text = msgspec.json.encode(
            ExecutionInput(
                feed=self.feed,
                bucket=created.bucket,
                lake=self.lake.uri,
                **date,
                objects=[landed],
                event_time=created.event_time,
            )
        ).decode()
        self._start_once(name, text)
        LOGGER.info("%s: execution %s", _uri(created), name)
        return name

    def _why_left_alone(self, created: CreatedObject, path: str) -> str:
        if created.bucket != self.lake.bucket or path == created.key:
            return f"it is not in {self.lake.uri}/{self.landing}"
        if "/" in path:
            return f"it is in a subfolder of {self.landing}"
        if not self.file_name.fullmatch(path):
            return f"its name does not match source.file_name of feed {self.feed}"
        return why_no_data(path, size=created.size, reads_hidden=self.reads_hidden)

    def _start_once(self, name: str, text: str) -> None:
        """Start an execution, unless it was started before with the same input.

        Raises:
            ConfigError: If there is one of this name with other input.
            UnreachableError: If Step Functions refuses, throttles or does not answer.
        """
        try:
            try:
                self.states.start_execution(stateMachineArn=self.state_machine, name=name, input=text)
            except ClientError as error:
                if code_of(error) != _EXISTS:
                    raise
                earlier = self.states.describe_execution(executionArn=f"{self._executions}:{name}")
                if json.loads(earlier.get("input") or "null") != json.loads(text):
                    raise ConfigError(
                        f"execution {name} exists with other input: the feed or the lake has changed since it was "
                        "started; start one by hand if the object was not processed"
                    ) from None
        except ClientError as error:
            kind = AccessDeniedError if code_of(error) in _REFUSALS else UnreachableError
            raise kind(f"Step Functions answered {error.operation_name} of {name} with {code_of(error)}") from error
        except BotoCoreError as error:
            raise UnreachableError(f"Step Functions could not be reached for {name}: {error}") from error

    @property
    def _executions(self) -> str:
        """The ARN of the state machine's executions, without their names."""
        return self.state_machine.replace(":stateMachine:", ":execution:", 1)


def open_pipeline(
    feed: str, lake_uri: str, *, landing: str, file_name: Pattern[str], reads_hidden: bool, state_machine: str
) -> Pipeline:
    """Open the pipeline of a feed.

    Raises:
        ConfigError: If the lake is not on S3.
    """
    lake = open_lake(lake_uri)
    if not isinstance(lake, S3Lake):
        raise ConfigError(f"a pipeline needs a lake on S3, not {lake_uri}")
    states = bounded_client("stepfunctions", attempts=_ATTEMPTS)
    folder = f"{landing.strip('/')}/"
    return Pipeline(feed, lake, folder, file_name, reads_hidden, state_machine, states)


def _uri(created: CreatedObject) -> str:
    return one_line(f"s3://{created.bucket}/{created.key}")
