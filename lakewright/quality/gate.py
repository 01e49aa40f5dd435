"""A gate: judges the staged rows of a batch by a suite, before the batch is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lakewright.quality.config import GatedFeed, Gates
from lakewright.quality.duckdb_connection import require_duckdb
from lakewright.quality.judged_table import JudgedTable
from lakewright.quality.library import judge
from lakewright.quality.result import ExpectationResult, columns_of, describe, missing_columns_result, result_of
from lakewright.quality.row_rules import NO_ROW_RULES, RowRule, RowRules
from lakewright.quality.sql.compiled import Aggregate, library_reason
from lakewright.quality.sql.dialects import Dialect
from lakewright.quality.suite import Suite
from lakewright.quality.validation import check_suites
from lakewright.runs.job.batch import Staged
from lakewright.runs.job.interfaces import Verdict

#: Results named in the error of a refused batch.
_NAMED: Final = 3


@dataclass(frozen=True)
class SuiteGate:
    """See ``lakewright.runs.job.interfaces.Gate``.

    Attributes:
        shows_values: Whether results may contain values of the data.
        rows_judged_by: What applies the expectations that reject rows: DuckDB where workers read them as Arrow tables.
    """

    suite: Suite
    options: Gates
    shows_values: bool = False
    rows_judged_by: Dialect = "duckdb"

    @property
    def row_rules(self) -> RowRules:
        """The expectations that reject rows."""
        return RowRules(self.suite.row_rules)

    def check(self) -> None:
        """See ``Gate.check``."""
        check_suites([self.suite], self.options.gate_engine)
        if self.row_rules and self.rows_judged_by == "duckdb":
            require_duckdb()

    def judge(self, table: JudgedTable, staged: Staged) -> Verdict:
        """See ``Gate.judge``."""
        rows = table.count()
        if not staged.in_table and self.options.on_empty_batch == "fail":
            return Verdict(self._report(0, "refused", ()), refused=self._refusal("the batch has no rows for the table"))
        # Without rows, because all were rejected or are deletes, only rules that have rejected some are judged.
        rules = [rule for rule in self.row_rules if rows or rule.counted_as in staged.rules]
        results = [*(self._judged(table) if rows else ()), *(_of_row_rule(rule, table, staged.rules) for rule in rules)]
        return self._verdict(rows, sorted(results, key=lambda result: result.number))

    def _judged(self, table: JudgedTable) -> list[ExpectationResult]:
        """Evaluate the expectations on the batch: by SQL, and what that leaves undecided by the library."""
        results = self._by_sql(table) if self.options.gate_engine == "auto" else {}
        by_library = [each for each in self.suite.of_batch if each.number not in results]
        if by_library:
            results |= {each.number: each for each in judge(table, by_library, shows_values=self.shows_values)}
        return list(results.values())

    def _by_sql(self, table: JudgedTable) -> dict[int, ExpectationResult]:
        """Evaluate the expectations that are compiled, by SQL, and return the results by number."""
        compiled = [each for each in self.suite.of_batch if not library_reason(each, table.columns)]
        if not compiled:
            return {}
        aggregate = Aggregate(compiled, table.columns, table.dialect)
        named = dict.fromkeys(name for each in compiled for name in columns_of(each) if name in table.columns)
        results = aggregate.results(lambda counts: table.counts(counts, list(named)))
        return {result.number: result for result in results if result is not None}

    def _verdict(self, rows: int, results: Sequence[ExpectationResult]) -> Verdict:
        unmet = [result for result in results if not result.success]
        refusing = [result for result in unmet if result.on_failure == "refuse_batch"]
        refusing += [result for result in unmet if result.on_failure == "reject_rows" and result.exception]
        warned = [describe(result) for result in unmet if result.on_failure == "warn"]
        return Verdict(
            self._report(rows, "refused" if refusing else "passed", results),
            refused=self._refusal(*map(describe, refusing)) if refusing else "",
            warnings=[f"{sentence} (suite {self.suite.name})" for sentence in warned],
        )

    def _report(self, rows: int, verdict: str, results: Sequence[ExpectationResult]) -> Mapping[str, Any]:
        return {
            "suite": self.suite.name,
            "verdict": verdict,
            "rows": rows,
            "results": msgspec.to_builtins(list(results)),
        }

    def _refusal(self, *sentences: str) -> str:
        more = f"; and {len(sentences) - _NAMED} more" if len(sentences) > _NAMED else ""
        named = "; ".join(sentences[:_NAMED])
        return f"refused by its gate (suite {self.suite.name}): {named}{more}; nothing was published"


def gate_of(feed: GatedFeed, table: str, rows_judged_by: Dialect = "duckdb") -> SuiteGate | None:
    """Return the gate of a table; None if it has none."""
    suite = feed.suite_for(table)
    if feed.gates is None or suite is None:
        return None
    return SuiteGate(suite, feed.gates, feed.show_values, rows_judged_by)


def row_rules_of(gate: SuiteGate | None) -> RowRules:
    """Return the expectations of a gate that reject rows; none if there is no gate."""
    return gate.row_rules if gate else NO_ROW_RULES


def _of_row_rule(rule: RowRule, table: JudgedTable, rules: Mapping[str, int]) -> ExpectationResult:
    """Return the result of an expectation that rejects rows: they were rejected as they were read."""
    expectation = rule.expectation
    if rule.column not in table.columns:
        return missing_columns_result(expectation, (rule.column,))
    problem = library_reason(expectation, table.columns)
    rejected = rules.get(rule.counted_as, 0)
    return result_of(
        expectation,
        success=not problem and not rejected,
        unexpected_count=rejected,
        exception=f"rows cannot be rejected by it, since {problem}; use refuse_batch or warn" if problem else "",
    )
