"""The differences between the SQL of DuckDB and of Spark that matter here."""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Dialect = Literal["duckdb", "spark"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Spark substitutes ``${…}`` in the text of a statement.
_SPARK_ESCAPES: Final = str.maketrans({"\\": r"\\", "'": r"\'", "$": r"\u0024"})


def is_writable(text: str) -> bool:
    """Return whether a text can stand in a statement: it has no NUL and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def identifier(name: str, dialect: Dialect) -> str:
    """Quote the name of a column."""
    if dialect == "duckdb":
        return '"' + name.replace('"', '""') + '"'
    return "`" + name.replace("`", "``") + "`"


def text_literal(text: str, dialect: Dialect) -> str:
    """Write a text as a literal."""
    if dialect == "duckdb":
        return "'" + text.replace("'", "''") + "'"
    return "'" + text.translate(_SPARK_ESCAPES) + "'"


def matches(column: str, pattern: str, dialect: Dialect) -> str:
    """Write that a regular expression matches some part of a text."""
    literal = text_literal(pattern, dialect)
    return f"regexp_matches({column}, {literal})" if dialect == "duckdb" else f"{column} RLIKE {literal}"


def byte_length(column: str, dialect: Dialect) -> str:
    """Write the length of a text in bytes of UTF-8."""
    return f"strlen({column})" if dialect == "duckdb" else f"octet_length({column})"


def compared_with_instant(column: str, comparison: str, instant: datetime, dialect: Dialect) -> str:
    """Compare a timestamp with a point in time, independent of DuckDB's time zone; Spark's is UTC."""
    if dialect == "duckdb":
        return f"epoch_us({column}) {comparison} {(instant - _EPOCH) // timedelta(microseconds=1)}"
    return f"{column} {comparison} CAST('{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00' AS TIMESTAMP)"
