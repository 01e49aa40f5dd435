"""Compaction of merge-on-read tables: merges log files into base files."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, runtime_checkable

from pyspark.sql import SparkSession

from lakewright.engine.job_watch import watched_jobs
from lakewright.engine.spark.session import get_session
from lakewright.errors import ConfigError
from lakewright.hudi.config import MERGE_ON_READ_VIEWS
from lakewright.hudi.timeline import Timeline
from lakewright.hudi.versions import hudi_version
from lakewright.hudi.writer import HudiTable, write_client
from lakewright.runs.failures import find_unreachable
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lease import Lease
from lakewright.runs.progress import TRACEBACKS, Progress
from lakewright.storage.lake import Lake
from lakewright.unexpected import cause_of, trace_of
from transforms.errors import LakewrightError

_AT_ONCE: Final = {"hoodie.compact.inline.max.delta.commits": "1"}


@dataclass(frozen=True)
class Compacted:
    """The result of one compaction."""

    instant: str
    partitions: list[str]
    log_files: int
    base_files: int
    rows: int


@dataclass(frozen=True)
class MergeOnReadTable:
    """A merge-on-read table, registered in the catalog as two views."""

    database: str
    name: str
    partition_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    def is_named(self, name: str) -> bool:
        """Return whether a name is that of the table or of a view; the catalog stores names in lower case."""
        return name.lower() in [(self.name + suffix).lower() for suffix in ("", *MERGE_ON_READ_VIEWS)]


@runtime_checkable
class CompactingSink(Protocol):
    """A sink whose table can be compacted."""

    def merge_on_read(self) -> MergeOnReadTable | None:
        """Return the table if it is merge-on-read: others have nothing to compact."""

    def compact(self) -> list[Compacted]:
        """Compact the table in its current state; return an empty list if there was nothing to do."""


def compact_targets(lake: Lake, jobs: Sequence[AnyJob], progress: Progress) -> list[dict[str, Any]]:
    """Compact tables one after the other, and return the results; a failure does not stop the others."""
    progress.wait([job.target.name for job in jobs[1:]])
    results: list[dict[str, Any]] = []
    for job in jobs:
        progress.stage(job.target.name, "compact")
        results.append(_compact_target(lake, job, progress))
        progress.finish(job.target.name)
    return results


def _compact_target(lake: Lake, job: AnyJob, progress: Progress) -> dict[str, Any]:
    result: dict[str, Any] = {"feed": job.target.feed_name, "target": job.target.name}
    try:
        if not isinstance(job.sink, CompactingSink):
            raise ConfigError("there is no table to compact: it is neither a Parquet nor a Hudi table")
        run = f"compact-{uuid.uuid4().hex[:8]}"
        with (
            Lease(lake, job.target.state_folder, run=run, seconds=job.feed.lease_seconds),
            watched_jobs(get_session().sparkContext, progress, job.target.name),
        ):
            done = job.sink.compact()
    except LakewrightError as error:
        return result | {"compactions": [], "exit_code": error.exit_code, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - an error of one table must not stop the others
        shows = job.feed.show_values
        TRACEBACKS.error("%s: compaction failed\n%s", job.target.name, trace_of(error, shows_values=shows))
        if unreachable := find_unreachable(error):
            return result | {"compactions": [], "exit_code": unreachable.exit_code, "error": str(unreachable)}
        return result | {
            "compactions": [],
            "exit_code": 1,
            "error": f"unexpected {cause_of(error, shows_values=shows)}",
        }
    return result | {"compactions": [asdict(one) for one in done], "exit_code": 0, "error": ""}


def compact_table(spark: SparkSession, table: HudiTable) -> list[Compacted]:
    """Compact all log files, after completing pending compactions.

    Returns:
        The results; empty if there were no log files.
    """
    done = finish_compactions(spark, table)
    with write_client(spark, table, _AT_ONCE) as client:
        scheduled = client.scheduleCompaction(_nothing(spark))
        return [*done, _compact(spark, client, scheduled.get())] if scheduled.isPresent() else done


def finish_compactions(spark: SparkSession, table: HudiTable) -> list[Compacted]:
    """Finish what an earlier compaction left undone, which Hudi can only while the table's types are what they were."""
    pending = list(Timeline(spark, table.uri).pending_compactions())
    if not pending:
        return []
    with write_client(spark, table, _AT_ONCE) as client:
        return [_compact(spark, client, instant) for instant in pending]


def _nothing(spark: SparkSession) -> Any:
    return spark._jvm.org.apache.hudi.common.util.Option.empty()  # type: ignore[union-attr]


def _compact(spark: SparkSession, client: Any, instant: str) -> Compacted:
    nothing = _nothing(spark)
    metadata = hudi_version(spark).compact(client, instant, nothing)
    partitions = {path: list(stats) for path, stats in metadata.getPartitionToWriteStats().items()}
    stats = [stat for of_partition in partitions.values() for stat in of_partition]
    return Compacted(
        instant=instant,
        partitions=sorted(partitions),
        log_files=sum(stat.getTotalLogFilesCompacted() for stat in stats),
        base_files=len(stats),
        rows=sum(stat.getNumWrites() for stat in stats),
    )
