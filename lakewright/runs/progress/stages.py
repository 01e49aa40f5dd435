"""The stages that run now: what each has done, and how long it will take."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from lakewright.measuring.work import NOTHING, Done

#: What the total of a stage counts; a stage without total has none.
Unit = Literal["", "bytes", "files", "tasks", "spark_tasks"]

#: A rate means little before.
_SECONDS_BEFORE_RATE: Final = 2.0
_SHARE_BEFORE_RATE: Final = 0.01


@dataclass(frozen=True)
class Stage:
    """A stage of a target's run, at one moment.

    Attributes:
        seconds: How long it has been running.
        unit: What ``total`` counts.
        total: How much there is to do.
        done: What has been done.
        first: When the first part was done, and how much that was: workers may have to start before.
    """

    target: str
    name: str
    detail: str = ""
    seconds: float = 0.0
    unit: Unit = ""
    total: int = 0
    done: Done = NOTHING
    first: tuple[float, int] | None = None

    @property
    def amount(self) -> int:
        """How much of the total is done; what is read twice counts once."""
        return min(getattr(self.done, self.unit.removeprefix("spark_")), self.total) if self.unit else 0

    @property
    def share(self) -> float | None:
        """The part of the total that is done."""
        return self.amount / self.total if self.unit and self.total else None

    @property
    def percent(self) -> str:
        """The share in per cent, rounded down, so that only what is done has 100 %; empty if there is none."""
        return f"{100 * self.amount // self.total}%" if self.unit and self.total else ""

    @property
    def rate(self) -> float | None:
        """The amount per second since the first part was done; None as long as that means little."""
        if self.first is None or not self.share or self.share < _SHARE_BEFORE_RATE:
            return None
        seconds, amount = self.seconds - self.first[0], self.amount - self.first[1]
        return amount / seconds if seconds >= _SECONDS_BEFORE_RATE and amount else None

    @property
    def seconds_left(self) -> float | None:
        """How long the stage will take at this rate; None if that is unknown, or all is read.

        Tasks differ too much, and Spark counts those of one job after another.
        """
        left = self.total - self.amount
        return left / self.rate if self.rate and left and self.unit in ("bytes", "files") else None


class Stages:
    """The running stages by target, and the targets that wait; any thread may change them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, Stage]] = {}
        self._waiting: dict[str, None] = {}

    def wait(self, targets: Iterable[str]) -> None:
        """Add targets that have not begun."""
        with self._lock:
            self._waiting |= dict.fromkeys(targets)

    def begin(self, stage: Stage) -> Stage | None:
        """Begin a stage, and return the stage of its target that it ends; None if there is none."""
        with self._lock:
            self._waiting.pop(stage.target, None)
            before = self._running.get(stage.target)
            self._running[stage.target] = self._clock(), stage
        return before and self._at_present(*before)

    def end(self, target: str) -> Stage | None:
        """End the stage of a target, and return it."""
        with self._lock:
            before = self._running.pop(target, None)
        return before and self._at_present(*before)

    def end_all(self) -> list[Stage]:
        """End all stages, and return them."""
        with self._lock:
            running, self._running = list(self._running.values()), {}
        return [self._at_present(*each) for each in running]

    def expect(self, target: str, total: int, unit: Unit, done: Done) -> None:
        """Set how much there is to do in the stage of a target."""
        self._change(target, lambda stage: replace(stage, unit=unit, total=total, done=done))

    def expect_tasks(self, target: str, count: int) -> None:
        """Count tasks, if the stage counts nothing else."""
        self._change(
            target,
            lambda stage: (
                replace(stage, unit="tasks", total=stage.total + count) if stage.unit in ("", "tasks") else stage
            ),
        )

    def advance(self, target: str, done: Done) -> None:
        """Add to what the stage of a target has done."""
        with self._lock:
            if running := self._running.get(target):
                began, stage = running
                stage = replace(stage, done=stage.done.plus(done))
                if stage.first is None and stage.amount:
                    stage = replace(stage, first=(self._clock() - began, stage.amount))
                self._running[target] = began, stage

    def running(self) -> list[Stage]:
        """Return the running stages as they are now."""
        with self._lock:
            running = list(self._running.values())
        return [self._at_present(*each) for each in running]

    def waiting(self) -> list[str]:
        """Return the targets that wait."""
        with self._lock:
            return list(self._waiting)

    def _change(self, target: str, changed: Callable[[Stage], Stage]) -> None:
        with self._lock:
            if running := self._running.get(target):
                began, stage = running
                self._running[target] = began, changed(stage)

    def _at_present(self, began: float, stage: Stage) -> Stage:
        return replace(stage, seconds=max(0.0, self._clock() - began))
