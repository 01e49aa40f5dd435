"""Shared by the demo and the walkthroughs: deliveries, quiet runs, and tables that fit the terminal."""

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "examples"
sys.path.insert(0, str(ROOT))

from rich import box  # noqa: E402 - a script in a folder finds the project beside it only now
from rich.console import Console  # noqa: E402
from rich.markup import escape  # noqa: E402
from rich.padding import Padding  # noqa: E402
from rich.status import Status  # noqa: E402
from rich.table import Table  # noqa: E402
from rich.text import Text  # noqa: E402

from jobs.cli.registry import load_feed  # noqa: E402
from lakewright.config_files import Conf  # noqa: E402
from lakewright.costs.prices import usable_prices  # noqa: E402
from lakewright.engine.choice import EngineChoice  # noqa: E402
from lakewright.engine.jvm_log import JVM_LOG  # noqa: E402
from lakewright.runs.job.request import Request  # noqa: E402
from lakewright.runs.job.target_job import AnyJob  # noqa: E402
from lakewright.runs.lifecycle.targets import run_targets  # noqa: E402
from lakewright.runs.progress import SilentProgress, count_of  # noqa: E402
from lakewright.runs.receipts import Receipt  # noqa: E402
from lakewright.storage.lake import Lake  # noqa: E402
from lakewright.storage.uris import open_lake  # noqa: E402

_WIDEST_COLUMN: Final = 24
#: Of the tables below "out".
_INDENT: Final = 6
console: Final = Console(highlight=False)


class FailedRunError(Exception):
    """Raised when a run fails unexpectedly."""


class StatusProgress(SilentProgress):
    """Shows the current stage of a run in one temporary line."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        self._status.update(escape(f"{target}: {stage} {detail}"))


@contextlib.contextmanager
def failures_shown() -> Iterator[None]:
    """Log only warnings; after a failure, print the path of the JVM's log."""
    os.environ.setdefault("LAKEWRIGHT_JARS", str(ROOT / "jars"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        yield
    except Exception:
        if path := JVM_LOG.keep():
            print_line(f"log of the JVM: {path}")
        raise


def deliver(source: Path, target: Path) -> None:
    """Deliver files: copy missing ones from the examples into a lake."""

    def copy(file: str, copied: str) -> str:
        return copied if Path(copied).exists() else shutil.copy2(file, copied)

    shutil.copytree(source, target, copy_function=copy, dirs_exist_ok=True)


def open_jobs(root: Path, feed: str) -> tuple[Lake, list[AnyJob]]:
    """Open the targets of a feed in a lake."""
    lake = open_lake(str(root))
    return lake, load_feed(Conf(str(ROOT / "conf")), feed).targets(lake, [])


def run_feed(root: Path, feed: str, request: Request) -> list[Receipt]:
    """Run a feed, and show its stages in a temporary line.

    Raises:
        FailedRunError: If a target fails.
    """
    with console.status(f"{feed}: starting") as status:
        lake, jobs = open_jobs(root, feed)
        with EngineChoice() as engines:
            priced = replace(request, prices=usable_prices(Conf(str(ROOT / "conf"))))
            receipts = run_targets(lake, jobs, priced, StatusProgress(status), engines)
    for receipt in receipts:
        if receipt.exit_code:
            raise FailedRunError(f"{feed}: {receipt.error}")
    return receipts


def print_line(text: str | Text) -> None:
    """Print a line; terminals show as much as fits."""
    line = Text(text) if isinstance(text, str) else text
    if console.is_terminal:
        line.truncate(console.width, overflow="ellipsis")
    console.print(line, soft_wrap=True)


def make_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", widest: int = 0) -> Table:
    """Return a table of formatted values; ``widest`` limits column widths."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, title=title or None, title_justify="left", title_style="dim")
    for name in columns:
        table.add_column(escape(name), no_wrap=True, overflow="ellipsis", max_width=widest or None)
    for row in rows:
        table.add_row(*(escape(as_text(value)) for value in row))
    return table


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print as many columns of a table as fit the terminal."""
    for shown in range(len(columns), 0, -1):
        table = make_table(columns[:shown], [row[:shown] for row in rows], widest=_WIDEST_COLUMN)
        if console.measure(table).maximum + _INDENT <= console.width:
            break
    console.print(Padding(table, (0, 0, 0, _INDENT)))
    if left := columns[shown:]:
        print_line(Text(f"{' ' * _INDENT} … {count_of(len(left), 'more column')}: {', '.join(left)}", "dim"))


def as_text(value: Any) -> str:
    """Format a value as in the expected tables."""
    return "null" if value is None else str(value).removesuffix("+00:00")
