"""A target's log: numbered plans and outcomes, each written once, and the table state that follows from them.

The cost of reading and keeping the log is bounded: the state is regularly written as a snapshot, and the entries it
replaces are deleted, except for the latest outcomes, which incremental readers need. Beside the snapshots, the head is
the state after the last batch, so that most runs read nothing else; it only counts if it fits the listed entries.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final, TypeVar

import msgspec

from lakewright.concurrency import ThreadPool
from lakewright.errors import OvertakenError, StateError
from lakewright.log.records import Record, SourceObject
from lakewright.log.state import Outcome, TableState
from lakewright.storage.lake import Lake
from transforms.object_names import partition_path

#: The format of entries. A release that adds a kind of action or a field raises it, and reads all earlier ones.
FORMAT: Final = 1
SNAPSHOT_EVERY: Final = 50
#: The head of a large state is written less often, since it names every object.
HEAD_EVERY: Final = 10
_SMALL_STATE: Final = 5_000
#: Number of latest batches that stay in the log although a snapshot includes them.
KEPT_BATCHES: Final = 1000
#: Within this time, so many batches cannot end: each is a run of its own, with ten requests in sequence or more.
_SHORT_SECONDS: Final = 60
_READ_AT_ONCE: Final = 8
#: Maximum number of outcomes in memory: each may name ten thousand objects.
_READ_AHEAD: Final = 32


class _Versioned(msgspec.Struct):
    format: int


class Append(Record, frozen=True, tag_field="kind", tag="append"):
    """The batch's objects are added to the table."""


class OverwritePartitions(Record, frozen=True, tag_field="kind", tag="overwrite_partitions"):
    """The partitions are overwritten with the batch's objects."""

    partitions: list[str]

    def covered(self, objects: Iterable[SourceObject]) -> list[str]:
        """Return the objects whose rows are in one of the partitions."""
        partitions = frozenset(self.partitions)
        keys = [part.split("=", 1)[0] for part in self.partitions[0].split("/") if part] if self.partitions else []
        return [
            source.path
            for source in objects
            if partition_path({key: source.values.get(key, "") for key in keys}) in partitions
        ]


class OverwriteTable(Record, frozen=True, tag_field="kind", tag="overwrite_table"):
    """The whole table is overwritten with the batch's objects."""


Scope = Append | OverwritePartitions | OverwriteTable


class Plan(Record, frozen=True):
    """A batch, recorded before any data is read.

    The processing date is that of the first attempt, so that a rerun after midnight changes nothing.
    """

    format: int
    number: int
    run: str
    job: str
    processing_date: str
    config_hash: str
    objects: list[SourceObject]
    scope: Scope

    @property
    def overwrites_table(self) -> bool:
        """Whether the whole table is overwritten."""
        return isinstance(self.scope, OverwriteTable)

    @property
    def bytes(self) -> int:
        """The size of its objects."""
        return sum(source.size for source in self.objects)


class Snapshot(Record, frozen=True):
    """A snapshot of the state."""

    format: int
    state: TableState


class Head(Record, frozen=True):
    """The state after a published batch whose run has written its receipt; ``etag`` is that of the batch's outcome."""

    format: int
    etag: str
    state: TableState


@dataclass(frozen=True)
class LogContent:
    """The content of a log.

    Attributes:
        state: The state after the last outcome.
        open_plan: The plan after it, if there is one.
        is_settled: Whether the last batch is known to be published completely, and its run to have written its receipt.
        etag: The ETag of the last outcome; empty if there is none, or if a snapshot replaces it.
        head_etag: The ETag of the head; empty if there is none.
    """

    state: TableState
    open_plan: Plan | None
    is_settled: bool
    etag: str
    head_etag: str


E = TypeVar("E", Plan, Outcome, Snapshot, Head)


