"""Place the rejected rows of a batch; those that were rejected before keep the day on which that was."""

from datetime import date

from lakewright.log.log import Plan
from lakewright.log.state import TableState
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.lake import Lake


def quarantine_place(
    lake: Lake, plan: Plan, state: TableState, *, staging: str, folder: str, partition_by: tuple[str, ...] = ()
) -> QuarantinePlace:
    """Return the place of a batch's rejected rows; ``folder`` is that of the target.

    Reads the quarantine files that have rows of the batch's objects: of those columns that identify their versions.
    """
    again = {source.path: source.etag for source in plan.objects}
    before = [file for file in state.quarantine.values() if not again.keys().isdisjoint(file.objects)]
    first_seen: dict[tuple[str, str], date] = {}
    if before:
        from lakewright.quarantine.files import read_first_seen  # pyarrow, which idle runs do not need

        known = read_first_seen(lake, before)
        first_seen = {version: day for version, day in known.items() if again.get(version[0]) == version[1]}
    destination = f"{folder}batch={plan.number:06d}/"
    return QuarantinePlace(staging, destination, plan.run, plan.processing_date, partition_by, first_seen)
