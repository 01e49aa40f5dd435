"""The loggers of runs, and texts with counts, sizes and times."""

import logging
from typing import Final

LOGGER: Final = logging.getLogger("lakewright")
#: Tracebacks of unexpected errors, at ERROR, because platforms drop levels below INFO.
TRACEBACKS: Final = logging.getLogger("lakewright.tracebacks")

_KILO: Final = 1000
_MINUTE: Final = 60
_HOUR: Final = 3600


def show_tracebacks(wanted: bool) -> None:
    """Set whether the log shows the tracebacks of unexpected errors."""
    TRACEBACKS.setLevel(logging.NOTSET if wanted else logging.CRITICAL)


def count_of(number: int, noun: str) -> str:
    """Format a count: ``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def readable_bytes(size: float) -> str:
    """Format a number of bytes: ``1.2 MB``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _KILO:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KILO
    return f"{value:.1f} TB"


def readable_time(seconds: float) -> str:
    """Format a duration: ``0:07``, ``12:34``, ``1:02:03``."""
    whole = round(seconds)
    minutes = f"{whole % _HOUR // _MINUTE}:{whole % _MINUTE:02}"
    return f"{whole // _HOUR}:{minutes:0>5}" if whole >= _HOUR else minutes
