"""Seconds and cost of the next run, estimated from earlier ones.

Seconds are a fixed part and a part by bytes: the slope is the median of the slopes between all pairs of runs (Theil and
Sen), so that a single slow run does not move it, and the fixed part is the median of what remains. The lowest and the
highest remainder give the range. All of it is exact (fractions), so the range at a size that was seen contains what the
run of that size took.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Any, Final

from lakewright.costs.measured import SeenRun
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price_requests, price_time

#: Fewer runs give no estimate.
LEAST_RUNS: Final = 3
#: More seconds, or requests of one kind, are no figures of a run: the receipt is damaged.
_MOST: Final = 10**9

#: The lowest, the typical and the highest value.
Span = tuple[float, float, float]


@dataclass(frozen=True)
class Estimate:
    """What a batch will probably take.

    Attributes:
        seconds: The lowest, the typical and the highest number of seconds; None if there is no estimate.
        cost: The same for its cost; None without prices, and if the platform has no price.
        currency: The currency of the cost.
        assumed: What the cost assumes, in words.
        runs: The number of earlier runs that it follows from.
        seen_bytes: The size of the smallest and of the largest batch of these.
        beyond: In words, why the batch is larger than any of these; then the range is a projection.
        why_none: Why there is no estimate, in words.
    """

    seconds: Span | None = None
    cost: Span | None = None
    currency: str = ""
    assumed: str = ""
    runs: int = 0
    seen_bytes: tuple[int, int] = (0, 0)
    beyond: str = ""
    why_none: str = ""

    def report(self) -> dict[str, Any]:
        """Return the estimate as JSON-compatible data."""
        return {
            "seconds": _named(self.seconds),
            "cost": _named(self.cost),
            "currency": self.currency,
            "assumed": self.assumed,
            "runs": self.runs,
            "seen_bytes": list(self.seen_bytes),
            "beyond": self.beyond,
            "why_none": self.why_none,
        }


def estimate(
    recent: Sequence[SeenRun], *, verb: str, engine: str, size: int, objects: int, prices: Prices | None
) -> Estimate:
    """Estimate a batch from earlier runs, oldest first: those that did the same where the last of them did.

    Args:
        recent: Earlier runs of the target.
        verb: What is asked for; runs of other verbs do not count.
        engine: The name of the engine that will be used; runs on others do not count.
        size: The bytes that the batch reads.
        objects: The number of objects that it reads.
        prices: The prices, if there are any.
    """
    committed = [run for run in recent if run.status == "committed" and run.verb == verb and _is_measured(run)]
    on_engine = [run for run in committed if run.engine.get("name") == engine]
    alike = [run for run in on_engine if run.runtime == on_engine[-1].runtime]
    if len(alike) < LEAST_RUNS:
        return Estimate(runs=len(alike), why_none=_why_none(len(alike), len(committed), verb, engine))
    points = [(run.usage.bytes_read, Fraction(run.usage.seconds)) for run in alike]
    seconds = _span(points, size)
    sizes = [known for known, _ in points]
    cost, assumed = _cost(alike, seconds, size, prices)
    return Estimate(
        seconds=_floats(seconds),
        cost=_floats(cost) if cost else None,
        currency=prices.currency if prices else "",
        assumed=assumed,
        runs=len(alike),
        seen_bytes=(min(sizes), max(sizes)),
        beyond=_beyond(alike, size, objects),
    )


_Exact = tuple[Fraction, Fraction, Fraction]


def _span(points: Sequence[tuple[int, Fraction]], size: int) -> _Exact:
    """Return lowest, typical and highest value at a size.

    Beyond the sizes that were seen, the highest value grows as if all of it were by bytes.
    """
    smallest, largest = min(value for _, value in points), max(known for known, _ in points)
    slope = _slope(points)
    rests = [value - slope * known for known, value in points]

    def value_at(rest: Fraction, known: int) -> Fraction:
        return max(smallest, rest + slope * known)

    lowest, typical = value_at(min(rests), size), value_at(median(rests), size)
    highest = value_at(max(rests), min(size, largest))
    return lowest, typical, highest * Fraction(size, largest) if size > largest > 0 else highest


def _slope(points: Sequence[tuple[int, Fraction]]) -> Fraction:
    """Return the value per byte: not negative, and not more than if the fixed part were nothing."""
    slopes = [
        (value - other) / (size - known) for (known, other), (size, value) in combinations(points, 2) if size != known
    ]
    largest = max((value / size for size, value in points if size), default=Fraction(0))
    return min(max(median(slopes), Fraction(0)), largest) if slopes else Fraction(0)


def _cost(runs: Sequence[SeenRun], seconds: _Exact, size: int, prices: Prices | None) -> tuple[_Exact | None, str]:
    """Return the cost of a span of seconds, with that of the requests of such a batch; None without a price."""
    if prices is None:
        return None, ""
    last = runs[-1]

    def price_of(spent: Fraction) -> Fraction | None:
        computing = price_time(last.runtime, last.job, Decimal(str(float(spent))), prices)
        return sum((Fraction(item.amount) for item in computing.items), Fraction(0)) if computing.items else None

    assumed = price_time(last.runtime, last.job, Decimal(0), prices).assumed
    requests = _span([(run.usage.bytes_read, _price_of_requests(run, prices)) for run in runs], size)
    lowest, typical, highest = (price_of(each) for each in seconds)
    if lowest is None or typical is None or highest is None:
        return None, ""
    return (lowest + requests[0], typical + requests[1], highest + requests[2]), assumed


def _price_of_requests(run: SeenRun, prices: Prices) -> Fraction:
    return sum((Fraction(item.amount) for item in price_requests(run.usage.requests, prices)), Fraction(0))


def _beyond(runs: Sequence[SeenRun], size: int, objects: int) -> str:
    measures: dict[str, tuple[int, Callable[[SeenRun], int]]] = {
        "bytes": (size, lambda run: run.usage.bytes_read),
        "objects": (objects, lambda run: run.usage.objects_read),
    }
    larger = [name for name, (value, seen) in measures.items() if value > max(map(seen, runs))]
    return f"more {' and '.join(larger)} than any of the {len(runs)} runs read" if larger else ""


def _why_none(alike: int, committed: int, verb: str, engine: str) -> str:
    others = f"; {committed - alike} others ran on another engine or platform" if committed > alike else ""
    few = f"{alike} of the {LEAST_RUNS}" if alike else f"none of the {LEAST_RUNS}"
    return f"{few} committed runs of `{verb}` on the {engine} engine that an estimate needs{others}"


def _is_measured(run: SeenRun) -> bool:
    """Return whether the receipt has plausible figures; those of earlier versions have none."""
    counts = run.usage.requests.values()
    is_plausible = run.usage.bytes_read >= 0 and all(0 <= value <= _MOST for value in (run.usage.seconds, *counts))
    return bool(run.runtime.platform) and is_plausible


def _floats(span: _Exact) -> Span:
    lowest, typical, highest = map(float, span)
    return lowest, typical, highest


def _named(span: Span | None) -> dict[str, float] | None:
    return dict(zip(("low", "typical", "high"), span, strict=True)) if span else None
