"""Outages: services that do not answer, since when, and when they are given up; known to all threads of a process."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from lakewright.errors import UnreachableError

LOGGER = logging.getLogger("lakewright")

#: How long an operation is repeated, how often a log line says so meanwhile, and how long a bucket that has been given
#: up is not asked again: a run that ends then ends at once, instead of waiting for each thing that is left to do.
PATIENCE_SECONDS: float = 60
TELL_SECONDS: float = 10
COOLDOWN_SECONDS: float = 5
#: How long Spark may still wait for a bucket that has been given up; it does so for each file that it would clear away.
GRACE_SECONDS: float = 25

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0


class Outage:
    """Since when a bucket has not answered, whoever of this process asked."""

    def __init__(self, bucket: str) -> None:
        self._bucket, self._lock = bucket, threading.Lock()
        self._since: float | None = None
        self._last = self._told = 0.0
        self._problem = ""

    def end(self) -> None:
        """Take note of an answer."""
        with self._lock:
            self._since = None

    def refuse(self) -> None:
        """Ask no more for a while, once the bucket has been given up.

        Raises:
            UnreachableError: If that is so.
        """
        with self._lock:
            if self._is_given_up() and time.monotonic() - self._last < COOLDOWN_SECONDS:
                raise self._error(self._last - (self._since or 0))

    def overdue(self, *, began: float) -> UnreachableError | None:
        """Give the error of a bucket that was given up ``GRACE_SECONDS`` ago and has not answered since.

        What had failed last before ``began`` is no longer waited for by anybody.
        """
        with self._lock:
            lasted = time.monotonic() - (self._since or 0)
            is_overdue = self._is_given_up() and self._last >= began and lasted >= PATIENCE_SECONDS + GRACE_SECONDS
            return self._error(lasted) if is_overdue else None

    def _is_given_up(self) -> bool:
        return self._since is not None and self._last - self._since >= PATIENCE_SECONDS

    def note(self, problem: Exception, *, since: float) -> None:
        """Take note of a call without an answer; ``since`` is when its operation failed first.

        Raises:
            UnreachableError: If that has lasted for too long.
        """
        with self._lock:
            now = time.monotonic()
            if self._since is None or now - self._last > PATIENCE_SECONDS + GRACE_SECONDS:  # a new one
                self._since = self._told = since
            self._last, self._problem = now, str(problem)
            lasted = self._last - min(since, self._since)
            if lasted >= PATIENCE_SECONDS:
                raise self._error(lasted) from problem
            if self._last - self._told >= TELL_SECONDS:
                self._told = self._last
                LOGGER.warning(
                    "S3 (bucket %s) has not answered for %.0f s, giving up after %.0f s: %s",
                    *(self._bucket, lasted, PATIENCE_SECONDS, problem),
                )

    def _error(self, lasted: float) -> UnreachableError:
        return UnreachableError(
            f"S3 could not be reached: bucket {self._bucket} has not answered for {lasted:.0f} s ({self._problem}); "
            "run again once it does"
        )


_OUTAGES: Final[dict[tuple[str, str], Outage]] = {}


def outage_of(endpoint: str, bucket: str) -> Outage:
    """Give what this process knows of a bucket."""
    return _OUTAGES.setdefault((endpoint, bucket), Outage(bucket))


@contextmanager
def bounded_outages(leave: Callable[[UnreachableError], object]) -> Iterator[None]:
    """Call ``leave``, from a thread of its own, if a bucket has been given up and what is going on does not end.

    A process that works with Spark waits for it, and Spark for S3: for each file that it would clear away. Only whoever
    owns the process can put an end to that, by ending the process; the next run clears away what has been staged.
    """
    over = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        while not over.wait(1):
            for error in filter(None, (outage.overdue(began=began) for outage in list(_OUTAGES.values()))):
                leave(error)
                return

    threading.Thread(target=watch, name="outages", daemon=True).start()
    try:
        yield
    finally:
        over.set()


class Patience:
    """The patience with one operation: each failure is either waited for, or the last."""

    def __init__(self, outage: Outage) -> None:
        self._outage, self._wait = outage, _FIRST_WAIT
        self._since: float | None = None

    def renew(self) -> None:
        """Begin anew, after a part of the operation has succeeded."""
        self._outage.end()
        self._wait, self._since = _FIRST_WAIT, None

    def wait(self, problem: Exception) -> None:
        """Wait a little before the next try.

        Raises:
            UnreachableError: If it has been tried for long enough.
        """
        self._since = self._since or time.monotonic()
        self._outage.note(problem, since=self._since)
        time.sleep(random.uniform(self._wait / 2, self._wait))  # noqa: S311 - so that threads do not come all at once
        self._wait = min(2 * self._wait, _LONGEST_WAIT)
