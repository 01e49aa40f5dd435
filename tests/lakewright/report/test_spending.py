"""Runs and cost per day: each process is billed once, and shares of it add up to what it costs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from lakewright.config_files import Conf
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price_process
from lakewright.log.records import Counts
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.report.history import PastRun
from lakewright.report.spending import RunCosts, cost_of_runs, report_days, sum_days, tally_days

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAYS = [date(2026, 11, 26), date(2026, 11, 27)]
GLUE, NOWHERE, EMR = Runtime(platform="glue", worker_type="G.1X", workers=2), Runtime(), Runtime(platform="emr")


def run(name: str, seconds: float, *, process: str = "", runtime: Runtime = GLUE, hours_ago: float = 0) -> PastRun:
    return PastRun(
        run=name,
        job="csv_to_parquet",
        verb="run",
        started=(NOON - timedelta(hours=hours_ago)).isoformat(),
        counts=Counts(read=10, written=7, rejected=1, skipped=2),
        process=process,
        usage=Usage(seconds=seconds),
        runtime=runtime,
    )


@pytest.fixture(scope="module")
def prices() -> Prices:
    prices = Prices.load(Conf("conf"))
    assert prices is not None
    return prices


def glue(seconds: int) -> Decimal:
    """The price of a job with two G.1X workers."""
    return Decimal(2 * seconds) * Decimal("0.44") / 3600


@pytest.mark.parametrize(
    ("runs", "costs"),
    [
        pytest.param([run("a", 90)], {"a": glue(90)}, id="a process with one run"),
        pytest.param([run("a", 1), run("b", 2)], {"a": glue(60), "b": glue(60)}, id="receipts without a process"),
        pytest.param(
            [run("a", 90, process="p"), run("b", 30, process="p")],
            {"a": glue(90) * 3 / 4, "b": glue(90) / 4},
            id="targets of one process at once: its time is billed once",
        ),
        pytest.param(
            [run("a", 3, process="p"), run("b", 1, process="p")],
            {"a": glue(60) * 3 / 4, "b": glue(60) / 4},
            id="the minimum is billed once",
        ),
        pytest.param(
            [run("a", 0, process="p"), run("b", 0, process="p")],
            {"a": glue(60) / 2, "b": glue(60) / 2},
            id="runs without seconds share alike",
        ),
        pytest.param([run("a", 90, runtime=NOWHERE)], {}, id="a receipt that does not say where it ran"),
    ],
)
def test_the_cost_of_a_process_is_divided_by_seconds(
    prices: Prices, runs: Sequence[PastRun], costs: dict[str, Decimal]
) -> None:
    amounts = cost_of_runs(runs, partial(price_process, prices=prices)).amounts
    assert {name: round(amount, 12) for name, amount in amounts.items()} == {
        name: round(amount, 12) for name, amount in costs.items()
    }


def test_what_is_assumed_and_what_is_missing_is_said(prices: Prices) -> None:
    runs = [run("a", 60, runtime=Runtime(platform="local")), run("b", 60, runtime=EMR), run("c", 60)]
    costs = cost_of_runs(runs, partial(price_process, prices=prices))
    assert {name: amount > 0 for name, amount in costs.assumed.items()} == {"a": True, "b": False, "c": False}
    assert any(note.startswith("assumed: what it would have cost on Glue") for note in costs.notes)
    assert "not included: EMR, whose price depends on the cluster" in costs.notes


def test_sums_per_day(prices: Prices) -> None:
    runs = [run("a", 90), run("b", 90, hours_ago=12), run("c", 90, hours_ago=13), run("d", 90, hours_ago=99)]
    days = tally_days(runs, {DAYS[0]: 3}, cost_of_runs(runs, partial(price_process, prices=prices)), DAYS)
    report = report_days(sum_days([days, days], DAYS))
    assert [(day["day"], day["runs"], day["read"]) for day in report["per_day"]] == [
        ("2026-11-26", 2, 20),
        ("2026-11-27", 4, 40),
    ]
    assert report["total"] == {
        "runs": 6,
        "failed": 0,
        "read": 60,
        "written": 42,
        "rejected": 6,
        "rejected_share": 6 / 48,
        "seconds": 540.0,
        "cost": pytest.approx(float(6 * glue(90))),
        "assumed_cost": 0.0,
        "unpriced_runs": 0,
        "runs_not_read": 6,
    }


@pytest.mark.parametrize(
    ("runs", "cost", "unpriced"),
    [
        pytest.param([run("a", 90)], None, 1, id="unknown of all runs: unknown"),
        pytest.param([], 0.0, 0, id="no run: nothing"),
    ],
)
def test_without_prices_the_cost_is_unknown(runs: list[PastRun], cost: float | None, unpriced: int) -> None:
    total = report_days(tally_days(runs, {}, RunCosts(), DAYS))["total"]
    assert (total["cost"], total["unpriced_runs"]) == (cost, unpriced)
