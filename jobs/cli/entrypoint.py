"""The entry point of job modules as scripts for Glue and spark-submit, with the options of ``lakewright run``."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Any

import typer

from jobs.cli.answers import print_error, print_problems, print_utf8, sentence, sentences_of, usage_problem
from jobs.cli.arguments import ScriptCommand
from jobs.cli.options import DropOpen, EngineOption, FeedOptions, ShowValues, SourceOptions, spread_options
from lakewright.engine.choice import EngineChoice
from lakewright.engine.glue import is_glue_run, without_glue_arguments
from lakewright.errors import ConfigError, NoTargetsError, RunFailedError
from lakewright.runs.job import Request
from lakewright.runs.lifecycle import run_targets
from lakewright.runs.progress import LOGGER, TRACEBACKS, LogProgress, closing_progress, show_tracebacks
from lakewright.unexpected import cause_of, trace_of
from lakewright.workers import EngineName
from transforms.errors import LakewrightError

#: The options of a script.
_Arguments = tuple[FeedOptions, Request, EngineName]


@dataclass(frozen=True, kw_only=True)
class ScriptOptions(FeedOptions):
    """The options of a verb, including the feed: all arguments of a Glue job are named."""

    feed: Annotated[str, typer.Option("--feed", help="Name of a feed: conf/feeds/FEED.yaml.")]


def run_as_script(job: str, arguments: Sequence[str] | None = None) -> None:
    """Run a feed of one job; return if the run succeeds.

    Args:
        job: The job of this script; feeds of other jobs are refused.
        arguments: The arguments of the script; default: those of the process.

    Raises:
        RunFailedError: On Glue if the run fails, since Glue shows the text of an exception, but no exit code.
        SystemExit: Elsewhere if the run fails, with the exit code.
    """
    print_utf8()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    LOGGER.setLevel(logging.DEBUG)  # a script has no --verbose
    show_tracebacks(True)
    try:
        if parsed := _parse(job, sys.argv[1:] if arguments is None else arguments):
            _run(job, *parsed)
    except Exception as error:
        failure = _failure_of(error)
        if not is_glue_run():
            sys.exit(failure.exit_code)
        if failure is error:
            raise
        # Glue also logs the cause of an exception, whose text may quote values; the log already has it without them.
        raise failure from None


def _parse(job: str, arguments: Sequence[str]) -> _Arguments | None:
    """Parse the arguments without Glue's own; None after ``--help``."""
    parsed = _command_line(job)(without_glue_arguments(arguments), standalone_mode=False)
    return parsed if isinstance(parsed, tuple) else None


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
    ) -> _Arguments:
        return options.showing(values=show_values), Request("run", source.wanted(), drop_open), engine

    return script


def _run(job: str, options: FeedOptions, request: Request, engine: EngineName) -> None:
    """Run a feed, and print one receipt per line.

    Raises:
        RunFailedError: If a target fails; the errors of all targets are printed.
    """
    loaded = options.load()
    if loaded.feed.job != job:
        actual = loaded.feed.job
        raise ConfigError(f"feed {loaded.name} is a {actual} feed, not one of {job}; run jobs/{actual}.py")
    lake = options.open_lake()
    try:
        with closing_progress(LogProgress()) as progress, EngineChoice(engine) as engines:
            receipts = run_targets(lake, loaded.targets(lake, options.wanted_targets()), request, progress, engines)
        entries = [receipt.dump() for receipt in receipts]
    except NoTargetsError as error:
        entries = [error.entry()]
    for entry in entries:
        print(json.dumps(entry, ensure_ascii=False))
    print_problems(entries, with_target=True)
    worst: Mapping[str, Any] = max(entries, key=itemgetter("exit_code"), default={"exit_code": 0})
    if worst["exit_code"]:
        raise RunFailedError(sentence(worst["error"], worst, with_target=True), worst["exit_code"])


def _failure_of(error: Exception) -> RunFailedError:
    """Print on stderr why a run failed, unless the errors of its targets are printed already."""
    if isinstance(error, RunFailedError):
        return error
    if isinstance(error, typer.TyperException):
        error = ConfigError(usage_problem(error))
    if isinstance(error, LakewrightError):
        print_error(*sentences_of(error))
        return RunFailedError(str(error), error.exit_code)
    TRACEBACKS.error("unexpected\n%s", trace_of(error))
    failure = RunFailedError(f"unexpected {cause_of(error)}", LakewrightError.exit_code)
    print_error(str(failure))
    return failure
