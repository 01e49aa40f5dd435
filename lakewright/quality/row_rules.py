"""Expectations that reject single rows, applied to Arrow tables; ``row_rule_faults`` is their form on Spark."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lakewright.quality.duckdb_connection import connect
from lakewright.quality.expectation import Expectation
from lakewright.quality.judged_table import ROWS
from lakewright.quality.result import columns_of
from lakewright.quality.sql.arguments import NOT_NULL
from lakewright.quality.sql.compiled import library_reason, row_predicate
from lakewright.quality.sql.dialects import Dialect

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RowRule:
    """An expectation that rejects rows, as the reasons of rejected rows name it.

    Attributes:
        expectation: The expectation.
        has_namesakes: Whether the suite rejects rows by further expectations of its type on its column.
    """

    expectation: Expectation
    has_namesakes: bool = False

    @property
    def name(self) -> str:
        """The name of the rule: the expectation's type without ``expect_``, with its number if others are alike."""
        number = f" (expectation {self.expectation.number})" if self.has_namesakes else ""
        return self.expectation.type.removeprefix("expect_") + number

    @property
    def column(self) -> str:
        """The column that it judges."""
        return columns_of(self.expectation)[0]

    @property
    def words(self) -> str:
        """What it means: the notes of the expectation."""
        return self.expectation.notes or f"The value does not meet {self.expectation.type}."

    @property
    def counted_as(self) -> str:
        """The name under which receipts count the rows that it rejects."""
        return f"{self.column}: {self.name}"


@dataclass(frozen=True)
class RowRules:
    """The expectations of a table that reject the rows that do not meet them."""

    expectations: tuple[Expectation, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.expectations)

    def __iter__(self) -> Iterator[RowRule]:
        """Return the rules, each with a name of its own."""
        named = Counter((each.type, columns_of(each)) for each in self.expectations)
        return (RowRule(each, named[each.type, columns_of(each)] > 1) for each in self.expectations)

    @property
    def words(self) -> Mapping[str, str]:
        """What the rules mean, by the name under which receipts count them."""
        return {rule.counted_as: rule.words for rule in self}

    def predicates(self, columns: Mapping[str, str], dialect: Dialect) -> list[tuple[RowRule, str]]:
        """Return the rules that rows with these columns can break, each with the SQL condition that rejects a row.

        All values of an absent column are null. A rule that SQL cannot decide rejects nothing: the gate refuses the
        batch.
        """
        predicates = []
        for rule in self:
            if rule.column not in columns:
                predicates += [(rule, "TRUE")] if rule.expectation.type == NOT_NULL else []
            elif not library_reason(rule.expectation, columns):
                predicates.append((rule, row_predicate(rule.expectation, columns, dialect)))
        return predicates


NO_ROW_RULES: Final = RowRules()


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

    def broken(self, rows: "pa.Table") -> list[tuple[RowRule, Any]]:
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
        return connect(threads=1)
