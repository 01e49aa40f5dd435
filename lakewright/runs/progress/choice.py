"""The choice of a display."""

import logging
import os
import sys
from typing import Final, Literal

from lakewright.errors import ConfigError
from lakewright.runs.progress.interface import Progress, SilentProgress
from lakewright.runs.progress.log import JsonLines, LogLines
from lakewright.runs.progress.shown import ShownProgress
from lakewright.runs.progress.texts import LOGGER

#: How a user wants progress: on a terminal or in a log, as is the case, or as JSON lines.
ProgressKind = Literal["auto", "json"]

#: Terminals that cannot move the cursor.
_DUMB: Final = ("dumb", "unknown")


def make_progress(kind: ProgressKind = "auto") -> Progress:
    """Return live progress if stderr is a terminal and the JVM does not log to it; none if the log is quiet.

    Raises:
        ConfigError: If the log is quiet and JSON lines are wanted.
    """
    if not LOGGER.isEnabledFor(logging.INFO):
        if kind == "json":
            raise ConfigError("--quiet and --progress json exclude each other")
        return SilentProgress()
    can_redraw = sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _DUMB
    if kind == "auto" and can_redraw and not LOGGER.isEnabledFor(logging.DEBUG):
        from lakewright.runs.progress.terminal import Terminal  # rich, which other displays do not need

        return ShownProgress(Terminal())
    return log_progress(kind)


def log_progress(kind: ProgressKind = "auto") -> Progress:
    """Return progress as log lines, or as JSON lines."""
    return ShownProgress(JsonLines() if kind == "json" else LogLines())
