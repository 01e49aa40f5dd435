"""The entries of a log as objects of the lake: their paths, how they are listed, and how they are read."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from lakewright.concurrency import ThreadPool
from lakewright.errors import StateError
from lakewright.log.records import Record
from lakewright.log.state import Outcome
from lakewright.storage.lake import Lake

_READ_AT_ONCE: Final = 8
#: Maximum number of outcomes in memory: each may name ten thousand objects.
_READ_AHEAD: Final = 32

E = TypeVar("E", bound=Record)


class _Versioned(msgspec.Struct):
    format: int


# Decoders are built on import: msgspec 0.22 crashes the process if threads decode a type for the first time at once.
_VERSIONED: Final = msgspec.json.Decoder(_Versioned)
OUTCOMES: Final = msgspec.json.Decoder(Outcome)


class EntryFolder:
    """The folder of a log.

    Attributes:
        lake: The lake.
        head: The path of the head.
        replayed: The path of the mark that there has been a replay.
    """

    def __init__(self, lake: Lake, folder: str, *, newest_format: int) -> None:
        """Open the folder; entries of a later format than this are refused."""
        self.lake, self.head, self.replayed = lake, f"{folder}head.json.gz", f"{folder}replayed"
        self._folder, self._newest_format = folder, newest_format
        self._snapshots_folder = f"{folder}snapshots/"

    def plan(self, number: int) -> str:
        """Return the path of a plan."""
        return self._path(number, "plan.json")

    def outcome(self, number: int) -> str:
        """Return the path of an outcome."""
        return self._path(number, "outcome.json")

    def end(self, number: int) -> str:
        """Return a path after those of all entries of a batch, and before those of the next one."""
        return self._path(number, "z")

    def snapshot(self, number: int) -> str:
        """Return the path of a snapshot."""
        return f"{self._snapshots_folder}{number:09d}.json.gz"

    def listed(self, *, after: int) -> dict[str, str]:
        """List the entries after a batch, the head, the mark of replays and the snapshots, with their ETags."""
        return {entry.path: entry.etag for entry in self.lake.list(self._folder, after=self.end(after))}

    def up_to(self, number: int) -> Iterator[str]:
        """List the plans and outcomes up to a batch."""
        end = self.end(number)
        for entry in self.lake.list(self._folder):
            if entry.path > end:
                return
            yield entry.path

    def snapshots(self, *, after: int = 0) -> list[str]:
        """List the snapshots after a batch, in their order."""
        return [entry.path for entry in self.lake.list(self._snapshots_folder, after=self.snapshot(after))]

    def read(self, decoder: msgspec.json.Decoder[E], path: str) -> E:
        """Read an entry of the type that the decoder returns.

        Raises:
            FileNotFoundError: If it does not exist.
            StateError: If it is damaged or of a later format.
        """
        body = self.lake.read(path)
        try:
            text = gzip.decompress(body) if path.endswith(".gz") else body
            written = _VERSIONED.decode(text).format
            if written <= self._newest_format:
                return decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EOFError, OSError, zlib.error) as error:
            raise StateError(f"{path} is not a valid log entry: {error}; restore it") from error
        raise StateError(
            f"{path} was written by a newer version (format {written}; this one reads up to {self._newest_format}): "
            "run that version"
        )

    def outcomes(self, paths: Iterable[str]) -> Iterator[Outcome]:
        """Read the outcomes among listed entries, in order."""
        listed = sorted(path for path in paths if is_outcome(path))
        with ThreadPool(_READ_AT_ONCE) as pool:
            for first in range(0, len(listed), _READ_AHEAD):
                yield from pool.map(lambda path: self.read(OUTCOMES, path), listed[first : first + _READ_AHEAD])

    def _path(self, number: int, name: str) -> str:
        return f"{self._folder}{number:09d}.{name}"


def is_outcome(path: str) -> bool:
    """Return whether a listed entry is an outcome."""
    return path.endswith(".outcome.json")


def is_plan(path: str) -> bool:
    """Return whether a listed entry is a plan."""
    return path.endswith(".plan.json")
