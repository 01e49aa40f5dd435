"""The last runs of a target: their figures, and a chart of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from lakewright.pages.figures import amount, duration, share
from lakewright.pages.outcome import RunStatus, status_of
from lakewright.pages.trend import Trend, trend_of

#: A single bar shows no trend.
_FEWEST: Final = 2


@dataclass(frozen=True)
class Run:
    """The figures of one run.

    Attributes:
        is_shown: Whether the page is about this run.
    """

    id: str
    started: str
    status: RunStatus
    exit_code: int
    read: int
    skipped: int
    rejected: int
    seconds: float
    cost: float | None
    currency: str
    is_shown: bool

    @property
    def rejected_share(self) -> float | None:
        """The share of rejected rows, without skipped ones, as for ``max_rejected``; None if the run read none."""
        return self.rejected / (self.read - self.skipped) if self.read > self.skipped else None

    @property
    def mark(self) -> str:
        """How charts mark the run."""
        return " ".join(["current"] * self.is_shown + ["bad"] * bool(self.exit_code))


@dataclass(frozen=True)
class Chart:
    """A chart of one figure: its title, the last value, and the values in a sentence."""

    key: str
    title: str
    trend: Trend
    latest: str
    words: str


@dataclass(frozen=True)
class RecentRuns:
    """The last runs, oldest first."""

    runs: Sequence[Run]

    @cached_property
    def charts(self) -> list[Chart]:
        """A chart for each figure that several runs have."""
        currency = next((run.currency for run in reversed(self.runs) if run.currency), "")
        charts = (
            self._chart("rows", "Rows read", [run.read for run in self.runs], lambda value: f"{value:,.0f}"),
            self._chart(
                "rejected", "Rejected share", [run.rejected_share for run in self.runs], lambda value: share(value, 1)
            ),
            self._chart("seconds", "Time", [run.seconds for run in self.runs], duration),
            self._chart("cost", "Cost", [run.cost for run in self.runs], lambda value: amount(value, currency)),
        )
        return [chart for chart in charts if chart is not None]

    @property
    def has_shown(self) -> bool:
        """Whether the run of the page is one of them."""
        return any(run.is_shown for run in self.runs)

    @property
    def has_bad(self) -> bool:
        """Whether charts mark a run that failed or was refused."""
        return any(run.exit_code for run in self.runs)

    def _chart(
        self, key: str, title: str, values: Sequence[float | None], words: Callable[[float], str]
    ) -> Chart | None:
        known = [value for value in values if value is not None]
        if len(known) < _FEWEST:
            return None
        latest = "none" if values[-1] is None else words(values[-1])
        lowest, highest = words(min(known)), words(max(known))
        span = f"always {lowest}" if lowest == highest else f"{lowest} to {highest}"
        return Chart(key, title, trend_of(values), latest, span)


def recent_runs(receipts: Sequence[Mapping[str, Any]], shown: str) -> RecentRuns:
    """Return the figures of receipts, oldest first; ``shown`` is the run that the page is about."""
    return RecentRuns([_run(receipt, shown) for receipt in receipts])


def seconds_of(receipt: Mapping[str, Any]) -> float:
    """Return how long a run took; older receipts have no time but that of their phases, or of start and end."""
    if measured := float(receipt["usage"]["seconds"]):
        return measured
    try:
        started, finished = (datetime.fromisoformat(receipt[key]) for key in ("started", "finished"))
        return max((finished - started).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return float(sum(receipt["seconds"].values()))


def _run(receipt: Mapping[str, Any], shown: str) -> Run:
    cost = receipt["cost"]
    return Run(
        id=receipt["run"],
        started=receipt["started"],
        status=status_of(receipt["status"], receipt["exit_code"]),
        exit_code=receipt["exit_code"],
        read=receipt["counts"]["read"],
        skipped=receipt["counts"]["skipped"],
        rejected=receipt["counts"]["rejected"],
        seconds=seconds_of(receipt),
        cost=cost["total"] if cost and cost["items"] else None,
        currency=cost["currency"] if cost else "",
        is_shown=receipt["run"] == shown,
    )
