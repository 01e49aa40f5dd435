"""Where the rejected rows of a batch go, and what each of them notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class QuarantinePlace:
    """The location of a batch's rejected rows, and what they have in common.

    Attributes:
        staging: The folder in which their files are staged.
        destination: The folder in which these are published.
        run: The run that planned the batch, also if another one finishes it.
        day: The processing date of the batch.
        partition_by: Partition columns, from the objects' values; each file has rows of one partition, since partitions
            are overwritten separately.
        first_seen: When rows of an object's version (path, ETag) were first rejected, if an earlier batch did that.
    """

    staging: str
    destination: str
    run: str
    day: str
    partition_by: tuple[str, ...] = ()
    first_seen: Mapping[tuple[str, str], date] = field(default_factory=dict)

    def first_seen_of(self, path: str, etag: str) -> date:
        """Return the processing date of the first batch that rejected rows of this version of an object."""
        return self.first_seen.get((path, etag)) or date.fromisoformat(self.day)
