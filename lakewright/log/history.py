"""What changed in a table since a batch, for readers downstream that follow it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakewright.errors import HistoryExpiredError
from lakewright.log.actions import AddFiles, RemoveFiles, TableCommit
from lakewright.log.log import Log
from lakewright.log.records import DataFile


@dataclass
class TableChanges:
    """What the batches after ``since`` did, up to batch ``until``.

    Attributes:
        added: Files that the table has now and did not have then, by path. While the last batch is being published, a
            file of it may still lie where it was staged.
        removed: Files that it had then, and has no longer.
        commits: What a table that commits by itself told of each commit, in their order.
    """

    since: int
    until: int
    added: dict[str, DataFile] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    commits: list[Mapping[str, str | int]] = field(default_factory=list)


def changes_since(log: Log, number: int) -> TableChanges:
    """Tell what the batches after a number changed: the files to read, and those whose rows are gone.

    Raises:
        HistoryExpiredError: If the log holds these batches no longer; the whole table has to be read then.
    """
    while True:
        try:
            return _changes_since(log, number)
        except FileNotFoundError:  # a run deleted entries after they were listed: they are not listed again
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
