"""What a run shows while it works: stages, bytes and rows; rich on a terminal, plain log lines elsewhere."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any, Final, Protocol

from transforms.object_names import one_line

LOGGER = logging.getLogger("lakewright")
#: The tracebacks of what is unexpected, as errors: the loggers of a platform leave out what is below INFO.
TRACEBACKS = logging.getLogger("lakewright.tracebacks")

_KILO: Final = 1000


class Progress(Protocol):
    """Told of each step of a run, as it begins."""

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """Take note that a stage of a target's run begins (or, with the name of a step, that the step is done)."""

    def close(self) -> None:
        """Leave the screen tidy."""


class LogProgress:
    """One log line a stage."""

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        LOGGER.info("%s: %s%s", one_line(target), stage, f" ({one_line(detail)})" if detail else "")

    def close(self) -> None:
        """See ``Progress.close``."""


class TerminalProgress:
    """A spinner that says what is going on, and a line for each stage that is over."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bar: Any = Bar(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._bar.start()
        self._tasks: dict[str, Any] = {}

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        """See ``Progress.stage``."""
        from rich.markup import escape

        self._finish(target)
        title, more = escape(one_line(target)), escape(one_line(detail))
        self._tasks[target] = self._bar.add_task(f"[bold]{title}[/bold] {stage} [dim]{more}[/dim]", total=1)

    def close(self) -> None:
        """See ``Progress.close``."""
        for target in list(self._tasks):
            self._finish(target)
        self._bar.stop()

    def _finish(self, target: str) -> None:
        if target in self._tasks:
            self._bar.update(self._tasks.pop(target), completed=1)


def make_progress() -> Progress:
    """Choose by whether a person looks at stderr."""
    return TerminalProgress() if sys.stderr.isatty() else LogProgress()


@contextlib.contextmanager
def closing_progress(progress: Progress) -> Iterator[Progress]:
    """Leave the screen tidy, whatever happens."""
    try:
        yield progress
    finally:
        progress.close()


def show_tracebacks(wanted: bool) -> None:
    """Say whether the log shows the traceback of what is unexpected."""
    TRACEBACKS.setLevel(logging.NOTSET if wanted else logging.CRITICAL)


def readable_bytes(size: int) -> str:
    """Write a number of bytes for a person: ``1.2 MB``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _KILO:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KILO
    return f"{value:.1f} TB"
