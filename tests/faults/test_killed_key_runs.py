"""A run of flatten_events with ``dedupe: key(…)`` is killed with SIGKILL and run again: one row of each key, and the same counts."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.event_lakes import OTHER_DAY, Undisturbed, arguments, copy_of, outcome_of, undisturbed_runs
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
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    runs = undisturbed_runs(tmp_path_factory, first_delivery, second_delivery, third_delivery)
    rows = [(row["_day"][-2:], row["_offset"], row["id"], row["id__text"]) for row in runs.outcome["rows"]]
    assert rows == [
        *(("01", 0, 1, None), ("01", 1, 9, None), ("01", 3, None, None), ("01", 10, 2, None), ("01", 11, 3, None)),
        *(("02", 20, 1, None), ("01", 31, 4, None), ("02", 41, None, '"1"'), ("01", 51, 5, None)),
    ]
    return runs


@pytest.fixture
def bench(tmp_path: Path, undisturbed: Undisturbed) -> Iterator[EventBench]:
    """The lake after the first delivery, with a pending second one."""
    with copy_of(undisturbed.before, tmp_path, seconds_later=3600) as bench:
        second_delivery(bench)
        yield bench


@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_killed_and_run_again(bench: EventBench, undisturbed: Undisturbed, stage: str, nth: int) -> None:
    process = killed("SIGKILL", stage, nth, *arguments(bench))
    assert process.wait(120) == -signal.SIGKILL
    third_delivery(bench)  # new objects do not change the open batch
    assert bench.run()["exit_code"] == 0
    assert outcome_of(bench) == undisturbed.outcome
    assert bench.strays() == []
