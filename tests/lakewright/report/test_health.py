"""The health of a target: one word, the worst that applies, with its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakewright.errors import ConfigError, SourceGoneError
from lakewright.report.health import judge
from lakewright.report.history import PastRun, RunHistory
from lakewright.report.problems import Problem
from lakewright.report.targets import ReportedTarget, TargetFacts, Waiting
from lakewright.runs.lease import Holder

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OPEN = {"number": 4, "run": "20261127T090000000000Z-0a1b2c3d", "job": "csv_to_parquet", "objects": 1, "bytes": 9}
HOLDER = Holder("20261127T115900000000Z-0a1b2c3d", "host", NOW, is_dead=False)
RUNNING = {"holder": HOLDER, "runs_now": True}
LATER_COMMIT = {"status": "committed", "run": "20261127T115900000000Z-0a1b2c3d"}


def run(hours_ago: float, exit_code: int = 0, **fields: Any) -> PastRun:
    began = NOW - timedelta(hours=hours_ago)
    error = f"error {exit_code}" if exit_code else ""
    status = "failed" if exit_code else "committed"
    plain = {"job": "csv_to_parquet", "verb": "run", "status": status, "error": error}
    run_id = f"{began:%Y%m%dT%H%M%S%f}Z-0a1b2c3d"
    return PastRun(run=run_id, started=began.isoformat(), exit_code=exit_code, **(plain | fields))


def hourly(last: int, *exit_codes: int) -> list[PastRun]:
    """Return a run per hour, the last one some hours ago."""
    return [run(last + len(exit_codes) - 1 - place, code) for place, code in enumerate(exit_codes)]


@pytest.mark.parametrize(
    ("facts", "runs", "health", "reason"),
    [
        pytest.param({}, hourly(1, 0, 0), "ok", "", id="the last run succeeded"),
        pytest.param({"batches": 0}, [], "never run", "", id="no receipt and no batch"),
        pytest.param({}, [], "ok", "", id="receipts were deleted, but the log has batches"),
        pytest.param({}, hourly(1, 0, 1), "failing", "error 1", id="the last run failed"),
        pytest.param({}, hourly(1, 2, 0), "ok", "", id="a failure before the last run"),
        pytest.param({}, hourly(1, 0, 3), "refused", "error 3", id="the last run refused data"),
        pytest.param({}, hourly(1, 5, 4), "failing", "error 5", id="a run that another run kept out says nothing"),
        pytest.param({}, hourly(1, 0, 130), "ok", "", id="nor does one that the user stopped"),
        pytest.param(
            {}, [*hourly(2, 1), run(1, job="compact")], "failing", "error 1", id="a run of another job succeeds"
        ),
        pytest.param(
            {}, [*hourly(2, 0), run(1, 1, job="compact")], "failing", "error 1", id="a run of another job fails"
        ),
        pytest.param({"last_batch": LATER_COMMIT}, hourly(1, 1), "ok", "", id="a later run without receipt committed"),
        pytest.param(
            {"catalog_is_behind": True},
            [run(1, 5, status="committed", error="the catalog")],
            "behind",
            "the catalog",
            id="the data is committed, the catalog is behind",
        ),
        pytest.param(
            {"open_batch": OPEN}, hourly(1, 0), "open", f"batch 4 of run {OPEN['run']} has not ended", id="open"
        ),
        pytest.param(
            {"open_batch": OPEN, **RUNNING}, hourly(1, 0), "running", "", id="the open batch of a run in progress"
        ),
        pytest.param({"open_batch": OPEN}, hourly(1, 1), "failing", "error 1", id="failing and open: failing"),
        pytest.param({"waiting": Waiting(objects=1)}, hourly(1, 0), "behind", "1 object waits", id="an object waits"),
        pytest.param(
            {"waiting": Waiting(objects=3, corrections=1)},
            hourly(1, 0),
            "behind",
            "3 objects wait, 1 correction among them",
            id="objects and a correction wait",
        ),
        pytest.param(
            {"waiting": Waiting(objects=3), **RUNNING}, hourly(1, 0), "running", "", id="a run may be reading them"
        ),
        pytest.param({"waiting": Waiting(objects=3), "batches": 0}, [], "never run", "3 objects wait", id="never run"),
        pytest.param(
            {"waiting": Waiting(refused={"raw/x": "its name is not UTF-8"})},
            hourly(1, 0),
            "refused",
            "the next run will refuse 1 object, first raw/x: its name is not UTF-8",
            id="an object will be refused",
        ),
        pytest.param(
            {"next_run": ConfigError("the layout differs")},
            hourly(1, 0),
            "failing",
            "the next run will fail: the layout differs",
            id="table and feed differ",
        ),
        pytest.param(
            {"next_run": SourceGoneError("day=1", ["raw/a.csv"])},
            hourly(1, 0),
            "refused",
            "the next run will be refused",
            id="a committed object is gone",
        ),
        pytest.param(
            {"problems": [Problem("the source of f → t: down", 5)]},
            hourly(1, 0),
            "unreadable",
            "the source of f → t: down",
            id="a source out of reach",
        ),
    ],
)
def test_health(facts: dict[str, Any], runs: list[PastRun], health: str, reason: str) -> None:
    of_target = TargetFacts(ReportedTarget("f", "t"), **({"batches": 3, "waiting": Waiting()} | facts))
    verdict = judge(of_target, RunHistory(runs), NOW)
    assert (verdict.health, verdict.reason[: len(reason)]) == (health, reason)


@pytest.mark.parametrize(
    ("runs", "is_overdue"),
    [
        pytest.param(hourly(2, 0, 0, 0, 0), False, id="two hours after hourly runs"),
        pytest.param(hourly(4, 0, 0, 0, 0), True, id="four hours after hourly runs"),
        pytest.param(hourly(4, 0, 0), False, id="few runs do not tell how often a feed runs"),
        pytest.param(hourly(25, 0, 0), True, id="but a day without a run is too long"),
        pytest.param([], True, id="a feed that never ran is due"),
        pytest.param([run(0.5 + number / 60) for number in range(9, -1, -1)], False, id="a pause below an hour"),
    ],
)
def test_waiting_objects_are_overdue_after_three_usual_intervals(runs: list[PastRun], is_overdue: bool) -> None:
    facts = TargetFacts(ReportedTarget("f", "t"), batches=3, waiting=Waiting(objects=1))
    assert judge(facts, RunHistory(runs), NOW).is_overdue == is_overdue


def test_failures_in_a_row_are_counted_since_the_last_success() -> None:
    verdict = judge(TargetFacts(ReportedTarget("f", "t"), batches=1), RunHistory(hourly(1, 1, 0, 5, 4, 5)), NOW)
    assert (verdict.runs, verdict.since) == (2, NOW - timedelta(hours=3))


@pytest.mark.parametrize(
    ("damaged", "health"),
    [
        pytest.param("20261127T115900000000Z-0a1b2c3d", "unreadable", id="how the last run ended is unknown"),
        pytest.param("20261120T115900000000Z-0a1b2c3d", "ok", id="that of an older run does not matter"),
    ],
)
def test_a_damaged_receipt(damaged: str, health: str) -> None:
    history = RunHistory(hourly(1, 0), [damaged], [Problem("damaged", 1)])
    assert judge(TargetFacts(ReportedTarget("f", "t"), batches=1), history, NOW).health == health


def test_a_target_without_a_feed_is_orphaned_however_its_last_run_ended() -> None:
    facts = TargetFacts(ReportedTarget("f", "t", orphaned="no such feed"))
    verdict = judge(facts, RunHistory(hourly(1, 1)), NOW)
    assert (verdict.health, verdict.reason) == ("orphaned", "no such feed")
