"""Changes of a table with a key, reduced to the last one per key."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import ChangeFiles
from lakewright.engine.spark.changes.judged import JudgedChanges, change_order
from lakewright.engine.spark.judged.rows import row_rule_faults
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from transforms.spark.changes import IS_DELETED, IS_IMPLIED, ORDER, UPDATES, with_faults
from transforms.spark.kept_values import UNCHANGED
from transforms.spark.key_changes import IS_SHARED
from transforms.spark.keyed_changes import collapse_changes, judge_keyed_changes


@dataclass(frozen=True)
class KeyedChanges:
    """The changes of a batch, with their validation and deduplication; ``row_rules`` judge what is left of them."""

    files: ChangeFiles
    source: ReplicationSource
    spec: TableSpec
    row_rules: RowRules = NO_ROW_RULES

    @property
    def follows_keys(self) -> bool:
        """Whether updates carry the former key."""
        return bool(self.source.before_image_prefix)

    @property
    def keep(self) -> Mapping[str, bool]:
        """Columns whose values an update may omit; True if null means omitted."""
        spec = self.spec
        values = (name for name in self.files.columns if name not in (*spec.key, *spec.partition_by))
        by_null = set(spec.keep_when_null)
        return {name: name in by_null for name in values if spec.keep_when_absent or name in by_null}

    def judged(self) -> JudgedChanges:
        """Return the changes with order and rejection reasons."""
        judge = partial(
            judge_keyed_changes,
            key=self.spec.key,
            partition_by=self.spec.partition_by,
            **change_order(self.files, self.source, self.spec),
            beside_values=self.files.names.of_table.names_of(self.source.time_column),
            keep=self.keep,
            allows_absent=self.spec.keep_when_absent,
            follows_keys=self.follows_keys,
        )
        return JudgedChanges(self.files, judge)

    def judged_alone(self) -> JudgedChanges:
        """Return the changes judged one by one also by row rules, unless updates may omit values."""
        if not self.row_rules or self.keep:
            return self.judged()
        is_row, judge = F.col(IS_DELETED).isNull(), self.judged().judge
        faults = row_rule_faults(self.row_rules, self.files.columns)
        of_rows = [(is_row & condition, rule, name) for condition, rule, name in faults]
        return JudgedChanges(self.files, lambda changes: judge(changes).transform(with_faults, of_rows))

    def collapse(self, changes: DataFrame, *, followed: DataFrame | None) -> DataFrame:
        """Keep the last change per key; see ``collapse_changes``."""
        return changes.transform(
            collapse_changes,
            key=self.spec.key,
            partition_by=self.spec.partition_by,
            followed=followed,
            keep=self.keep,
        )


def observe_kept(changes: DataFrame, *, kept: Observation) -> DataFrame:
    """Count rows to write and to delete, and observe the lowest and highest order."""
    is_deleted, is_implied = F.col(IS_DELETED).isNotNull(), F.col(IS_IMPLIED)
    return changes.observe(
        kept,
        F.count_if(~is_deleted).alias("written"),
        F.count_if(is_deleted & ~is_implied).alias("deleted"),
        F.count_if(is_implied).alias("rekeyed"),
        F.count_if(~is_deleted & F.col(UPDATES)).alias("updates"),
        F.count_if(~is_deleted & (F.size(UNCHANGED) > 0)).alias("left_out"),
        F.count_if(IS_SHARED).alias("shared"),
        F.min(ORDER).alias("lowest"),
        F.max(ORDER).alias("highest"),
    )
