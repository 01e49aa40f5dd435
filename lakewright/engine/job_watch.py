"""Progress of what the JVM does by itself: the tasks of the Spark jobs that run now.

Spark cannot say how many jobs there will be, so each one is counted by itself.
"""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import SparkContext

from lakewright.measuring.work import Done
from lakewright.runs.progress import Progress

_SECONDS_BETWEEN_LOOKS: Final = 1.0
#: Tags of the jobs that a thread starts; groups do not serve, since Hudi sets its own.
_TAGS: Final = "spark.job.tags"
#: What calls to a JVM raise that has ended.
_JVM_ENDED: Final = (OSError, Py4JError)


@contextmanager
def watched_jobs(context: SparkContext, progress: Progress, target: str) -> Iterator[None]:
    """Report the tasks of the jobs that this thread starts."""
    progress.expect(target, 0, "")  # not bytes: which ones Spark reads, and how often, is unknown
    tag, is_done = f"lakewright-{uuid.uuid4().hex[:8]}", threading.Event()
    thread = threading.Thread(target=_look, args=[context, tag, progress, target, is_done], name="jobs", daemon=True)
    before = context.getLocalProperty(_TAGS)
    context.setLocalProperty(_TAGS, ",".join(filter(None, (before, tag))))
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        with suppress(*_JVM_ENDED):  # what ended it is the error
            context.setLocalProperty(_TAGS, before or "")


def _look(context: SparkContext, tag: str, progress: Progress, target: str, is_done: threading.Event) -> None:
    jvm: Any = context._jvm
    try:
        running = jvm.java.util.Collections.singletonList(jvm.org.apache.spark.JobExecutionStatus.RUNNING)
        store = context._jsc.sc().statusStore()
        while not is_done.wait(_SECONDS_BETWEEN_LOOKS):
            jobs = store.jobsList(running)
            ours = [job for job in map(jobs.apply, range(jobs.size())) if job.jobTags().contains(tag)]
            total = sum(job.numTasks() - job.numSkippedTasks() for job in ours)
            done = Done(tasks=sum(job.numCompletedTasks() for job in ours))
            if not is_done.is_set():
                progress.expect(target, total, "spark_tasks" if ours else "", done)
    except _JVM_ENDED:  # which the run notices as well
        return
