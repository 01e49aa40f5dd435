"""The output of verbs: text or JSON on stdout, warnings and errors on stderr, and an exit code."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

from jobs.cli.options import OutputOptions
from lakewright.engine.jvm_log import JVM_LOG
from lakewright.errors import ConfigError, NoTargetsError, SparkMissingError, UnreachableError
from lakewright.measuring.runtime import is_local
from lakewright.runs.progress import LOGGER, show_tracebacks
from lakewright.runs.progress.stderr import StderrHandler, mute_stdout, print_on_stderr
from lakewright.unexpected import cause_of, trace_of
from transforms.errors import LakewrightError
from transforms.object_names import one_line

_SPARK: Final = ("pyspark", "py4j")


@dataclass(frozen=True)
class Answer:
    """The result of a verb: data, a function that prints it as text, and an exit code."""

    data: Any
    show: Callable[[Any], None]
    exit_code: int = 0


def worst_exit_code(entries: Iterable[Mapping[str, Any]]) -> int:
    """Return the highest exit code of several targets."""
    return max((entry.get("exit_code", 0) for entry in entries), default=0)


def answer_views(entries: Sequence[dict[str, Any]], show: Callable[[Sequence[dict[str, Any]]], None]) -> Answer:
    """Answer with views of targets; those of targets with a damaged log have no text but their error."""
    readable = [entry for entry in entries if "is_damaged" not in entry]
    return Answer(entries, lambda _: show(readable), worst_exit_code(entries))


def give_answer(work: Callable[[], Answer], output: OutputOptions) -> None:
    """Run a verb and exit with its exit code; the last line on stderr is the one to act on."""
    print_utf8()
    if problem := output.problem:
        _leave(problem, exit_code=ConfigError.exit_code)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=[StderrHandler()])
    logging.getLogger("py4j").setLevel(logging.WARNING)
    LOGGER.setLevel(output.log_level)
    shows_traceback = output.verbose or not is_local()
    show_tracebacks(shows_traceback)
    try:
        answer = work()
    except NoTargetsError as error:
        answer = Answer([error.entry()], lambda _: None, error.exit_code)
    except LakewrightError as error:
        if output.verbose:
            print_on_stderr(trace_of(error).rstrip("\n"))
        _leave(*sentences_of(error), exit_code=error.exit_code)
    except Exception as error:  # noqa: BLE001 - every unexpected error is reported on one line
        if isinstance(error, ModuleNotFoundError) and error.name in _SPARK:
            _leave(str(SparkMissingError()), exit_code=SparkMissingError.exit_code)
        if shows_traceback:
            print_on_stderr(trace_of(error).rstrip("\n"))
        _leave(f"unexpected {cause_of(error)} (--verbose shows where)", exit_code=1)
    try:
        _print_answer(answer, as_json=output.as_json)
    except BrokenPipeError:
        raise  # typer ends the process: the reader of the pipe has closed it
    except OSError as error:
        mute_stdout()
        _leave(f"stdout cannot be written: {error.strerror}", exit_code=1)
    entries = answer.data if isinstance(answer.data, list) else []
    name_jvm_log(answer.exit_code)
    print_problems(entries, with_target=len(entries) > 1)
    raise typer.Exit(answer.exit_code)


def _print_answer(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        json.dump(answer.data, sys.stdout, ensure_ascii=False, indent=2)  # in pieces: it may name all objects
        print()
    else:
        answer.show(answer.data)
    sys.stdout.flush()


def write_page(path: Path, page: str) -> None:
    """Write an HTML page.

    Raises:
        ConfigError: If that is not possible.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--html {path}: cannot be written: {error.strerror}") from error


def print_utf8() -> None:
    """Print UTF-8 in any locale, since JSON is UTF-8 and names of objects may have any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_problems(entries: Iterable[Mapping[str, Any]], *, with_target: bool) -> None:
    """Print the warnings and errors of each target on stderr."""
    for entry in entries:
        for warning in entry.get("warnings", ()):
            print_on_stderr(f"warning: {sentence(warning, entry, with_target=with_target)}")
        if entry.get("error"):
            print_on_stderr(f"error: {sentence(entry['error'], entry, with_target=with_target)}")


def sentence(problem: str, entry: Mapping[str, Any], *, with_target: bool) -> str:
    """Format a problem on one line, prefixed with its target if it has one."""
    return one_line(f"{entry['target']}: {problem}" if with_target and entry["target"] else problem)


def sentences_of(error: LakewrightError) -> Sequence[str]:
    """Return the lines of an error: one per problem of a feed, else a single one, even if names contain line ends."""
    return str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]


def usage_problem(error: typer.TyperException) -> str:
    """Return typer's text of an error, without pydantic's prefix."""
    return error.format_message().replace("Value error, ", "")


def print_error(*sentences: str) -> None:
    """Print an error on stderr, one sentence per line."""
    for each in sentences:
        print_on_stderr(f"error: {one_line(each)}")


def _leave(*sentences: str, exit_code: int) -> None:
    name_jvm_log(exit_code)
    print_error(*sentences)
    raise typer.Exit(exit_code)


def name_jvm_log(exit_code: int) -> None:
    """Print the path of the JVM's log, and keep it, after failures that data and config do not explain."""
    if exit_code in (LakewrightError.exit_code, UnreachableError.exit_code) and (path := JVM_LOG.keep()):
        print_on_stderr(f"log of the JVM: {path}")
