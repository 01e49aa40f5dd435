"""The command line: ``python -m jobs VERB FEED``, or ``lakewright VERB FEED`` once installed."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli import screen
from jobs.cli.entrypoint import wanted_partition, worst_exit_code
from jobs.cli.registry import JOBS, feed_model, load_feed
from lakewright.aws.outages import bounded_outages
from lakewright.config import Conf, lake_uri
from lakewright.errors import ConfigError, NoTargetsError, cause_of
from lakewright.runs.job import Request
from lakewright.runs.progress import Progress, closing_progress, make_progress
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.errors import LakewrightError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Exactly once, every row accounted for.")

FeedName = Annotated[str, typer.Argument(metavar="FEED", help="Name of a feed: conf/feeds/FEED.yaml.")]
LakeUri = Annotated[str | None, typer.Option("--lake", help="The lake's root; else LAKEWRIGHT_LAKE, else ./lake.")]
ConfUri = Annotated[str, typer.Option("--conf", help="Folder of the config, or s3://…")]
Targets = Annotated[list[str], typer.Option("--target", help="Only this table (repeatable).")]
Settings = Annotated[list[str], typer.Option("--set", help="key=value over the feed's own (repeatable).")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show a traceback with an error.")]
Date = Annotated[str | None, typer.Option("--date", help="Only the sources of this day: 2026-08-01.")]
DropOpen = Annotated[bool, typer.Option("--drop-open", help="Drop a batch that an earlier run left open.")]
Partition = Annotated[str | None, typer.Option("--partition", help="Only these: year=2026,month=08.")]


@dataclass(frozen=True)
class Answer:
    """What a verb has to say: as data, on the screen, and as an exit code."""

    data: Any
    show: Callable[[], None]
    exit_code: int = 0


@app.command()
def run(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006 - typer reads the default and never changes it
    settings: Settings = [],  # noqa: B006
    date: Date = None,
    partition: Partition = None,
    drop_open: DropOpen = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Take all that is new, and commit it."""

    def work() -> Answer:
        return _run(Request("run", wanted_partition(date, partition), drop_open), feed, lake, conf, target, settings)

    _answer(work, as_json, verbose)


