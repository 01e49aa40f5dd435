"""Writes rows and changes to a Hudi table: one commit per batch, with the batch's metadata."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.glue import is_glue_run, is_local
from lakewright.engine.spark.jars import setup_command
from lakewright.engine.spark.session import SERIALIZER
from lakewright.errors import ConfigError
from lakewright.hudi.config import Index, Storage
from transforms.spark.changes import KEY, ORDER

#: Prefix of our keys in a commit's metadata.
METADATA_PREFIX: Final = "lakewright_"
_MB: Final = 1 << 20
#: Partition field type; tables of later versions store it.
_SIMPLE: Final = ":SIMPLE"
_LAST_WITHOUT_KINDS: Final = 6
#: Pairs of types where Hudi reads files of the first as the second, with equal values in all query types. A float
#: becomes a different double in log files than in base files; decimals do not widen.
_READ_AS_WIDER: Final = frozenset({("int", "bigint")})
#: Bytes of Parquet per task of a write.
_TASK_BYTES: Final = 64 * _MB


@dataclass(frozen=True)
class HudiTable:
    """A table as configured in the feed.

    Attributes:
        name: Its name.
        uri: Its URI for Spark.
        key: The key column.
        partition_by: Partition columns, outermost first.
        storage: copy_on_write or merge_on_read.
        index: Index by which Hudi finds a key's file.
        places_changes: Whether changes include deletions in the partitions that keys leave, so that Hudi need not look
            keys up.
        version: Table format version; Athena reads up to 6.
        keep_commits: Number of commits that stay readable.
        file_mb: Maximum size of base files.
        small_file_mb: Base files below this size receive new rows.
        parallelism: Shuffle tasks of a write; 0 derives them from the data.
    """

    name: str
    uri: str
    key: str
    partition_by: tuple[str, ...] = ()
    storage: Storage = "copy_on_write"
    index: Index = "global_simple"
    places_changes: bool = False
    version: int = 6
    keep_commits: int = 10
    file_mb: int = 120
    small_file_mb: int = 100
    parallelism: int = 0

    def properties(self) -> dict[str, str]:
        """Return the required content of the table's ``hoodie.properties``."""
        kind = "" if self.version == _LAST_WITHOUT_KINDS else _SIMPLE
        return {
            "hoodie.table.type": self.storage.upper(),
            "hoodie.table.version": str(self.version),
            "hoodie.table.recordkey.fields": self.key,
            "hoodie.table.partition.fields": ",".join(name + kind for name in self.partition_by),
            "hoodie.table.precombine.field": ORDER,
        }

    def options(self, tasks: int) -> dict[str, str]:
        """Return the options of every write to this table."""
        return {
            "hoodie.table.name": self.name,
            "hoodie.datasource.write.table.type": self.storage.upper(),
            "hoodie.datasource.write.recordkey.field": self.key,
            "hoodie.datasource.write.precombine.field": ORDER,
            "hoodie.write.table.version": str(self.version),
            "hoodie.write.auto.upgrade": "false",
            **self._partitioning(),
            **self._index(tasks),
            # Changes are already ordered: one per key, and none older than the table's row. Readers that compare order
            # again fail at a row that follows its own deletion in a log file (seen with 1.0.2).
            "hoodie.record.merge.mode": "COMMIT_TIME_ORDERING",
            "hoodie.datasource.write.payload.class": "org.apache.hudi.common.model.OverwriteWithLatestAvroPayload",
            "hoodie.combine.before.insert": "false",
            "hoodie.combine.before.upsert": "false",
            "hoodie.embed.timeline.server": "false",
            "hoodie.clean.commits.retained": str(self.keep_commits),
            "hoodie.keep.min.commits": str(self.keep_commits + 10),
            "hoodie.keep.max.commits": str(self.keep_commits + 20),
            "hoodie.compact.inline": "false",
            "hoodie.parquet.compression.codec": "snappy",
            "hoodie.parquet.bloom.filter.enabled": str("bloom" in self.index).lower(),
            "hoodie.parquet.max.file.size": str(self.file_mb * _MB),
            "hoodie.parquet.small.file.limit": str(self.small_file_mb * _MB),
            "hoodie.datasource.write.commitmeta.key.prefix": METADATA_PREFIX,
            "hoodie.upsert.shuffle.parallelism": str(tasks),
            "hoodie.bulkinsert.shuffle.parallelism": str(tasks),
            "hoodie.datasource.hive_sync.enable": "false",
        }

    def _partitioning(self) -> dict[str, str]:
        if not self.partition_by:
            return {
                "hoodie.datasource.write.partitionpath.field": "",
                "hoodie.datasource.write.keygenerator.class": "org.apache.hudi.keygen.NonpartitionedKeyGenerator",
            }
        return {
            # With this generator readers use the partition values of the rows, where null and empty strings differ.
            "hoodie.datasource.write.keygenerator.class": "org.apache.hudi.keygen.CustomKeyGenerator",
            "hoodie.datasource.write.partitionpath.field": ",".join(name + _SIMPLE for name in self.partition_by),
            "hoodie.datasource.write.hive_style_partitioning": "true",
            "hoodie.datasource.write.partitionpath.urlencode": "true",
            # Otherwise bulk inserts and upserts name a timestamp's folder differently.
            "hoodie.datasource.write.keygenerator.consistent.logical.timestamp.enabled": "true",
        }

    def _index(self, tasks: int) -> dict[str, str]:
        return {
            "hoodie.index.type": self.index.upper(),
            "hoodie.metadata.enable": str(self.index == "record_index").lower(),
            "hoodie.metadata.record.index.enable": str(self.index == "record_index").lower(),
            "hoodie.simple.index.update.partition.path": "true",
            "hoodie.bloom.index.update.partition.path": "true",
            "hoodie.record.index.update.partition.path": "true",
            "hoodie.simple.index.parallelism": str(tasks),
            "hoodie.global.simple.index.parallelism": str(tasks),
            "hoodie.bloom.index.parallelism": str(tasks),
        }


