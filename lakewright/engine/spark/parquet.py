"""DataFrames to staged Parquet files of a reasonable size, and the row counts of those files."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession

from lakewright.concurrency import ThreadPool
from lakewright.log.records import DataFile, SourceObject
from lakewright.parquet.place import Compression, TablePlace
from lakewright.storage.lake import Lake
from transforms.object_names import partition_path
from transforms.spark.names import quoted

#: Files should have 128 to 512 MB; Parquet is assumed to take a third of its source text.
_FILE_BYTES: Final = 256 << 20
_PARQUET_PER_TEXT: Final = 0.35
_SPLIT_BYTES: Final = 512 << 20
_SMALLEST_SPLIT: Final = 32 << 20
_OPEN_COST: Final = 4 << 20
_FEW_FILES: Final = 4
_FOOTERS_AT_ONCE: Final = 8
#: Characters of Hadoop's patterns.
_PATTERN: Final = re.compile(r"[*?\[\]{}\\]")


def read_files(spark: SparkSession, schema: str, uris: Sequence[str], *, base: str = "") -> DataFrame:
    """Read Parquet files by name, with the columns of the folders below ``base``.

    Characters of patterns are escaped. With ``__globPaths__`` off, Spark reads all files once for each file whose path
    has such characters.
    """
    reader = spark.read.schema(schema)
    if base:
        reader = reader.option("basePath", base)
    return reader.parquet(*(_PATTERN.sub(r"\\\g<0>", uri) for uri in uris))


def plan_reading(spark: SparkSession, objects: Sequence[SourceObject]) -> bool:
    """Set how objects are split into tasks, so that tasks write files of a reasonable size.

    Returns:
        Whether there are so many small tasks that rows should be gathered before writing.
    """
    size = sum(source.size for source in objects)
    parts = max(1, min(spark.sparkContext.defaultParallelism, size // _SMALLEST_SPLIT))
    spark.conf.set("spark.sql.files.minPartitionNum", parts)
    spark.conf.set("spark.sql.files.maxPartitionBytes", _SPLIT_BYTES)
    spark.conf.set("spark.sql.files.openCostInBytes", _OPEN_COST)
    spark.conf.set("spark.sql.adaptive.advisoryPartitionSizeInBytes", _FILE_BYTES)
    weight = size + len(objects) * _OPEN_COST
    tasks = math.ceil(weight / min(_SPLIT_BYTES, weight / parts)) if weight else 1
    fullest = max(Counter(partition_path(source.values) for source in objects).values(), default=0)
    small = size * _PARQUET_PER_TEXT / tasks < _SMALLEST_SPLIT
    return small and min(tasks, fullest) > _FEW_FILES


def stage_parquet(
    rows: DataFrame,
    uri: str,
    *,
    partition_by: Sequence[str],
    compression: Compression = "snappy",
    gather: bool = False,
) -> None:
    """Write rows as Parquet to an empty folder; ``gather`` repartitions them by partition first."""
    arranged = _gathered(rows, partition_by) if gather else rows
    writer = arranged.write.mode("errorifexists").options(
        compression=compression, **{"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}
    )
    writer.partitionBy(*partition_by).parquet(uri)


def _gathered(rows: DataFrame, partition_by: Sequence[str]) -> DataFrame:
    """Repartition rows by partition columns; ``DataFrame.hint`` does not accept columns."""
    columns = ", ".join(quoted(name).replace("{", "{{").replace("}", "}}") for name in partition_by)
    hint = f"REBALANCE({columns})" if columns else "REBALANCE"
    return rows.sparkSession.sql(f"SELECT /*+ {hint} */ * FROM {{rows}}", rows=rows)  # noqa: S608 - names are quoted


def staged_files(spark: SparkSession, lake: Lake, place: TablePlace) -> list[DataFile]:
    """List the non-empty Parquet files staged for a place, with their destinations.

    Row counts come from the files' footers.
    """
    jvm: Any = spark._jvm
    configuration = spark.sparkContext._jsc.hadoopConfiguration()

    def footer_rows(path: str) -> int:
        hadoop_path = jvm.org.apache.hadoop.fs.Path(lake.spark_uri(path))
        file = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(hadoop_path, configuration)
        reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(file)
        try:
            return int(reader.getRecordCount())
        finally:
            reader.close()

    found = [entry for entry in lake.list(place.staging) if entry.path.endswith(".parquet")]
    with ThreadPool(_FOOTERS_AT_ONCE) as pool:
        rows = list(pool.map(footer_rows, (entry.path for entry in found)))
    files = []
    for entry, count in zip(found, rows, strict=True):
        partition, _, name = entry.path[len(place.staging) :].rpartition("/")
        path = "/".join(part for part in (place.destination.rstrip("/"), partition, place.prefix + name) if part)
        if count:
            files.append(DataFile(path=path, staged=entry.path, partition=partition, rows=count, size=entry.size))
    return files
