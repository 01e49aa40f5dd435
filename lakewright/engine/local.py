"""The local engine: worker processes on this machine, without Spark.

Workers are started as new processes, not forked, since the driver has threads: targets, S3 clients, perhaps a JVM.
The pools of ``multiprocessing`` are not used: AWS Lambda lacks the semaphores that they need, each of their workers
imports the main module, and a single worker that is killed ends all targets.
"""

import contextlib
import math
import os
import pickle
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from lakewright.aws.buckets import bucket_options
from lakewright.concurrency import ThreadPool
from lakewright.engine.local_worker import Reply, Request, Settings, attempt
from lakewright.errors import InterruptedRunError, WorkerEndedError
from lakewright.log.records import DataFile
from lakewright.measuring.meters import current_meter
from lakewright.measuring.work import Done, advance, reported_work
from lakewright.storage.lake import Lake
from lakewright.workers import NoListener, TaskListener

T = TypeVar("T")
R = TypeVar("R")

VERSION: Final = f"Python {platform.python_version()}"

_SERVE: Final = "from lakewright.engine.local_worker import serve; serve()"
#: The number of tasks of a small batch that run in the driver, where they take less time than starting a process.
_TASKS_IN_DRIVER: Final = 8
#: CPU time and period of a container, in cgroups of version 2 and 1.
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_FORMER_QUOTA: Final = (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
#: The driver decides how an interrupted run ends; Ctrl-C on a terminal signals all its processes.
_BLOCKED: Final = (signal.SIGINT, signal.SIGTERM)


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use, by its affinity and its container's quota."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split() if _QUOTA.exists() else [file.read_text() for file in _FORMER_QUOTA]
        limit = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no container, or "max"
        return cpus
    return min(cpus, limit) if limit > 0 else cpus


class WorkerPool:
    """Worker processes, shared by all targets of a run: up to ``size``, each started when it is needed.

    Each belongs to one thread, which lives as long as the pool: when a thread ends, Linux signals the processes that it
    has started that their parent has ended.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._threads = ThreadPool(size, thread_name_prefix="worker", initializer=_block_signals)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._processes: set[WorkerProcess] = set()
        self._is_cancelled = False

    def submit(self, request: Request, listener: TaskListener) -> "Future[Any]":
        """Run a task on the next idle worker."""
        return self._threads.submit(self._answer, request, listener)

    def cancel(self) -> None:
        """Kill the workers; all tasks fail from now on."""
        with self._lock:
            self._is_cancelled = True
            for process in self._processes:
                process.kill()

    def close(self) -> None:
        """End the workers."""
        self.cancel()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.close()
        self._processes.clear()

    def _answer(self, request: Request, listener: TaskListener) -> Any:
        process = self._process()
        try:
            reply = process.ask(request, listener)
        except WorkerEndedError:
            current_meter().note_lost_worker()
            self._forget(process)
            if self._is_cancelled:
                raise InterruptedRunError from None
            raise
        current_meter().add_task(reply.usage)
        if reply.error is not None:
            raise reply.error
        listener.advance(Done(tasks=1))
        return reply.report

    def _process(self) -> "WorkerProcess":
        """Return this thread's worker."""
        process: WorkerProcess | None = getattr(self._own, "process", None)
        with self._lock:
            if self._is_cancelled:
                raise InterruptedRunError
            if process is None:
                self._own.process = process = WorkerProcess()
                self._processes.add(process)
        return process

    def _forget(self, process: "WorkerProcess") -> None:
        self._own.process = None
        with self._lock:
            self._processes.discard(process)
        process.close()


class WorkerProcess:
    """A worker process; see ``local_worker``."""

    def __init__(self) -> None:
        paths = [path or str(Path.cwd()) for path in sys.path]
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": str(sys.flags.utf8_mode)},
        )
        self._requests = Connection(_own_copy(self._process.stdin), readable=False)
        self._replies = Connection(_own_copy(self._process.stdout), writable=False)
        with contextlib.suppress(OSError):  # if it has ended, the first task says so
            self._requests.send_bytes(pickle.dumps(Settings(os.getpid(), bucket_options())))

    def ask(self, request: Request, listener: TaskListener) -> Reply:
        """Run a task.

        Raises:
            WorkerEndedError: If the process ends before it replies.
        """
        message = pickle.dumps(request)
        try:
            self._requests.send_bytes(message)
            while True:
                answer: Reply | Done = pickle.loads(self._replies.recv_bytes())  # noqa: S301 - from our own process
                if isinstance(answer, Reply):
                    return answer
                listener.advance(answer)
        except (EOFError, OSError):
            raise WorkerEndedError(_how_ended(self._process.wait())) from None

    def kill(self) -> None:
        """Kill the process; its task fails."""
        self._process.kill()

    def close(self) -> None:
        """Kill the process, and wait for its end."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._replies.close()


@dataclass(frozen=True)
class LocalWorkers:
    """The workers of one batch; see ``Workers``.

    Attributes:
        shows_values: Whether errors may quote values of the data.
        is_small: Whether the input of the batch is so small that starting a process would take longer than the work.
        listener: Receives the progress of the tasks.
    """

    pool: WorkerPool
    shows_values: bool = False
    is_small: bool = False
    listener: TaskListener = NoListener()  # noqa: RUF009 - it has no state

    @property
    def at_once(self) -> int:
        """See ``Workers.at_once``."""
        return 1 if self.is_small else self.pool.size

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        """See ``Workers.run``; no task is still running afterwards."""
        self.listener.expect_tasks(len(tasks))
        if self.is_small and len(tasks) <= _TASKS_IN_DRIVER:
            return [self._attempt_here(work, task) for task in tasks]
        futures = [self.pool.submit(Request(work, task, self.shows_values), self.listener) for task in tasks]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
            wait(futures)

    def judged_table(
        self, lake: Lake, files: Mapping[str, DataFile], types: Mapping[str, str], moved: frozenset[str]
    ) -> Any:
        """See ``Workers.judged_table``."""
        from lakewright.quality.duckdb_table import ParquetTable  # pyarrow, which runs without new objects do not need

        return ParquetTable(lake, files, types, moved)

    def _attempt_here(self, work: Callable[[T], R], task: T) -> R:
        with reported_work(self.listener.advance):
            report = attempt(work, task, shows_values=self.shows_values)
            advance(Done(tasks=1))
            return report


def _block_signals() -> None:
    """Block signals in this thread, and so in the processes that it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


def _own_copy(pipe: IO[bytes] | None) -> int:
    """Duplicate the descriptor of a process's pipe, and close the original."""
    assert pipe is not None  # noqa: S101 - for mypy
    with pipe:
        return os.dup(pipe.fileno())


def _how_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed, probably because the machine ran out of memory"
    return f"ended with signal {-code}" if code < 0 else f"exited with code {code}"
