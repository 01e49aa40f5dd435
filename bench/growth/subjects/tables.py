"""Change data of many tables, of which two have changed."""

from pathlib import Path
from typing import Final

from bench.growth.change_files import write_change_feed, write_changes, write_load
from bench.growth.subject import Step, Subject

_ROWS: Final = 100
_CHANGED: Final = 2


def make(folder: Path, tables: int) -> None:
    """Write a feed, and a full load for each table."""
    names = [f"t{number:03}" for number in range(tables)]
    write_change_feed(folder, names)
    for name in names:
        write_load(folder, name, _ROWS)


def change_two(folder: Path, tables: int) -> None:
    """Write ten changes for each of two tables."""
    for number in range(0, tables, -(-tables // _CHANGED)):
        write_changes(folder, f"t{number:03}", 1, "U", range(10))


SUBJECT: Final = Subject(
    title="tables of change data",
    unit="tables",
    base=6,
    make=make,
    steps=(
        Step("load of all", ("run", "hr", "--json")),
        Step("`run`, 2 tables changed", ("run", "hr", "--json"), prepare=change_two, is_flat=True),
        Step("idle `run`", ("run", "hr", "--json")),
    ),
)
