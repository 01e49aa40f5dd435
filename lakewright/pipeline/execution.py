"""The input of an execution: objects that landed, and the day of their rows."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from lakewright.buckets import use_lake_file
from lakewright.config import Model
from lakewright.config_files import Conf, FeedDocument
from lakewright.errors import ConfigError
from lakewright.storage.s3 import S3Lake
from lakewright.storage.uris import open_lake
from transforms.object_names import DATE_KEYS, is_day, one_line, partition_path

_HASH_LENGTH: Final = 32
Feed = TypeVar("Feed", bound=Model)


class LandedObject(msgspec.Struct, frozen=True):
    """A version of an object in the landing zone, by its key in the bucket."""

    key: str
    etag: str
    size: int

    @property
    def name(self) -> str:
        """The last segment of its key."""
        return self.key.rpartition("/")[2]


class ExecutionInput(msgspec.Struct, frozen=True, omit_defaults=True):
    """The input of an execution, as ``start_pipeline`` writes it; the state machine may add keys.

    Attributes:
        manifest: A path in the lake with the objects as JSON, instead of ``objects``, for executions of very many.
        event_time: When the object landed; empty for executions that are started by hand.
        execution: The execution's name, which the state machine adds.
    """

    feed: str
    bucket: str
    lake: str
    year: str
    month: str
    day: str
    objects: list[LandedObject] = []
    manifest: str = ""
    event_time: str = ""
    execution: str = ""


@dataclass(frozen=True)
class Execution:
    """An execution: its input, its lake, and all of its objects."""

    input: ExecutionInput
    lake: S3Lake
    objects: list[LandedObject]

    @property
    def date(self) -> str:
        """The day of the rows, as ``2019-08-21``."""
        return f"{self.input.year}-{self.input.month}-{self.input.day}"

    @property
    def partition(self) -> str:
        """The day of the rows, as ``year=2019/month=08/day=21``."""
        return partition_path({key: getattr(self.input, key) for key in DATE_KEYS})

    @property
    def landed_at(self) -> datetime | None:
        """When the object landed; None for executions that are started by hand."""
        return datetime.fromisoformat(self.input.event_time) if self.input.event_time else None

    def key_of(self, path: str) -> str:
        """Return the key of a path in the lake."""
        return self.lake.prefix + path

    def path_in(self, source: str, landed: LandedObject) -> str:
        """Return the path in the lake of an object's copy below a feed's source folder, as the feed's log names it."""
        return f"{source}{self.partition}/{landed.name}"


def execution_name(date: str, bucket: str, landed: LandedObject, event_time: str) -> str:
    """Return the name of the execution for an upload; an event that S3 delivers twice has one name."""
    text = json.dumps([bucket, landed.key, landed.etag, event_time])
    return f"{date}-{hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}"


def open_execution(state: Mapping[str, Any], conf: Conf) -> Execution:
    """Apply the options of the lake's buckets, and read the execution from its state.

    Raises:
        ConfigError: If the input or ``lake.yaml`` is invalid.
    """
    use_lake_file(conf)
    return read_execution(state)


def open_execution_and_feed(state: Mapping[str, Any], conf: Conf, model: type[Feed]) -> tuple[Execution, Feed]:
    """Open an execution and read its feed.

    Raises:
        ConfigError: If the input, the feed or ``lake.yaml`` is invalid.
    """
    execution = open_execution(state, conf)
    return execution, FeedDocument(conf, execution.input.feed).parse(model)


def read_execution(state: Mapping[str, Any]) -> Execution:
    """Parse the state of an execution, and read its manifest if it has one.

    Raises:
        ConfigError: If the input is invalid, as it may be if the execution was started by hand.
    """
    written = _parsed(state, ExecutionInput, "the input of the execution")
    date = {key: getattr(written, key) for key in DATE_KEYS}
    if not is_day(date) or [len(part) for part in date.values()] != [4, 2, 2]:
        raise ConfigError(f"the input of the execution: year, month and day are not a date: {'-'.join(date.values())}")
    if written.event_time:
        _require_time(written.event_time)
    lake = open_lake(written.lake)
    if not isinstance(lake, S3Lake) or lake.bucket != written.bucket:
        raise ConfigError(f"the input of the execution: lake {written.lake} is not in bucket {written.bucket}")
    if bool(written.objects) == bool(written.manifest):
        raise ConfigError("the input of the execution needs either objects or a manifest")
    objects = written.objects or _read_manifest(lake, written.manifest)
    _check_objects(objects)
    return Execution(written, lake, objects)


def _read_manifest(lake: S3Lake, path: str) -> list[LandedObject]:
    try:
        text = lake.read(path)
    except FileNotFoundError:
        raise ConfigError(f"the manifest {lake.uri}/{path} does not exist") from None
    try:
        listed = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"the manifest {lake.uri}/{path} is not JSON: {error}") from None
    objects: list[LandedObject] = _parsed(listed, list[LandedObject], f"the manifest {lake.uri}/{path}")
    return objects


def _check_objects(objects: list[LandedObject]) -> None:
    """Refuse objects whose copies would have no name, or the same one."""
    if not objects:
        raise ConfigError("the execution has no objects")
    names: set[str] = set()
    for landed in objects:
        if not landed.name or not landed.etag:
            raise ConfigError(f"the execution has an object without name or ETag: {one_line(landed.key)!r}")
        if landed.name in names:
            raise ConfigError(f"two objects of the execution are named {one_line(landed.name)!r}: start one for each")
        names.add(landed.name)


def _require_time(event_time: str) -> None:
    try:
        if datetime.fromisoformat(event_time).tzinfo is not None:
            return
    except ValueError:
        pass
    raise ConfigError(f"the input of the execution: event_time {event_time!r} is not a time like 2019-08-21T01:02:03Z")


def _parsed(value: Any, model: Any, what: str) -> Any:
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{what}: {error}") from None
