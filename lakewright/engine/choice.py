"""The choice of the engine: local processes or Spark, for each batch."""

import importlib.util
import sys
from functools import partial
from typing import Final, Self

from lakewright.config import AnyEngineFeed, Feed
from lakewright.engine.local import VERSION, LocalWorkers, WorkerPool, usable_cpus
from lakewright.errors import ConfigError, SparkMissingError
from lakewright.measuring.runtime import is_local
from lakewright.runs.progress import readable_bytes
from lakewright.workers import Engine, EngineName, TaskListener, Workers

#: Input that takes less time to process than a worker process needs to start: 0.1 s at most, against 0.4 s.
_SMALL_BYTES: Final = 1 << 20


class EngineChoice:
    """See ``Engines``: the requested engine, or the one that fits each batch."""

    def __init__(self, requested: EngineName = "auto") -> None:
        self._requested = requested
        self._pool = WorkerPool(usable_cpus())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def check(self, feed: Feed) -> None:
        """See ``Engines.check``."""
        needs_spark = not isinstance(feed, AnyEngineFeed)
        if needs_spark and self._requested == "local":
            raise ConfigError(f"{feed.job} runs on Spark only; leave out --engine local")
        if (needs_spark or self._requested == "spark") and not _has_spark():
            raise SparkMissingError

    def choose(self, feed: Feed, input_bytes: int) -> Engine:
        """See ``Engines.choose``."""
        name, why = self._choose(feed, input_bytes)
        if name == "spark":
            return _on_spark(feed, why)
        is_small = 0 < input_bytes <= _SMALL_BYTES  # maintenance has no input, and may have much to do
        workers = partial(LocalWorkers, self._pool, feed.show_values, is_small)
        return Engine("local", why, VERSION, workers, repeats_tasks=False)

    def _choose(self, feed: Feed, input_bytes: int) -> tuple[str, str]:
        if not isinstance(feed, AnyEngineFeed):
            return "spark", f"{feed.job} needs it"
        if self._requested != "auto":
            return self._requested, "requested"
        if not is_local():
            return "spark", "started by Glue or spark-submit"
        size, limit = readable_bytes(input_bytes), f"local_up_to ({readable_bytes(feed.local_up_to)})"
        if input_bytes <= feed.local_up_to:
            return "local", f"{size} of input, within {limit}"
        if not _has_spark():
            return "local", "Spark is not installed"
        return "spark", f"{size} of input, above {limit}"

    def cancel(self) -> None:
        """See ``Engines.cancel``."""
        self._pool.cancel()
        if sys.modules.get("pyspark"):
            from lakewright.engine.spark.session import cancel_jobs

            cancel_jobs()


def kill_spark() -> None:
    """Kill Spark's JVM if this process has started one."""
    if sys.modules.get("pyspark"):
        from lakewright.engine.spark.session import kill_jvm

        kill_jvm()


def _has_spark() -> bool:
    return importlib.util.find_spec("pyspark") is not None


def _on_spark(feed: Feed, why: str) -> Engine:
    from lakewright.engine.spark.workers import SparkWorkers, spark_version

    def open_workers(listener: TaskListener) -> Workers:
        return SparkWorkers(feed.show_values, listener)

    return Engine("spark", why, f"Spark {spark_version()}", open_workers)
