"""Small objects of a topic with thousands of attributes."""

from pathlib import Path
from typing import Final

from bench.growth.events import ATTRIBUTES, Case, make_lake, shift
from bench.growth.subject import Step, Subject

_RUN: Final = ("run", "events", "--engine", "local", "--json")


def make(folder: Path, objects: int) -> None:
    """Write the feed and its objects, each of one record."""
    make_lake(folder, Case(objects, 1, attributes=ATTRIBUTES))


SUBJECT: Final = Subject(
    title=f"objects of one event with {ATTRIBUTES:,} attributes",
    unit="objects",
    base=63,
    make=make,
    steps=(
        Step("first `run`", _RUN),
        Step("`run`, known schema", _RUN, prepare=lambda folder, _: shift(folder)),
    ),
)
