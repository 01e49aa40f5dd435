"""Changes of a table since a batch, for incremental readers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.errors import HistoryExpiredError
from lakewright.log.actions import AddFiles, RemoveFiles, TableCommit
from lakewright.log.log import Log
from lakewright.log.records import DataFile


@dataclass
class TableChanges:
    """The changes of the batches after ``since``, up to batch ``until``.

    Attributes:
        added: Files added since, by path. While the last batch is being published, its files may still be in staging.
        removed: Files removed since.
        commits: For tables with commits of their own, the metadata of each commit, in order.
    """

    since: int
    until: int
    added: dict[str, DataFile] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    commits: list[Mapping[str, str | int]] = field(default_factory=list)


def changes_since(log: Log, number: int) -> TableChanges:
    """Return the changes of all batches after a number: files to read, and files whose rows are gone.

    Raises:
        HistoryExpiredError: If the log no longer contains these batches; the whole table must be read then.
    """
    while True:
        try:
            return _changes_since(log, number)
        except FileNotFoundError:  # a run deleted entries after they were listed: list again
            continue


def _changes_since(log: Log, number: int) -> TableChanges:
    changes = TableChanges(number, number)
    for outcome in log.outcomes(after=number):
        if outcome.number != changes.until + 1:
            raise HistoryExpiredError(number, outcome.number)
        changes.until = outcome.number
        for action in outcome.actions:
            if isinstance(action, AddFiles):
                changes.added |= {file.path: file for file in action.files}
            elif isinstance(action, RemoveFiles):
                changes.removed += [path for path in action.paths if changes.added.pop(path, None) is None]
            elif isinstance(action, TableCommit):
                changes.commits.append(action.details)
    return changes
