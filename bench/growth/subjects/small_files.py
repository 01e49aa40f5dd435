"""Many small batches into one day: what compactions after them rewrite, and how many files remain."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.growth.subject import Numbers, Step, Subject, write_feed
from lakewright.log.log import Log
from lakewright.storage.uris import open_lake

_ROWS: Final = 20
_LIMIT: Final = 20
_DAY: Final = "raw/people/year=2026/month=08/day=01"

#: Runs the batches one after another in one process, since starting Python takes longer than a batch.
_RUN_BATCHES: Final = """
import contextlib, io, shutil, sys
from pathlib import Path
from jobs.cli.verbs import app
folder = Path(sys.argv[1])
where = ["--lake", f"{folder}/lake", "--config", f"{folder}/conf"]
for waiting in sorted(folder.glob("waiting/*.csv")):
    shutil.move(waiting, folder / sys.argv[2] / waiting.name)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = app(["run", "people", "--json", *where], standalone_mode=False)
    assert not code, code
"""


def make(folder: Path, batches: int) -> None:
    """Write one small object per batch, which wait outside the source."""
    target = {"path": "refined/people/", "partition_by": ["year", "month", "day"], "fill": "append"}
    source = {"path": "raw/people/", "columns": {"id": "long", "name": "string"}}
    feed = {"job": "csv_to_parquet", "source": source, "target": target, "compact_above": _LIMIT}
    write_feed(folder, "people", feed)
    (folder / "waiting").mkdir()
    (folder / "lake" / _DAY).mkdir(parents=True)
    for batch in range(batches):
        rows = "".join(f"{batch * _ROWS + row},name {row}\n" for row in range(_ROWS))
        (folder / f"waiting/{batch:06d}.csv").write_text(f"id,name\n{rows}")


def run_batches(folder: Path) -> Sequence[str]:
    """Return the command that runs all waiting batches."""
    return [sys.executable, "-c", _RUN_BATCHES, str(folder), f"lake/{_DAY}"]


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
        Step("the batches, in one process", command=run_batches),
        Step("`compact`", ("compact", "people", "--json")),
    ),
    counts=counts,
)
