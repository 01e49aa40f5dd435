"""The rows that a gate judges, on the engine of the batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from lakewright.quality.sql.dialects import Dialect

#: The name of the rows in SQL.
ROWS: Final = "staged_rows"


class JudgedTable(Protocol):
    """The staged rows of a batch, or the rows of a table."""

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns with their types, as Spark writes these."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of ``one_row``."""

    def count(self) -> int:
        """Return the number of rows."""

    def one_row(self, sql: str, columns: Sequence[str]) -> Mapping[str, Any]:
        """Run a query over ``ROWS`` that uses these columns and returns one row."""

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        """Return these columns as a DataFrame of Spark or pandas; without ``rows``, an empty one."""
