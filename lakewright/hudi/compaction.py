"""Compaction of a merge-on-read table: its log files become part of its base files."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from lakewright.hudi.client import write_client
from lakewright.hudi.timeline import Timeline
from lakewright.hudi.writer import HudiTable


@dataclass(frozen=True)
class Compacted:
    """What one compaction did."""

    instant: str
    partitions: list[str]
    log_files: int
    base_files: int
    rows: int


def compact_table(spark: SparkSession, table: HudiTable) -> list[Compacted]:
    """Compact whatever log files there are, after finishing what an earlier compaction left undone.

    Returns:
        What was done; empty if there were no log files.
    """
    nothing = spark._jvm.org.apache.hudi.common.util.Option.empty()  # type: ignore[union-attr]
    with write_client(spark, table, {"hoodie.compact.inline.max.delta.commits": "1"}) as client:
        done = [_compact(client, instant, nothing) for instant in Timeline(spark, table.uri).pending_compactions()]
        scheduled = client.scheduleCompaction(nothing)
        return [*done, _compact(client, scheduled.get(), nothing)] if scheduled.isPresent() else done


def _compact(client: Any, instant: str, nothing: Any) -> Compacted:
    metadata = client.compact(instant).getCommitMetadata().get()
    client.commitCompaction(instant, metadata, nothing)
    partitions = {path: list(stats) for path, stats in metadata.getPartitionToWriteStats().items()}
    stats = [stat for found in partitions.values() for stat in found]
    return Compacted(
        instant=instant,
        partitions=sorted(partitions),
        log_files=sum(stat.getTotalLogFilesCompacted() for stat in stats),
        base_files=len(stats),
        rows=sum(stat.getNumWrites() for stat in stats),
    )
