"""A target's log: numbered plans and outcomes, each written once, and the table state that follows from them.

The cost of reading and keeping the log is bounded: the state is regularly written as a snapshot, and the entries it
replaces are deleted, except for the latest outcomes, which incremental readers need.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import Final, TypeVar

import msgspec

from lakewright.errors import OvertakenError, StateError
from lakewright.log.actions import Outcome, TableState
from lakewright.log.records import Record, SourceObject
from lakewright.storage.lake import Lake
from transforms.object_names import partition_path

#: The format of entries. A release that adds a kind of action or a field raises it, and reads all earlier ones.
FORMAT: Final = 1
SNAPSHOT_EVERY: Final = 50
#: Number of latest batches that stay in the log although a snapshot includes them.
KEPT_BATCHES: Final = 1000
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


E = TypeVar("E", Plan, Outcome, Snapshot)


class Log:
    """The log of one target, in ``state/<feed>/<target>/log/``."""

    def __init__(self, lake: Lake, state_folder: str) -> None:
        self._lake = lake
        self._folder = f"{state_folder}log/"

    def read(self) -> tuple[TableState, Plan | None]:
        """Read the log: the state after the last outcome, and the open plan.

        Raises:
            StateError: If an entry is damaged, missing, or of an unknown format version.
        """
        missing = ""
        while True:
            try:
                return self._read()
            except FileNotFoundError as error:
                # Another run may have deleted entries that its later snapshot replaces: list again.
                if str(error) == missing:
                    raise StateError(f"an entry of the log is missing: {error}; restore it") from error
                missing = str(error)

    def outcomes(self, *, after: int) -> Iterator[Outcome]:
        """Read the outcomes of all batches after a number, as far as they are kept, in order."""
        yield from self._outcomes(self._listed(after))

    def write_plan(self, plan: Plan) -> None:
        """Write a plan.

        Raises:
            OvertakenError: If another run wrote this plan first.
        """
        self._write(plan.number, "plan", plan)

    def write_outcome(self, outcome: Outcome) -> None:
        """Write the outcome of a batch, which ends it.

        Raises:
            OvertakenError: If another run ended it first.
        """
        self._write(outcome.number, "outcome", outcome)

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

    def _read(self) -> tuple[TableState, Plan | None]:
        snapshots = self._snapshots()
        state = self._entry(Snapshot, snapshots[-1]).state if snapshots else TableState()
        listed = self._listed(state.number)
        for outcome in self._outcomes(listed):
            if outcome.number != state.number + 1:
                raise FileNotFoundError(self._path(state.number + 1, "outcome"))
            state.apply(outcome)
        open_path = self._path(state.number + 1, "plan")
        if any(path > open_path for path in listed if path.endswith(".plan.json")):
            raise FileNotFoundError(self._path(state.number + 1, "outcome"))
        return state, self._entry(Plan, open_path) if open_path in listed else None

    def _listed(self, after: int) -> list[str]:
        return [entry.path for entry in self._lake.list(self._folder, after=self._path(after, "z"))]

    def _outcomes(self, listed: Iterable[str]) -> Iterator[Outcome]:
        paths = [path for path in listed if path.endswith(".outcome.json")]
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            for first in range(0, len(paths), _READ_AHEAD):
                yield from pool.map(lambda path: self._entry(Outcome, path), paths[first : first + _READ_AHEAD])

    def _snapshots(self) -> list[str]:
        return [entry.path for entry in self._lake.list(f"{self._folder}snapshots/")]

    def _entry(self, model: type[E], path: str) -> E:
        body = self._lake.read(path)
        try:
            text = gzip.decompress(body) if path.endswith(".gz") else body
            written = msgspec.json.decode(text, type=_Versioned).format
            if written <= FORMAT:
                return msgspec.json.decode(text, type=model)
        except (msgspec.MsgspecError, EOFError, OSError, zlib.error) as error:
            raise StateError(f"{path} is not a valid log entry: {error}; restore it") from error
        raise StateError(
            f"{path} was written by a newer version (format {written}; this one reads up to {FORMAT}): run that version"
        )

    def _snapshot_path(self, number: int) -> str:
        return f"{self._folder}snapshots/{number:09d}.json.gz"

    def _path(self, number: int, kind: str) -> str:
        return f"{self._folder}{number:09d}.{kind}.json"

    def _write(self, number: int, kind: str, entry: Plan | Outcome) -> None:
        path = self._path(number, kind)
        overtaken = not self._lake.create(path, msgspec.json.encode(entry))
        # A run that was suspended may write an entry again that a snapshot has since replaced.
        if not overtaken and any(self._lake.list(f"{self._folder}snapshots/", after=self._snapshot_path(number - 1))):
            self._lake.delete(path)
            overtaken = True
        if overtaken:
            raise OvertakenError(f"another run wrote {path} first; this run's work is discarded, and nothing is lost")
