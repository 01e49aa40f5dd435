"""What is measured: a lake of a given size, and the commands that run on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.growth.measure import jobs_command

Numbers = dict[str, int]


@dataclass(frozen=True)
class Step:
    """One measured command.

    Attributes:
        name: What it does, such as ``the idle run after it``.
        arguments: Verb and options of the command line, without lake and config.
        prepare: What happens before, unmeasured, given the folder and the number of units.
        is_flat: Whether its work is the same at all sizes.
        command: The command, if it is not one of the command line; gets the folder.
        exit_codes: Expected exit codes.
    """

    name: str
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Path, int], None] | None = None
    is_flat: bool = False
    command: Callable[[Path], Sequence[str]] | None = None
    exit_codes: tuple[int, ...] = (0,)

    def command_in(self, folder: Path) -> Sequence[str]:
        """Return the command for a lake in a folder."""
        if self.command is not None:
            return self.command(folder)
        return jobs_command(*self.arguments, "--lake", str(folder / "lake"), "--config", str(folder / "conf"))


@dataclass(frozen=True)
class Subject:
    """A generator of lakes, and the steps measured on each of them.

    Attributes:
        title: What grows, for the table.
        unit: What the sizes count.
        base: Units of size 1.
        make: Writes feed and objects below a folder, for a number of units.
        counts: Further numbers after a step, such as requests or bytes of log entries.
    """

    title: str
    unit: str
    base: int
    make: Callable[[Path, int], None]
    steps: tuple[Step, ...]
    counts: Callable[[Path], Numbers] | None = None

    def numbers(self, folder: Path) -> Numbers:
        """Return state bytes and files of a lake, without its source, and the subject's own counts."""
        lake = folder / "lake"
        files = [file for file in lake.rglob("*") if file.is_file() and file.relative_to(lake).parts[0] != "raw"]
        state = sum(file.stat().st_size for file in files if file.relative_to(lake).parts[0] == "state")
        own = self.counts(folder) if self.counts else {}
        return {"state_bytes": state, "files": len(files), **own}


def write_feed(folder: Path, name: str, feed: Mapping[str, Any]) -> None:
    """Write a feed."""
    path = folder / "conf" / "feeds" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(feed), sort_keys=False))
    (folder / "lake").mkdir(exist_ok=True)


def day_folder(number: int) -> str:
    """Return the folders of a day, counted from 2020-01-01 in months of 28 days."""
    return f"year={2020 + number // 336}/month={number // 28 % 12 + 1:02}/day={number % 28 + 1:02}"


def bytes_of(folder: Path, pattern: str) -> int:
    """Return the size of the files that match a pattern below a folder."""
    return sum(file.stat().st_size for file in folder.glob(pattern) if file.is_file())
