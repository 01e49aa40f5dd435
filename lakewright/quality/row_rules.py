"""Expectations that reject single rows, applied to Arrow tables; ``lakewright.engine.spark.row_rules`` uses Spark."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakewright.quality.compiled import row_predicate
from lakewright.quality.judged_table import ROWS
from lakewright.quality.suite import Expectation

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_NULL = "expect_column_values_to_not_be_null"


@dataclass(frozen=True)
class RowRules:
    """The expectations of a table that reject the rows that do not meet them."""

    expectations: tuple[Expectation, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.expectations)

    @staticmethod
    def count_name(rule: Expectation) -> str:
        """Return the name under which receipts count the rows that a rule rejects."""
        return f"{rule.columns[0]}: {rule.short_name}"

    def judged(self, columns: Mapping[str, str]) -> list[Expectation]:
        """Return the rules that rows with these columns can break: all values of an absent column are null."""
        return [each for each in self.expectations if each.type == _NOT_NULL or each.columns[0] in columns]

    def predicates(self, columns: Mapping[str, str], dialect: str) -> list[tuple[Expectation, str]]:
        """Return the SQL condition of each rule that is true for the rows to reject."""
        return [
            (each, row_predicate(each, columns, dialect) if each.columns[0] in columns else "true")
            for each in self.judged(columns)
        ]


class ArrowRowRules:
    """Applies row rules to Arrow tables with the same columns, by DuckDB.

    Args:
        rules: The rules.
        columns: The columns of the tables with their types, as Spark writes these.
    """

    def __init__(self, rules: RowRules, columns: Mapping[str, str]) -> None:
        self._predicates = rules.predicates(columns, "duckdb")

    def __bool__(self) -> bool:
        """Whether there are any rules."""
        return bool(self._predicates)

    def broken(self, rows: "pa.Table") -> list[tuple[Expectation, Any]]:
        """Return the rules that rows break, each with a boolean array that is true for these rows."""
        if not self._predicates or not rows.num_rows:
            return []
        conditions = ", ".join(f"({sql}) AS r{place}" for place, (_, sql) in enumerate(self._predicates))
        relation = self._connection.from_arrow(rows)
        masks = relation.query(ROWS, f"SELECT {conditions} FROM {ROWS}").to_arrow_table()  # noqa: S608 - compiled
        broken = []
        for place, (rule, _) in enumerate(self._predicates):
            mask = masks[f"r{place}"].combine_chunks()
            if mask.true_count:
                broken.append((rule, mask))
        return broken

    @cached_property
    def _connection(self) -> Any:
        from lakewright.quality.duckdb_table import connect

        return connect(threads=1)
