"""The rows that a gate judges, and the rules that reject single rows, on Spark."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakewright.engine.spark.parquet import read_files
from lakewright.engine.spark.session import own_session
from lakewright.log.records import DataFile
from lakewright.quality.judged_table import ROWS
from lakewright.quality.row_rules import RowRules
from lakewright.quality.sql.counts import Counts
from lakewright.quality.sql.dialects import Dialect
from lakewright.storage.lake import Lake
from transforms.partition_folders import values_of_folder
from transforms.spark.names import column, quoted

_OBJECT = "_object"


@dataclass(frozen=True)
class SparkTable:
    """See ``JudgedTable``; the session of the rows is that of one target, since views are named in it.

    Attributes:
        number: The number of rows, if it is known.
    """

    rows: DataFrame
    number: int | None = None

    @property
    def columns(self) -> Mapping[str, str]:
        """See ``JudgedTable.columns``."""
        return dict(self.rows.dtypes)

    @property
    def dialect(self) -> Dialect:
        """See ``JudgedTable.dialect``."""
        return "spark"

    def count(self) -> int:
        """See ``JudgedTable.count``."""
        return self.rows.count() if self.number is None else self.number

    def counts(self, counts: Counts, columns: Sequence[str]) -> Mapping[str, int]:  # noqa: ARG002 - Spark prunes columns
        """See ``JudgedTable.counts``."""
        self.rows.createOrReplaceTempView(ROWS)
        (row,) = self.rows.sparkSession.sql(counts.statement(ROWS, "spark")).collect()
        return dict(row.asDict())

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> DataFrame:
        """See ``JudgedTable.frame``."""
        chosen = self.rows.select(*map(column, columns))
        return chosen if rows else chosen.limit(0)


def read_staged(
    lake: Lake, files: Mapping[str, DataFile], types: Mapping[str, str], moved: frozenset[str]
) -> SparkTable:
    """Return the rows of Parquet files, by the path at which they are now; without those of ``moved`` objects."""
    spark = own_session(lake_uris=(lake.uri,))
    if differ_in_case_only(types):
        spark.conf.set("spark.sql.caseSensitive", value=True)
    folders = {name for file in files.values() for name in values_of_folder(file.partition)}
    schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    paths = [lake.spark_uri(path) for path in files]
    roots = {path.removesuffix(f"{file.partition}/{path.rpartition('/')[2]}") for path, file in files.items()}
    base = lake.spark_uri(min(roots)) if folders else ""
    rows = read_files(spark, schema, paths, base=base) if paths else spark.createDataFrame([], schema)
    if moved:
        return SparkTable(rows.where(~F.col(_OBJECT).isin(*sorted(moved))))
    return SparkTable(rows, sum(file.rows for file in files.values()))


def differ_in_case_only(columns: Iterable[str]) -> bool:
    """Return whether two columns do, as ``op`` of a source and ``Op`` of AWS DMS."""
    return max(Counter(map(str.casefold, columns)).values(), default=0) > 1


def row_rule_faults(rules: RowRules, columns: Mapping[str, str]) -> list[tuple[Column, str, str]]:
    """Return the faults of row rules: condition, rule and column; see ``transforms.spark.changes.with_faults``."""
    predicates = rules.predicates(columns, "spark")
    return [(F.expr(sql), rule.name, rule.column) for rule, sql in predicates]
