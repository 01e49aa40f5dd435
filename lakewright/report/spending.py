"""Runs, rows, seconds and cost per day."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Self

from lakewright.costs.bill import Cost
from lakewright.report.history import PastRun

#: Prices the runs of one process; None if their receipts do not say where they ran.
PriceProcess = Callable[[Sequence[PastRun]], Cost | None]


@dataclass(frozen=True)
class RunCosts:
    """What each run cost, by run ID; together, runs of one process cost what the process did.

    Attributes:
        amounts: The amount of each run.
        assumed: The part of it that is not billed, but what the run would have cost on AWS.
        notes: What was assumed, and what amounts do not contain, in words.
    """

    amounts: dict[str, Decimal] = field(default_factory=dict)
    assumed: dict[str, Decimal] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)


def cost_of_runs(runs: Iterable[PastRun], price_process: PriceProcess) -> RunCosts:
    """Price runs by process, and divide the cost of each process among its runs by their seconds."""
    processes: dict[str, list[PastRun]] = defaultdict(list)
    for run in runs:
        processes[run.process or run.run].append(run)
    costs = RunCosts()
    for of_process in processes.values():
        if cost := price_process(of_process):
            _divide(cost, of_process, costs)
    return costs


def _divide(cost: Cost, runs: Sequence[PastRun], costs: RunCosts) -> None:
    seconds = [Decimal(repr(run.lasted)) for run in runs]
    total = sum(seconds, Decimal(0))
    for run, lasted in zip(runs, seconds, strict=True):
        amount = cost.total * (lasted / total if total else Decimal(1) / len(runs))
        costs.amounts[run.run] = amount
        costs.assumed[run.run] = amount if cost.assumed else Decimal(0)
    notes = [f"assumed: {cost.assumed}"] if cost.assumed else []
    costs.notes.update(dict.fromkeys([*notes, *(f"not included: {what}" for what in cost.excluded)]))


@dataclass
class Tally:
    """Sums over runs.

    Attributes:
        failed: The number of runs with an exit code other than 0.
        unpriced: The number of runs whose cost is unknown.
        not_read: The number of further runs, whose receipts were not read.
    """

    runs: int = 0
    failed: int = 0
    read: int = 0
    written: int = 0
    rejected: int = 0
    skipped: int = 0
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    assumed: Decimal = Decimal(0)
    unpriced: int = 0
    not_read: int = 0

    def add(self, run: PastRun, costs: RunCosts) -> None:
        """Add a run."""
        self.runs += 1
        self.failed += bool(run.exit_code)
        self.read += run.counts.read
        self.written += run.counts.written
        self.rejected += run.counts.rejected
        self.skipped += run.counts.skipped
        self.seconds += run.lasted
        self.cost += costs.amounts.get(run.run, Decimal(0))
        self.assumed += costs.assumed.get(run.run, Decimal(0))
        self.unpriced += run.run not in costs.amounts

    def __iadd__(self, other: Self) -> Self:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def report(self) -> dict[str, Any]:
        """Return the sums as JSON-compatible data; ``cost`` is None if it is unknown of all runs."""
        rows = self.read - self.skipped
        is_priced = self.unpriced < self.runs or not self.runs
        return {
            "runs": self.runs,
            "failed": self.failed,
            "read": self.read,
            "written": self.written,
            "rejected": self.rejected,
            "rejected_share": self.rejected / rows if rows > 0 else None,
            "seconds": round(self.seconds, 3),
            "cost": float(self.cost) if is_priced else None,
            "assumed_cost": float(self.assumed) if is_priced else None,
            "unpriced_runs": self.unpriced,
            "runs_not_read": self.not_read,
        }


Days = Mapping[date, Tally]


def tally_days(
    runs: Iterable[PastRun], not_read: Mapping[date, int], costs: RunCosts, days: Sequence[date]
) -> dict[date, Tally]:
    """Return the sums of each day, by the day on which a run began (UTC)."""
    tallies = {day: Tally(not_read=not_read.get(day, 0)) for day in days}
    for run in runs:
        if tally := tallies.get(run.began.date()):
            tally.add(run, costs)
    return tallies


def sum_days(parts: Iterable[Days], days: Sequence[date]) -> dict[date, Tally]:
    """Add the sums of several targets or feeds, day by day."""
    sums = {day: Tally() for day in days}
    for part in parts:
        for day, tally in part.items():
            sums[day] += tally
    return sums


def report_days(days: Days) -> dict[str, Any]:
    """Return the sums of each day, and of all of them."""
    total = Tally()
    for tally in days.values():
        total += tally
    per_day = [{"day": day.isoformat(), **tally.report()} for day, tally in days.items()]
    return {"per_day": per_day, "total": total.report()}
