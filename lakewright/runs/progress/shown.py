"""Progress on a display: stages as they begin and end, and the running ones again and again."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from lakewright.measuring.work import NOTHING, Done
from lakewright.runs.progress.interface import Display
from lakewright.runs.progress.stages import Stage, Stages, Unit
from lakewright.runs.progress.stderr import mute_stderr
from lakewright.runs.progress.texts import LOGGER
from transforms.object_names import one_line


class ShownProgress:
    """See ``Progress``. A display that fails is closed, and the run goes on without one."""

    def __init__(self, display: Display, clock: Callable[[], float] = time.monotonic) -> None:
        self._display: Display | None = display
        self._stages = Stages(clock)
        self._lock = threading.RLock()  # of the display; what tasks report does not wait for it
        self._is_closed = threading.Event()
        self._seconds = display.seconds
        self._thread = threading.Thread(target=self._show_repeatedly, name="progress", daemon=True)

    def wait(self, targets: Iterable[str]) -> None:
        """See ``Progress.wait``."""
        self._stages.wait(map(one_line, targets))

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        begun = Stage(one_line(target), stage, one_line(detail))
        ended = self._stages.begin(begun)
        with self._lock:
            if not self._is_closed.is_set() and self._thread.ident is None:
                self._thread.start()
            if ended:
                self._try(partial(_end, ended))
            self._try(lambda display: display.begin(begun))
            self.show()

    def expect(self, target: str, total: int, unit: Unit = "bytes", done: Done = NOTHING) -> None:
        """See ``Progress.expect``."""
        self._stages.expect(one_line(target), total, unit, done)

    def expect_tasks(self, target: str, count: int) -> None:
        """See ``Progress.expect_tasks``."""
        self._stages.expect_tasks(one_line(target), count)

    def advance(self, target: str, done: Done) -> None:
        """See ``Progress.advance``."""
        self._stages.advance(one_line(target), done)

    def finish(self, target: str) -> None:
        """See ``Progress.finish``."""
        ended = self._stages.end(one_line(target))
        with self._lock:
            if ended:
                self._try(partial(_end, ended))
            self.show()

    def show(self) -> None:
        """Show the running stages now."""
        with self._lock:
            self._try(lambda display: display.show(self._stages.running(), self._stages.waiting()))

    def close(self) -> None:
        """See ``Progress.close``."""
        self._is_closed.set()
        with self._lock:
            for ended in self._stages.end_all():
                self._try(partial(_end, ended))
            self._try(lambda display: display.close())
            self._display = None

    def _show_repeatedly(self) -> None:
        while not self._is_closed.wait(self._seconds):
            self.show()

    def _try(self, call: Callable[[Display], object]) -> None:
        """Call the display, which must not let a run fail: its terminal may be gone, or its pipe closed."""
        if self._display is None:
            return
        try:
            call(self._display)
        except Exception as error:  # noqa: BLE001 - a display must not end the run
            broken, self._display = self._display, None
            with contextlib.suppress(Exception):
                broken.close()
            if isinstance(error, OSError):
                mute_stderr()
            LOGGER.warning("progress is no longer shown: %s", type(error).__name__)


def _end(stage: Stage, display: Display) -> None:
    display.end(stage)
