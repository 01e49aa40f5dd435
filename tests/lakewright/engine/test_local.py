"""Processes of the local engine: they end with their driver, and a worker that ends does no harm to others."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from lakewright.engine import local
from lakewright.engine.local import LocalWorkers, WorkerPool, usable_cpus
from lakewright.errors import InterruptedRunError, WorkerEndedError
from lakewright.unexpected import WorkerError, trace_of
from tests.conftest import ROOT
from tests.lakewright.engine.tasks import (
    double,
    end,
    print_and_read,
    process_id,
    read_number,
    return_what_cannot_be_pickled,
    run_out_of_memory,
    wait_and_name,
    write_for_ever,
)

DRIVER = """
import sys
from functools import partial
from lakewright.engine.local import LocalWorkers, WorkerPool
from tests.lakewright.engine.tasks import write_for_ever
work = partial(write_for_ever, without_signal=sys.argv[2] == "pipe")
LocalWorkers(WorkerPool(2)).run(work, [sys.argv[1]] * 2)
"""


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.close()


def has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition: partial[bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def written(folder: Path) -> dict[int, int]:
    return {int(file.name): file.stat().st_size for file in folder.iterdir()}


def are_writing(folder: Path, count: int) -> bool:
    return len(written(folder)) == count and min(written(folder).values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "ended_by",
    [pytest.param("signal", id="by-a-signal-of-Linux"), pytest.param("pipe", id="by-the-end-of-a-pipe-elsewhere")],
)
def test_a_killed_driver_ends_its_workers(tmp_path: Path, ended_by: str) -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path), ended_by], cwd=ROOT)
    wait_for(partial(are_writing, tmp_path, 2))
    driver.kill()
    driver.wait()
    workers = written(tmp_path)
    wait_for(lambda: all(map(has_ended, workers)), 5)  # type: ignore[arg-type]
    sizes = written(tmp_path)
    time.sleep(0.2)
    assert written(tmp_path) == sizes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("signal", "a worker was killed, probably because the machine ran out of memory; run again"),
        ("crash", f"a worker ended with signal {int(signal.SIGSEGV)}; run again"),
        ("exit", "a worker exited with code 3; run again"),
    ],
)
def test_a_worker_that_ends_fails_its_batch_and_others_go_on(pool: WorkerPool, how: str, sentence: str) -> None:
    with ThreadPoolExecutor() as targets:
        others = targets.submit(LocalWorkers(pool).run, wait_and_name, ["a", "b", "c"])
        with pytest.raises(WorkerEndedError, match=f"^{sentence}"):
            LocalWorkers(pool).run(end, [how])
        assert [name.split()[0] for name in others.result()] == ["a", "b", "c"]
    assert LocalWorkers(pool).run(double, [1, 2, 3]) == [2, 4, 6]


@pytest.mark.parametrize("is_small", [False, True], ids=["in-a-worker", "in-the-driver"])
def test_a_task_without_memory_says_so(pool: WorkerPool, is_small: bool) -> None:
    workers = LocalWorkers(pool, is_small=is_small)
    with pytest.raises(WorkerEndedError, match=r"^a worker ran out of memory; run again .* more memory"):
        workers.run(run_out_of_memory, [1])
    assert workers.run(double, [1]) == [2]


@pytest.mark.slow
def test_targets_share_the_workers(pool: WorkerPool) -> None:
    with ThreadPoolExecutor() as targets:
        runs = [
            targets.submit(LocalWorkers(pool).run, wait_and_name, [f"{target}{n}" for n in range(3)]) for target in "ab"
        ]
        names = [[name.split()[0] for name in run.result()] for run in runs]
        processes = {name.split()[1] for run in runs for name in run.result()}
    assert names == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]
    assert len(processes) == 2


def test_workers_start_when_they_are_needed_and_stay(pool: WorkerPool) -> None:
    assert not pool._processes
    first = LocalWorkers(pool).run(process_id, [1])
    assert LocalWorkers(pool).run(process_id, [2]) == first
    assert len(pool._processes) == 1
    assert LocalWorkers(pool, is_small=True).run(process_id, [3]) == [os.getpid()]
    assert os.getpid() not in LocalWorkers(pool, is_small=True).run(process_id, range(9))


def test_no_task_runs_after_its_batch_has_failed(pool: WorkerPool, tmp_path: Path) -> None:
    def cancel() -> None:
        wait_for(partial(are_writing, tmp_path, 2))
        pool.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(InterruptedRunError):
        LocalWorkers(pool).run(write_for_ever, [str(tmp_path)] * 5)
    assert all(map(has_ended, written(tmp_path)))
    with pytest.raises(InterruptedRunError):
        LocalWorkers(pool).run(double, [1])


def test_a_closed_pool_has_no_processes() -> None:
    pool = WorkerPool(2)
    workers = {int(name.split()[1]) for name in LocalWorkers(pool).run(wait_and_name, ["a", "b"])}
    assert len(workers) == 2
    pool.close()
    assert all(map(has_ended, workers))


def test_output_of_workers_is_no_output_of_the_driver(pool: WorkerPool, capfd: pytest.CaptureFixture[str]) -> None:
    assert LocalWorkers(pool).run(print_and_read, ["from a task\n"]) == [""]
    pool.close()
    out, err = capfd.readouterr()
    assert out == ""
    assert "from a task\n" in err


def test_a_report_that_cannot_be_pickled_is_an_error(pool: WorkerPool) -> None:
    with pytest.raises(WorkerError, match=r"^(AttributeError: Can't (pickle|get) local object|PicklingError)"):
        LocalWorkers(pool).run(return_what_cannot_be_pickled, [1])
    assert LocalWorkers(pool).run(double, [1]) == [2]


def test_the_traceback_of_a_worker_is_kept(pool: WorkerPool) -> None:
    with pytest.raises(WorkerError) as raised:
        LocalWorkers(pool).run(read_number, ["Ann"])
    assert ", in read_number\n" in trace_of(raised.value)


@pytest.mark.parametrize(
    ("quota", "cpus"), [("max 100000\n", 8), ("150000 100000\n", 2), ("-1 100000", 8), ("900000 100000", 8)]
)
def test_cpus_are_those_of_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(local, "_QUOTA", tmp_path / "cpu.max")
    assert usable_cpus() == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1\n", 8), ("50000\n", 1)])
def test_cpus_are_those_of_an_older_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "quota").write_text(quota)
    (tmp_path / "period").write_text("100000\n")
    monkeypatch.setattr(local, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(local, "_FORMER_QUOTA", (tmp_path / "quota", tmp_path / "period"))
    assert usable_cpus() == cpus
