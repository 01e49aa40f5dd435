"""Compactions killed with SIGKILL at every stage, run by ``make kills``; ``make test`` kills one of them.

A compaction is killed in a separate process; the next run, or the next compaction, leaves the same rows.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.faults.event_lakes import OTHER_DAY, arguments, copy_of, event_lake
from tests.faults.test_killed_runs import killed
from tests.jobs.event_bench import EventBench

STAGES = [
    pytest.param("plan", 1, id="while-holding-the-lease"),
    pytest.param("read", 1, id="after-the-plan"),
    pytest.param("worker starts", 1, id="when-the-first-worker-starts"),
    pytest.param("a file is staged", 1, id="while-workers-write"),
    pytest.param("check", 1, id="between-stage-and-outcome"),
    pytest.param("committed", 1, id="after-the-outcome"),
    pytest.param("move", 2, id="in-the-middle-of-publish"),
    pytest.param("remove", 1, id="before-the-old-files-are-removed"),
    pytest.param("clean up", 1, id="before-staging-is-deleted"),
    pytest.param("receipt", 1, id="before-the-receipt"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> EventBench:
    """A lake with three small files in each of two partitions."""
    bench = event_lake(tmp_path_factory.mktemp("filled"))
    bench.feed()
    for start in (0, 10, 20):
        bench.put_events(start, {"n": start}, {"n": start + 1})
        bench.put_events(start + 100, {"n": start, "day": 2}, folder=OTHER_DAY)
        assert bench.run()["exit_code"] == 0
    return bench


@pytest.fixture
def bench(tmp_path: Path, filled: EventBench) -> Iterator[EventBench]:
    with copy_of(filled, tmp_path) as bench:
        yield bench


def read_by_path(bench: EventBench) -> list[int]:
    """Read the table by its folder, duplicates and all."""
    paths = sorted((bench.lake / "refined/t").rglob("*.parquet"))
    return sorted(row["_offset"] for path in paths for row in pq.read_table(path, partitioning=None).to_pylist())


def kill_and_continue(bench: EventBench, stage: str, nth: int, verb: str) -> None:
    before = read_by_path(bench)
    process = killed("SIGKILL", stage, nth, *arguments(bench, "compact"))
    assert process.wait(120) == -signal.SIGKILL
    assert bench.command(verb).exit_code == 0
    assert read_by_path(bench) == before
    assert bench.strays() == []
    assert bench.command("compact").exit_code == 0
    assert read_by_path(bench) == before
    assert len(bench.state().files) == 2
    assert bench.run()["status"] == "nothing_new"


@pytest.mark.parametrize("verb", ["run", "compact"])
@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_killed_and_run_again(bench: EventBench, stage: str, nth: int, verb: str) -> None:
    kill_and_continue(bench, stage, nth, verb)


@pytest.mark.parametrize(("stage", "nth"), [("check", 1), ("move", 1)])
def test_a_compaction_suspended_past_its_lease_does_no_harm(bench: EventBench, stage: str, nth: int) -> None:
    sleeper = killed("SIGSTOP", stage, nth, *arguments(bench, "compact"))
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        bench.put_events(0, {"n": "rewritten"})
        assert bench.run()["exit_code"] == 0
        expected = bench.table()
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(60) in (0, 4)
    assert bench.table() == expected
    assert bench.run()["status"] == "nothing_new"
    assert read_by_path(bench) == sorted(row["_offset"] for row in expected)
    assert bench.strays() == []


@pytest.mark.parametrize(("stage", "nth"), [("read", 2), ("check", 2), ("committed", 2), ("move", 2), ("remove", 1)])
def test_a_run_is_killed_in_the_compaction_that_follows_it(bench: EventBench, stage: str, nth: int) -> None:
    bench.feed(compact_above=2)
    bench.put_events(30, {"n": 30})
    before = read_by_path(bench)
    process = killed("SIGKILL", stage, nth, *arguments(bench, "run"))
    assert process.wait(120) == -signal.SIGKILL
    assert bench.run()["exit_code"] == 0
    assert read_by_path(bench) == [*before[:6], 30, *before[6:]]
    assert bench.strays() == []
