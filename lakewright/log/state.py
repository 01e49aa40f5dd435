"""The state of a target, folded from the outcomes of its batches."""

from typing import Literal

from lakewright.log.actions.union import AnyAction
from lakewright.log.metadata import TableMetadata
from lakewright.log.records import Counts, DataFile, Record


class Outcome(Record, frozen=True):
    """How a batch ended; it has ended once this is in the log.

    The outcome of a batch without a plan says that rejected rows have expired.

    Attributes:
        rules: How many rejected rows break each rule, with its column.
        skipped: How many of the skipped records are of each kind.
    """

    format: int
    number: int
    status: Literal["committed", "dropped", "expired"]
    run: str
    attempt: str = ""
    config_hash: str = ""
    reason: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    skipped: dict[str, int] = {}
    actions: list[AnyAction] = []

    @property
    def is_refused(self) -> bool:
        """Whether the batch was read and refused, and not dropped before it could be judged."""
        return self.status == "dropped" and bool(self.attempt)

    def published(self) -> list[DataFile]:
        """Return all files to publish."""
        return [file for action in self.actions for file in action.published()]

    def deleted(self) -> list[str]:
        """Return all files to delete after publishing."""
        return [path for action in self.actions for path in action.deleted()]


class TableState(TableMetadata):
    """The metadata of a target's table, and how its last batch ended.

    ``is_replayed`` is true if a replay has ever begun, which may have written corrections.
    """

    last: Outcome | None = None
    is_replayed: bool = False

    def apply(self, outcome: Outcome) -> None:
        """Apply the outcome of the next batch."""
        for action in outcome.actions:
            action.apply(self)
        self.number, self.last = outcome.number, outcome
        if outcome.status == "committed":
            self.committed = outcome.number
