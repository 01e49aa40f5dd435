"""Run the source systems' worked examples, and compare each table with the expected one.

Run as ``python examples/walkthrough.py [NAME]...``; the exit code is 1 if a table or a count is not as expected.
"""

import csv
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import screen  # puts the project on the path
import yaml
from pyspark.sql import DataFrame
from rich.table import Table
from rich.text import Text

from lakewright.engine.spark.session import get_session
from lakewright.hudi.compaction import compact_targets
from lakewright.runs.job.request import Request
from lakewright.runs.progress import SilentProgress, count_of

WALKTHROUGHS: Final = screen.EXAMPLES / "walkthroughs"


@dataclass(frozen=True)
class Rows:
    """A table to compare: column names and ordered rows of text."""

    columns: list[str]
    rows: list[list[str]]


def main(names: list[str]) -> int:
    """Run the named examples, or all of them."""
    folders = [WALKTHROUGHS / name for name in names] or sorted(
        path.parent for path in WALKTHROUGHS.glob("*/steps.yaml")
    )
    differing = []
    with screen.failures_shown():
        for folder in folders:
            with tempfile.TemporaryDirectory(prefix="lakewright-walkthrough-") as lake:
                if not walk_through(folder, Path(lake)):
                    differing.append(folder.name)
    matching = len(folders) - len(differing)
    screen.print_line(f"{matching} of {len(folders)} walkthroughs match what is expected")
    for name in differing:
        screen.print_line(Text(f"differs: {name}", "red"))
    return 1 if differing else 0


def walk_through(folder: Path, lake: Path) -> bool:
    """Run the steps of one example in a temporary lake; return whether all results match."""
    example: dict[str, Any] = yaml.safe_load((folder / "steps.yaml").read_text())
    screen.print_line(Text(example["title"], "bold"))
    matches = True
    for step in example["steps"]:
        screen.print_line(f"- {step['says']}")
        for source, target in step.get("deliver", {}).items():
            screen.deliver(screen.EXAMPLES / source, lake / target)
        for source, target in step.get("move", {}).items():
            (lake / target).mkdir(parents=True)
            (lake / source).rename(lake / target / Path(source).name)
        counts = do_command(lake, example["feed"], step)
        if counts != step.get("counts", {}):
            screen.print_line(Text(f"  rows: expected {step['counts']}, counted {counts}", "red"))
            matches = False
        if "expect" in step:
            path = folder / step["expect"]
            expected = read_expected(path)
            actual = read_actual(lake, expected.columns, **example["table"], query=step.get("query", "snapshot"))
            matches &= show_comparison(expected, actual, f"{folder.name}/{path.name}")
    screen.console.print()
    return matches


def do_command(lake: Path, feed: str, step: Mapping[str, Any]) -> dict[str, int]:
    """Run a step; return the row counts of a run."""
    command = step.get("command")
    if command is None:
        return {}
    if command == "compact":
        screen.print_line(Text(f"  lakewright compact {feed}", "cyan"))
        for compaction in compact_targets(*screen.open_jobs(lake, feed), SilentProgress()):
            if compaction["error"]:
                raise screen.FailedRunError(compaction["error"])
        return {}
    day: date | None = step.get("date")
    screen.print_line(Text(f"  lakewright run {feed}" + (f" --date {day}" if day else ""), "cyan"))
    wanted = dict(zip(("year", "month", "day"), day.isoformat().split("-"), strict=True)) if day else {}
    today = {"today": step["today"].isoformat()} if "today" in step else {}
    (receipt,) = screen.run_feed(lake, feed, Request("run", wanted, **today))
    return {name: count for name, count in receipt.dump()["counts"].items() if count}


def read_expected(path: Path) -> Rows:
    """Read an expected table: CSV, or the lines of an object."""
    if path.suffix != ".csv":
        return lines_of(path)
    with path.open(newline="") as file:
        columns, *rows = csv.reader(file)
    return Rows(columns, rows)


def read_actual(lake: Path, columns: list[str], path: str, format: str, query: str) -> Rows:  # noqa: A002 - as in steps
    """Read a table without the columns of Hudi and of this project; ``columns`` come first."""
    if format == "text":
        return lines_of(lake / path)
    reader = get_session().read.format(format).option("mergeSchema", True)
    if format == "hudi":
        reader = reader.option("hoodie.datasource.query.type", query)
    table: DataFrame = reader.load(str(lake / path))
    own = [name for name in table.columns if not name.startswith("_")]
    own.sort(key=lambda name: columns.index(name) if name in columns else len(columns))
    rows = [[screen.as_text(value) for value in row] for row in table.select(own).collect()]
    return Rows(own, sorted(rows, key=lambda row: [(value.zfill(20) if value.isdigit() else value) for value in row]))


def lines_of(path: Path) -> Rows:
    """Return the lines of an object with visible line ends."""
    text = path.read_bytes().decode().replace("\r", "␍").replace("\n", "␊\n")
    return Rows(["line"], [[line] for line in text.split("\n")])


def show_comparison(expected: Rows, actual: Rows, path: str) -> bool:
    """Print two tables side by side, or one below the other if they are wide; if they differ, the different rows."""
    tables = [
        screen.make_table(rows.columns, rows.rows, title=title)
        for title, rows in ((f"expected: {path}", expected), ("actual", actual))
    ]
    widths = [screen.console.measure(table).maximum for table in tables]
    if sum(widths) + 4 <= screen.console.width:
        grid = Table.grid(padding=(0, 4))
        grid.add_row(*tables)
        screen.console.print(grid)
    else:
        for table in tables:
            screen.console.print(table)
    if expected == actual:
        screen.print_line(Text(f"  as expected: {count_of(len(actual.rows), 'row')}", "green"))
        return True
    screen.print_line(Text("  differs from what is expected (-), in what is there (+):", "red"))
    if expected.columns != actual.columns:
        show_differing(["columns: " + ", ".join(expected.columns)], ["columns: " + ", ".join(actual.columns)])
    show_differing([", ".join(row) for row in expected.rows], [", ".join(row) for row in actual.rows])
    return False


def show_differing(expected: list[str], actual: list[str]) -> None:
    """Print the lines that only one of them has."""
    for sign, lines, others in (("-", expected, actual), ("+", actual, expected)):
        for line in lines:
            if lines.count(line) > others.count(line):
                screen.console.print(Text(f"  {sign} {line}", "red"), soft_wrap=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except screen.FailedRunError as error:
        sys.exit(f"error: {error}")
