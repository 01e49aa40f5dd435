"""The rows that a gate judges, on the engine of the batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from lakewright.quality.sql.counts import Counts
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
        """The dialect of ``counts``."""

    def count(self) -> int:
        """Return the number of rows."""

    def counts(self, counts: Counts, columns: Sequence[str]) -> Mapping[str, int]:
        """Count what uses these columns, in ``dialect``, and return the counts by name."""

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        """Return these columns as a DataFrame of Spark or pandas; without ``rows``, an empty one."""
