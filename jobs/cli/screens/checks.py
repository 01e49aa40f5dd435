"""The text of ``check`` and ``jars``."""

from collections.abc import Mapping
from typing import Any

import typer

from lakewright.runs.progress import count_of
from lakewright.runs.progress.stderr import print_on_stderr


def show_check(checked: Mapping[str, Any]) -> None:
    """Print the problems of feeds; if there are none, the columns that they rename."""
    feeds, problems = checked["feeds"], checked["problems"]
    for problem in problems:
        print_on_stderr(f"error: {problem}")
    if not problems:
        for feed, tables in checked["renamed_columns"].items():
            for table, rename in tables.items():
                names = ", ".join(f"{source!r} is {name}" for source, name in rename.items())
                typer.echo(f"columns of {feed} → {table}: {names}")
        verb = "is" if len(feeds) == 1 else "are"
        typer.echo(f"{count_of(len(feeds), 'feed')} {verb} valid: {', '.join(feeds)}")


def show_jars(answer: Mapping[str, Any]) -> None:
    """Print where the jars are."""
    downloaded = f"{len(answer['downloaded'])} downloaded" if answer["downloaded"] else "all were there"
    typer.echo(f"{len(answer['jars'])} jars are in {answer['folder']} ({downloaded})")
