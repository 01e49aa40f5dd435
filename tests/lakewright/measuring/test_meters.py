"""What runs use is counted for the run that used it: in its threads, in workers, with retries."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from lakewright.aws.clients import s3_client
from lakewright.concurrency import ThreadPool, in_this_context, map_in_threads
from lakewright.engine.local import LocalWorkers, WorkerPool
from lakewright.errors import WorkerEndedError
from lakewright.measuring import processes
from lakewright.measuring.meters import current_meter, metered
from lakewright.measuring.processes import add_helper_process
from tests.lakewright.engine.tasks import count_requests, end


def test_threads_count_for_the_run_that_started_them() -> None:
    with metered() as meter:
        list(map_in_threads(lambda _: current_meter().count("GetObject"), range(20), threads=3))
        with ThreadPool(2) as pool:
            pool.submit(current_meter().count, "HeadObject", number=2).result()
            list(pool.map(lambda _: current_meter().count("PutObject"), range(3)))
    assert meter.requests == {"GetObject": 20, "HeadObject": 2, "PutObject": 3}


def test_what_another_thread_makes_counts_for_the_run_that_wanted_it() -> None:
    def made() -> Iterator[int]:
        for number in range(3):
            current_meter().count("GetObject")
            yield number

    with metered() as meter, ThreadPoolExecutor(1) as threads_of_a_library:
        assert threads_of_a_library.submit(list, in_this_context(made())).result() == [0, 1, 2]
    assert meter.requests == {"GetObject": 3}


def test_runs_side_by_side_count_apart() -> None:
    both = Barrier(2)

    def run(requests: int) -> Any:
        with metered() as meter:
            both.wait()
            list(map_in_threads(lambda _: current_meter().count("GetObject"), range(requests), threads=2))
            both.wait()
        return meter

    with ThreadPoolExecutor(2) as pool:
        meters = list(pool.map(run, (5, 7)))
    assert [(meter.requests["GetObject"], meter.is_shared) for meter in meters] == [(5, True), (7, True)]


def test_a_run_in_a_run_counts_apart_and_then_the_first_goes_on() -> None:
    with metered() as outer:
        with metered() as inner:
            current_meter().count("GetObject")
        current_meter().count("PutObject")
    assert (outer.requests, inner.requests) == ({"PutObject": 1}, {"GetObject": 1})


def test_what_is_outside_of_runs_counts_for_the_next() -> None:
    current_meter().count("ListObjectsV2")
    with metered() as first:
        current_meter().count("GetObject")
    with metered() as second:
        pass
    assert (first.requests, second.requests) == ({"ListObjectsV2": 1, "GetObject": 1}, {})


def test_each_retry_is_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    statuses = [500, 503, 200]

    def respond(request: Any, **_: Any) -> AWSResponse:
        response = AWSResponse(request.url, statuses.pop(0), {}, None)
        response._content = b""
        return response

    client = s3_client("b", attempts=3)
    client.meta.events.register("before-send.s3", respond)
    with metered() as meter:
        client.head_object(Bucket="b", Key="k")
    assert meter.requests == {"HeadObject": 3}


def test_workers_report_what_they_used() -> None:
    pool = WorkerPool(2)
    try:
        with metered() as meter:
            LocalWorkers(pool).run(count_requests, [3, 4, 5])
        assert meter.requests == Counter(GetObject=12)
        assert 1 <= len(meter.workers) <= 2
        assert meter.worker_peak_memory > 5 << 20
        assert meter.task_seconds > 0
        with metered() as idle:
            pass
        assert (idle.requests, idle.workers) == ({}, set())
    finally:
        pool.close()


def test_a_worker_that_ends_is_noted() -> None:
    pool = WorkerPool(1)
    try:
        with metered() as meter, pytest.raises(WorkerEndedError):
            LocalWorkers(pool).run(end, ["signal"])
        assert meter.lost_workers == 1
    finally:
        pool.close()


def test_cpu_time_is_not_negative_after_a_helper_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_HELPERS", set())
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as helper:
        add_helper_process(helper.pid)
        while processes._cpu_seconds_of(helper.pid) < 0.1:
            pass
        with metered() as meter:
            helper.kill()
            helper.wait()
            assert meter.driver_cpu_seconds() >= 0
