"""Times in words."""

from datetime import timedelta
from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))
#: From this many of a unit on, times are given in it; below, in the next smaller one.
_FROM: Final = 2


def lasting(time: timedelta) -> str:
    """Format a duration, such as ``3 hours``."""
    seconds = round(time.total_seconds())
    for unit, size in _UNITS:
        if seconds >= _FROM * size:
            return f"{seconds // size} {unit}s"
    return "1 minute" if seconds >= _UNITS[-1][1] else f"{max(seconds, 0)} seconds"


def ago(time: timedelta) -> str:
    """Format how long ago something was; negative times are in the future, by this machine's clock."""
    return f"{lasting(time)} ago" if time >= timedelta(0) else f"in {lasting(-time)}"
