"""A table of changes without a key: every row is kept, with the kind of change that it is, in a Parquet table."""

from collections.abc import Mapping

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.cdc_table import ChangedTable, observe_read
from lakewright.aws.catalog import Catalog
from lakewright.dms.files import Footer
from lakewright.engine.spark.observations import counted
from lakewright.engine.spark.parquet import stage_parquet
from lakewright.errors import ConfigError
from lakewright.hudi.timeline import read_properties
from lakewright.runs.job import Staged
from lakewright.runs.log import Before, Plan
from lakewright.runs.records import Counts
from lakewright.runs.progress import Progress
from transforms.spark.changes import IS_LOAD, KIND, ORDER, REJECTED, with_folder_reasons


def build(changes: DataFrame, *, kind_column: str, read: Observation) -> DataFrame:
    """Keep every change, and what it was.

    Columns in:  those of ``transforms.spark.changes.with_change_order``
    Columns out: the same, then ``kind_column`` (string; the rows of a full load are inserts)
    Rows:        without rejected ones; ``read`` observes what goes in
    """
    kind = F.when(F.col(IS_LOAD), F.lit("I")).otherwise(F.col(KIND))
    return changes.transform(observe_read, read=read).where(~F.col(REJECTED)).withColumn(kind_column, kind)


class AppendTarget(ChangedTable):
    """One table without a key; see ``lakewright.runs.job.TargetJob``."""

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:  # noqa: ARG002
        """See ``TargetJob.stage``."""
        if read_properties(self._lake, self.target.path):
            raise ConfigError(f"{self.target.path} is a Hudi table, and the table has no key now; give it its key back")
        before = Before() if plan.replaces is None else plan.before
        footers, refused = self._look(plan.objects)
        if refused:
            return Staged(refused=refused)
        kind_column = self.feed.source.kind_column
        columns, _ = self._columns(footers, before.columns)
        read = Observation()
        judged = self._read(footers, columns).transform(self._judge)
        kept = judged.transform(build, kind_column=kind_column, read=read)
        try:
            stage_parquet(
                kept.select(*columns, kind_column, ORDER),
                self._uri(folder, "table/"),
                partition_by=self.spec.partition_by,
            )
        except Py4JJavaError:
            if damaged := self._damaged(plan):
                return Staged(refused=damaged)
            raise
        rows = counted(read)
        self._check_read(rows, footers)
        quarantine, rules = self._stage_rejected(plan, folder, rows, footers, columns)
        return Staged(
            counts=Counts(read=rows["read"], written=rows["read"] - rows["rejected"], rejected=rows["rejected"]),
            rules=rules,
            columns=columns | {kind_column: "string", ORDER: "string"},
            table=self._staged_files(plan, folder, "table/", self.target.path),
            quarantine=quarantine,
        )

    def _columns(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """See ``ChangedTable``; the table's own kind of change and order are no columns of its files."""
        kind = self.feed.source.kind_column
        columns, changes = super()._columns(
            footers, {name: of for name, of in table.items() if name not in (kind, ORDER)}
        )
        if other := next((name for name in columns if name != kind and name.casefold() == kind.casefold()), None):
            raise ConfigError(
                f"{self.target.name} has a column {other!r}, and is appended with the kind of each change as {kind!r}: "
                "they differ in case alone; give the table its key, or rename the column at the source"
            )
        return columns, changes

    def layout(self) -> str:
        """See ``TargetJob.layout``."""
        return f"{self.target.path} by {'/'.join(self.spec.partition_by) or 'no partition'}, appended"

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``; a folder on a person's own machine is nothing that the catalog could point to."""
        database = self.feed.target.catalog_database
        if not database or not self._lake.uri.startswith("s3://"):
            return None
        location, owner = f"{self._lake.uri}/{self.target.path}", self._owner()
        return Catalog(database, self.target.name, location, self.spec.partition_by, owner=owner)

    def _judge(self, changes: DataFrame) -> DataFrame:
        """See ``ChangedTable``; a text that cannot be the name of a folder is rejected as well."""
        return super()._judge(changes).transform(with_folder_reasons, partition_by=self.spec.partition_by)
