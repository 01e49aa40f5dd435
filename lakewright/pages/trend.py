"""Small charts of the last runs: one bar a run, all from zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Runs for which a chart has room at least, so that the bars of few runs are not wide.
_LEAST_SLOTS: Final = 12
_SLOT: Final = 10
_HEIGHT: Final = 40
_LOWEST: Final = 1.0


@dataclass(frozen=True)
class Bar:
    """A run's bar; without height, it only has its place."""

    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Trend:
    """A chart of one figure of the last runs, oldest first; runs without the figure have no bar.

    Attributes:
        bars: A bar for each run.
        width: The width of the chart, for bars of width 8.
        height: The height of the tallest bar.
    """

    bars: list[Bar]
    width: int
    height: int = _HEIGHT


def trend_of(values: Sequence[float | None]) -> Trend:
    """Lay out a chart."""
    highest = max((value for value in values if value), default=0)
    slots = max(len(values), _LEAST_SLOTS)
    bars: list[Bar] = []
    for number, value in enumerate(values, slots - len(values)):  # the last run on the right, below its value
        height = round(max(value / highest * _HEIGHT, _LOWEST), 2) if value else 0.0
        bars.append(Bar(number * _SLOT + 1, round(_HEIGHT - height, 2), height))
    return Trend(bars, slots * _SLOT)
