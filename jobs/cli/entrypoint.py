"""The entry point of job modules as scripts for Glue and spark-submit, with the options of ``lakewright run``."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Annotated, Any

import typer

from jobs.cli.answers import print_error, print_problems, print_utf8, sentence, sentences_of, usage_problem
from jobs.cli.arguments import ScriptCommand
from jobs.cli.options import (
    DropOpen,
    EngineOption,
    Execution,
    FeedOptions,
    ProgressOption,
    ShowValues,
    SourceOptions,
    spread_options,
)
from jobs.cli.registry import LoadedFeed
from lakewright.engine.choice import EngineChoice
from lakewright.engine.glue import is_bookmarked, job_bookmark, without_glue_arguments
from lakewright.errors import ConfigError, NoTargetsError, RunFailedError
from lakewright.measuring.runtime import is_glue_run
from lakewright.runs.job.request import Request
from lakewright.runs.lifecycle.targets import run_targets
from lakewright.runs.progress import LOGGER, TRACEBACKS, ProgressKind, closing_progress, log_progress, show_tracebacks
from lakewright.runs.progress.stderr import StderrHandler, open_closed_streams
from lakewright.unexpected import cause_of, trace_of
from lakewright.workers import EngineName
from transforms.errors import LakewrightError
from transforms.object_names import one_line

#: The options of a script.
_Arguments = tuple[FeedOptions, Request, EngineName, ProgressKind]


@dataclass(frozen=True, kw_only=True)
class ScriptOptions(FeedOptions):
    """The options of a verb, including the feed, since all arguments of a Glue job are named; and the day's parts."""

    feed: Annotated[str, typer.Option("--feed", help="Name of a feed: conf/feeds/FEED.yaml.")]
    year: Annotated[str, typer.Option("--year", help="Like --partition year=…, for tables with such partitions.")] = ""
    month: Annotated[str, typer.Option("--month", help="Like --partition month=….")] = ""
    day: Annotated[str, typer.Option("--day", help="Like --partition day=….")] = ""

    def date_parts(self) -> dict[str, str]:
        """Return the values of ``--year``, ``--month`` and ``--day`` that are set.

        Raises:
            ConfigError: If one is not a number.
        """
        parts = {"year": self.year, "month": self.month, "day": self.day}
        if wrong := [key for key, value in parts.items() if value and not (value.isascii() and value.isdigit())]:
            raise ConfigError(f"--{wrong[0]} needs a number, not {parts[wrong[0]]!r}")
        return {key: value for key, value in parts.items() if value}

    def load(self) -> LoadedFeed:
        """Read the feed.

        Raises:
            ConfigError: If its tables are not partitioned by the parts of the day that are set.
        """
        loaded = super().load()
        keys = loaded.feed.date_keys()
        if others := [key for key in self.date_parts() if key not in keys]:
            raise ConfigError(
                f"feed {loaded.name} is partitioned by {'/'.join(keys) or 'no part of the date'}, and --{others[0]} "
                "selects partitions; omit it, or select source objects with --date or --partition"
            )
        return loaded


def run_as_script(job: str, arguments: Sequence[str] | None = None) -> None:
    """Run a feed of one job; return if the run succeeds.

    Args:
        job: The job of this script; feeds of other jobs are refused.
        arguments: The arguments of the script; default: those of the process.

    Raises:
        RunFailedError: On Glue if the run fails; see ``work_as_script``.
        SystemExit: Elsewhere if the run fails, with the exit code.
    """
    work_as_script(_command_line(job), partial(_run, job), arguments)


def rebuild_as_script(arguments: Sequence[str] | None = None) -> None:
    """Rebuild the tables of a feed of any job, as ``lakewright rebuild`` does; see ``run_as_script``."""
    work_as_script(_rebuild_command(), _rebuild, arguments)


def work_as_script(
    command_line: typer.Typer, work: Callable[..., None], arguments: Sequence[str] | None = None
) -> None:
    """Parse the arguments of a script and do its work; return if that succeeds.

    Args:
        command_line: Its command returns the arguments of ``work`` as a tuple.
        work: Prints results on stdout, and raises on failure.
        arguments: The arguments of the script; default: those of the process.

    Raises:
        RunFailedError: On Glue if the work fails, since Glue shows the text of an exception, but no exit code.
        SystemExit: Elsewhere if the work fails, with the exit code.
    """
    open_closed_streams()
    print_utf8()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[StderrHandler()])
    LOGGER.setLevel(logging.DEBUG)  # a script has no --verbose
    show_tracebacks(True)
    try:
        ours = without_glue_arguments(sys.argv[1:] if arguments is None else arguments)
        parsed = command_line(ours, standalone_mode=False)
        if isinstance(parsed, tuple):  # not after --help
            with _bookmark() if is_bookmarked() else nullcontext():
                work(*parsed)
    except Exception as error:
        failure = _failure_of(error)
        if not is_glue_run():
            sys.exit(failure.exit_code)
        if failure is error:
            raise
        # Glue also logs the cause of an exception, whose text may quote values; the log already has it without them.
        raise failure from None


