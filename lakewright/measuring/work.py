"""What a task has done so far: tasks count bytes and rows, and their engine receives the sums.

Without a listener, as in Lambdas and most tests, counting does nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple


class Done(NamedTuple):
    """An amount of work: bytes of objects that were read, files and tasks that are finished, rows, rejected rows."""

    bytes: int = 0
    files: int = 0
    tasks: int = 0
    rows: int = 0
    rejected: int = 0

    def plus(self, other: "Done") -> "Done":
        """Return the sum of both."""
        return Done(*(mine + its for mine, its in zip(self, other, strict=True)))


#: No work.
NOTHING: Final = Done()


class _Counter:
    """Adds up what a task has done, and reports it at most once per ``seconds``."""

    def __init__(self, report: Callable[[Done], object], seconds: float) -> None:
        self._report, self._seconds = report, seconds
        self._done, self._reported = Done(), time.monotonic()
        self._lock = threading.Lock()  # a task may use threads

    def add(self, done: Done) -> None:
        with self._lock:
            self._done = self._done.plus(done)
            if time.monotonic() - self._reported >= self._seconds:
                self._flush()

    def flush(self) -> None:
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if any(self._done):
            self._report(self._done)
        self._done, self._reported = Done(), time.monotonic()


_COUNTER: ContextVar[_Counter | None] = ContextVar("work", default=None)


def advance(done: Done) -> None:
    """Add to what this task has done; cheap enough for each block of rows, not for each row."""
    if (counter := _COUNTER.get()) is not None:
        counter.add(done)


@contextmanager
def reported_work(report: Callable[[Done], object], *, seconds: float = 0.0) -> Iterator[None]:
    """Report what the context counts in this thread, at most once per ``seconds`` and at the end."""
    counter = _Counter(report, seconds)
    before = _COUNTER.set(counter)
    try:
        yield
    finally:
        _COUNTER.reset(before)
        counter.flush()
