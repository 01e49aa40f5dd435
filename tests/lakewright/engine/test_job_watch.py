"""Progress of what the JVM does by itself."""

import threading
import time
from dataclasses import dataclass, field
from unittest.mock import Mock

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.sql import SparkSession

from lakewright.engine.job_watch import watched_jobs
from lakewright.errors import InterruptedRunError
from lakewright.measuring.work import NOTHING, Done
from lakewright.runs.progress import SilentProgress


@dataclass
class Seen(SilentProgress):
    """Keeps what a run reports of its targets."""

    seen: list[tuple[str, int, str, Done]] = field(default_factory=list)

    def expect(self, target: str, total: int, unit: str = "bytes", done: Done = NOTHING) -> None:
        self.seen.append((target, total, unit, done))


def sleep_on_workers(spark: SparkSession, tasks: int) -> None:
    spark.sparkContext.parallelize(range(tasks), tasks).foreach(lambda _: time.sleep(0.7))


def test_targets_see_the_tasks_of_their_own_jobs(spark: SparkSession) -> None:
    progress = Seen()

    def work(target: str, tasks: int) -> None:
        with watched_jobs(spark.sparkContext, progress, target):
            sleep_on_workers(spark, tasks)

    threads = [threading.Thread(target=work, args=each) for each in (("a", 3), ("b", 5))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = {(target, total) for target, total, unit, _ in progress.seen if unit == "spark_tasks"}
    assert counted == {("a", 3), ("b", 5)}
    assert all(done.tasks <= total for _, total, _, done in progress.seen)
    assert [seen[1:3] for seen in progress.seen[:1]] == [(0, "")], "the bytes that were expected are not counted"


def test_the_error_of_a_run_is_kept_if_the_jvm_has_ended() -> None:
    ended = Py4JNetworkError("Answer from Java side is empty")
    context = Mock(**{"getLocalProperty.return_value": None, "setLocalProperty.side_effect": [None, ended]})
    with pytest.raises(InterruptedRunError), watched_jobs(context, Seen(), "a"):
        raise InterruptedRunError


def test_a_context_leaves_the_jobs_of_its_thread_alone_afterwards(spark: SparkSession) -> None:
    context = spark.sparkContext
    with watched_jobs(context, Seen(), "a"):
        assert context.getLocalProperty("spark.job.tags").startswith("lakewright-")
    assert not context.getLocalProperty("spark.job.tags")
