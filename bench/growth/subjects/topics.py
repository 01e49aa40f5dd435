"""Many tables of one feed of events, of which none has anything new."""

from pathlib import Path
from typing import Final

from bench.growth.subject import Step, Subject, write_feed


def make(folder: Path, topics: int) -> None:
    """Write a feed, and one object of one event per topic."""
    feed = {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}}
    write_feed(folder, "events", feed)
    for number in range(topics):
        below = folder / f"lake/raw/topics/topic_{number:04}/year=2026/month=08/day=01"
        below.mkdir(parents=True)
        (below / f"topic_{number:04}+0+0000000000.json").write_text('{"id": 1}\n')


SUBJECT: Final = Subject(
    title="topics of one feed of events",
    unit="topics",
    base=7,
    make=make,
    steps=(
        Step("first `run`", ("run", "events", "--json")),
        Step("idle `run`", ("run", "events", "--json")),
        Step("`status`", ("status", "events", "--json")),
        Step("`report`", ("report", "--json")),
    ),
)
