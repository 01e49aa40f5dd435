"""Ctrl-C during a run: Spark's jobs are cancelled, nothing more is committed, leases are released."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from lakewright.errors import InterruptedRunError
from lakewright.runs.progress import LOGGER

_EXIT_CODE: Final = 130
_SECONDS_BETWEEN_CANCELS: Final = 0.5


class Interrupt:
    """Whether the run has been interrupted."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._ended = threading.Event()

    def check(self) -> None:
        """Raise if the run has been interrupted.

        Raises:
            InterruptedRunError: If it has.
        """
        if self._wanted.is_set():
            raise InterruptedRunError

    @property
    def is_wanted(self) -> bool:
        """Return whether the run has been interrupted."""
        return self._wanted.is_set()

    def ask(self) -> None:
        """Interrupt the run as soon as possible; a second call ends the process."""
        if self._wanted.is_set():
            os._exit(_EXIT_CODE)
        self._wanted.set()
        LOGGER.warning("interrupted: ending the run without further commits; press Ctrl-C again to end it at once")
        threading.Thread(target=self._cancel_jobs, name="cancel", daemon=True).start()

    def end(self) -> None:
        """Mark the run as ended."""
        self._ended.set()

    def _cancel_jobs(self) -> None:
        """Cancel Spark jobs until the run has ended, since a target may be about to start one."""
        while not self._ended.is_set():
            pyspark = sys.modules.get("pyspark")  # a run without Spark does not import it
            if pyspark and (context := pyspark.SparkContext._active_spark_context) is not None:
                context.cancelAllJobs()
            self._ended.wait(_SECONDS_BETWEEN_CANCELS)


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Let Ctrl-C interrupt the run inside the context; outside the main thread, signals are left alone."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def on_signal(_: int, __: FrameType | None) -> None:
        interrupt.ask()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupt
    finally:
        interrupt.end()
        signal.signal(signal.SIGINT, before)
