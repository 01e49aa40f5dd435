"""Files of events that are settled, half of them new, without overlaps."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.growth.settled_files import SETTLE
from bench.growth.subject import Step, Subject


def make(folder: Path, files: int) -> None:
    """Note the number of files, which need not exist."""
    (folder / "lake").mkdir()
    (folder / "files").write_text(str(files))


def settle(offsets: str) -> Callable[[Path], Sequence[str]]:
    """Return what settles files whose offsets are carried by the records, or computed."""
    return lambda folder: [sys.executable, "-c", SETTLE, (folder / "files").read_text(), offsets]


SUBJECT: Final = Subject(
    title="event files settled",
    unit="files",
    base=730,
    make=make,
    steps=(
        Step("offsets in the records", command=settle("carried")),
        Step("offsets computed", command=settle("computed")),
    ),
)
