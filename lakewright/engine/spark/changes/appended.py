"""Changes of a table without a key, which keeps all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import ChangeFiles
from lakewright.engine.spark.changes.judged import JudgedChanges, change_order, change_session, observe_read
from lakewright.engine.spark.judged.rows import row_rule_faults
from lakewright.engine.spark.observations import counted
from lakewright.engine.spark.parquet import read_files, stage_parquet, staged_files
from lakewright.log.records import Counts
from lakewright.log.schemas import note_source_columns
from lakewright.parquet.place import TablePlace
from lakewright.parquet.sink import WrittenRows
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from transforms.spark.changes import (
    IS_DELETED,
    IS_LOAD,
    KIND,
    ORDER,
    REJECTED,
    with_change_order,
    with_faults,
    with_folder_reasons,
)
from transforms.spark.names import column, quoted


@dataclass(frozen=True)
class AppendedChanges:
    """Changes of an append-only table; see ``lakewright.parquet.sink.JudgedRows``.

    The source's kind column becomes a column of the table; rows of a full load are inserts.
    """

    files: ChangeFiles
    source: ReplicationSource
    spec: TableSpec
    row_rules: RowRules = NO_ROW_RULES

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        """See ``JudgedRows.write``."""
        spark = change_session(batch.lake, self.files.lake)
        changes, columns, read = self.judged(), self.files.columns, Observation()
        kind_column = self.source.kind_column
        kept = changes.frame(spark).transform(observe_read, read=read).where(~F.col(REJECTED))
        kind = F.when(F.col(IS_LOAD), F.lit("I")).otherwise(F.col(KIND))
        rows = kept.withColumn(kind_column, kind).select(*map(column, columns), kind_column, ORDER)
        after = {**columns, kind_column: "string", ORDER: "string"}
        replaced = self._files_to_widen(batch, after)
        if replaced:
            rows = rows.unionByName(_rows_in_table(spark, batch, table, replaced, after))
        try:
            place = batch.lake.spark_uri(table.staging.rstrip("/"))
            stage_parquet(rows, place, partition_by=table.partition_by)
        except Py4JJavaError as error:
            raise changes.failed(error) from error
        counts = counted(read)
        changes.check(counts)
        rejected, rules = changes.write_rejected(spark, batch, quarantine, counts, self.row_rules)
        return WrittenRows(
            counts=Counts(
                read=counts["read"] + self.files.superseded_rows,
                written=counts["read"] - counts["rejected"],
                superseded=self.files.superseded_rows,
                rejected=counts["rejected"],
            ),
            columns=after,
            table=staged_files(spark, batch.lake, table),
            quarantine=rejected,
            replaced=replaced,
            kept=sum(batch.state.files[path].rows for path in replaced),
            rules=rules,
            actions=note_source_columns(self.files.sources, batch.state, anew=batch.plan.overwrites_table),
        )

    def judged(self) -> JudgedChanges:
        """Return the changes with order and rejection reasons."""
        return JudgedChanges(self.files, self._judge)

    def judged_alone(self) -> JudgedChanges:
        """Return the changes judged one by one, as all of this table are."""
        return self.judged()

    def _judge(self, changes: DataFrame) -> DataFrame:
        order = change_order(self.files, self.source, self.spec)
        ordered = changes.transform(with_change_order, key=(), **order)
        is_row = F.col(IS_DELETED).isNull()  # deletes may have nothing but the key
        faults = row_rule_faults(self.row_rules, self.files.columns)
        return ordered.transform(with_folder_reasons, partition_by=self.spec.partition_by).transform(
            with_faults, [(is_row & condition, rule, name) for condition, rule, name in faults]
        )

    def _files_to_widen(self, batch: Batch, columns: Mapping[str, str]) -> list[str]:
        """Return the table's files if a column changes its type: Spark cannot read the former type as the new one."""
        state = batch.state
        same = all(columns.get(name, kind) == kind for name, kind in state.columns.items())
        return [] if same or batch.plan.overwrites_table else list(state.files)


def _rows_in_table(
    spark: SparkSession, batch: Batch, table: TablePlace, paths: Sequence[str], columns: Mapping[str, str]
) -> DataFrame:
    """Read rows of table files with the new column types."""
    before = batch.state.columns
    schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in before.items())
    uris = [batch.lake.spark_uri(path) for path in paths]
    rows = read_files(spark, schema, uris, base=batch.lake.spark_uri(table.destination))
    return rows.select(
        *((column(name) if name in before else F.lit(None)).cast(kind).alias(name) for name, kind in columns.items())
    )
