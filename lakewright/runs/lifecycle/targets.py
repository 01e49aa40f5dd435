"""The runs of all targets of a feed, side by side."""

from collections.abc import Sequence
from concurrent.futures import wait
from typing import Final

from lakewright.concurrency import ThreadPool
from lakewright.runs.interrupts import interruptible
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lifecycle.run import Run
from lakewright.runs.progress import Progress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.workers import Engines

_SECONDS_BETWEEN_SIGNALS: Final = 0.2


def run_targets(
    lake: Lake, jobs: Sequence[AnyJob], request: Request, progress: Progress, engines: Engines
) -> list[Receipt]:
    """Run all targets of a feed concurrently; a failure does not stop the others, Ctrl-C stops all.

    Raises:
        ConfigError: If no engine can run the feed.
    """
    if not jobs:
        return []
    engines.check(jobs[0].feed)
    with (
        interruptible(engines.cancel) as interrupt,
        ThreadPool(min(len(jobs), jobs[0].feed.targets_at_once), thread_name_prefix="target") as pool,
    ):
        progress.wait([job.target.name for job in jobs[jobs[0].feed.targets_at_once :]])
        runs = [pool.submit(Run(lake, job, request, progress, engines, interrupt)) for job in jobs]
        while wait(runs, timeout=_SECONDS_BETWEEN_SIGNALS).not_done:
            pass  # a signal that another thread receives is handled when the main thread wakes up
        return [run.result() for run in runs]