def write_load(rows: DataFrame, table: HudiTable, metadata: Mapping[str, str], *, size: int) -> None:
    """Fill a new table in one bulk-insert commit. ``size`` is the approximate size of the rows as Parquet, in bytes."""
    # Sorting limits each task to few partitions, so that files are large; small loads do not need it.
    is_large = size > _TASK_BYTES * rows.sparkSession.sparkContext.defaultParallelism
    sort = "GLOBAL_SORT" if table.partition_by and is_large else "NONE"
    how = {"hoodie.datasource.write.operation": "bulk_insert", "hoodie.bulkinsert.sort.mode": sort}
    _write(rows, table, metadata, size, how)


def write_changes(changes: DataFrame, table: HudiTable, metadata: Mapping[str, str], *, size: int) -> None:
    """Upsert and delete in one commit; a change with _hoodie_is_deleted = true deletes."""
    _write(changes, table, metadata, size, {"hoodie.datasource.write.operation": "upsert"})


def rewrite(rows: DataFrame, table: HudiTable, metadata: Mapping[str, str], *, size: int) -> None:
    """Replace all files of a table in one commit; column types may change.

    Hudi checks the types of a write against the table's as if the files stayed, unless columns may be dropped.
    """
    how = {
        "hoodie.datasource.write.operation": "insert_overwrite_table",
        "hoodie.datasource.write.schema.allow.auto.evolution.column.drop": "true",
    }
    _write(rows, table, metadata, size, how)


def read_keys(spark: SparkSession, table: HudiTable) -> DataFrame:
    """Read the keys of a table, and their partitions.

    Columns out: _record_key and the table's partition columns
    Rows:        one per key and partition. Only base files are read, where all keys start: a key deleted since by a log
                 file is still included
    """
    rows = spark.read.format("hudi").option("hoodie.datasource.query.type", "read_optimized").load(table.uri)
    return rows.select(F.col("_hoodie_record_key").alias(KEY), *table.partition_by)


def has_other_types(existing: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether a table must be rewritten for new column types."""
    pairs = {(existing[name], kind) for name, kind in wanted.items() if name in existing}
    return any(before != kind and (before, kind) not in _READ_AS_WIDER for before, kind in pairs)


def check_session(spark: Any) -> None:
    """Require a session that Hudi can use.

    Raises:
        ConfigError: If its serializer is unsuitable, or Hudi's jar is missing.
    """
    if spark.sparkContext.getConf().get("spark.serializer", "") != SERIALIZER:
        raise ConfigError(f"Hudi needs --conf spark.serializer={SERIALIZER}")
    try:
        spark._jvm.java.lang.Class.forName(
            "org.apache.hudi.DefaultSource", True, spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
        )
    except Exception as error:
        raise ConfigError(f"Hudi's jar is missing: {_source_of_jar()}") from error


def _source_of_jar() -> str:
    if is_glue_run():
        return "set the job parameter --datalake-formats hudi"
    if is_local():
        return f"run {setup_command()}"
    return "pass it to spark-submit with --jars; on EMR it is /usr/lib/hudi/hudi-spark-bundle.jar"


def _write(rows: DataFrame, table: HudiTable, metadata: Mapping[str, str], size: int, how: Mapping[str, str]) -> None:
    cores = rows.sparkSession.sparkContext.defaultParallelism
    tasks = table.parallelism or max(cores, math.ceil(size / _TASK_BYTES))
    ours = {METADATA_PREFIX + key: value for key, value in metadata.items()}
    # The key text is stored only if it is the table's key column.
    written = rows if table.key == KEY else rows.drop(KEY)
    writer = written.write.format("hudi").options(**table.options(tasks), **how, **ours)
    writer.mode("append").save(table.uri)
