"""Spark's Python workers: each task is one Spark task, and its small report returns to the driver."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import pyspark
from py4j.protocol import Py4JJavaError
from pyspark import RDD
from pyspark.accumulators import AccumulatorParam

from lakewright.aws.buckets import bucket_options, use_bucket_options
from lakewright.engine.spark.judged.files import JudgedFiles
from lakewright.engine.spark.judged.rows import read_staged
from lakewright.engine.spark.session import get_session
from lakewright.errors import WorkerEndedError
from lakewright.log.records import DataFile
from lakewright.measuring.meters import TaskMeter, TaskUsage, current_meter
from lakewright.measuring.work import Done, advance, reported_work
from lakewright.quality.duckdb_connection import has_duckdb
from lakewright.quality.judged_table import JudgedTable
from lakewright.storage.lake import Lake
from lakewright.unexpected import WorkerError, cause_of
from lakewright.workers import NoListener, TaskListener
from transforms.errors import LakewrightError

#: What a worker says that failed for good, in Spark's text.
_FAILED: Final = re.compile(rf"^{WorkerError.__module__}\.{WorkerError.__name__}: (.*)$", re.MULTILINE)

#: What Spark says of a Python worker that was killed or crashed.
_DIED: Final = "Python worker exited unexpectedly"

T = TypeVar("T")
R = TypeVar("R")
B = TypeVar("B")

#: AWS settings without secrets: workers find credentials themselves.
_AWS_SETTINGS: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE")


@dataclass(frozen=True)
class SparkWorkers:
    """The workers of this process's session, created for the first task; see ``Workers``.

    ``shows_values`` tells whether errors may quote values of the data; ``listener`` receives the progress of tasks.
    """

    shows_values: bool = False
    listener: TaskListener = NoListener()  # noqa: RUF009 - it has no state

    @property
    def at_once(self) -> int:
        """See ``Workers.at_once``."""
        return get_session().sparkContext.defaultParallelism

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """See ``Workers.run``; Spark may retry tasks that raised other errors.

        Raises:
            WorkerEndedError: If a worker died.
            WorkerError: If a task finally failed with an unexpected error.
        """
        if not tasks:
            return []
        shows_values, context = self.shows_values, get_session().sparkContext
        self.listener.expect_tasks(len(tasks))
        progress = context.accumulator(Done(), _Progress(self.listener))

        def work_there(task: T) -> R | LakewrightError:
            try:
                with _values_hidden(shows_values), reported_work(progress.add):
                    report = work(task)
                    advance(Done(tasks=1))
                    return report
            except LakewrightError as error:
                return error

        # No timeout: a task may be large. If a worker or the JVM exits, this returns as well.
        there = with_usage(with_aws_settings(work_there))
        answers = _counted(self._collected(context.parallelize(tasks, len(tasks)).map(there)))
        for answer in answers:
            if isinstance(answer, LakewrightError):
                raise answer
        return [answer for answer in answers if not isinstance(answer, LakewrightError)]

    def run_merged(
        self,
        split: Callable[[T], Iterable[tuple[int, B]]],
        merge: Callable[[Iterable[B]], R],
        tasks: Sequence[T],
        parts: int,
    ) -> list[R]:
        """Run tasks that split what they find into numbered parts, and merge each part in a worker.

        Spark shuffles the parts, and spills what does not fit into memory.

        Raises:
            LakewrightError: If a task raised it, or a worker died.
            WorkerError: If a task finally failed with an unexpected error.
        """
        if not tasks:
            return []
        shows_values, context = self.shows_values, get_session().sparkContext

        def split_there(task: T) -> Iterator[tuple[int, B | TaskUsage | LakewrightError]]:
            meter = TaskMeter()
            try:
                with _values_hidden(shows_values):
                    yield from split(task)
            except LakewrightError as error:
                yield 0, error
            yield 0, meter.report()

        def merge_there(
            numbered: Iterable[tuple[int, B | TaskUsage | LakewrightError]],
        ) -> Iterator[tuple[R, list[TaskUsage | LakewrightError]]]:
            notes: list[TaskUsage | LakewrightError] = []

            def blocks() -> Iterator[B]:
                for _, block in numbered:
                    if isinstance(block, TaskUsage | LakewrightError):
                        notes.append(block)
                    else:
                        yield block

            with _values_hidden(shows_values):
                merged, usage = with_usage(merge)(blocks())
            yield merged, [*notes, usage]

        found = context.parallelize(tasks, len(tasks)).flatMap(with_aws_settings(split_there))
        answers = self._collected(found.partitionBy(parts, int).mapPartitions(merge_there))
        for note in (note for _, notes in answers for note in notes):
            if isinstance(note, LakewrightError):
                raise note
            current_meter().add_task(note)
        return [merged for merged, _ in answers]

    def _collected(self, reports: RDD[R]) -> list[R]:
        """Return the reports of all tasks.

        Raises:
            WorkerEndedError: If a worker died.
            WorkerError: If a task finally failed.
        """
        try:
            return reports.collect()
        except Py4JJavaError as error:
            text = str(error.java_exception)
            if _DIED in text:
                raise WorkerEndedError("of Spark died, probably because its machine ran out of memory") from None
            if self.shows_values:
                raise WorkerError(_last_line(text)) from error
            failed = _FAILED.search(text)
            raise WorkerError(failed[1] if failed else cause_of(error)) from None

    def judged_table(
        self, lake: Lake, files: Mapping[str, DataFile], types: Mapping[str, str], moved: frozenset[str]
    ) -> JudgedTable:
        """See ``Workers.judged_table``."""
        if not has_duckdb() or not all(file.arrow_bytes for file in files.values()):
            # In files that Spark wrote, names may differ in case only, and text need not be UTF-8.
            return read_staged(lake, files, types, moved)
        from lakewright.quality.duckdb_table import ParquetTable  # pyarrow, which runs without new objects do not need

        return JudgedFiles(ParquetTable(lake, files, types, moved), self)


class _Progress(AccumulatorParam[Done]):
    """Sums what tasks have done; Spark passes the sum of each task that ends to the driver, where the listener is."""

    def __init__(self, listener: TaskListener = NoListener()) -> None:  # noqa: B008 - it has no state
        self._listener = listener

    def __reduce__(self) -> tuple[type["_Progress"], tuple[()]]:
        return _Progress, ()

    def zero(self, value: Done) -> Done:  # noqa: ARG002
        """See ``AccumulatorParam.zero``."""
        return Done()

    def addInPlace(self, before: Done, done: Done) -> Done:  # noqa: N802
        """See ``AccumulatorParam.addInPlace``."""
        self._listener.advance(done)
        return before.plus(done)


def spark_version() -> str:
    """Return the version of Spark."""
    return str(pyspark.__version__)


@contextmanager
def _values_hidden(shows_values: bool) -> Iterator[None]:
    """Replace unexpected errors by a ``WorkerError``, unless values of the data may be shown.

    Spark logs what a task raises, with all that led to it, on the worker's machine and on the driver's.
    """
    try:
        yield
    except LakewrightError:
        raise
    except Exception as error:
        if shows_values:
            raise
        raise WorkerError(cause_of(error)) from None


def with_aws_settings(work: Callable[[T], R]) -> Callable[[T], R]:
    """Wrap a function so that a worker has the driver's AWS settings."""
    settings = {name: os.environ[name] for name in _AWS_SETTINGS if name in os.environ}
    buckets = bucket_options()

    def work_there(task: T) -> R:
        os.environ.update(settings)
        use_bucket_options(buckets)
        return work(task)

    return work_there


def with_usage(work: Callable[[T], R]) -> Callable[[T], tuple[R, TaskUsage]]:
    """Wrap a function so that it also returns what its worker used for it."""

    def work_there(task: T) -> tuple[R, TaskUsage]:
        meter = TaskMeter()
        return work(task), meter.report()

    return work_there


def _counted(answers: Sequence[tuple[R, TaskUsage]]) -> list[R]:
    """Count what workers used, and return their answers."""
    for _, usage in answers:
        current_meter().add_task(usage)
    return [answer for answer, _ in answers]


def _last_line(text: str) -> str:
    """Return the last line of the Python traceback in a Spark error, before the Java lines."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("\t", " "))]
    before_java = lines[: next((place for place, line in enumerate(lines) if line.startswith("Driver stack")), None)]
    return before_java[-1] if before_java else text
