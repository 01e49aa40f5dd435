"""Tasks of plain Python over Spark's workers: one Spark task each, small answers back to the driver."""

import os
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from pyspark.sql import SparkSession

T = TypeVar("T")
R = TypeVar("R")

#: Where AWS is and who one is there, as far as it is no secret: a worker finds its credentials by itself.
_TOLD: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE")


def spread(spark: SparkSession, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    """Do the work of all tasks, and give their answers in the order of the tasks."""
    if not tasks:
        return []
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}

    def work_there(task: T) -> R:
        os.environ.update(told)
        return work(task)

    answers: list[R] = spark.sparkContext.parallelize(tasks, len(tasks)).map(work_there).collect()
    return answers
