"""Changes of a table since a batch, for incremental readers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from lakewright.errors import HistoryExpiredError
from lakewright.log.actions.files import AddFiles, CompactFiles, RemoveFiles
from lakewright.log.actions.tables import TableCommit
from lakewright.log.log import Log
from lakewright.log.records import DataFile, MergedFile
from lakewright.log.state import Outcome


@dataclass(frozen=True)
class FileRows:
    """Rows of a file: ``rows`` from row ``start`` (counted from 0); None if they are not next to each other."""

    path: str
    start: int | None
    rows: int


@dataclass
class TableChanges:
    """The changes of the batches after ``since``, up to batch ``until``.

    A compaction changes no rows. Files that it merged are named in ``compacted``, whether readers know them from before
    or they are among ``added``; a merged file is added itself only if all of its rows are new, or if new and old rows
    are sorted together: then the files of its old rows are removed.

    Attributes:
        added: Files added since, by path. While the last batch is being published, its files may still be in staging.
        removed: Files removed since.
        compacted: Files that were merged since, by path, and where their rows are now.
        commits: For tables with commits of their own, the metadata of each commit, in order.
    """

    since: int
    until: int
    added: dict[str, DataFile] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    compacted: dict[str, FileRows] = field(default_factory=dict)
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
    history = _History(TableChanges(number, number))
    for outcome in log.outcomes(after=number):
        if outcome.number != history.changes.until + 1:
            raise HistoryExpiredError(number, outcome.number)
        history.add(outcome)
    return history.close()


class _History:
    """Outcomes, added up in order."""

    def __init__(self, changes: TableChanges) -> None:
        self.changes = changes
        #: Files known to the reader, or added since, whose rows a merged file has now, by its path.
        self._merged: dict[str, list[FileRows]] = {}

    def add(self, outcome: Outcome) -> None:
        """Add the next batch."""
        self.changes.until = outcome.number
        for action in outcome.actions:
            if isinstance(action, AddFiles):
                self.changes.added |= {file.path: file for file in action.files}
            elif isinstance(action, RemoveFiles):
                for path in action.paths:
                    self._remove([rows.path for rows in self._merged.pop(path, [FileRows(path, 0, 0)])])
            elif isinstance(action, CompactFiles):
                for merged in action.merged:
                    self._compact(merged)
            elif isinstance(action, TableCommit):
                self.changes.commits.append(action.details)

    def close(self) -> TableChanges:
        """Return all changes."""
        self.changes.compacted = {
            rows.path: FileRows(path, rows.start, rows.rows)
            for path, of_file in self._merged.items()
            for rows in of_file
        }
        return self.changes

    def _remove(self, paths: list[str]) -> None:
        self.changes.removed += [path for path in paths if self.changes.added.pop(path, None) is None]

    def _compact(self, merged: MergedFile) -> None:
        known = list(self._known_rows(merged))
        new = [rows.path in self.changes.added for rows in known]
        has_ranges = all(rows.start is not None for rows in known)
        if all(new) or (any(new) and not has_ranges):
            self._remove([rows.path for rows in known])
            self.changes.added[merged.file.path] = merged.file
        else:
            self._merged[merged.file.path] = known

    def _known_rows(self, merged: MergedFile) -> Iterator[FileRows]:
        """Return the files, known or added, whose rows a merged file has, with their place in it."""
        starts = accumulate(merged.inputs.values(), initial=0)
        for (path, count), start in zip(merged.inputs.items(), starts, strict=False):
            for rows in self._merged.pop(path, [FileRows(path, 0, count)]):
                place = None if merged.is_sorted or rows.start is None else start + rows.start
                yield FileRows(rows.path, place, rows.rows)
