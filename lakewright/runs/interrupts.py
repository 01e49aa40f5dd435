"""Ctrl-C or SIGTERM during a run: tasks are cancelled, nothing more is committed, leases are released."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from lakewright.errors import InterruptedRunError
from lakewright.runs.progress import LOGGER

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_EXIT_CODE: Final = 130
_SECONDS_BETWEEN_CANCELS: Final = 0.5


class Interrupt:
    """Whether the run has been interrupted; ``cancel`` cancels its running tasks."""

    def __init__(self, cancel: Callable[[], object] = lambda: None) -> None:
        self._cancel = cancel
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
        threading.Thread(target=self._cancel_tasks, name="cancel", daemon=True).start()

    def end(self) -> None:
        """Mark the run as ended."""
        self._ended.set()

    def _cancel_tasks(self) -> None:
        """Cancel tasks until the run has ended, since a target may be about to start one."""
        while not self._ended.is_set():
            self._cancel()
            self._ended.wait(_SECONDS_BETWEEN_CANCELS)


@contextmanager
def interruptible(cancel: Callable[[], object] = lambda: None) -> Iterator[Interrupt]:
    """Let signals interrupt the run inside the context; outside the main thread, they are left alone."""
    interrupt = Interrupt(cancel)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def on_signal(_: int, __: FrameType | None) -> None:
        interrupt.ask()

    before = {each: signal.signal(each, on_signal) for each in _SIGNALS}
    try:
        yield interrupt
    finally:
        interrupt.end()
        for each, handler in before.items():
            signal.signal(each, handler)
