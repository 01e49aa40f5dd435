"""Estimates from earlier runs."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.costs.estimates import Estimate, Span, estimate
from lakewright.costs.prices import Prices
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.runs.receipts import Receipt
from tests.conftest import examples
from tests.lakewright.costs.test_pricing import PRICES

GLUE = Runtime("glue", "G.1X", 2)


def run(size: int, seconds: float, *, runtime: Runtime = GLUE, engine: str = "local", **other: Any) -> Receipt:
    usage = Usage(
        seconds=seconds, bytes_read=size, objects_read=other.pop("objects", 1), requests=other.pop("requests", {})
    )
    known: dict[str, Any] = {"verb": "run", "status": "committed", **other}
    return Receipt(
        run="r",
        feed="f",
        target="t",
        job="csv_to_parquet",
        started="2026-08-01T10:00:00+00:00",
        usage=usage,
        runtime=runtime,
        engine={"name": engine},
        versions={},
        **known,
    )


def of(runs: list[Receipt], size: int, *, objects: int = 1, prices: Prices | None = PRICES) -> Estimate:
    return estimate(runs, verb="run", engine="local", size=size, objects=objects, prices=prices)


def seconds_of(runs: list[Receipt], size: int) -> Span:
    seconds = of(runs, size).seconds
    assert seconds is not None
    return seconds


#: Ten seconds, and one per 100 bytes; the third run was slower.
RUNS = [run(1000, 20.0), run(2000, 30.0), run(3000, 45.0), run(4000, 50.0)]


@pytest.mark.parametrize(
    ("size", "seconds", "beyond"),
    [
        pytest.param(2500, (35.0, 35.0, 40.0), "", id="between-runs"),
        pytest.param(3000, (40.0, 40.0, 45.0), "", id="like-the-slow-run"),
        pytest.param(0, (20.0, 20.0, 20.0), "", id="never-below-the-shortest-run"),
        pytest.param(8000, (90.0, 90.0, 110.0), "more bytes than any of the 4 runs read", id="beyond-all-runs"),
    ],
)
def test_seconds_have_a_fixed_part_and_one_by_bytes(size: int, seconds: Span, beyond: str) -> None:
    known = of(RUNS, size)
    assert known.seconds == pytest.approx(seconds)
    assert (known.beyond, known.runs, known.seen_bytes) == (beyond, 4, (1000, 4000))


def test_cost_includes_minimum_and_requests() -> None:
    runs = [run(size, size / 10, requests={"PutObject": size}) for size in (100, 1000, 2000)]
    small, large = of(runs, 100), of(runs, 1000)
    assert small.cost == pytest.approx((60 * 2 * 0.44 / 3600 + 0.0005,) * 3)
    assert large.cost == pytest.approx((100 * 2 * 0.44 / 3600 + 0.005,) * 3)
    assert of(runs, 100, prices=None).cost is None


@pytest.mark.parametrize(
    ("runtime", "cost", "assumed"),
    [
        pytest.param(
            Runtime("local"),
            (120 * 0.44 / 3600,) * 3,
            "what it would have cost on Glue with 2 G.1X workers",
            id="laptop",
        ),
        pytest.param(Runtime("emr"), None, "", id="emr-has-no-price"),
    ],
)
def test_the_price_is_that_of_the_platform(runtime: Runtime, cost: Span | None, assumed: str) -> None:
    known = of([run(1, 5.0, runtime=runtime)] * 3, 1)
    assert known.cost == (pytest.approx(cost) if cost else None)
    assert known.assumed == assumed


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        pytest.param(
            [], "none of the 3 committed runs of `run` on the local engine that an estimate needs", id="no-runs"
        ),
        pytest.param(
            RUNS[:2], "2 of the 3 committed runs of `run` on the local engine that an estimate needs", id="too-few"
        ),
        pytest.param(
            [run(1, 1.0, engine="spark")] * 9,
            "none of the 3 committed runs of `run` on the local engine that an estimate needs; 9 others ran on another "
            "engine or platform",
            id="another-engine",
        ),
        pytest.param(
            [*RUNS, run(1, 1.0, runtime=Runtime("local"))],
            "1 of the 3 committed runs of `run` on the local engine that an estimate needs; 4 others ran on another "
            "engine or platform",
            id="another-platform-than-the-last-run",
        ),
        pytest.param([run(1, 1.0, verb="rebuild")] * 9, "none of the 3 committed", id="another-verb"),
        pytest.param([run(1, 1.0, status="failed")] * 9, "none of the 3 committed", id="failed-runs"),
        pytest.param([run(1, 1.0, runtime=Runtime())] * 9, "none of the 3 committed", id="receipts-without-usage"),
        pytest.param([run(1, -1.0)] * 9, "none of the 3 committed", id="impossible-seconds"),
        pytest.param([run(1, 1e308)] * 9, "none of the 3 committed", id="seconds-beyond-any-run"),
        pytest.param(
            [run(1, 1.0, requests={"GetObject": -1})] * 9, "none of the 3 committed", id="impossible-requests"
        ),
    ],
)
def test_without_enough_runs_alike_there_is_no_estimate(runs: list[Receipt], why: str) -> None:
    none = of(runs, 1)
    assert (none.seconds, none.cost) == (None, None)
    assert none.why_none.startswith(why)


def test_more_objects_than_ever_are_named() -> None:
    assert of(RUNS, 4001, objects=9).beyond == "more bytes and objects than any of the 4 runs read"


def test_the_report_names_the_values() -> None:
    report = of(RUNS, 3000).report()
    assert report["seconds"] == pytest.approx({"low": 40.0, "typical": 40.0, "high": 45.0})
    assert (report["runs"], report["seen_bytes"], report["why_none"]) == (4, [1000, 4000], "")


SIZES = st.integers(0, 10**14)
#: As receipts have them, in milliseconds; a thousand times as much is still plausible.
SECONDS = st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1000)
MEASURED = st.lists(st.tuples(SIZES, SECONDS), min_size=3, max_size=12)


def runs_of(measured: list[tuple[int, float]]) -> list[Receipt]:
    return [run(size, seconds) for size, seconds in measured]


@settings(deadline=None, max_examples=examples(50))
@given(MEASURED, SIZES, SIZES)
def test_more_bytes_never_take_less(measured: list[tuple[int, float]], one: int, other: int) -> None:
    runs, (fewer, more) = runs_of(measured), sorted((one, other))
    for smaller, larger in zip(seconds_of(runs, fewer), seconds_of(runs, more), strict=True):
        assert smaller <= larger
    low, typical, high = seconds_of(runs, one)
    assert min(seconds for _, seconds in measured) <= low <= typical <= high


@settings(deadline=None, max_examples=examples(50))
@given(MEASURED)
def test_the_range_contains_what_was_seen(measured: list[tuple[int, float]]) -> None:
    runs = runs_of(measured)
    for size, seconds in measured:
        low, _, high = seconds_of(runs, size)
        assert low <= seconds <= high


@settings(deadline=None, max_examples=examples(50))
@given(MEASURED, SIZES, st.integers(1, 1000), st.sampled_from([0.5, 2.0, 1024.0]))
def test_units_do_not_matter(measured: list[tuple[int, float]], size: int, bytes_by: int, seconds_by: float) -> None:
    scaled = runs_of([(known * bytes_by, seconds * seconds_by) for known, seconds in measured])
    expected = [each * seconds_by for each in seconds_of(runs_of(measured), size)]
    assert list(seconds_of(scaled, size * bytes_by)) == pytest.approx(expected)
