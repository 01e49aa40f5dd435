"""Expectations compiled to one aggregate in SQL, with the results that Great Expectations 1.24 gives.

What SQL might evaluate differently from the library is not compiled. If it depends on the rows, e.g. on NaN or on
digits beyond ASCII, the same aggregate counts them, and leaves the expectation undecided if there are any.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from lakewright.quality.expectation import Expectation
from lakewright.quality.result import ExpectationResult, count_result, map_result, missing_columns_result
from lakewright.quality.sql.arguments import (
    COMPOUND_UNIQUE,
    NOT_NULL,
    ROW_COUNT,
    NotCompiledError,
    check_arguments,
    is_strict,
    named_columns,
    whole_number,
)
from lakewright.quality.sql.counts import Counts, Keys
from lakewright.quality.sql.dialects import Dialect, identifier
from lakewright.quality.sql.kinds import Kind, column_type
from lakewright.quality.sql.predicates import ROW_EXPECTATIONS, Column, doubtful_values, unexpected_rows

#: What joins the conditions that a column is not null into that of the rows considered.
_JOINED_BY: Final = {"all_values_are_missing": "OR", "any_value_is_missing": "AND", "never": ""}

Row = Mapping[str, Any]
_Reader = Callable[[Row], ExpectationResult | None]


def library_reason(expectation: Expectation, columns: Mapping[str, str]) -> str:
    """Return why an expectation must be evaluated by the library; empty if it is compiled.

    Args:
        expectation: The expectation.
        columns: The SQL type of each column of the table, named as in DuckDB or Spark.
    """
    try:
        Aggregate([expectation], columns, "duckdb")
    except NotCompiledError as error:
        return str(error)
    return ""


def row_predicate(expectation: Expectation, columns: Mapping[str, str], dialect: Dialect) -> str:
    """Return the predicate that a row does not meet an expectation; true or false, never null.

    NaN is greater than every number. Of the readings of a regular expression, the narrowest counts.

    Raises:
        NotCompiledError: If the expectation is not compiled, or not about single rows of the table.
    """
    check_arguments(expectation, columns)
    if expectation.type not in ROW_EXPECTATIONS:
        raise NotCompiledError("whether a row meets it depends on other rows")
    (name,) = named_columns(expectation)
    if name not in columns:
        raise NotCompiledError(f"the table has no column {name!r}")
    return f"coalesce({unexpected_rows(expectation, _column(name, columns, dialect)).unexpected}, FALSE)"


class Aggregate:
    """What is counted once to evaluate several expectations, and the counts turned into results.

    Whether several columns are unique together follows, as a rule, from one of them that is unique and never null; only
    otherwise rows are counted a second time, by all of them.
    """

    def __init__(self, expectations: Sequence[Expectation], columns: Mapping[str, str], dialect: Dialect) -> None:
        """Compile the expectations.

        Raises:
            NotCompiledError: If one of them is not compiled; see ``library_reason``.
        """
        self._types = columns
        self._dialect = dialect
        self._measures: dict[str, str] = {}
        self._groups: dict[Keys, str] = {}
        self._rows = self._measure("count(*)")
        self._readers = [self._compile(expectation) for expectation in expectations]
        self._implied = {keys: members for keys in self._groups if (members := self._unique_members(keys))}

    def evaluate(self, relation: str, one_row: Callable[[str], Row]) -> list[ExpectationResult | None]:
        """Return the result of each expectation; None if the library has to decide.

        Args:
            relation: What follows ``FROM``: a table or a table function. It is scanned once, and for each uniqueness
                once or twice more in the columns concerned.
            one_row: Runs a statement that gives one row.
        """
        return self.results(lambda counts: one_row(counts.statement(relation, self._dialect)))

    def results(self, count: Callable[[Counts], Row]) -> list[ExpectationResult | None]:
        """Return the result of each expectation from what ``count`` counts, once or twice; see ``evaluate``."""
        measures = {name: measure for measure, name in self._measures.items()}
        row = count(Counts(measures, {name: keys for keys, name in self._groups.items() if keys not in self._implied}))
        undecided = {
            self._groups[keys]: keys
            for keys, members in self._implied.items()
            if all(row[copies] or row[nulls] for copies, nulls in members)
        }
        row = {**dict.fromkeys(self._groups.values(), 0), **row}
        if undecided:
            row |= count(Counts({}, undecided))
        return [read(row) for read in self._readers]

    def _unique_members(self, keys: Keys) -> list[tuple[str, str]]:
        """Return the measures of each column of some keys that is a key by itself: its copies and its nulls."""
        if len(keys.columns) == 1:
            return []
        singles = {of.columns[0]: copies for of, copies in self._groups.items() if len(of.columns) == 1}
        return [
            (singles[column], self._count(f"{identifier(column, self._dialect)} IS NULL"))
            for column in keys.columns
            if column in singles
        ]

    def _compile(self, expectation: Expectation) -> _Reader:
        check_arguments(expectation, self._types)
        names = named_columns(expectation)
        if missing := tuple(name for name in names if name not in self._types):
            result = missing_columns_result(expectation, missing)
            return lambda _row: result
        if expectation.type == ROW_COUNT:
            return self._row_count(expectation)
        columns = [_column(name, self._types, self._dialect) for name in names]
        if expectation.type in ROW_EXPECTATIONS:
            return self._single_rows(expectation, columns[0])
        return self._unique(expectation, columns)

    def _row_count(self, expectation: Expectation) -> _Reader:
        least, most = whole_number(expectation, "min_value"), whole_number(expectation, "max_value")
        above = is_strict(expectation, "strict_min")
        below = is_strict(expectation, "strict_max")
        if least is not None and most is not None and least > most:
            raise NotCompiledError("its min_value is greater than its max_value")

        def read(row: Row) -> ExpectationResult:
            rows = row[self._rows]
            is_enough = least is None or (rows > least if above else rows >= least)
            is_few = most is None or (rows < most if below else rows <= most)
            return count_result(expectation, rows, success=is_enough and is_few)

        return read

    def _single_rows(self, expectation: Expectation, column: Column) -> _Reader:
        predicate = unexpected_rows(expectation, column)
        considered = None if expectation.type == NOT_NULL else self._measure(f"count({column.sql})")
        return self._map_reader(expectation, considered, self._count(predicate.unexpected), [predicate.doubtful])

    def _unique(self, expectation: Expectation, columns: Sequence[Column]) -> _Reader:
        if any(column.type.kind is Kind.OTHER for column in columns):
            raise NotCompiledError("its columns are of a type whose values DuckDB and Spark may compare differently")
        ignored = "all_values_are_missing"
        if expectation.type == COMPOUND_UNIQUE:
            ignored = expectation.kwargs.get("ignore_row_if") or ignored
        if ignored not in _JOINED_BY:
            raise NotCompiledError("its ignore_row_if is unknown")
        keys = Keys(named_columns(expectation), _JOINED_BY[ignored])
        unexpected = self._groups.setdefault(keys, f"g{len(self._groups)}")
        considered = self._count(keys.rows(self._dialect))
        return self._map_reader(expectation, considered, unexpected, map(doubtful_values, columns))

    def _map_reader(
        self, expectation: Expectation, considered: str | None, unexpected: str, doubtful: Iterable[str]
    ) -> _Reader:
        doubts = [self._count(predicate) for predicate in doubtful if predicate]

        def read(row: Row) -> ExpectationResult | None:
            if any(row[doubt] for doubt in doubts):
                return None
            return map_result(expectation, row[self._rows], row[considered] if considered else None, row[unexpected])

        return read

    def _count(self, predicate: str) -> str:
        return self._measure(f"count(CASE WHEN {predicate} THEN 1 END)")

    def _measure(self, expression: str) -> str:
        return self._measures.setdefault(expression, f"m{len(self._measures)}")


def _column(name: str, types: Mapping[str, str], dialect: Dialect) -> Column:
    return Column(identifier(name, dialect), column_type(types[name]), dialect)
