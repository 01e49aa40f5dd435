"""Change data that Spark reads and judges; files with rejected rows are read once more, for those."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import ChangeFiles
from lakewright.engine.spark.changes.frame import read_changes
from lakewright.engine.spark.observations import counted, observe_judged
from lakewright.engine.spark.parquet import broken_rules, stage_parquet, staged_files
from lakewright.engine.spark.session import own_session
from lakewright.errors import AccountingError, ObjectRefusedError
from lakewright.log.records import Counts, DataFile
from lakewright.log.schemas import note_source_columns
from lakewright.parquet.place import TablePlace
from lakewright.parquet.sink import WrittenRows
from lakewright.runs.job import Batch
from lakewright.storage.lake import Lake
from transforms.spark.changes import (
    IS_LOAD,
    KIND,
    ORDER,
    REJECTED,
    keep_rejected_changes,
    with_change_order,
    with_folder_reasons,
)
from transforms.spark.names import column


def change_session(*lakes: Lake) -> SparkSession:
    """Open the session in which changes are read: column names differ in case, since DMS adds Op beside op."""
    session = own_session(lake_uris=tuple(lake.uri for lake in lakes))
    session.conf.set("spark.sql.caseSensitive", value=True)
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
        return read_changes(spark, self.files).transform(self.judge)

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


@dataclass(frozen=True)
class AppendedChanges:
    """Changes of a table without a key, of which every one is kept; see ``lakewright.parquet.sink.JudgedRows``.

    The column that says what a change is becomes one of the table; the rows of a full load are inserts.
    """

    files: ChangeFiles
    source: ReplicationSource
    spec: TableSpec

    def write(self, batch: Batch, table: TablePlace, quarantine: TablePlace) -> WrittenRows:
        """See ``JudgedRows.write``."""
        spark = change_session(batch.lake, self.files.lake)
        changes, columns, read = JudgedChanges(self.files, self._judge), self.files.columns, Observation()
        kind_column = self.source.kind_column
        kept = changes.frame(spark).transform(observe_read, read=read).where(~F.col(REJECTED))
        kind = F.when(F.col(IS_LOAD), F.lit("I")).otherwise(F.col(KIND))
        rows = kept.withColumn(kind_column, kind).select(*map(column, columns), kind_column, ORDER)
        try:
            place = batch.lake.spark_uri(table.staging.rstrip("/"))
            stage_parquet(rows, place, partition_by=table.partition_by)
        except Py4JJavaError as error:
            raise changes.failed(error) from error
        found = counted(read)
        changes.check(found)
        rejected, rules = changes.write_rejected(spark, batch, quarantine, found)
        return WrittenRows(
            counts=Counts(read=found["read"], written=found["read"] - found["rejected"], rejected=found["rejected"]),
            columns={**columns, kind_column: "string", ORDER: "string"},
            table=staged_files(spark, batch.lake, table),
            quarantine=rejected,
            rules=rules,
            actions=note_source_columns(self.files.sources, batch.state, anew=batch.plan.overwrites_table),
        )

    def _judge(self, changes: DataFrame) -> DataFrame:
        order = change_order(self.files, self.source, self.spec)
        ordered = changes.transform(with_change_order, key=(), **order)
        return ordered.transform(with_folder_reasons, partition_by=self.spec.partition_by)
