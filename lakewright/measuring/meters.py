"""What the work of a run uses: CPU time, memory, S3 requests of this process and of its workers.

Several runs share the process, each in threads of its own. The meter of a run is a context variable, which the threads
of ``concurrency`` inherit. What runs outside of all runs is counted by the meter of the process, and passed to the next
run: mostly the search for its targets.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from lakewright.measuring import processes


@dataclass(frozen=True)
class TaskUsage:
    """What a worker process used since its previous task.

    Attributes:
        worker: Identifies the worker.
        requests: The number of S3 requests by operation.
        cpu_seconds: CPU time.
        peak_memory: The highest resident memory of the worker since it started, in bytes.
    """

    worker: str
    requests: Mapping[str, int]
    cpu_seconds: float
    peak_memory: int


@dataclass(eq=False)
class Meter:
    """Counts what a run uses; thread-safe.

    Attributes:
        requests: The number of S3 requests by operation, of driver and workers.
        task_seconds: The CPU time of workers.
        worker_peak_memory: The highest resident memory of one worker in bytes.
        workers: The workers that ran tasks.
        lost_workers: The number of workers that ended without a report.
        is_shared: Whether other runs used the process meanwhile.
    """

    requests: Counter[str] = field(default_factory=Counter)
    task_seconds: float = 0.0
    worker_peak_memory: int = 0
    workers: set[str] = field(default_factory=set)
    lost_workers: int = 0
    is_shared: bool = False
    _began: float = field(default_factory=time.monotonic)
    _cpu_began: float = field(default_factory=processes.driver_cpu_seconds)
    _thread_began: float = field(default_factory=time.thread_time)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, operation: str, number: int = 1) -> None:
        """Count S3 requests."""
        with self._lock:
            self.requests[operation] += number

    def add_task(self, usage: TaskUsage) -> None:
        """Add what a worker reports."""
        with self._lock:
            self.requests.update(usage.requests)
            self.task_seconds += usage.cpu_seconds
            self.worker_peak_memory = max(self.worker_peak_memory, usage.peak_memory)
            self.workers.add(usage.worker)

    def note_lost_worker(self) -> None:
        """Note a worker that ended without a report."""
        with self._lock:
            self.lost_workers += 1

    def seconds(self) -> float:
        """Return the time since the run began."""
        return time.monotonic() - self._began

    def driver_cpu_seconds(self) -> float:
        """Return the CPU time of this process since the run began.

        If other runs share the process, it is only that of the calling thread, which must be the one that began. That
        of helpers which ended meanwhile is lost.
        """
        if self.is_shared:
            return time.thread_time() - self._thread_began
        return max(processes.driver_cpu_seconds() - self._cpu_began, 0.0)

    def take_requests(self) -> Counter[str]:
        """Return the requests counted so far, and begin again at zero."""
        with self._lock:
            counted, self.requests = self.requests, Counter()
        return counted


_OF_PROCESS: Final = Meter()
_CURRENT: Final[ContextVar[Meter]] = ContextVar("meter", default=_OF_PROCESS)
_RUNNING: Final[list[Meter]] = []
_RUNNING_LOCK: Final = threading.Lock()


def current_meter() -> Meter:
    """Return the meter of the run that this thread works for, or that of the process."""
    return _CURRENT.get()


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """Count what this thread does, and the threads that inherit its context, with a meter of its own."""
    meter = Meter(_OF_PROCESS.take_requests())
    with _RUNNING_LOCK:
        _RUNNING.append(meter)
        for each in _RUNNING if len(_RUNNING) > 1 else ():
            each.is_shared = True
    token = _CURRENT.set(meter)
    try:
        yield meter
    finally:
        _CURRENT.reset(token)
        with _RUNNING_LOCK:
            _RUNNING.remove(meter)


class TaskMeter:
    """Measures the tasks of a worker, which runs one at a time."""

    def __init__(self) -> None:
        self._cpu_seconds = time.process_time()
        _OF_PROCESS.take_requests()

    def report(self) -> TaskUsage:
        """Return what was used since the last report."""
        before, self._cpu_seconds = self._cpu_seconds, time.process_time()
        worker = f"{os.uname().nodename}:{os.getpid()}"
        return TaskUsage(worker, _OF_PROCESS.take_requests(), self._cpu_seconds - before, processes.peak_memory())
