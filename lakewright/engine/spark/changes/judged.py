"""Reads and validates change data with Spark; files with rejected rows are read again to quarantine those rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import ChangeFiles
from lakewright.engine.spark.changes.frame import read_changes
from lakewright.engine.spark.observations import observe_judged
from lakewright.engine.spark.quarantine import stage_rejected
from lakewright.engine.spark.session import own_session
from lakewright.errors import AccountingError, ObjectRefusedError
from lakewright.log.records import DataFile
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from lakewright.quarantine.files import total_rules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from lakewright.storage.lake import Lake
from transforms.spark.changes import (
    OBJECT,
    ORDER,
    POSITION,
    REASONS,
    REJECTED,
    keep_rejected_changes,
    with_inexact_reasons,
    with_reasons_of,
)


def change_session(*lakes: Lake) -> SparkSession:
    """Open a session for changes, with case-sensitive column names, since DMS adds Op to tables with a column op."""
    session = own_session(lake_uris=tuple(lake.uri for lake in lakes))
    session.conf.set("spark.sql.caseSensitive", value=True)
    # Lists in Parquet's old layout cannot contain null: Hudi fails with an ArrayIndexOutOfBoundsException.
    hadoop = session.sparkContext._jsc.hadoopConfiguration()
    hadoop.set("parquet.avro.write-old-list-structure", "false")
    return session


class ChangeOrder(TypedDict):
    """Arguments of ``with_change_order``."""

    kind_column: str
    time_column: str
    sequence_column: str
    by_file: bool


def change_order(files: ChangeFiles, source: ReplicationSource, spec: TableSpec) -> ChangeOrder:
    """Return how to order the changes of files; the sequence column counts if a file has it."""
    has_sequence = any(source.sequence_column in footer.columns for footer in files.footers.values())
    return ChangeOrder(
        kind_column=source.kind_column,
        time_column=source.time_column,
        sequence_column=source.sequence_column if has_sequence or not source.time_column else "",
        by_file=spec.order_by == "file",
    )


@dataclass(frozen=True)
class JudgedChanges:
    """The changes of a batch, with their order and the reasons for rejecting them."""

    files: ChangeFiles
    judge: Callable[[DataFrame], DataFrame]

    def frame(self, spark: SparkSession) -> DataFrame:
        """Read and validate all changes."""
        return read_changes(spark, self.files).transform(self.judge).transform(with_inexact_reasons)

    def failed(self, error: Exception) -> Exception:
        """Return the error of a failed read: damaged files if there are any, else ``error``."""
        damaged = self.files.damaged()
        return ObjectRefusedError(damaged) if damaged else error

    def check(self, counted_rows: Mapping[str, Any]) -> None:
        """Compare the rows read with the files' footers.

        Raises:
            AccountingError: If Spark read a different number of rows.
        """
        if counted_rows["read"] != self.files.rows:
            raise AccountingError(
                f"the files have {self.files.rows} rows, but {counted_rows['read']} were read; nothing was written"
            )

    def write_rejected(
        self,
        spark: SparkSession,
        batch: Batch,
        quarantine: QuarantinePlace,
        counted_rows: Mapping[str, Any],
        row_rules: RowRules = NO_ROW_RULES,
        broken: DataFrame | None = None,
    ) -> tuple[list[DataFile], dict[str, int]]:
        """Read the files with rejected rows again, stage these rows, and count the broken rules.

        ``broken`` are further changes to reject, by their order, with reasons of ``row_rules``; see
        ``with_reasons_of``.
        """
        if not counted_rows["rejected"]:
            return [], {}
        files = self.files.only(set(counted_rows["dirty"].split("\n")))
        rejected = JudgedChanges(files, self.judge).frame(spark)
        if broken is not None:
            rejected = rejected.transform(with_reasons_of, broken=broken)
        rows = rejected.transform(keep_rejected_changes, columns=list(files.columns), names=files.source_names)
        staged = stage_rejected(rows, batch.lake, quarantine, files.objects, row_rules.words)
        return staged, total_rules(staged)


def find_rejected(spark: SparkSession, changes: JudgedChanges) -> dict[tuple[str, int], list[str]]:
    """Return the rules that rejected changes break, by object and position."""
    names = F.transform(
        F.filter(REASONS, lambda reason: reason.isNotNull()),
        lambda reason: F.concat_ws(": ", reason["column"], reason["rule"]),
    )
    rejected = changes.frame(spark).where(REJECTED).select(OBJECT, POSITION, names)
    try:
        return {(path, position): rules for path, position, rules in rejected.collect()}
    except Py4JJavaError as error:
        raise changes.failed(error) from error


def observe_read(changes: DataFrame, *, read: Observation) -> DataFrame:
    """Count rows read and rejected, and observe the lowest order; see ``observe_judged``."""
    lowest = F.min(F.when(~F.col(REJECTED), F.col(ORDER))).alias("lowest")
    return changes.transform(observe_judged, lowest, observed=read)
