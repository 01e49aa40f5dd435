"""Events of more and more days, in the same number of records."""

from pathlib import Path
from typing import Final

from bench.growth.events import RECORDS, Case, make_lake, shift
from bench.growth.subject import Step, Subject

_OBJECTS: Final = 6
_RUN: Final = ("run", "events", "--engine", "local", "--json")


def make(folder: Path, days: int) -> None:
    """Write the feed and its objects."""
    make_lake(folder, Case(_OBJECTS, RECORDS // _OBJECTS, days))


SUBJECT: Final = Subject(
    title=f"days of {RECORDS:,} events",
    unit="days",
    base=228,
    make=make,
    steps=(
        Step("first `run`", _RUN),
        Step("`run`, known schema", _RUN, prepare=lambda folder, _: shift(folder)),
    ),
)
