"""A worker process of the local engine: answers requests from its driver, and ends with it."""

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from lakewright.aws.buckets import BucketOptions, use_bucket_options
from lakewright.errors import WorkerEndedError
from lakewright.measuring.meters import TaskMeter, TaskUsage
from lakewright.measuring.work import Done, reported_work
from lakewright.unexpected import WorkerError, cause_of, trace_of
from transforms.errors import LakewrightError

T = TypeVar("T")
R = TypeVar("R")

#: prctl's option for the signal that a process receives when its parent ends.
_PR_SET_PDEATHSIG: Final = 1
#: If memory runs out, Linux kills the process of the highest score; the driver can report the end of a worker.
_OOM_SCORE: Final = "500"
_SECONDS_BETWEEN_REPORTS: Final = 0.25


@dataclass(frozen=True)
class Settings:
    """What a worker needs to know of its driver besides the environment."""

    driver: int
    buckets: dict[str, BucketOptions]


@dataclass(frozen=True)
class Request:
    """A task and its work; ``shows_values`` tells whether errors may quote values of the data."""

    work: Callable[[Any], Any]
    task: Any
    shows_values: bool


@dataclass(frozen=True)
class Reply:
    """The report of a task, or its error, and what the worker used for it."""

    usage: TaskUsage
    report: Any = None
    error: Exception | None = None


def attempt(work: Callable[[T], R], task: T, *, shows_values: bool) -> R:
    """Run a task.

    Raises:
        LakewrightError: If the task raised it.
        WorkerEndedError: If it ran out of memory.
        WorkerError: If it raised another error.
    """
    try:
        return work(task)
    except LakewrightError:
        raise
    except MemoryError:
        raise WorkerEndedError("ran out of memory") from None
    except Exception as error:  # noqa: BLE001 - the text of any error may quote values
        trace = trace_of(error, shows_values=shows_values)
        raise WorkerError(cause_of(error, shows_values=shows_values), trace) from None


def answer(request: bytes, meter: TaskMeter) -> bytes:
    """Run the task of a pickled request, and return the pickled reply."""
    shows_values = False
    try:
        wanted: Request = pickle.loads(request)  # noqa: S301 - from the driver
        shows_values = wanted.shows_values
        report = attempt(wanted.work, wanted.task, shows_values=shows_values)
        return pickle.dumps(Reply(meter.report(), report))
    except (LakewrightError, WorkerError) as error:
        return pickle.dumps(Reply(meter.report(), error=error))
    except Exception as error:  # noqa: BLE001 - a task or report that cannot be pickled
        problem = WorkerError(cause_of(error, shows_values=shows_values), trace_of(error))
        return pickle.dumps(Reply(meter.report(), error=problem))


def serve() -> NoReturn:
    """Answer requests until the driver ends: they come through stdin, replies go to the former stdout."""
    requests, replies = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # stdout is reserved for the driver's results
    received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, received), daemon=True).start()
    settings: Settings = pickle.loads(received.get())  # noqa: S301 - from the driver
    _end_with(settings.driver)
    use_bucket_options(settings.buckets)
    meter = TaskMeter()

    def report_progress(done: Done) -> None:
        replies.send_bytes(pickle.dumps(done))

    while True:
        request = received.get()
        with reported_work(report_progress, seconds=_SECONDS_BETWEEN_REPORTS):
            reply = answer(request, meter)
        replies.send_bytes(reply)


def _receive(requests: Connection, received: "queue.SimpleQueue[bytes]") -> None:
    """Receive requests, also while a task runs: the pipe ends with the driver, and the task must end as well."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            received.put(requests.recv_bytes())
    os._exit(0)


def _end_with(driver: int) -> None:
    """Let Linux kill this process when the driver ends, even while native code holds the interpreter's lock."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:  # it ended before
        os._exit(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
