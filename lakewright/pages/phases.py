"""The phases of a run as one bar: each phase begins where the one before it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

_SHOWN: Final = 12
#: Of the bar's width of 100: a shorter phase could not be seen.
_SHORTEST: Final = 0.8


@dataclass(frozen=True)
class Phase:
    """A phase, or several short ones: its seconds, and its place in a bar that is 100 wide."""

    name: str
    seconds: float
    start: float
    width: float


def phases_of(seconds: Mapping[str, float]) -> list[Phase]:
    """Lay out the phases in the order of the receipt; of many, the longest ones, and the others as one."""
    longest = set(nlargest(_SHOWN, seconds, key=lambda name: seconds[name]))
    shown = [(name, spent) for name, spent in seconds.items() if name in longest]
    if others := [spent for name, spent in seconds.items() if name not in longest]:
        shown.append((f"{len(others):,} shorter ones", sum(others)))
    total = sum(seconds.values())
    phases: list[Phase] = []
    passed = 0.0
    for name, spent in shown:
        width = max(spent / total * 100, _SHORTEST) if spent and total else 0.0
        start = min(passed / total * 100, 100 - width) if total else 0.0
        phases.append(Phase(name, spent, round(start, 2), round(width, 2)))
        passed += spent
    return phases
