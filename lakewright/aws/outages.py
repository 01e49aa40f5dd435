"""Outages of S3, shared by all threads of a process: since when a bucket has not responded, and when to give up."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from lakewright.errors import UnreachableError

LOGGER = logging.getLogger("lakewright")

#: How long an operation is retried, how often a warning is logged meanwhile, and how long requests to a bucket fail at
#: once after giving up: without this cooldown, a failing run would wait again for every remaining step.
PATIENCE_SECONDS: float = 60
TELL_SECONDS: float = 10
COOLDOWN_SECONDS: float = 5
#: How long Spark may keep waiting for a bucket after giving up; it does so for every file that it tries to clean up.
GRACE_SECONDS: float = 25

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0


class Outage:
    """The outage state of one bucket, for all requests of this process."""

    def __init__(self, bucket: str) -> None:
        self._bucket, self._lock = bucket, threading.Lock()
        self._since: float | None = None
        self._last = self._warned = 0.0
        self._problem = ""

    def end(self) -> None:
        """Record a response."""
        with self._lock:
            self._since = None

    def refuse(self) -> None:
        """Fail at once during the cooldown after giving up.

        Raises:
            UnreachableError: During the cooldown.
        """
        with self._lock:
            if self._is_given_up() and time.monotonic() - self._last < COOLDOWN_SECONDS:
                raise self._error(self._last - (self._since or 0))

    def overdue(self, *, began: float) -> UnreachableError | None:
        """Return an error if the bucket has not responded for ``GRACE_SECONDS`` after giving up.

        Outages whose last failure was before ``began`` are ignored: no operation waits for them any more.
        """
        with self._lock:
            lasted = time.monotonic() - (self._since or 0)
            is_overdue = self._is_given_up() and self._last >= began and lasted >= PATIENCE_SECONDS + GRACE_SECONDS
            return self._error(lasted) if is_overdue else None

    def _is_given_up(self) -> bool:
        return self._since is not None and self._last - self._since >= PATIENCE_SECONDS

    def note(self, problem: Exception, *, since: float) -> None:
        """Record a request without a response; ``since`` is the time of the operation's first failure.

        Raises:
            UnreachableError: If the outage has lasted for ``PATIENCE_SECONDS``.
        """
        with self._lock:
            now = time.monotonic()
            if self._since is None or now - self._last > PATIENCE_SECONDS + GRACE_SECONDS:  # a new outage
                self._since = self._warned = since
            self._last, self._problem = now, str(problem)
            lasted = self._last - min(since, self._since)
            if lasted >= PATIENCE_SECONDS:
                raise self._error(lasted) from problem
            if self._last - self._warned >= TELL_SECONDS:
                self._warned = self._last
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
    """Return the outage state of a bucket in this process."""
    return _OUTAGES.setdefault((endpoint, bucket), Outage(bucket))


@contextmanager
def bounded_outages(leave: Callable[[UnreachableError], object]) -> Iterator[None]:
    """Call ``leave`` from a separate thread if the block does not end although a bucket was given up.

    The process waits for Spark, and Spark waits for S3 with every file that it tries to clean up. Only ending the
    process stops that, which is up to its owner; the next run cleans up the staged files.
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
    """The retry state of one operation: after each failure, wait or give up."""

    def __init__(self, outage: Outage) -> None:
        self._outage, self._wait = outage, _FIRST_WAIT
        self._since: float | None = None

    def renew(self) -> None:
        """Reset after a part of the operation has succeeded."""
        self._outage.end()
        self._wait, self._since = _FIRST_WAIT, None

    def wait(self, problem: Exception) -> None:
        """Wait before the next try, with exponential backoff.

        Raises:
            UnreachableError: If the operation has been retried for ``PATIENCE_SECONDS``.
        """
        self._since = self._since or time.monotonic()
        self._outage.note(problem, since=self._since)
        time.sleep(random.uniform(self._wait / 2, self._wait))  # noqa: S311 - jitter, so that threads do not retry in step
        self._wait = min(2 * self._wait, _LONGEST_WAIT)
