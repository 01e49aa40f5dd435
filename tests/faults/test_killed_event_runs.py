"""A run of flatten_events is killed with SIGKILL in a separate process, run again, and compared with an undisturbed run."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.event_lakes import OTHER_DAY, Undisturbed, arguments, copy_of, outcome_of, undisturbed_runs
from tests.faults.test_interrupted_runs import interrupted
from tests.faults.test_killed_runs import killed
from tests.jobs.event_bench import EventBench

pytestmark = pytest.mark.slow

STAGES = [
    pytest.param("plan", 1, id="while-holding-the-lease"),
    pytest.param("read", 1, id="after-the-plan"),
    pytest.param("worker starts", 1, id="when-the-first-worker-starts"),
    pytest.param("a file is staged", 1, id="while-workers-write"),
    pytest.param("settle", 1, id="between-reading-and-settling"),
    pytest.param("check", 1, id="between-stage-and-outcome"),
    pytest.param("committed", 1, id="after-the-outcome"),
    pytest.param("move", 2, id="in-the-middle-of-publish"),
    pytest.param("remove", 1, id="before-the-old-files-are-removed"),
    pytest.param("clean up", 1, id="before-staging-is-deleted"),
    pytest.param("receipt", 1, id="before-the-receipt"),
]


def first_delivery(bench: EventBench) -> None:
    bench.feed()
    bench.put_events(0, {"n": 0}, {"n": 1}, "dirty", {"n": 3})
    bench.put_events(2, {"n": 2}, {"n": 3}, {"n": 4})
    bench.put_events(100, {"n": 100}, folder=OTHER_DAY)


def second_delivery(bench: EventBench) -> None:
    bench.put_events(0, {"n": "rewritten"}, {"n": 1, "new": {"a": 1}})
    bench.put_events(4, {"n": 4}, {"n": 5}, "dirty")
    bench.put_events(101, {"n": 101}, {"n": []}, folder=OTHER_DAY)


def third_delivery(bench: EventBench) -> None:
    bench.put_events(200, {"newer": True}, {"n": 201})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    runs = undisturbed_runs(tmp_path_factory, first_delivery, second_delivery, third_delivery)
    assert [version[:2] for version in runs.outcome["versions"]] == [(1, 1), (2, 2), (3, 3)]
    assert sorted(runs.outcome["superseded"].values()) == [0, 0, 0, 0, 0, 1]
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
    if stage == "plan":
        assert bench.run()["exit_code"] == 0
    third_delivery(bench)  # new objects do not change the open batch
    assert bench.run()["exit_code"] == 0
    assert outcome_of(bench) == undisturbed.outcome
    assert bench.strays() == []


def test_killed_on_spark_and_run_again(bench: EventBench, undisturbed: Undisturbed) -> None:
    process = killed("SIGKILL", "a file is staged", 1, *arguments(bench), "--engine", "spark")
    assert process.wait(240) == -signal.SIGKILL
    third_delivery(bench)
    bench.engine = "spark"
    assert bench.run()["exit_code"] == 0
    assert outcome_of(bench) == undisturbed.outcome
    assert bench.strays() == []


def test_a_worker_is_killed_and_the_run_is_repeated(bench: EventBench, undisturbed: Undisturbed) -> None:
    ended = interrupted("WORKER", "worker starts", *arguments(bench), "--json")
    assert ended.returncode == 1
    sentence = (
        "error: a worker was killed, probably because the machine ran out of memory; run again to finish the "
        "batch, and if this recurs, use a machine with more memory, or fewer CPUs (taskset -c 0)"
    )
    assert ended.stderr.splitlines()[-1] == sentence
    (receipt,) = json.loads(ended.stdout)
    assert (receipt["status"], receipt["exit_code"], receipt["engine"]["name"]) == ("failed", 1, "local")
    third_delivery(bench)
    assert bench.run()["exit_code"] == 0
    assert outcome_of(bench) == undisturbed.outcome
    assert bench.strays() == []


@pytest.mark.parametrize(("stage", "nth"), [("check", 1), ("move", 2)])
def test_a_run_that_is_suspended_past_its_lease_does_no_harm(
    bench: EventBench, undisturbed: Undisturbed, stage: str, nth: int
) -> None:
    sleeper = killed("SIGSTOP", stage, nth, *arguments(bench))
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        third_delivery(bench)
        assert bench.run()["exit_code"] == 0
        expected = outcome_of(bench)
        assert expected["rows"] == undisturbed.outcome["rows"]
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(60) in (0, 4)
    assert {**outcome_of(bench), "batches": {}} == {**expected, "batches": {}}
    assert bench.run()["status"] == "nothing_new"
    assert bench.strays() == []


def test_an_object_that_is_rewritten_while_it_is_read_is_planned_again(bench: EventBench) -> None:
    sleeper = killed("SIGSTOP", "settle", 1, *arguments(bench))
    os.waitpid(sleeper.pid, os.WUNTRACED)
    try:
        bench.clock += 7200
        bench.put_events(101, {"n": "last"}, folder=OTHER_DAY)
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(60) == 0
    assert [row["n__text"] for row in bench.table() if row["_offset"] > 100] == ["last"]
    assert bench.strays() == []
