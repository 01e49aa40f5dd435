"""The loggers of runs, and texts with counts, sizes and times."""

import logging
from typing import Final

LOGGER: Final = logging.getLogger("lakewright")
#: Tracebacks of unexpected errors, at ERROR, because platforms drop levels below INFO.
TRACEBACKS: Final = logging.getLogger("lakewright.tracebacks")

_KILO: Final = 1000
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_TENTH: Final = 0.1
#: Below this, a time would be shown as 0 s.
_SHORTEST: Final = 0.0005
#: From here on, seconds with one decimal would be rounded to a minute.
_ALMOST_A_MINUTE: Final = 59.95


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


def readable_seconds(seconds: float) -> str:
    """Format a duration with its units: ``0.49 s``, ``12.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if 0 < seconds < _SHORTEST:
        return "< 0.001 s"
    if seconds < 1:
        text = f"{seconds:.3f}".rstrip("0").rstrip(".") if seconds < _TENTH else f"{seconds:.2f}"
        return f"{text} s"
    if seconds < _ALMOST_A_MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY:,} d {whole % _DAY // _HOUR} h"


def readable_time(seconds: float) -> str:
    """Format a duration as on a clock: ``0:07``, ``12:34``, ``1:02:03``."""
    whole = round(seconds)
    minutes = f"{whole % _HOUR // _MINUTE}:{whole % _MINUTE:02}"
    return f"{whole // _HOUR}:{minutes:0>5}" if whole >= _HOUR else minutes
