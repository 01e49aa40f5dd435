"""Where tasks are done: plain, picklable descriptions of work go to workers, and small reports come back."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """What does the tasks of a batch; the results are the same, whatever it is."""

    @property
    def at_once(self) -> int:
        """How many tasks are done side by side."""

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """Do all tasks, and give their reports in the order of the tasks.

        Raises:
            LakewrightError: If a task raised it.
        """
