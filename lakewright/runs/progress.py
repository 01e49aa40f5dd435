"""Progress of runs: one line per stage with its time, live on a terminal, as log lines elsewhere."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.text import Text

from transforms.object_names import one_line

LOGGER = logging.getLogger("lakewright")
#: Tracebacks of unexpected errors, at ERROR, because platforms drop levels below INFO.
TRACEBACKS = logging.getLogger("lakewright.tracebacks")

_KILO: Final = 1000
#: The longest stage name is "committed before".
_STAGE_WIDTH: Final = 16


class Progress(Protocol):
    """Receives the stages of runs."""

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """Report that a stage of a target's run begins."""

    def close(self) -> None:
        """Show the last stages, and restore the terminal."""


@dataclass(frozen=True)
class _Stage:
    """A running stage."""

    name: str
    detail: str
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> str:
        return f"{time.monotonic() - self.began:.1f} s"


class LogProgress:
    """One log line per finished stage; at debug level, also one per started stage."""

    def __init__(self) -> None:
        self._stages: dict[str, _Stage] = {}

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        self._finish(target)
        LOGGER.debug("%s: %s begins", one_line(target), stage)
        self._stages[target] = _Stage(stage, one_line(detail))

    def close(self) -> None:
        """See ``Progress.close``."""
        for target in list(self._stages):
            self._finish(target)

    def _finish(self, target: str) -> None:
        if stage := self._stages.pop(target, None):
            detail = f" ({stage.detail})" if stage.detail else ""
            LOGGER.info("%s: %s%s, %s", one_line(target), stage.name, detail, stage.seconds)


class TerminalProgress:
    """One line per stage, updated in place while it runs and printed when it has finished."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = Console(stderr=True, highlight=False)
        self._spinner = Spinner("dots")
        self._stages: dict[str, _Stage] = {}
        self._target_width = 0
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=10, transient=True)
        self._live.start()

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        target = one_line(target)
        self._finish(target)
        self._target_width = max(self._target_width, len(target))
        self._stages[target] = _Stage(stage, one_line(detail))

    def close(self) -> None:
        """See ``Progress.close``."""
        for target in list(self._stages):
            self._finish(target)
        self._live.stop()

    def _finish(self, target: str) -> None:
        if stage := self._stages.pop(target, None):
            self._console.print(self._line(" ", target, stage), soft_wrap=True)
            self._live.refresh()

    def _render(self) -> "Text":
        from rich.text import Text

        frame = self._spinner.render(time.monotonic())
        lines = [self._line(str(frame), target, stage) for target, stage in list(self._stages.items())]
        joined = Text("\n").join(lines)
        joined.no_wrap, joined.overflow = True, "ellipsis"
        return joined

    def _line(self, mark: str, target: str, stage: _Stage) -> "Text":
        from rich.text import Text

        return Text.assemble(
            (f"{mark} ", "green"),
            (f"{target:<{self._target_width}}  ", "bold"),
            f"{stage.name:<{_STAGE_WIDTH}}{stage.seconds:>8}",
            (f"  {stage.detail}" if stage.detail else "", "dim"),
        )


def make_progress() -> Progress:
    """Choose live progress if stderr is a terminal and the JVM does not log to it."""
    is_live = sys.stderr.isatty() and not LOGGER.isEnabledFor(logging.DEBUG)
    return TerminalProgress() if is_live else LogProgress()


@contextlib.contextmanager
def closing_progress(progress: Progress) -> Iterator[Progress]:
    """Close the progress in any case."""
    try:
        yield progress
    finally:
        progress.close()


def show_tracebacks(wanted: bool) -> None:
    """Set whether the log shows the tracebacks of unexpected errors."""
    TRACEBACKS.setLevel(logging.NOTSET if wanted else logging.CRITICAL)


def count_of(number: int, noun: str) -> str:
    """Format a count: ``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def readable_bytes(size: int) -> str:
    """Format a number of bytes: ``1.2 MB``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _KILO:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KILO
    return f"{value:.1f} TB"
