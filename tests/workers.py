"""Workers for tests: run the tasks of a batch in this process, one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class InProcessWorkers:
    """See ``lakewright.engine.workers.Workers``; ``done`` records the tasks of each call."""

    at_once: int
    done: list[Sequence[Any]] = field(default_factory=list)

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        self.done.append(tasks)
        return [work(task) for task in tasks]
