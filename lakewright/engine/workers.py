"""The interface to workers: picklable tasks go out, small reports come back."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Runs the tasks of a batch, with the same results on every engine."""

    @property
    def at_once(self) -> int:
        """The number of tasks that run concurrently."""

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """Run all tasks, and return their reports in order.

        Raises:
            LakewrightError: If a task raised it.
        """
