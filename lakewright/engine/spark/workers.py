"""Spark's workers: a task is one Spark task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lakewright.engine.spark.session import get_session
from lakewright.engine.spark.spread import spread

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class SparkWorkers:
    """The workers of this process's session, which is made when the first task needs it; see ``Workers``."""

    @property
    def at_once(self) -> int:
        """See ``Workers.at_once``."""
        return get_session().sparkContext.defaultParallelism

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """See ``Workers.run``.

        Raises:
            WorkerError: If a task failed for good with an error that nobody raised on purpose.
        """
        return spread(get_session(), work, tasks) if tasks else []
