"""A gate: judges the staged rows of a batch by a suite, before the batch is published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakewright.quality.compiled import is_compiled
from lakewright.quality.config import GatedFeed, Gates
from lakewright.quality.judged_table import JudgedTable
from lakewright.quality.library import check_suites, judge, missing_columns, without_columns
from lakewright.quality.result import ExpectationResult
from lakewright.quality.row_rules import RowRules
from lakewright.quality.suite import Expectation, Suite, has_known_kwargs
from lakewright.runs.job import Staged, Verdict

#: Results named in the error of a refused batch.
_NAMED: Final = 3


@dataclass(frozen=True)
class SuiteGate:
    """See ``lakewright.runs.job.Gate``.

    Attributes:
        shows_values: Whether results may contain values of the data.
        warnings: Warnings about its configuration.
    """

    suite: Suite
    options: Gates
    shows_values: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def row_rules(self) -> RowRules:
        """The expectations that reject rows."""
        return RowRules(self.suite.row_rules)

    def check(self) -> None:
        """See ``Gate.check``."""
        if not all(map(has_known_kwargs, self.suite.expectations)):
            check_suites([self.suite])

    def judge(self, table: JudgedTable, staged: Staged) -> Verdict:
        """See ``Gate.judge``."""
        rows = table.count()
        if not rows:
            return self._verdict_on_nothing(is_empty=not staged.in_table)
        judged = self._judged(table)
        results = [
            judged.get(each.number) or _of_row_rule(each, table, staged.rules) for each in self.suite.expectations
        ]
        return self._verdict(rows, results)

    def _judged(self, table: JudgedTable) -> dict[int, ExpectationResult]:
        """Evaluate the expectations on the batch, each by its engine, and return the results by number."""
        by_library = [each for each in self.suite.of_batch if not self._uses_sql(each, table)]
        results = judge(table, by_library, shows_values=self.shows_values) if by_library else []
        return {each.number: result for each, result in zip(by_library, results, strict=True)}

    def _uses_sql(self, expectation: Expectation, table: JudgedTable) -> bool:
        return self.options.gate_engine == "auto" and is_compiled(expectation, table.columns)

    def _verdict(self, rows: int, results: Sequence[ExpectationResult]) -> Verdict:
        unmet = [result for result in results if not result.success]
        refusing = [result for result in unmet if result.on_failure == "refuse_batch" or result.exception]
        refusing = [result for result in refusing if result.on_failure != "warn"]
        warned = [describe(result) for result in unmet if result.on_failure == "warn"]
        return Verdict(
            self._report(rows, "refused" if refusing else "passed", results),
            refused=self._refusal(refusing) if refusing else "",
            warnings=[f"{sentence} (suite {self.suite.name})" for sentence in warned],
        )

    def _verdict_on_nothing(self, *, is_empty: bool) -> Verdict:
        """Return the verdict on a batch without rows to judge: it is empty, or has only deletes."""
        if is_empty and self.options.on_empty_batch == "fail":
            refused = f"refused by its gate (suite {self.suite.name}): the batch has no rows for the table"
            return Verdict(self._report(0, "refused", ()), refused=f"{refused}; nothing was published")
        return Verdict(self._report(0, "passed", ()))

    def _report(self, rows: int, verdict: str, results: Sequence[ExpectationResult]) -> Mapping[str, Any]:
        return {
            "suite": self.suite.name,
            "verdict": verdict,
            "rows": rows,
            "results": [result.report() for result in results],
        }

    def _refusal(self, results: Sequence[ExpectationResult]) -> str:
        named = "; ".join(map(describe, results[:_NAMED]))
        more = f"; and {len(results) - _NAMED} more" if len(results) > _NAMED else ""
        return f"refused by its gate (suite {self.suite.name}): {named}{more}; nothing was published"


def gates_of(feed: GatedFeed, tables: Sequence[str]) -> Callable[[str], SuiteGate | None]:
    """Return the gates of a feed by table; the first one warns of suites for tables that do not exist."""
    warnings = feed.gates.unknown_tables(tables) if feed.gates else []

    def gate_of(table: str) -> SuiteGate | None:
        suite = feed.suite_for(table)
        if feed.gates is None or suite is None:
            return None
        unknown, warnings[:] = tuple(warnings), []
        return SuiteGate(suite, feed.gates, feed.show_values, unknown)

    return gate_of


def describe(result: ExpectationResult) -> str:
    """Describe an expectation that was not met, in one sentence without values of the data."""
    place = f" on {', '.join(result.columns)}" if result.columns else ""
    return f"{result.type}{place}: {_unmet(result)}"


def _unmet(result: ExpectationResult) -> str:
    if result.exception:
        return result.exception
    if result.unexpected_count is not None and result.unexpected_percent is not None:
        return f"{result.unexpected_count} rows ({result.unexpected_percent:.4g} %) do not meet it"
    if result.unexpected_count is not None:
        return f"{result.unexpected_count} rows do not meet it"
    return "not met" if result.observed_value is None else f"not met, observed {result.observed_value}"


def _of_row_rule(rule: Expectation, table: JudgedTable, rules: Mapping[str, int]) -> ExpectationResult:
    """Return the result of an expectation that rejects rows: they were rejected as they were read."""
    if missing := missing_columns(rule, table.columns):
        return without_columns(rule, missing)
    rejected = rules.get(RowRules.count_name(rule), 0)
    return ExpectationResult(
        type=rule.type,
        columns=rule.columns,
        on_failure=rule.on_failure,
        engine="sql",
        success=not rejected,
        unexpected_count=rejected,
    )
