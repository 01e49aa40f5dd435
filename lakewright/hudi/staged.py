"""What a batch staged for a Hudi table, as its commit carries it."""

from dataclasses import dataclass, field

import msgspec

from lakewright.log.records import Record
from lakewright.runs.job import Staged


class LoadInPlace(Record, frozen=True, tag_field="kind", tag="load_in_place"):
    """A full load that begins the table: its rows are written from where they lie."""


class StagedChanges(Record, frozen=True, tag_field="kind", tag="staged_changes"):
    """Changes, one of each key, in a folder below that of the attempt."""

    part: str


@dataclass(frozen=True)
class StagedForHudi(Staged):
    """See ``Staged``.

    Attributes:
        columns: The columns of the table, with their types.
        rows: Where the rows to write are.
        updates: Of the rows to write, those that the source says are updates.
    """

    columns: dict[str, str] = field(default_factory=dict)
    rows: LoadInPlace | StagedChanges = field(default_factory=LoadInPlace)
    updates: int = 0

    def dump(self) -> str:
        """Write it down for a commit's metadata."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def load(cls, text: str) -> "StagedForHudi":
        """Read it from a commit's metadata."""
        return msgspec.json.decode(text, type=cls)
