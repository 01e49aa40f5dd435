"""Names of columns in Spark's expressions, whatever characters they have."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def quoted(name: str) -> str:
    """Write a column's name as SQL does."""
    return "`" + name.replace("`", "``") + "`"


def column(name: str) -> Column:
    """Give a column by its exact name; dots and backticks are parts of it."""
    return F.col(quoted(name))
