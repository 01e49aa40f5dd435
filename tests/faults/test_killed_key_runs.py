"""A run of flatten_events with ``dedupe: key(…)`` is killed with SIGKILL and run again: one row of each key, and the same counts."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_killed_event_runs import arguments, outcome_of
from tests.faults.test_killed_runs import killed
from tests.jobs.event_bench import EventBench

pytestmark = pytest.mark.slow

STAGES = [
    pytest.param("read", 1, id="after-the-plan"),
    pytest.param("a file is staged", 2, id="while-workers-write"),
    pytest.param("settle", 1, id="between-reading-and-settling"),
    pytest.param("check", 1, id="between-stage-and-outcome"),
    pytest.param("move", 2, id="in-the-middle-of-publish"),
    pytest.param("remove", 1, id="before-the-old-files-are-removed"),
]
OTHER_DAY = "year=2026/month=08/day=02"


def first_delivery(bench: EventBench) -> None:
    bench.feed(source__dedupe="key(id)", source__unwrap="connect")
    put(bench, 0, {"id": 1, "n": 0}, {"id": 2, "n": 1}, None, {"n": 3})
    put(bench, 10, {"id": 2, "n": 10}, {"id": 3, "n": 11})
    put(bench, 20, {"id": 1, "n": 20}, folder=OTHER_DAY)


def second_delivery(bench: EventBench) -> None:
    put(bench, 0, {"id": 1, "n": "rewritten"}, {"id": 9, "n": 1}, None, {"n": 3})  # key 2 is that of offset 10 again
    put(bench, 30, {"id": 3, "n": 30}, {"id": 4, "n": 31, "new": [1]}, {"id": 4, "n": 32})
    put(bench, 40, {"id": 1, "n": 40}, {"id": "1", "n": 41}, folder=OTHER_DAY)


def third_delivery(bench: EventBench) -> None:
    put(bench, 50, {"id": 4, "n": 50}, {"id": 5, "n": 51})


def put(bench: EventBench, start: int, *events: Any, **where: Any) -> None:
    bench.put_events(start, *({"schema": None, "payload": event} for event in events), **where)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[EventBench, dict[str, Any]]:
    """A lake after the first delivery, and the outcome of all three without disturbance."""
    without_spark: Any = None
    bench = EventBench(tmp_path_factory.mktemp("undisturbed"), without_spark)
    first_delivery(bench)
    assert bench.run()["counts"]["superseded"] == 1
    before = EventBench(tmp_path_factory.mktemp("before"), without_spark)
    shutil.copytree(bench.root, before.root, dirs_exist_ok=True)
    for delivery in (second_delivery, third_delivery):
        delivery(bench)
        assert bench.run()["exit_code"] == 0
    expected = outcome_of(bench)
    rows = [(row["_day"][-2:], row["_offset"], row["id"], row["id__text"]) for row in expected["rows"]]
    assert rows == [
        *(("01", 0, 1, None), ("01", 1, 9, None), ("01", 3, None, None), ("01", 10, 2, None), ("01", 11, 3, None)),
        *(("02", 20, 1, None), ("01", 31, 4, None), ("02", 41, None, '"1"'), ("01", 51, 5, None)),
    ]
    return before, expected


@pytest.fixture
def bench(tmp_path: Path, undisturbed: tuple[EventBench, dict[str, Any]]) -> Iterator[EventBench]:
    """The lake after the first delivery, with a pending second one."""
    before, _ = undisturbed
    bench = EventBench(tmp_path, before.spark, before.clock + 3600)
    shutil.copytree(before.root, bench.root, dirs_exist_ok=True)
    second_delivery(bench)
    yield bench
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_killed_and_run_again(
    bench: EventBench, undisturbed: tuple[EventBench, dict[str, Any]], stage: str, nth: int
) -> None:
    process = killed("SIGKILL", stage, nth, *arguments(bench))
    assert process.wait(120) == -signal.SIGKILL
    third_delivery(bench)  # new objects do not change the open batch
    assert bench.run()["exit_code"] == 0
    assert outcome_of(bench) == undisturbed[1]
    assert bench.strays() == []
