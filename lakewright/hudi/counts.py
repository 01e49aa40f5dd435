"""What was handed to Hudi for a commit, held against what the commit says that it did.

Hudi counts a deletion of a key that it does not hold as an insert and a deletion, and an update that moves a key to
another partition, where its own global index sees to that, as an insert and a deletion as well.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from lakewright.hudi.timeline import Commit


@dataclass(frozen=True)
class Handed:
    """What was handed over.

    Attributes:
        upserts: Rows to write.
        deletes: Rows to delete.
        updates: Of the upserts, those that the source says are updates of rows the table must hold.
        moved: Of the upserts, those whose key the table holds in another partition alone; they come with a delete.
        is_load: Whether the rows fill a new table.
        hudi_moves: Whether Hudi itself deletes keys in the partitions that they leave.
    """

    upserts: int
    deletes: int = 0
    updates: int = 0
    moved: int = 0
    is_load: bool = False
    hudi_moves: bool = False

    def dump(self) -> str:
        """Write it down for a commit's metadata."""
        return _HANDED.dump_json(self).decode()

    @classmethod
    def load(cls, text: str) -> "Handed":
        """Read it from a commit's metadata."""
        return _HANDED.validate_json(text)

    def problem_with(self, commit: Commit) -> str:
        """Say in what way a commit did something else; empty if it did what it was to do."""
        written = commit.inserted + commit.updated
        if self.is_load:
            is_right = (commit.inserted, commit.updated, commit.deleted) == (self.upserts, 0, 0)
        else:
            most_deleted = self.deletes + (self.upserts if self.hudi_moves else 0)
            is_right = self.upserts <= written <= self.upserts + self.deletes
            is_right &= self.deletes <= commit.deleted <= most_deleted
        if is_right:
            return ""
        return (
            f"{self.upserts} rows to write and {self.deletes} to delete were handed to Hudi, which counts "
            f"{commit.inserted} inserted, {commit.updated} updated and {commit.deleted} deleted"
        )

    def updates_of_unknown_keys(self, commit: Commit) -> int:
        """Count updates that found no row: at least so many, since inserts of keys that are there count as updates."""
        moved = max(0, commit.deleted - self.deletes) if self.hudi_moves else self.moved
        return max(0, self.updates - commit.updated - moved)


_HANDED: Final = TypeAdapter(Handed)
