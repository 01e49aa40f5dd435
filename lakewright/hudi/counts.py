"""Compares the rows passed to Hudi for a commit with the counts in the commit.

Hudi counts a deletion of a key that it does not hold as an insert and a deletion. The same holds for an update that
moves a key to another partition, if Hudi's global index handles the move.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from lakewright.hudi.timeline import Commit


@dataclass(frozen=True)
class PassedRows:
    """The rows passed to Hudi.

    Attributes:
        upserts: Rows to write.
        deletes: Rows to delete.
        updates: Upserts that are updates by the source, so that the table must have their rows.
        moved: Upserts whose key is in another partition only; each comes with a delete.
        is_load: Whether the rows fill a new table.
        hudi_moves: Whether Hudi itself deletes keys from the partitions that they leave.
    """

    upserts: int
    deletes: int = 0
    updates: int = 0
    moved: int = 0
    is_load: bool = False
    hudi_moves: bool = False

    def dump(self) -> str:
        """Serialize it for a commit's metadata."""
        return _PASSED_ROWS.dump_json(self).decode()

    @classmethod
    def load(cls, text: str) -> "PassedRows":
        """Parse it from a commit's metadata."""
        return _PASSED_ROWS.validate_json(text)

    def problem_with(self, commit: Commit) -> str:
        """Describe how a commit differs from the rows passed to it; empty if it does not."""
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
            f"{self.upserts} rows to write and {self.deletes} to delete were passed to Hudi, which counts "
            f"{commit.inserted} inserted, {commit.updated} updated and {commit.deleted} deleted"
        )

    def updates_of_unknown_keys(self, commit: Commit) -> int:
        """Return a lower bound for updates that found no row: inserts of existing keys count as updates."""
        moved = max(0, commit.deleted - self.deletes) if self.hudi_moves else self.moved
        return max(0, self.updates - commit.updated - moved)


_PASSED_ROWS: Final = TypeAdapter(PassedRows)
