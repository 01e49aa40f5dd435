"""Deletes that a table remembers: what a later batch costs, in time and with changes that are late."""

from pathlib import Path
from typing import Final

from bench.growth.change_files import write_change_feed, write_changes, write_load
from bench.growth.subject import Numbers, Step, Subject, bytes_of

_KEPT: Final = 1000
_CHANGES: Final = 100


def make(folder: Path, deletes: int) -> None:
    """Write a load of rows that will be deleted, and of a thousand that stay."""
    write_change_feed(folder, ["people"], partitioned=False)
    write_load(folder, "people", deletes + _KEPT)


def delete(folder: Path, deletes: int) -> None:
    """Delete all rows but a thousand."""
    write_changes(folder, "people", 1000, "D", range(_KEPT, deletes + _KEPT))


def change(folder: Path, deletes: int) -> None:
    """Write changes of rows that stay, and ten more deletes."""
    ids = [*range(_CHANGES - 10), *range(deletes, deletes + 10)]
    write_changes(folder, "people", 2000, "U" * (_CHANGES - 10) + "D" * 10, ids)


def change_late(folder: Path, _: int) -> None:
    """Write changes that are older than the deletes: half of them of deleted rows, which must not return."""
    ids = [*range(_CHANGES // 2), *range(_KEPT, _KEPT + _CHANGES // 2)]
    write_changes(folder, "people", 500, "U", ids)


def counts(folder: Path) -> Numbers:
    """Return files and bytes of the remembered deletes."""
    below = folder / "lake/state/hr/people/deleted"
    return {
        "tombstone_files": sum(1 for _ in below.rglob("*.parquet")),
        "tombstone_bytes": bytes_of(below, "**/*.parquet"),
    }


_RUN: Final = ("run", "hr", "--json")
SUBJECT: Final = Subject(
    title="remembered deletes",
    unit="deletes",
    base=62_500,
    make=make,
    steps=(
        Step("load", _RUN),
        Step("the deletes, in one batch", _RUN, prepare=delete),
        Step("100 changes", _RUN, prepare=change, is_flat=True),
        Step("100 late changes", _RUN, prepare=change_late, is_flat=True),
    ),
    counts=counts,
)
