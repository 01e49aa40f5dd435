"""Where the trial of corrected rows writes its files, which are not kept."""

from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.interfaces import Scratch


def trial_places(scratch: Scratch) -> tuple[TablePlace, QuarantinePlace]:
    """Return the places of good and of rejected rows in the folder for intermediate files."""
    table = TablePlace(f"{scratch.folder}table/", "", "")
    return table, QuarantinePlace(f"{scratch.folder}quarantine/", "", run="", day=scratch.today)
