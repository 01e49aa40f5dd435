"""Change data that Spark reads and judges; files with rejected rows are read once more, for those."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import ChangeFiles
from lakewright.engine.spark.changes.frame import read_changes
from lakewright.engine.spark.observations import observe_judged
from lakewright.engine.spark.parquet import broken_rules, stage_parquet, staged_files
from lakewright.engine.spark.session import own_session
from lakewright.errors import AccountingError, ObjectRefusedError
from lakewright.log.records import DataFile
from lakewright.parquet.place import TablePlace
from lakewright.runs.job import Batch
from lakewright.storage.lake import Lake
from transforms.spark.changes import ORDER, REJECTED, keep_rejected_changes, with_inexact_reasons


def change_session(*lakes: Lake) -> SparkSession:
    """Open the session in which changes are read: column names differ in case, since DMS adds Op beside op."""
    session = own_session(lake_uris=tuple(lake.uri for lake in lakes))
    session.conf.set("spark.sql.caseSensitive", value=True)
    # Lists as Parquet's old layout has them cannot hold null: Hudi fails at one with an ArrayIndexOutOfBoundsException.
    hadoop = session.sparkContext._jsc.hadoopConfiguration()
    hadoop.set("parquet.avro.write-old-list-structure", "false")
    return session


class ChangeOrder(TypedDict):
    """How changes are ordered, as ``with_change_order`` wants to know it."""

    kind_column: str
    time_column: str
    sequence_column: str
    by_file: bool


def change_order(files: ChangeFiles, source: ReplicationSource, spec: TableSpec) -> ChangeOrder:
    """Say how the changes of files are ordered; a sequence counts if a file has it."""
    has_sequence = any(source.sequence_column in footer.columns for footer in files.footers.values())
    return ChangeOrder(
        kind_column=source.kind_column,
        time_column=source.time_column,
        sequence_column=source.sequence_column if has_sequence or not source.time_column else "",
        by_file=spec.order_by == "file",
    )


@dataclass(frozen=True)
class JudgedChanges:
    """Changes of a batch, each with its order, and whether it must be rejected."""

    files: ChangeFiles
    judge: Callable[[DataFrame], DataFrame]

    def frame(self, spark: SparkSession) -> DataFrame:
        """Read and judge all changes."""
        return read_changes(spark, self.files).transform(self.judge).transform(with_inexact_reasons)

    def failed(self, error: Exception) -> Exception:
        """Say what a read of the files failed of: damage, if there is any."""
        damaged = self.files.damaged()
        return ObjectRefusedError(damaged) if damaged else error

    def check(self, counted_rows: Mapping[str, Any]) -> None:
        """Hold what was read against the footers of the files.

        Raises:
            AccountingError: If Spark read another number of rows.
        """
        if counted_rows["read"] != self.files.rows:
            raise AccountingError(
                f"the files hold {self.files.rows} rows, and {counted_rows['read']} were read; nothing was written"
            )

    def write_rejected(
        self, spark: SparkSession, batch: Batch, quarantine: TablePlace, counted_rows: Mapping[str, Any]
    ) -> tuple[list[DataFile], dict[str, int]]:
        """Read the files with rejected rows again, stage these rows, and count the rules that they broke."""
        if not counted_rows["rejected"]:
            return [], {}
        files = self.files.only(set(counted_rows["dirty"].split("\n")))
        rejected = JudgedChanges(files, self.judge).frame(spark)
        place = batch.lake.spark_uri(quarantine.staging.rstrip("/"))
        rows = rejected.transform(keep_rejected_changes, columns=list(files.columns))
        stage_parquet(rows, place, partition_by=quarantine.partition_by)
        return staged_files(spark, batch.lake, quarantine), broken_rules(spark, place)


def observe_read(changes: DataFrame, *, read: Observation) -> DataFrame:
    """Count the rows read and rejected, and note the lowest order; see ``observe_judged``."""
    lowest = F.min(F.when(~F.col(REJECTED), F.col(ORDER))).alias("lowest")
    return changes.transform(observe_judged, lowest, observed=read)
