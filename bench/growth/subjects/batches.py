"""Many small batches into one table of change data: what the next one costs."""

import json
from pathlib import Path
from typing import Final

from bench.growth.change_files import write_change_feed, write_changes, write_load
from bench.growth.subject import Numbers, Step, Subject, bytes_of
from bench.growth.waiting import FOLDER, SECONDS, run_waiting

_ROWS: Final = 1000
_CHANGES: Final = 50
_AVERAGED: Final = 5


def make(folder: Path, batches: int) -> None:
    """Write a load, and one file of changes per batch, which wait outside the source."""
    write_change_feed(folder, ["people"])
    write_load(folder, "people", _ROWS)
    waiting = folder / FOLDER
    waiting.mkdir()
    for batch in range(batches):
        write_batch(folder, batch)
        (path,) = (folder / "lake/raw/hr/people").glob("2026*.parquet")
        path.rename(waiting / path.name)


def write_batch(folder: Path, batch: int) -> None:
    """Write changes of 50 keys: updates, some of them after deletes of the batch before, and five deletes."""
    first = batch * 7 % _ROWS
    ids = [(first + step) % _ROWS for step in range(_CHANGES)]
    write_changes(folder, "people", batch, "U" * (_CHANGES - 5) + "D" * 5, ids)


def counts(folder: Path) -> Numbers:
    """Return files of the timeline, bytes of the log, and the seconds of the first and last batches in one process."""
    table = folder / "lake/refined/hr/people"
    seconds = json.loads((folder / SECONDS).read_text())[1:]  # the first one starts Spark
    return {
        "timeline_files": sum(1 for path in (table / ".hoodie").iterdir() if path.is_file()),
        "data_files": sum(1 for _ in table.rglob("*.parquet")),
        "log_bytes": bytes_of(folder / "lake/state/hr/people/log", "**/*"),
        "tombstone_files": sum(1 for _ in (folder / "lake/state/hr/people").glob("deleted/*.parquet")),
        "first_batches_ms": round(1000 * sum(seconds[:_AVERAGED]) / _AVERAGED),
        "last_batches_ms": round(1000 * sum(seconds[-_AVERAGED:]) / _AVERAGED),
    }


SUBJECT: Final = Subject(
    title="earlier batches into one table",
    unit="batches",
    base=12,
    make=make,
    steps=(
        Step("the batches, in one process", command=run_waiting("hr", "raw/hr/people")),
        Step("one more batch", ("run", "hr", "--json"), prepare=write_batch, is_flat=True),
        Step("idle `run`", ("run", "hr", "--json"), is_flat=True),
    ),
    counts=counts,
)
