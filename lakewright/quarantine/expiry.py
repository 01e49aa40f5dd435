"""Rejected rows are deleted once they are too old, by a batch of their own."""

import uuid
from collections.abc import Callable, Set
from datetime import date

from lakewright.log.actions.quarantine import ReleaseRows
from lakewright.log.log import FORMAT
from lakewright.log.state import Outcome, TableState


def expiry_of(
    state: TableState, *, days: int | None, today: str, run: str, waiting: Callable[[], Set[str]]
) -> Outcome | None:
    """Return the outcome that deletes all files whose rows were first rejected ``days`` or more days ago, if any.

    A file is deleted as a whole, once its newest row is old enough, and not while a correction of one of its objects
    waits for a batch; ``waiting`` returns those objects.
    """
    if days is None:
        return None
    now = date.fromisoformat(today)
    files = [
        file
        for file in state.quarantine.values()
        if file.first_seen is not None and (now - date.fromisoformat(file.first_seen[1])).days >= days
    ]
    objects = waiting() if files else set()
    files = [file for file in files if objects.isdisjoint(file.objects)]
    if not files:
        return None
    return Outcome(
        format=FORMAT,
        number=state.number + 1,
        status="expired",
        run=run,
        attempt=uuid.uuid4().hex[:8],
        reason=f"rejected rows deleted because of quarantine_days ({days}): {sum(file.rows for file in files)}",
        actions=[ReleaseRows([file.path for file in files])],
    )
