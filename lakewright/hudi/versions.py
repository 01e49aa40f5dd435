"""Differences between versions of Hudi. No other module asks for the version."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from lakewright.engine.spark.jars import setup_command
from lakewright.engine.spark.session import SERIALIZER
from lakewright.errors import ConfigError
from lakewright.measuring.runtime import is_glue_run, is_local
from transforms.spark.names import column

#: Versions that the tests run with, and the highest table version that each reads and writes.
_TABLE_VERSIONS: Final = {(0, 15): 6, (1, 0): 8, (1, 1): 9}
_SUPPORTED: Final = "0.15, 1.0 or 1.1"
#: Type of partition fields; from table version 8 on, tables store it with the fields' names.
SIMPLE: Final = ":SIMPLE"
_FIRST_TABLE_VERSION_WITH_TYPES: Final = 8
#: Property of a table that names its order, and its name in tables of any version that Hudi 1.1 created.
ORDER_FIELD: Final = "hoodie.table.precombine.field"
_ORDER_FIELDS: Final = "hoodie.table.ordering.fields"
#: Option for the number of commits that cleaning keeps, and its name before 1.0.
KEPT_COMMITS: Final = ("hoodie.clean.commits.retained", "hoodie.cleaner.commits.retained")
#: Types of partition columns whose values Hudi 0.15 changes on reading.
_CHANGED_ON_READING: Final = ("string", "timestamp")
_PLACE: Final = ["_hoodie_record_key", "_hoodie_partition_path"]


@dataclass(frozen=True)
class HudiVersion:
    """The version of the bundle on the class path.

    Attributes:
        text: The version as Hudi writes it, such as 1.0.2 or 1.0.2-amzn-1.
        minor: Its first two numbers.
    """

    text: str
    minor: tuple[int, int]

    @property
    def table_version(self) -> int:
        """The highest table version that this Hudi reads and writes."""
        return _TABLE_VERSIONS[self.minor]

    def requested_time(self, instant: Any) -> str:
        """Return the time that names an instant on the timeline."""
        return str(instant.requestedTime() if self.minor >= (1, 0) else instant.getTimestamp())

    def partition_paths(self, spark: SparkSession, meta_client: Any, uri: str) -> list[str]:
        """List the partitions of a table from its folders, as paths below it."""
        jvm: Any = spark._jvm
        context = jvm.org.apache.hudi.client.common.HoodieSparkEngineContext(spark._jsc)
        list_paths = jvm.org.apache.hudi.common.fs.FSUtils.getAllPartitionPaths
        # False: not from the metadata table, and folders are not dates.
        if self.minor >= (1, 1):
            return list(list_paths(context, meta_client, False))
        if self.minor == (1, 0):
            return list(list_paths(context, meta_client.getStorage(), uri, False))
        return list(list_paths(context, meta_client.getStorage(), uri, False, False))

    def compact(self, client: Any, instant: str, nothing: Any) -> Any:
        """Run and commit a scheduled compaction; return the metadata of its commit."""
        result = client.compact(instant)
        metadata = result.getCommitMetadata().get()
        client.commitCompaction(instant, result if self.minor >= (1, 1) else metadata, nothing)
        return metadata

    def with_stored_values(self, rows: DataFrame, partition_by: Sequence[str]) -> DataFrame:
        """Return rows of a copy-on-write table with the partition values in its files.

        Hudi 0.15 returns values parsed from folder names instead: an empty string becomes null, and a timestamp loses
        its microseconds.
        """
        names = [name for name, of_type in rows.dtypes if name in partition_by and of_type in _CHANGED_ON_READING]
        if self.minor >= (1, 0) or not names:
            return rows
        files = rows.inputFiles()
        if not files:
            return rows
        schema = StructType([rows.schema[name] for name in (*_PLACE, *names)])
        # With this option Spark does not derive values from folder names.
        stored = rows.sparkSession.read.schema(schema).option("recursiveFileLookup", "true").parquet(*files)
        return rows.drop(*names).join(stored, on=_PLACE, how="left").select(*map(column, rows.columns))

    def check_table(self, path: str, stored: int, wanted: int) -> None:
        """Require a table whose version this Hudi reads and writes; ``stored`` is 0 if there is no table.

        Raises:
            ConfigError: If this Hudi is too old for the table, or for the feed's table version.
        """
        if wanted > self.table_version:
            raise ConfigError(
                f"target.table_version {wanted} needs Hudi {_first_with(wanted)}, and this is Hudi {self.text}; "
                f"set target.table_version: {self.table_version}"
            )
        if stored > self.table_version:
            raise ConfigError(
                f"{path} is a Hudi table of version {stored}, which needs Hudi {_first_with(stored)}, and this is Hudi "
                f"{self.text}; use a newer Hudi, or delete the table's folder and run `rebuild`"
            )


def check_session(spark: SparkSession) -> None:
    """Require a session that Hudi can use.

    Raises:
        ConfigError: If its serializer is unsuitable, or Hudi's jar is missing or of an untested version.
    """
    if spark.sparkContext.getConf().get("spark.serializer", "") != SERIALIZER:
        raise ConfigError(f"Hudi needs --conf spark.serializer={SERIALIZER}")
    hudi_version(spark)


def hudi_version(spark: SparkSession) -> HudiVersion:
    """Return the version of Hudi that a session has.

    Raises:
        ConfigError: If Hudi's jar is missing, or its version is untested.
    """
    return _read_version(spark._jvm)


@lru_cache(maxsize=1)
def _read_version(jvm: Any) -> HudiVersion:
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        source = jvm.java.lang.Class.forName("org.apache.hudi.DefaultSource", True, loader)
    except Exception as error:
        raise ConfigError(f"Hudi's jar is missing: {_source_of_jar()}") from error
    return parse_version(source.getPackage().getImplementationVersion() or _version_by_tables(jvm))


def _version_by_tables(jvm: Any) -> str:
    """Derive the version of a build whose manifest lacks it from the newest table version that it knows."""
    newest = jvm.org.apache.hudi.common.table.HoodieTableVersion.current().versionCode()
    return next((f"{major}.{minor}" for (major, minor), known in _TABLE_VERSIONS.items() if known == newest), "")


def _source_of_jar() -> str:
    if is_glue_run():
        return "set the job parameter --datalake-formats hudi"
    if is_local():
        return f"run {setup_command()}"
    return "pass it to spark-submit with --jars; on EMR it is /usr/lib/hudi/hudi-spark-bundle.jar"


def parse_version(text: str) -> HudiVersion:
    """Parse the version of a bundle.

    Raises:
        ConfigError: If the version is untested.
    """
    numbers = re.match(r"(\d+)\.(\d+)", text)
    minor = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if minor not in _TABLE_VERSIONS:
        raise ConfigError(f"Hudi {text or 'of an unknown version'} is not supported; use Hudi {_SUPPORTED}")
    return HudiVersion(text, minor)


def _first_with(table_version: int) -> str:
    """Describe the first Hudi that reads a table version."""
    first = next((minor for minor, newest in _TABLE_VERSIONS.items() if newest >= table_version), None)
    return f"{first[0]}.{first[1]} or later" if first else "later than 1.1"


def stored_partition_fields(names: Sequence[str], table_version: int) -> str:
    """Return partition columns as a table's properties name them."""
    kind = SIMPLE if table_version >= _FIRST_TABLE_VERSION_WITH_TYPES else ""
    return ",".join(name + kind for name in names)


def with_order_field(properties: Mapping[str, str]) -> dict[str, str]:
    """Return a table's properties with its order under the name that all versions before 1.1 use."""
    if _ORDER_FIELDS not in properties:
        return dict(properties)
    return {ORDER_FIELD: properties[_ORDER_FIELDS], **properties}