@app.command()
def rebuild(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    date: Date = None,
    partition: Partition = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Make the table again from all sources, whatever has been committed."""

    def work() -> Answer:
        return _run(Request("rebuild", wanted_partition(date, partition)), feed, lake, conf, target, settings)

    _answer(work, as_json, verbose)


@app.command()
def plan(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    date: Date = None,
    partition: Partition = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Say what run would do; write nothing."""

    def work() -> Answer:
        from lakewright.runs.views import plan_overview

        opened = _open_lake(lake)
        request = Request("run", wanted_partition(date, partition))
        jobs = load_feed(Conf(conf), feed, settings).targets(opened, target)
        plans = [plan_overview(opened, job, request) for job in jobs]
        code = max((found["exit_code"] for found in plans), default=0)
        return Answer(plans, lambda: screen.show_plans(plans), code)

    _answer(work, as_json, verbose)


@app.command()
def status(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show the last commit, an open batch, what is waiting, and what is in quarantine."""

    def work() -> Answer:
        from lakewright.runs.views import status_overview

        opened = _open_lake(lake)
        jobs = load_feed(Conf(conf), feed, settings).targets(opened, target)
        states = [status_overview(opened, job) for job in jobs]
        code = max((found["exit_code"] for found in states), default=0)
        return Answer(states, lambda: screen.show_status(states), code)

    _answer(work, as_json, verbose)


@app.command()
def receipt(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    run_id: Annotated[str | None, typer.Option("--run", help="Id of a run; else the last one.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show the last receipt, or that of one run."""

    def work() -> Answer:
        from lakewright.runs.receipts import read_receipt

        opened = _open_lake(lake)
        jobs = load_feed(Conf(conf), feed, settings).targets(opened, target)
        receipts = [read_receipt(opened, job.target.state_folder, run_id) for job in jobs]
        return Answer(receipts, lambda: screen.show_receipts(receipts))

    _answer(work, as_json, verbose)


@app.command()
def schema(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show what a table's schema is, and what changed when."""

    def work() -> Answer:
        from lakewright.runs.views import schema_overview

        opened = _open_lake(lake)
        jobs = load_feed(Conf(conf), feed, settings).targets(opened, target)
        schemas = [schema_overview(opened, job) for job in jobs]
        return Answer(schemas, lambda: screen.show_schemas(schemas))

    _answer(work, as_json, verbose)


@app.command()
def compact(
    feed: FeedName,
    lake: LakeUri = None,
    conf: ConfUri = "conf",
    target: Targets = [],  # noqa: B006
    settings: Settings = [],  # noqa: B006
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Merge the log files of Hudi tables into their base files."""

    def work() -> Answer:
        from lakewright.hudi.targets import compact_targets

        opened = _open_lake(lake)
        with bounded_outages(_leave_at_once):
            done = compact_targets(opened, load_feed(Conf(conf), feed, settings).targets(opened, target))
        code = max((found["exit_code"] for found in done), default=0)
        return Answer(done, lambda: screen.show_compactions(done), code)

    _answer(work, as_json, verbose)


@app.command()
def check(
    feed: Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Feeds; else all of them.")] = None,
    conf: ConfUri = "conf",
    settings: Settings = [],  # noqa: B006
    schema: Annotated[Path | None, typer.Option("--schema", help="Also write JSON schemas for editors here.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Validate feeds, without starting Spark."""

    def work() -> Answer:
        folder = Conf(conf)
        names = feed or folder.names()
        problems: list[str] = []
        for name in names:
            try:
                load_feed(folder, name, settings)
            except ConfigError as error:
                problems += str(error).splitlines()
        if schema is not None:
            _write_schemas(schema)
        data = {"feeds": names, "problems": problems}
        return Answer(data, lambda: screen.show_check(names, problems), ConfigError.exit_code if problems else 0)

    _answer(work, as_json, verbose)


def _run(request: Request, feed: str, lake: str | None, conf: str, target: list[str], settings: list[str]) -> Answer:
    from lakewright.runs.lifecycle import run_targets

    loaded = load_feed(Conf(conf), feed, settings)
    opened = _open_lake(lake)
    with closing_progress(make_progress()) as progress, bounded_outages(partial(_leave_at_once, progress=progress)):
        receipts = run_targets(opened, loaded.targets(opened, target), request, progress)
    data = [found.dump() for found in receipts]
    return Answer(data, lambda: screen.show_receipts(data), worst_exit_code(receipts))


def _leave_at_once(error: LakewrightError, *, progress: Progress | None = None) -> None:
    """End the process although Spark still waits for S3."""
    from lakewright.engine.spark.session import kill_spark

    if progress is not None:
        progress.close()
    kill_spark()
    typer.echo(f"error: {error}", err=True)
    sys.stderr.flush()
    os._exit(error.exit_code)


def _open_lake(uri: str | None) -> Lake:
    opened = open_lake(lake_uri(uri))
    opened.check()
    return opened


def _write_schemas(folder: Path) -> None:
    from lakewright.config import write_schema

    folder.mkdir(parents=True, exist_ok=True)
    for job in JOBS:
        write_schema(feed_model(job), folder / f"{job}.schema.json")


def _answer(work: Callable[[], Answer], as_json: bool, verbose: bool) -> None:
    """Do a verb's work and leave with its exit code; the last line on stderr is what a person can act on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    logging.getLogger("lakewright").setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        answer = work()
    except NoTargetsError as error:
        answer = Answer([error.entry()], lambda: None, error.exit_code)
    except LakewrightError as error:
        if verbose:
            traceback.print_exc()
        _leave(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, a person gets one line
        if verbose:
            traceback.print_exc()
        _leave(f"unexpected {cause_of(error)} (--verbose shows where)", 1)
    if as_json:
        print(json.dumps(answer.data, ensure_ascii=False, indent=2))
    else:
        answer.show()
    told = answer.data if isinstance(answer.data, list) else []
    for found in told:
        name = f"{found['target']}: " if len(told) > 1 else ""
        for warning in found.get("warnings", ()):
            typer.echo(f"warning: {name}{warning}", err=True)
        if found.get("error"):
            typer.echo(f"error: {name}{found['error']}", err=True)
    raise typer.Exit(answer.exit_code)


def _leave(message: str, exit_code: int) -> None:
    for line in message.splitlines():
        typer.echo(f"error: {line}", err=True)
    raise typer.Exit(exit_code)


def main() -> None:
    """Run the command line."""
    app(prog_name="lakewright")