class Log:
    """The log of one target, in ``state/<feed>/<target>/log/``."""

    def __init__(self, lake: Lake, state_folder: str) -> None:
        self._lake = lake
        self._folder = f"{state_folder}log/"
        self._snapshots_folder = f"{self._folder}snapshots/"
        self._head_path = f"{self._folder}head.json.gz"
        self._began: float | None = None

    def read(self) -> tuple[TableState, Plan | None]:
        """Read the state after the last outcome, and the open plan; see ``content``."""
        content = self.content()
        return content.state, content.open_plan

    def content(self) -> LogContent:
        """Read the log.

        Raises:
            StateError: If an entry is damaged, missing, or of an unknown format version.
        """
        missing, self._began = "", self._lake.clock()
        while True:
            try:
                return self._content_after_head() or self._content_after_snapshot()
            except FileNotFoundError as error:
                # Another run may have deleted entries that its later snapshot replaces: list again.
                if str(error) == missing:
                    raise StateError(f"an entry of the log is missing: {error}; restore it") from error
                missing = str(error)

    def plan(self, number: int) -> Plan | None:
        """Read the plan of a batch; None if there is none."""
        try:
            return self._entry(Plan, self._path(number, "plan"))
        except FileNotFoundError:
            return None

    def outcome(self, number: int) -> Outcome | None:
        """Read the outcome of a batch; None if it is not kept."""
        try:
            return self._entry(Outcome, self._path(number, "outcome"))
        except FileNotFoundError:
            return None

    def outcomes(self, *, after: int) -> Iterator[Outcome]:
        """Read the outcomes of all batches after a number, as far as they are kept, in order."""
        yield from self._outcomes(sorted(self._listed(after)))

    def write_plan(self, plan: Plan) -> None:
        """Write a plan.

        A run that was suspended may write a plan again that a snapshot has since replaced. It is never read: entries
        before the snapshot do not count, and the outcome of that run is refused.

        Raises:
            OvertakenError: If another run wrote this plan first.
        """
        if not self._create(plan.number, "plan", plan):
            raise _overtaken(self._path(plan.number, "plan"))

    def write_outcome(self, outcome: Outcome) -> str:
        """Write the outcome of a batch, which ends it, and return its ETag.

        Raises:
            OvertakenError: If another run ended it first.
        """
        etag, path = self._create(outcome.number, "outcome", outcome), self._path(outcome.number, "outcome")
        # A run that was suspended may write an outcome again that a snapshot has since replaced.
        if etag and not self.is_recent() and self._has_snapshot(outcome.number):
            self._lake.delete(path)
            etag = ""
        if not etag:
            raise _overtaken(path)
        return etag

    def is_recent(self) -> bool:
        """Return whether the log was read so recently that every entry written since is still there.

        Only the clock of the storage counts, since those of a suspended machine may stand still.
        """
        now = self._lake.clock()
        return self._began is not None and now is not None and now - self._began < _SHORT_SECONDS

    def _has_snapshot(self, number: int) -> bool:
        """Whether there is a snapshot of a batch or of a later one."""
        return any(self._lake.list(self._snapshots_folder, after=self._snapshot_path(number - 1)))

    def is_head_due(self, state: TableState) -> bool:
        """Return whether the head is written after the last batch: always, unless the state is large."""
        is_small = len(state.objects) + len(state.files) + len(state.quarantine) <= _SMALL_STATE
        return is_small or not state.number % HEAD_EVERY

    def write_head(self, state: TableState, *, etag: str, instead_of: str) -> None:
        """Write the head if it is due: its batch, whose outcome has this ETag, is published and has a receipt.

        ``instead_of`` is the ETag of the head that was read; if another run has written one since, that one stays.
        """
        if self.is_head_due(state):
            body = msgspec.json.encode(Head(FORMAT, etag, state))
            packed = gzip.compress(body, compresslevel=1, mtime=0)
            if instead_of:
                self._lake.replace(self._head_path, packed, etag=instead_of)
            else:
                self._lake.create(self._head_path, packed)

    def write_snapshot(self, state: TableState) -> None:
        """Write a snapshot if it is due, and delete the entries that are no longer needed."""
        if state.number % SNAPSHOT_EVERY:
            return
        path = self._snapshot_path(state.number)
        body = msgspec.json.encode(Snapshot(FORMAT, state))
        self._lake.create(path, gzip.compress(body, compresslevel=1, mtime=0))
        last_deleted = self._path(max(0, state.number - KEPT_BATCHES), "z")
        older = [older for older in self._snapshots() if older < path]
        entries = takewhile(lambda entry: entry.path <= last_deleted, self._lake.list(self._folder))
        self._lake.delete_all([*older, *(entry.path for entry in entries)])

    def _content_after_head(self) -> LogContent | None:
        """Read the log from its head on; None if there is no head that matches the entries."""
        head = self._head()
        if head is None:
            return None
        number = head.state.number
        listed = self._listed(number - 1)
        if listed.get(self._path(number, "outcome")) != head.etag:
            return None
        if sum(map(_is_outcome, listed)) > SNAPSHOT_EVERY:  # a snapshot is cheaper
            return None
        content = self._content(head.state, listed)
        return replace(content, is_settled=content.state.number == number)

    def _head(self) -> Head | None:
        """Read the head; None if it is missing or unreadable, since it only repeats what the entries say."""
        try:
            return self._entry(Head, self._head_path)
        except (FileNotFoundError, StateError):
            return None

    def _content_after_snapshot(self) -> LogContent:
        snapshots = self._snapshots()
        state = self._entry(Snapshot, snapshots[-1]).state if snapshots else TableState()
        return self._content(state, self._listed(state.number))

    def _content(self, state: TableState, listed: Mapping[str, str]) -> LogContent:
        """Read the listed entries that follow a state, and apply them to it."""
        after = self._path(state.number, "z")
        for outcome in self._outcomes(path for path in sorted(listed) if path > after):
            if outcome.number != state.number + 1:
                raise FileNotFoundError(self._path(state.number + 1, "outcome"))
            state.apply(outcome)
        open_path = self._path(state.number + 1, "plan")
        if any(path > open_path for path in listed if path.endswith(".plan.json")):
            raise FileNotFoundError(self._path(state.number + 1, "outcome"))
        open_plan = self._entry(Plan, open_path) if open_path in listed else None
        etag = listed.get(self._path(state.number, "outcome"), "")
        return LogContent(state, open_plan, False, etag, listed.get(self._head_path, ""))

    def _listed(self, after: int) -> dict[str, str]:
        """List the entries after a batch, and the head and the snapshots, with their ETags."""
        return {entry.path: entry.etag for entry in self._lake.list(self._folder, after=self._path(after, "z"))}

    def _outcomes(self, listed: Iterable[str]) -> Iterator[Outcome]:
        paths = [path for path in listed if _is_outcome(path)]
        with ThreadPool(_READ_AT_ONCE) as pool:
            for first in range(0, len(paths), _READ_AHEAD):
                yield from pool.map(lambda path: self._entry(Outcome, path), paths[first : first + _READ_AHEAD])

    def _snapshots(self) -> list[str]:
        return [entry.path for entry in self._lake.list(self._snapshots_folder)]

    def _entry(self, model: type[E], path: str) -> E:
        body = self._lake.read(path)
        try:
            text = gzip.decompress(body) if path.endswith(".gz") else body
            written = msgspec.json.decode(text, type=_Versioned).format
            if written <= FORMAT:
                return msgspec.json.decode(text, type=model)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EOFError, OSError, zlib.error) as error:
            raise StateError(f"{path} is not a valid log entry: {error}; restore it") from error
        raise StateError(
            f"{path} was written by a newer version (format {written}; this one reads up to {FORMAT}): run that version"
        )

    def _snapshot_path(self, number: int) -> str:
        return f"{self._snapshots_folder}{number:09d}.json.gz"

    def _path(self, number: int, kind: str) -> str:
        return f"{self._folder}{number:09d}.{kind}.json"

    def _create(self, number: int, kind: str, entry: Plan | Outcome) -> str:
        return self._lake.create(self._path(number, kind), msgspec.json.encode(entry))


def _is_outcome(path: str) -> bool:
    return path.endswith(".outcome.json")


def _overtaken(path: str) -> OvertakenError:
    return OvertakenError(f"another run wrote {path} first; this run's work is discarded, and nothing is lost")
