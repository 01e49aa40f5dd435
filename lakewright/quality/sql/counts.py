"""What a gate counts in SQL: rows of which something is true, and rows whose keys another row has as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakewright.quality.sql.dialects import Dialect, identifier


@dataclass(frozen=True)
class Keys:
    """Columns whose values must be unique together.

    Attributes:
        columns: Their names.
        joined_by: What joins the conditions that a column is not null, ``OR`` or ``AND``, into that of the rows
            considered; empty if all rows are.
    """

    columns: tuple[str, ...]
    joined_by: str

    def names(self, dialect: Dialect) -> list[str]:
        """Return the columns as SQL."""
        return [identifier(column, dialect) for column in self.columns]

    def rows(self, dialect: Dialect) -> str:
        """Return the predicate of the rows considered."""
        conditions = [f"{name} IS NOT NULL" for name in self.names(dialect)]
        return f" {self.joined_by} ".join(conditions) if self.joined_by else "TRUE"

    def ascent(self, relation: str) -> str:
        """Return DuckDB's query for the numbers of rows considered, of those that follow a lesser key, and of nulls.

        The least and the greatest key follow. If all but the first row follow a lesser key, all keys differ.
        """
        names = self.names("duckdb")
        values = f"row({', '.join(names)}) AS key, {' OR '.join(f'{name} IS NULL' for name in names)} AS has_null, "
        pairs = f"SELECT {values}{_ascends(names)} AS ascends FROM {relation} WHERE {self.rows('duckdb')}"  # noqa: S608
        counted = ", ".join(f"count(CASE WHEN {condition} THEN 1 END)" for condition in ("TRUE", "ascends", "has_null"))
        return f"SELECT {counted}, min(key), max(key) FROM ({pairs}) AS p"  # noqa: S608

    def copies(self, relation: str, dialect: Dialect) -> str:
        """Return the query for the number of rows whose keys another row has as well.

        Spark sorts rows faster than it groups them if most keys differ: it would first group them in each task, in
        vain.
        """
        names, rows = self.names(dialect), self.rows(dialect)
        by = ", ".join(names)
        if dialect == "spark":
            counted = f"SELECT count(*) OVER (PARTITION BY {by}) AS copies FROM {relation} WHERE {rows}"  # noqa: S608
            return f"SELECT count(CASE WHEN copies > 1 THEN 1 END) FROM ({counted}) AS g"  # noqa: S608
        unordered = f"({rows}) AND ({_is_unordered(relation, names, rows)})"
        groups = f"SELECT count(*) AS copies FROM {relation} WHERE {unordered} GROUP BY {by}"  # noqa: S608
        return f"SELECT CAST(coalesce(sum(CASE WHEN copies > 1 THEN copies END), 0) AS BIGINT) FROM ({groups}) AS g"  # noqa: S608


@dataclass(frozen=True)
class Counts:
    """Counts by name.

    Attributes:
        measures: Expressions in SQL that count rows, so that they add up over parts of the rows.
        copies: Keys of which the rows are counted whose keys another row has as well.
    """

    measures: Mapping[str, str]
    copies: Mapping[str, Keys]

    def statement(self, relation: str, dialect: Dialect) -> str:
        """Return a query with one row, whose columns are the counts."""
        copies = [f"({keys.copies(relation, dialect)}) AS {name}" for name, keys in self.copies.items()]
        if not self.measures:
            return f"SELECT {', '.join(copies)}"
        measures = ", ".join(f"{measure} AS {name}" for name, measure in self.measures.items())
        return f"SELECT {', '.join(['m.*', *copies])} FROM (SELECT {measures} FROM {relation}) AS m"  # noqa: S608


def _is_unordered(relation: str, keys: Sequence[str], rows: str) -> str:
    """Return the query whether the rows are not in ascending order of their keys; if they are, all keys differ.

    Grouping takes ten times as long as this, and exports are often in the order of their keys.
    """
    pairs = f"SELECT {_ascends(keys)} AS ascends FROM {relation} WHERE {rows}"  # noqa: S608
    return f"SELECT count(*) - count(CASE WHEN ascends THEN 1 END) > 1 FROM ({pairs}) AS p"  # noqa: S608


def _ascends(keys: Sequence[str]) -> str:
    """Return the condition that a row follows one with a lesser key."""
    ascends = "FALSE"
    for key in reversed(keys):
        ascends = f"{key} > lag({key}) OVER () OR ({key} = lag({key}) OVER () AND ({ascends}))"
    return ascends