def _bookmark() -> AbstractContextManager[None]:
    from lakewright.engine.spark.session import get_session

    return job_bookmark(get_session())


def print_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print one line of JSON per target on stdout, and its problems on stderr.

    Raises:
        RunFailedError: If a target failed, with the error of the worst exit code.
    """
    for entry in entries:
        print(json.dumps(entry, ensure_ascii=False))
    print_problems(entries, with_target=True)
    worst: Mapping[str, Any] = max(entries, key=itemgetter("exit_code"), default={"exit_code": 0})
    if worst["exit_code"]:
        raise RunFailedError(sentence(worst["error"], worst, with_target=True), worst["exit_code"])


def _command_line(job: str) -> typer.Typer:
    """Create a command that only parses, since typer handles EOFError and Ctrl-C in commands in its own way."""
    script = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @script.command(f"jobs/{job}.py", cls=ScriptCommand, help="Read everything that is new, and commit it.")
    @spread_options
    def run(
        options: ScriptOptions,
        source: SourceOptions,
        engine: EngineOption = "auto",
        drop_open: DropOpen = False,
        show_values: ShowValues = False,
        execution: Execution = "",
        progress: ProgressOption = "auto",
    ) -> _Arguments:
        wanted = source.wanted(options.date_parts())
        return options.showing(values=show_values), Request("run", wanted, drop_open, execution), engine, progress

    return script


def _rebuild_command() -> typer.Typer:
    script = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @script.command("jobs/rebuild.py", cls=ScriptCommand, help="Rebuild the table from all sources.")
    @spread_options
    def rebuild(
        options: ScriptOptions, source: SourceOptions, engine: EngineOption = "auto", progress: ProgressOption = "auto"
    ) -> _Arguments:
        return options, Request("rebuild", source.wanted(options.date_parts())), engine, progress

    return script


def _rebuild(options: FeedOptions, request: Request, engine: EngineName, kind: ProgressKind) -> None:
    _run_feed(options.load(), options, request, engine, kind)


def _run(job: str, options: FeedOptions, request: Request, engine: EngineName, kind: ProgressKind) -> None:
    loaded = options.load()
    if loaded.feed.job != job:
        actual = loaded.feed.job
        raise ConfigError(f"feed {loaded.name} is a {actual} feed, not one of {job}; run jobs/{actual}.py")
    _run_feed(loaded, options, request, engine, kind)


def _run_feed(
    loaded: LoadedFeed, options: FeedOptions, request: Request, engine: EngineName, kind: ProgressKind
) -> None:
    """Run a feed, and print one receipt per line.

    Raises:
        RunFailedError: If a target fails; the errors of all targets are printed.
    """
    lake, priced = options.open_lake(), replace(request, prices=options.prices())
    try:
        with closing_progress(log_progress(kind)) as progress, EngineChoice(engine) as engines:
            receipts = run_targets(lake, loaded.targets(lake, options.wanted_targets()), priced, progress, engines)
        entries = [receipt.dump() for receipt in receipts]
    except NoTargetsError as error:
        entries = [error.entry()]
    print_entries(entries)


def _failure_of(error: Exception) -> RunFailedError:
    """Print on stderr why a run failed, unless the errors of its targets are printed already."""
    if isinstance(error, RunFailedError):
        return error
    if isinstance(error, typer.TyperException):
        error = ConfigError(usage_problem(error))
    if isinstance(error, LakewrightError):
        sentences = sentences_of(error)
        print_error(*sentences)
        # Glue shows the last line of what an exception prints.
        return RunFailedError(one_line("; ".join(sentences)), error.exit_code)
    TRACEBACKS.error("unexpected\n%s", trace_of(error))
    failure = RunFailedError(f"unexpected {cause_of(error)}", LakewrightError.exit_code)
    print_error(str(failure))
    return failure
