"""The interfaces of progress: what runs report, and what displays receive."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from lakewright.measuring.work import NOTHING, Done
from lakewright.runs.progress.stages import Stage, Unit


class Progress(Protocol):
    """Receives the stages of runs and what they have done, from any thread; never raises."""

    def wait(self, targets: Iterable[str]) -> None:
        """Report that targets wait until others have finished."""

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """Report that a stage of a target's run begins."""

    def expect(self, target: str, total: int, unit: Unit = "bytes", done: Done = NOTHING) -> None:
        """Report how much the stage of a target has to do, and how much of it is done."""

    def expect_tasks(self, target: str, count: int) -> None:
        """Report that tasks begin; they are counted if the stage counts nothing else."""

    def advance(self, target: str, done: Done) -> None:
        """Report what the stage of a target has done since the last call."""

    def finish(self, target: str) -> None:
        """Report that the run of a target has ended."""

    def close(self) -> None:
        """Show the last stages, and restore the terminal."""


class SilentProgress:
    """Shows nothing; see ``Progress``."""

    def wait(self, targets: Iterable[str]) -> None:
        """See ``Progress.wait``."""

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""

    def expect(self, target: str, total: int, unit: Unit = "bytes", done: Done = NOTHING) -> None:
        """See ``Progress.expect``."""

    def expect_tasks(self, target: str, count: int) -> None:
        """See ``Progress.expect_tasks``."""

    def advance(self, target: str, done: Done) -> None:
        """See ``Progress.advance``."""

    def finish(self, target: str) -> None:
        """See ``Progress.finish``."""

    def close(self) -> None:
        """See ``Progress.close``."""


@dataclass(frozen=True)
class TargetProgress:
    """The progress of one target's tasks; see ``lakewright.workers.TaskListener``."""

    progress: Progress
    target: str

    def expect_tasks(self, count: int) -> None:
        """See ``TaskListener.expect_tasks``."""
        self.progress.expect_tasks(self.target, count)

    def advance(self, done: Done) -> None:
        """See ``TaskListener.advance``."""
        self.progress.advance(self.target, done)


class Display(Protocol):
    """Shows progress; never called by two threads at once.

    Attributes:
        seconds: How often ``show`` is called.
    """

    seconds: float

    def begin(self, stage: Stage) -> None:
        """Show that a stage begins."""

    def end(self, stage: Stage) -> None:
        """Show a stage that has ended."""

    def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
        """Show the running stages and the targets that wait."""

    def close(self) -> None:
        """Restore the terminal."""


@contextmanager
def closing_progress(progress: Progress) -> Iterator[Progress]:
    """Close the progress in any case."""
    try:
        yield progress
    finally:
        progress.close()
