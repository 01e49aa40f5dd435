"""Many small objects of one topic: planned, read, and listed again by the idle run."""

import json
from pathlib import Path
from typing import Final

from bench.growth.subject import Numbers, Step, Subject, bytes_of, day_folder, write_feed

_OBJECTS_PER_DAY: Final = 1000


def make(folder: Path, objects: int) -> None:
    """Write objects of one event over days of a thousand objects each."""
    write_feed(
        folder,
        "events",
        {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}},
    )
    for number in range(objects):
        below = folder / "lake/raw/topics/t" / day_folder(number // _OBJECTS_PER_DAY)
        if number % _OBJECTS_PER_DAY == 0:
            below.mkdir(parents=True)
        (below / f"t+0+{number:010}.json").write_text(json.dumps({"id": number, "name": f"name {number}"}) + "\n")


def counts(folder: Path) -> Numbers:
    """Return the bytes of plans, outcomes and receipts."""
    state = folder / "lake/state/events/t"
    return {
        "plan_bytes": bytes_of(state, "log/*.plan.json*"),
        "outcome_bytes": bytes_of(state, "log/*.outcome.json*"),
        "receipt_bytes": bytes_of(state, "receipts/*"),
    }


_RUN: Final = ("run", "events", "--engine", "local", "--json")
SUBJECT: Final = Subject(
    title="event objects of one record",
    unit="objects",
    base=20_000,
    make=make,
    steps=(
        Step("`plan`", ("plan", "events", "--json")),
        Step("first `run`", _RUN),
        Step("idle `run`", _RUN),
    ),
    counts=counts,
)
