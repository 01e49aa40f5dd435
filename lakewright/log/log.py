"""A target's log: numbered plans and outcomes, each written once, and the table state that follows from them.

The cost of reading and keeping the log is bounded: the state is regularly written as a snapshot, and the entries it
replaces are deleted, except for the latest outcomes, which incremental readers need. Beside the snapshots, the head is
the state after the last batch, so that most runs read nothing else; it only counts if it fits the listed entries.
"""

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Final

import msgspec

from lakewright.errors import OvertakenError, StateError
from lakewright.log.entries import OUTCOMES, EntryFolder, is_outcome, is_plan
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
#: Too short for that many batches to end: each is a run of its own, with at least ten requests in sequence.
_SHORT_SECONDS: Final = 60


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


_PLANS: Final = msgspec.json.Decoder(Plan)
_SNAPSHOTS: Final = msgspec.json.Decoder(Snapshot)
_HEADS: Final = msgspec.json.Decoder(Head)


class Log:
    """The log of one target, in ``state/<feed>/<target>/log/``."""

    def __init__(self, lake: Lake, state_folder: str) -> None:
        self._lake = lake
        self._entries = EntryFolder(lake, f"{state_folder}log/", newest_format=FORMAT)
        #: When it was last read, by the clocks of the storage and of this machine.
        self._began: float | None = None
        self._began_here = 0.0

    def read(self) -> tuple[TableState, Plan | None]:
        """Read the state after the last outcome, and the open plan; see ``content``."""
        content = self.content()
        return content.state, content.open_plan

    def content(self) -> LogContent:
        """Read the log.

        Raises:
            StateError: If an entry is damaged, missing, or of an unknown format version.
        """
        missing, self._began, self._began_here = "", self._lake.clock(), monotonic()
        while True:
            try:
                head = self._head()
                return self._content_after_head(head) or self._content_after_snapshot(head)
            except FileNotFoundError as error:
                # Another run may have deleted entries that its later snapshot replaces: list again.
                if str(error) == missing:
                    raise StateError(f"an entry of the log is missing: {error}; restore it") from error
                missing = str(error)

    def plan(self, number: int) -> Plan | None:
        """Read the plan of a batch; None if there is none."""
        try:
            return self._entries.read(_PLANS, self._entries.plan(number))
        except FileNotFoundError:
            return None

    def outcome(self, number: int) -> Outcome | None:
        """Read the outcome of a batch; None if it is not kept."""
        try:
            return self._entries.read(OUTCOMES, self._entries.outcome(number))
        except FileNotFoundError:
            return None

    def ended(self, number: int) -> datetime | None:
        """Return when the outcome of a batch was written, by the storage's clock; None if it is not kept."""
        stored = self._lake.stat(self._entries.outcome(number))
        return None if stored is None else stored.modified

    def outcomes(self, *, after: int) -> Iterator[Outcome]:
        """Read the outcomes of all batches after a number, as far as they are kept, in order."""
        yield from self._entries.outcomes(self._entries.listed(after=after))

    def note_replay(self, state: TableState) -> None:
        """Note that there may be corrections; call this before any is written."""
        if not state.is_replayed:
            self._lake.create(self._entries.replayed, b"")
            state.is_replayed = True

    def write_plan(self, plan: Plan) -> None:
        """Write a plan.

        A run that was suspended may write a plan again that a snapshot has since replaced. It is never read: entries
        before the snapshot do not count, and the outcome of that run is refused.

        Raises:
            OvertakenError: If another run wrote this plan first.
        """
        path = self._entries.plan(plan.number)
        if not self._lake.create(path, msgspec.json.encode(plan)):
            raise _overtaken(path)

    def write_outcome(self, outcome: Outcome) -> str:
        """Write the outcome of a batch, which ends it, and return its ETag.

        Raises:
            OvertakenError: If another run ended it first.
        """
        path = self._entries.outcome(outcome.number)
        etag = self._lake.create(path, msgspec.json.encode(outcome))
        # A run that was suspended may write an outcome again that was deleted since, after a snapshot.
        if etag and not self.is_recent() and self._entries.snapshots(after=outcome.number + KEPT_BATCHES - 1):
            self._lake.delete(path)
            etag = ""
        if not etag:
            raise _overtaken(path)
        return etag

    def is_recent(self) -> bool:
        """Return whether the log was read so recently that every entry written since is still there.

        Both clocks must say so: this machine's stands still while it is suspended, and those of the storage may differ.
        """
        now = self._lake.clock()
        if self._began is None or now is None:
            return False
        return max(now - self._began, monotonic() - self._began_here) < _SHORT_SECONDS

    def is_head_due(self, state: TableState) -> bool:
        """Return whether the head is written after the last batch: always, unless the state is large."""
        is_small = len(state.objects) + len(state.files) + len(state.quarantine) <= _SMALL_STATE
        return is_small or not state.number % HEAD_EVERY

    def write_head(self, state: TableState, *, etag: str, instead_of: str) -> None:
        """Write the head if it is due: its batch, whose outcome has this ETag, is published and has a receipt.

        ``instead_of`` is the ETag of the head that was read; if another run has written one since, that one stays.
        """
        if self.is_head_due(state):
            packed = _packed(Head(FORMAT, etag, state))
            if instead_of:
                self._lake.replace(self._entries.head, packed, etag=instead_of)
            else:
                self._lake.create(self._entries.head, packed)

    def write_snapshot(self, state: TableState) -> None:
        """Write a snapshot if it is due, and delete the entries that are no longer needed."""
        if state.number % SNAPSHOT_EVERY:
            return
        path = self._entries.snapshot(state.number)
        self._lake.create(path, _packed(Snapshot(FORMAT, state)))
        older = [older for older in self._entries.snapshots() if older < path]
        self._lake.delete_all([*older, *self._entries.up_to(max(0, state.number - KEPT_BATCHES))])

    def _head(self) -> Head | None:
        """Read the head; None if it is missing or unreadable, since it only repeats what the entries say."""
        try:
            return self._entries.read(_HEADS, self._entries.head)
        except (FileNotFoundError, StateError):
            return None

    def _content_after_head(self, head: Head | None) -> LogContent | None:
        """Read the log from its head on; None if there is no head that matches the entries."""
        if head is None:
            return None
        number = head.state.number
        listed = self._entries.listed(after=number - 1)
        if listed.get(self._entries.outcome(number)) != head.etag:
            return None
        if sum(map(is_outcome, listed)) > SNAPSHOT_EVERY:  # a snapshot is cheaper
            return None
        content = self._content(head.state, listed)
        return replace(content, is_settled=content.state.number == number)

    def _content_after_snapshot(self, head: Head | None) -> LogContent:
        """Read the log from its last snapshot on; a head of a later batch shows that an outcome is missing."""
        snapshots = self._entries.snapshots()
        state = self._entries.read(_SNAPSHOTS, snapshots[-1]).state if snapshots else TableState()
        content = self._content(state, self._entries.listed(after=state.number))
        if head is not None and head.state.number > content.state.number:
            raise FileNotFoundError(self._entries.outcome(content.state.number + 1))
        return content

    def _content(self, state: TableState, listed: Mapping[str, str]) -> LogContent:
        """Read the listed entries that follow a state, and apply them to it."""
        after, entries = self._entries.end(state.number), self._entries
        for outcome in entries.outcomes(path for path in listed if path > after):
            if outcome.number != state.number + 1:
                raise FileNotFoundError(entries.outcome(state.number + 1))
            state.apply(outcome)
        open_path = entries.plan(state.number + 1)
        if any(path > open_path for path in listed if is_plan(path)):
            raise FileNotFoundError(entries.outcome(state.number + 1))
        open_plan = entries.read(_PLANS, open_path) if open_path in listed else None
        state.is_replayed |= entries.replayed in listed
        etag = listed.get(entries.outcome(state.number), "")
        return LogContent(state, open_plan, False, etag, listed.get(entries.head, ""))


def _packed(entry: Snapshot | Head) -> bytes:
    return gzip.compress(msgspec.json.encode(entry), compresslevel=1, mtime=0)


def _overtaken(path: str) -> OvertakenError:
    return OvertakenError(f"another run wrote {path} first; this run's work is discarded, and nothing is lost")
