"""Many small CSV objects of one feed: planned, read, and listed again by the idle run."""

from pathlib import Path
from typing import Final

from bench.growth.subject import Numbers, Step, Subject, bytes_of, day_folder, write_feed

_OBJECTS_PER_DAY: Final = 1000


def make(folder: Path, objects: int) -> None:
    """Write one-row objects over days of a thousand objects each."""
    write_feed(
        folder,
        "people",
        {
            "job": "csv_to_parquet",
            "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
            "target": {"path": "refined/people/", "partition_by": ["year", "month", "day"]},
        },
    )
    for number in range(objects):
        below = folder / "lake/raw/people" / day_folder(number // _OBJECTS_PER_DAY)
        if number % _OBJECTS_PER_DAY == 0:
            below.mkdir(parents=True)
        (below / f"{number:07}.csv").write_text(f"id,name\n{number},name {number}\n")


def counts(folder: Path) -> Numbers:
    """Return the bytes of plans, outcomes, snapshots and receipts."""
    log = folder / "lake/state/people/people/log"
    return {
        "plan_bytes": bytes_of(log, "*.plan.json*"),
        "outcome_bytes": bytes_of(log, "*.outcome.json*"),
        "snapshot_bytes": bytes_of(log, "snapshots/*"),
        "receipt_bytes": bytes_of(log.parent, "receipts/*"),
    }


SUBJECT: Final = Subject(
    title="CSV objects of one row",
    unit="objects",
    base=20_000,
    make=make,
    steps=(
        Step("`plan`", ("plan", "people", "--json")),
        Step("first `run`", ("run", "people", "--json")),
        Step("idle `run`", ("run", "people", "--json")),
    ),
    counts=counts,
)
