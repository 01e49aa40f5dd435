"""Many small batches into one day: what compactions after them rewrite, and how many files remain."""

from pathlib import Path
from typing import Final

from bench.growth.subject import Numbers, Step, Subject, write_feed
from bench.growth.waiting import FOLDER, run_waiting
from lakewright.log.log import Log
from lakewright.storage.uris import open_lake

_ROWS: Final = 20
_LIMIT: Final = 20
_DAY: Final = "raw/people/year=2026/month=08/day=01"


def make(folder: Path, batches: int) -> None:
    """Write one small object per batch, which wait outside the source."""
    target = {"path": "refined/people/", "partition_by": ["year", "month", "day"], "fill": "append"}
    source = {"path": "raw/people/", "columns": {"id": "long", "name": "string"}}
    feed = {"job": "csv_to_parquet", "source": source, "target": target, "compact_above": _LIMIT}
    write_feed(folder, "people", feed)
    (folder / FOLDER).mkdir()
    (folder / "lake" / _DAY).mkdir(parents=True)
    for batch in range(batches):
        rows = "".join(f"{batch * _ROWS + row},name {row}\n" for row in range(_ROWS))
        (folder / FOLDER / f"{batch:06d}.csv").write_text(f"id,name\n{rows}")


def counts(folder: Path) -> Numbers:
    """Return the files of the table, and how many rows compactions have rewritten."""
    log = Log(open_lake(str(folder / "lake")), "state/people/people/")
    actions = [action for outcome in log.outcomes(after=0) for action in outcome.actions]
    merged = [each for action in actions for each in getattr(action, "merged", ())]
    return {"data_files": len(log.read()[0].files), "rows_rewritten": sum(each.file.rows for each in merged)}


SUBJECT: Final = Subject(
    title=f"batches into one day, compacted above {_LIMIT} files",
    unit="batches",
    base=100,
    make=make,
    steps=(
        Step("the batches, in one process", command=run_waiting("people", _DAY)),
        Step("`compact`", ("compact", "people", "--json")),
    ),
    counts=counts,
)
