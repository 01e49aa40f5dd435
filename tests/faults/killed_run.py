"""A run that kills or stops itself with a signal when it reaches a stage: ``killed_run.py SIGNAL STAGE NTH ARGUMENTS``.

With JVM as its signal, it kills the JVM that it has started; with WORKER, its last worker process; with GROUP, its whole
process group, JVM and workers included. The stage ``move`` is the nth file that is published, ``manifest`` the nth
manifest of corrections that is written, ``withdraw`` the nth correction that a refused batch withdraws, ``worker starts`` the
nth worker process. Even small batches run in worker processes. Each stage that begins is printed on stderr.
"""

import contextlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobs.cli import verbs as __main__
from lakewright.engine import choice, local
from lakewright.runs.progress import SilentProgress
from lakewright.storage.local import LocalLake
from lakewright.storage.s3 import S3Lake
from lakewright.storage.uris import open_lake

SIGNAL, STAGE, NTH, *ARGUMENTS = sys.argv[1:]
WORKERS: list[int] = []

#: Moments within a stage: the stage, and a pattern of files that show that the moment has come.
WATCHED = {
    "a file is staged": ("read", "refined/_staging/*/*/**/table/**/*.parquet"),
    "hudi writes": ("apply", "refined/*/*/.hoodie/*.inflight"),
    "hudi has widened": ("apply", "refined/*/*/.hoodie/*.replacecommit"),
}


def strike() -> None:
    if SIGNAL == "JVM":
        choice.kill_spark()
    elif SIGNAL == "WORKER":
        os.kill(WORKERS[-1], signal.SIGKILL)
    elif SIGNAL == "GROUP":
        os.killpg(0, signal.SIGKILL)
    elif SIGNAL == "SIGSTOP":
        # Sent to the process, the signal goes to the main thread, and this one continues until that one wakes up.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        os.kill(os.getpid(), getattr(signal, SIGNAL))


class DeadlyProgress(SilentProgress):
    """Progress that sends the signal when the stage begins for the nth time."""

    seen = 0

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        print(f"stage: {stage}", file=sys.stderr, flush=True)
        if stage == STAGE:
            self.seen += 1
            if self.seen == int(NTH):
                strike()
                if SIGNAL == "SIGINT":
                    time.sleep(0.5)  # until the main thread has handled it
        if STAGE in WATCHED and stage == WATCHED[STAGE][0]:
            threading.Thread(target=self.watch, args=[WATCHED[STAGE][1]], daemon=True).start()
        if stage == "read" and STAGE == "spark works":
            threading.Thread(target=self.watch_jobs, daemon=True).start()
        if stage == "read" and STAGE == "an object is scrubbed":
            threading.Thread(target=self.watch_objects, daemon=True).start()

    def watch(self, pattern: str) -> None:
        lake = Path(ARGUMENTS[ARGUMENTS.index("--lake") + 1])
        exists = False
        while not exists:
            with contextlib.suppress(FileNotFoundError):  # a folder was deleted while it was listed
                exists = bool(list(lake.glob(pattern)))
            time.sleep(0.001)
        strike()

    def watch_jobs(self) -> None:
        while True:
            pyspark: Any = sys.modules.get("pyspark")
            context = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
            if context is not None and hasattr(context, "_jsc") and context.statusTracker().getActiveJobsIds():
                break
            time.sleep(0.001)
        strike()

    def watch_objects(self) -> None:
        lake = open_lake(ARGUMENTS[ARGUMENTS.index("--lake") + 1])

        def sizes() -> dict[str, int]:
            return {entry.path: entry.size for folder in ("landing/", "dataset/") for entry in lake.list(folder)}

        before = sizes()
        scrubbed = sum(b'"file_contents":""' in lake.read(path) for path in before)
        while scrubbed + len(set(sizes().items()) - set(before.items())) < int(NTH):
            time.sleep(0.002)  # a busy loop would take the run's own core
        strike()


def strike_at_a_move(lake: type, method: str) -> None:
    move, moves = getattr(lake, method), itertools.count(1)

    def deadly(*arguments: Any) -> Any:
        if next(moves) == int(NTH):
            strike()
        return move(*arguments)

    setattr(lake, method, deadly)


def strike_at_a_manifest() -> None:
    create, manifests = LocalLake.create, itertools.count(1)

    def deadly(lake: LocalLake, path: str, body: bytes) -> str:
        if path.endswith("/manifest.json") and next(manifests) == int(NTH):
            strike()
        return create(lake, path, body)

    LocalLake.create = deadly  # type: ignore[method-assign]


def strike_in_a_withdrawal() -> None:
    delete_all = LocalLake.delete_all

    def deadly(lake: LocalLake, paths: Iterable[str]) -> None:
        deleted = list(paths)
        if deleted and deleted[0].startswith("corrections/"):
            delete_all(lake, deleted[: int(NTH) - 1])
            strike()
        delete_all(lake, deleted)

    LocalLake.delete_all = deadly  # type: ignore[method-assign]


def strike_at_a_worker(worker: local.WorkerProcess) -> None:
    start_worker(worker)
    WORKERS.append(worker._process.pid)
    if len(WORKERS) == int(NTH):
        strike()


start_worker = local.WorkerProcess.__init__
choice._SMALL_BYTES = -1  # type: ignore[misc]
if STAGE == "worker starts":
    local.WorkerProcess.__init__ = strike_at_a_worker  # type: ignore[method-assign]
if STAGE == "manifest":
    strike_at_a_manifest()
if STAGE == "withdraw":
    strike_in_a_withdrawal()
if STAGE == "move":
    strike_at_a_move(LocalLake, "_move")
    strike_at_a_move(S3Lake, "_copy")
__main__.make_progress = lambda _: DeadlyProgress()  # type: ignore[assignment]
sys.argv = ["lakewright", *ARGUMENTS]
__main__.main()
