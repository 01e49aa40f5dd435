"""Column names in Spark expressions, with any characters."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def quoted(name: str) -> str:
    """Quote a column name for SQL."""
    return "`" + name.replace("`", "``") + "`"


def column(name: str) -> Column:
    """Return the column of this exact name, including dots and backticks."""
    return F.col(quoted(name))
