"""Times in words."""

from datetime import timedelta
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))
#: From this many of a unit on, times are given in it; below, in the next smaller one.
_FROM: Final = 2


def lasting(time: timedelta) -> str:
    """Format a duration, such as ``3 h``."""
    seconds = round(time.total_seconds())
    for unit, size in _UNITS:
        if seconds >= _FROM * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def ago(time: timedelta) -> str:
    """Format how long ago something was; negative times are in the future, by this machine's clock."""
    return f"{lasting(time)} ago" if time >= timedelta(0) else f"in {lasting(-time)}"
