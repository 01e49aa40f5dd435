"""Every row that was read is staged, and not too many of them are rejected."""

from fractions import Fraction

from lakewright.errors import AccountingError, RowsRefusedError
from lakewright.runs.job.batch import Staged


def check_sums(staged: Staged) -> None:
    """Compare the rows read with the rows staged.

    Raises:
        AccountingError: If they differ.
    """
    counts = staged.counts
    expected = counts.written + counts.deleted + counts.rekeyed
    skipped = sum(staged.skipped.values())
    is_staged = staged.in_table == expected and staged.in_quarantine == counts.rejected and skipped == counts.skipped
    if not counts.holds() or not is_staged:
        raise AccountingError(
            f"{counts.read} rows read, but {staged.in_table} for the table, {staged.in_quarantine} in quarantine and "
            f"{skipped} skipped; nothing was published"
        )


def too_many_rejected(staged: Staged, *, allowed: float) -> RowsRefusedError | None:
    """Return the refusal of a batch with more rejected rows than allowed; None if there are not more."""
    counts = staged.counts
    rows = counts.read - counts.skipped
    if counts.rejected <= Fraction(str(allowed)) * rows:
        return None
    return RowsRefusedError(counts.rejected, rows, allowed, staged.rules)
