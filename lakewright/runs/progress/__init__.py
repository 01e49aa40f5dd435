"""Progress of runs: live on a terminal, as log lines elsewhere, or as JSON lines."""

from lakewright.runs.progress.choice import ProgressKind, log_progress, make_progress
from lakewright.runs.progress.interface import Progress, SilentProgress, TargetProgress, closing_progress
from lakewright.runs.progress.texts import (
    LOGGER,
    TRACEBACKS,
    count_of,
    readable_bytes,
    readable_seconds,
    show_tracebacks,
)

__all__ = [
    "LOGGER",
    "TRACEBACKS",
    "Progress",
    "ProgressKind",
    "SilentProgress",
    "TargetProgress",
    "closing_progress",
    "count_of",
    "log_progress",
    "make_progress",
    "readable_bytes",
    "readable_seconds",
    "show_tracebacks",
]
