"""Rows and changes to a Hudi table: one commit a batch, which carries what it is in its own metadata."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark.session import SERIALIZER
from lakewright.errors import ConfigError
from lakewright.hudi.config import Index, Storage
from transforms.spark.changes import KEY, ORDER

#: Beginning of the keys that are ours in a commit's metadata.
METADATA_PREFIX: Final = "lakewright_"
_MB: Final = 1 << 20
#: How a column becomes a folder; tables of later versions write it down.
_SIMPLE: Final = ":SIMPLE"
_LAST_WITHOUT_KINDS: Final = 6
#: Pairs of types of which Hudi reads files of the first with a table of the second, and gives the same value in each
#: way of reading. Of a float it makes another double in log files than in base files; of a decimal it makes none.
_READ_AS_WIDER: Final = frozenset({("int", "bigint")})
#: So many bytes of Parquet a task of a write has to do.
_TASK_BYTES: Final = 64 * _MB


@dataclass(frozen=True)
class HudiTable:
    """A table as the feed wants it.

    Attributes:
        name: Its name.
        uri: Where it lies, as Spark opens it.
        key: The column that holds the key.
        partition_by: Columns that become folders, outermost first.
        storage: copy_on_write or merge_on_read.
        index: How Hudi finds a key's file.
        places_changes: Whether changes come with deletions where their keys were, so that Hudi need not look for these.
        version: Of the table's format; 6 is the last one that Athena reads.
        keep_commits: How many commits stay readable.
        file_mb: How large base files may become.
        small_file_mb: Below this size a base file takes new rows.
        parallelism: Tasks of a write's shuffles; 0 follows the data.
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
        """Say what the table's own ``hoodie.properties`` must say."""
        kind = "" if self.version == _LAST_WITHOUT_KINDS else _SIMPLE
        return {
            "hoodie.table.type": self.storage.upper(),
            "hoodie.table.version": str(self.version),
            "hoodie.table.recordkey.fields": self.key,
            "hoodie.table.partition.fields": ",".join(name + kind for name in self.partition_by),
            "hoodie.table.precombine.field": ORDER,
        }

    def options(self, tasks: int) -> dict[str, str]:
        """Give the options that every write of this table has."""
        return {
            "hoodie.table.name": self.name,
            "hoodie.datasource.write.table.type": self.storage.upper(),
            "hoodie.datasource.write.recordkey.field": self.key,
            "hoodie.datasource.write.precombine.field": ORDER,
            "hoodie.write.table.version": str(self.version),
            "hoodie.write.auto.upgrade": "false",
            **self._partitioning(),
            **self._index(tasks),
            # Changes were put in order before: one a key, and none that is older than what the table holds. Readers
            # that compare orders again fail at a row that follows its own deletion in a log file (seen with 1.0.2).
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
            # With this generator readers take partition values from the rows, where null and empty text differ.
            "hoodie.datasource.write.keygenerator.class": "org.apache.hudi.keygen.CustomKeyGenerator",
            "hoodie.datasource.write.partitionpath.field": ",".join(name + _SIMPLE for name in self.partition_by),
            "hoodie.datasource.write.hive_style_partitioning": "true",
            "hoodie.datasource.write.partitionpath.urlencode": "true",
            # Otherwise a bulk insert names a timestamp's folder in another way than an upsert does.
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
    """Fill a new table: one commit by bulk insert. ``size`` is about how many bytes of Parquet the rows are."""
    # Sorting keeps each task to few partitions, so that files are large; what few tasks can do needs none of it.
    is_large = size > _TASK_BYTES * rows.sparkSession.sparkContext.defaultParallelism
    sort = "GLOBAL_SORT" if table.partition_by and is_large else "NONE"
    how = {"hoodie.datasource.write.operation": "bulk_insert", "hoodie.bulkinsert.sort.mode": sort}
    _write(rows, table, metadata, size, how)


def write_changes(changes: DataFrame, table: HudiTable, metadata: Mapping[str, str], *, size: int) -> None:
    """Upsert and delete in one commit; a change deletes if its column _hoodie_is_deleted is true."""
    _write(changes, table, metadata, size, {"hoodie.datasource.write.operation": "upsert"})


def write_anew(rows: DataFrame, table: HudiTable, metadata: Mapping[str, str], *, size: int) -> None:
    """Replace all files of a table by new ones with these rows, in one commit; types may be others than before.

    Hudi holds the types of a write against those of the table as if the files stayed, unless columns may be dropped.
    """
    how = {
        "hoodie.datasource.write.operation": "insert_overwrite_table",
        "hoodie.datasource.write.schema.allow.auto.evolution.column.drop": "true",
    }
    _write(rows, table, metadata, size, how)


def read_keys(spark: SparkSession, table: HudiTable) -> DataFrame:
    """Read which keys a table holds, and where.

    Columns out: _record_key and the columns of the table's partitions
    Rows:        one for each partition that holds a key. Base files alone are read, which all keys begin in: a key that
                 a log file has deleted since is still there
    """
    rows = spark.read.format("hudi").option("hoodie.datasource.query.type", "read_optimized").load(table.uri)
    return rows.select(F.col("_hoodie_record_key").alias(KEY), *table.partition_by)


def has_other_types(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Tell whether a table must be made anew for columns to get other types."""
    pairs = {(held[name], kind) for name, kind in wanted.items() if name in held}
    return any(before != kind and (before, kind) not in _READ_AS_WIDER for before, kind in pairs)


def check_session(spark: Any) -> None:
    """Make sure that Hudi can work in a session.

    Raises:
        ConfigError: If its serializer is another than Hudi's, or Hudi's jar is not there.
    """
    if spark.sparkContext.getConf().get("spark.serializer", "") != SERIALIZER:
        raise ConfigError(f"Hudi needs --conf spark.serializer={SERIALIZER}")
    try:
        spark._jvm.java.lang.Class.forName(
            "org.apache.hudi.DefaultSource", True, spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
        )
    except Exception as error:
        raise ConfigError("Hudi's jar is not there: `make setup` brings it, --datalake-formats hudi on Glue") from error


def _write(rows: DataFrame, table: HudiTable, metadata: Mapping[str, str], size: int, how: Mapping[str, str]) -> None:
    cores = rows.sparkSession.sparkContext.defaultParallelism
    tasks = table.parallelism or max(cores, math.ceil(size / _TASK_BYTES))
    ours = {METADATA_PREFIX + key: value for key, value in metadata.items()}
    # Only a table whose key it is has a column of the key's text.
    written = rows if table.key == KEY else rows.drop(KEY)
    writer = written.write.format("hudi").options(**table.options(tasks), **how, **ours)
    writer.mode("append").save(table.uri)
