"""The rejected rows of a target, as its log knows them: published, and not released since."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from lakewright.errors import StateError
from lakewright.log.actions import TableState
from lakewright.quarantine.files import read_batches
from lakewright.quarantine.rows import QUARANTINE, Reason
from lakewright.storage.lake import Lake


class QuarantinedRow(NamedTuple):
    """A row of a quarantine table; see ``lakewright.quarantine.rows.QUARANTINE``."""

    object: str
    etag: str
    position: int
    reasons: tuple[Reason, ...]
    text: str
    fields: Mapping[str, str | None] | None
    first_seen: date
    run: str

    def breaks(self, rule: str) -> bool:
        """Return whether the row breaks a rule; ``rule`` is its name alone, or with the column as in receipts."""
        return any(rule in (reason.rule, reason.name) for reason in self.reasons)

    def dump(self) -> dict[str, Any]:
        """Return the row as JSON-compatible data."""
        reasons = [reason._asdict() for reason in self.reasons]
        return self._asdict() | {"reasons": reasons, "first_seen": self.first_seen.isoformat()}


def read_rows(lake: Lake, state: TableState, *, rule: str = "", limit: int | None = None) -> Iterator[QuarantinedRow]:
    """Read the rejected rows of a target, in the order of their batches; a few thousand are in memory at once.

    Args:
        lake: The lake.
        state: The state of the target.
        rule: Only rows that break this rule; see ``QuarantinedRow.breaks``.
        limit: Maximum number of rows.

    Raises:
        StateError: If a file is missing.
    """
    rows = (row for row in _all_rows(lake, state, rule) if not rule or row.breaks(rule))
    return islice(rows, limit)


def _all_rows(lake: Lake, state: TableState, rule: str) -> Iterator[QuarantinedRow]:
    for path, file in sorted(state.quarantine.items()):
        if rule and not any(rule == name or name.endswith(f": {rule}") for name in file.rules):
            continue
        try:
            for batch in read_batches(lake, path, file.size, QUARANTINE.names):
                yield from map(_row, batch.to_pylist())
        except FileNotFoundError as error:
            raise StateError(
                f"{path} is missing: a run has released its rows meanwhile, or it was deleted; try again"
            ) from error


def _row(row: Mapping[str, Any]) -> QuarantinedRow:
    reasons = tuple(Reason(**reason) for reason in row["reasons"])
    fields = None if row["fields"] is None else dict(row["fields"])
    return QuarantinedRow(**{**row, "reasons": reasons, "fields": fields})
