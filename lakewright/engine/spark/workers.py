"""Spark's workers: a task of plain Python is one Spark task, and its small report goes back to the driver."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from py4j.protocol import Py4JJavaError

from lakewright.aws.buckets import bucket_options, use_bucket_options
from lakewright.engine.spark.session import get_session
from transforms.errors import LakewrightError

T = TypeVar("T")
R = TypeVar("R")

#: Where AWS is and who one is there, as far as it is no secret: a worker finds its credentials by itself.
_TOLD: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE")


class WorkerError(Exception):
    """Raised when a worker failed; its message is the last line of the worker's traceback."""


@dataclass(frozen=True)
class SparkWorkers:
    """The workers of this process's session, which is made when the first task needs it; see ``Workers``."""

    @property
    def at_once(self) -> int:
        """See ``Workers.at_once``."""
        return get_session().sparkContext.defaultParallelism

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """See ``Workers.run``; what a task raised otherwise, Spark tries again if it is set up so.

        Raises:
            WorkerError: If a task failed for good with an error that nobody raised on purpose.
        """
        if not tasks:
            return []

        def work_there(task: T) -> R | LakewrightError:
            try:
                return work(task)
            except LakewrightError as error:
                return error

        try:
            # Spark bounds no task's time, nor can we: a task may be large. A worker or a JVM that ends ends this too.
            answers = (
                get_session().sparkContext.parallelize(tasks, len(tasks)).map(with_aws_settings(work_there)).collect()
            )
        except Py4JJavaError as error:
            raise WorkerError(_last_line(str(error.java_exception))) from error
        for answer in answers:
            if isinstance(answer, LakewrightError):
                raise answer
        return [answer for answer in answers if not isinstance(answer, LakewrightError)]


def with_aws_settings(work: Callable[[T], R]) -> Callable[[T], R]:
    """Wrap a function so that it finds AWS in a worker where the driver does."""
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}
    buckets = bucket_options()

    def work_there(task: T) -> R:
        os.environ.update(told)
        use_bucket_options(buckets)
        return work(task)

    return work_there


def _last_line(text: str) -> str:
    """Give the last line of a Python traceback in what Spark says; it stands before the lines of Java."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("\t", " "))]
    before_java = lines[: next((place for place, line in enumerate(lines) if line.startswith("Driver stack")), None)]
    return before_java[-1] if before_java else text
