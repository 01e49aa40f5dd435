"""The interface to workers: picklable tasks go out, small reports come back; and to the engines that have workers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from lakewright.config import Feed
from lakewright.measuring.work import Done
from lakewright.storage.lake import Lake

#: The engine that a user requests.
EngineName = Literal["auto", "local", "spark"]

T = TypeVar("T")
R = TypeVar("R")


class TaskListener(Protocol):
    """Receives the progress of tasks, from any thread; never raises."""

    def expect_tasks(self, count: int) -> None:
        """Receive the number of tasks that begin."""

    def advance(self, done: Done) -> None:
        """Receive what was done since the last call; see ``lakewright.measuring.work``."""


class NoListener:
    """Ignores the progress of tasks; see ``TaskListener``."""

    def expect_tasks(self, count: int) -> None:
        """See ``TaskListener.expect_tasks``."""

    def advance(self, done: Done) -> None:
        """See ``TaskListener.advance``."""


class Workers(Protocol):
    """Runs the tasks of a batch, with the same results on every engine."""

    @property
    def at_once(self) -> int:
        """The number of tasks that run concurrently."""

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """Run all tasks, and return their reports in order.

        Raises:
            LakewrightError: If a task raised it; of several, that of the first task.
            WorkerError: If a task failed with an unexpected error.
        """

    def judged_table(
        self, lake: Lake, files: Mapping[str, Any], types: Mapping[str, str], moved: frozenset[str]
    ) -> Any:
        """Return the rows of Parquet files for a gate; see ``lakewright.quality.judged_table.JudgedTable``.

        Args:
            lake: The lake of the files.
            files: The files, by the path at which they are now.
            types: The columns of the table with their types.
            moved: Source objects whose rows are not judged.
        """


@dataclass(frozen=True)
class Engine:
    """The engine of a batch, and why it was chosen; ``open`` returns its workers, which report to a listener.

    ``repeats_tasks`` is true if it may run a task twice, after a failure or to be faster.
    """

    name: str
    why: str
    version: str
    open: Callable[[TaskListener], Workers]
    repeats_tasks: bool = True

    def report(self) -> dict[str, str]:
        """Return the engine as receipts and plans name it."""
        return {"name": self.name, "why": self.why, "version": self.version}


class Engines(Protocol):
    """The engines that a run may use."""

    def check(self, feed: Feed) -> None:
        """Check that the feed can run.

        Raises:
            ConfigError: If the requested engine cannot run it, or the engine that it needs is not installed.
        """

    def choose(self, feed: Feed, input_bytes: int) -> Engine:
        """Choose the engine of a batch."""

    def cancel(self) -> None:
        """Cancel all running tasks; may be called again, since others may have started meanwhile."""
