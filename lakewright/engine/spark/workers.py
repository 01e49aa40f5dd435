"""Spark's workers: a task is one Spark task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lakewright.engine.spark.spread import cores, spread

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class SparkWorkers:
    """The workers of this process's session, which is made when the first task needs it; see ``Workers``."""

    @property
    def at_once(self) -> int:
        """See ``Workers.at_once``."""
        return cores()

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """See ``Workers.run``.

        Raises:
            WorkerError: If a task failed for good with an error that nobody raised on purpose.
        """
        return spread(work, tasks)
