"""The rejected rows of a target, as its log knows them: published, and not released since."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.errors import StateError
from lakewright.log.records import DataFile
from lakewright.log.state import TableState
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


def field_names(lake: Lake, state: TableState) -> list[str]:
    """Return the names of the fields of all rejected rows, in the order in which they appear.

    Raises:
        StateError: If a file is missing.
    """
    names: dict[str, None] = {}
    for batch in _batches(lake, state.quarantine.values(), ["fields"]):
        names |= dict.fromkeys(pc.unique(batch.column(0).keys).to_pylist())
    return list(names)


def _all_rows(lake: Lake, state: TableState, rule: str) -> Iterator[QuarantinedRow]:
    wanted = (
        file
        for file in state.quarantine.values()
        if not rule or any(rule == name or name.endswith(f": {rule}") for name in file.rules)
    )
    for batch in _batches(lake, wanted, QUARANTINE.names):
        yield from map(_row, batch.to_pylist())


def _batches(lake: Lake, files: Iterable[DataFile], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for file in sorted(files, key=_place):
        try:
            yield from read_batches(lake, file.path, file.size, columns)
        except FileNotFoundError as error:
            raise StateError(
                f"{file.path} is missing: if a run has removed its rows in the meantime, try again; if it was deleted, "
                "run `rebuild`"
            ) from error


def _place(file: DataFile) -> tuple[str, str, list[str], str]:
    return file.path.rpartition("/")[0], file.partition, file.objects, file.path


def _row(row: Mapping[str, Any]) -> QuarantinedRow:
    reasons = tuple(Reason(**reason) for reason in row["reasons"])
    fields = None if row["fields"] is None else dict(row["fields"])
    return QuarantinedRow(**{**row, "reasons": reasons, "fields": fields})
