"""Publish staged files: an outcome's files are added and deleted, by this run or by any later one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from lakewright.errors import OvertakenError
from lakewright.log.log import SNAPSHOT_EVERY
from lakewright.log.state import Outcome
from lakewright.measuring.work import reported_work
from lakewright.runs.job.target import Target
from lakewright.runs.progress import Progress, TargetProgress, count_of
from lakewright.storage.lake import Lake


class Staging:
    """The staging folders of a target, one per attempt at a batch; ``say`` begins a stage of the run in ``progress``.

    While the folder of a committed batch exists, not all of its files are published.

    Attributes:
        undeleted: Staged files of a published batch that are to be deleted together with the lease.
    """

    def __init__(self, lake: Lake, target: Target, say: Callable[[str, str], None], progress: Progress) -> None:
        self._lake, self._target, self._say, self._progress = lake, target, say, progress
        self.undeleted: list[str] = []

    def folder(self, number: int, attempt: str) -> str:
        """Return the folder of an attempt."""
        return f"{self._target.staging_folder}{number:06d}-{attempt}/"

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome; idempotent, for this run and any other.

        Path-based readers see old and new files together until the old ones are removed, but never too few.

        Raises:
            OvertakenError: If a file is neither staged nor published.
        """
        added = outcome.published()
        if added:
            self._say("publish", count_of(len(added), "file"))
        sizes = {file.staged: file.size for file in added}
        with self._counting_files(len(added)):
            moves = {file.staged: file.path for file in added}
            missing = self._lake.move_all(moves, sizes=sizes, undeleted=self.undeleted)
        if missing:
            raise OvertakenError(
                f"{missing[0]} is neither staged nor published: a later batch replaced it, or it was deleted; "
                "if `status` shows no later batch, run `rebuild`"
            )
        self._remove(outcome)

    def clear(self, number: int, *, is_tidy: bool = False) -> None:
        """Delete the staging folders of a batch and of those before it.

        If the batch is tidy, it has published all files of its only attempt, and earlier batches were cleared. Only a
        run that continues after it was overtaken can have staged more; that is deleted after at most 50 batches.
        """
        if is_tidy and number % SNAPSHOT_EVERY and not self._lake.has_empty_folders:
            return
        self._delete_undeleted()
        self._delete(_staging_folders(self._lake, self._target, up_to=number))

    def roll_forward(self, last: Outcome) -> None:
        """Complete the publishing of the last batch, and delete staging folders of ended batches."""
        folders = _staging_folders(self._lake, self._target, up_to=last.number)
        if any(_number_of(folder) == last.number for folder in folders):
            self._say("roll forward", f"batch {last.number}")
            self.publish(last)
        else:
            # The staged files are moved, but the run may have ended before it removed the old ones.
            self._remove(last)
        self._delete_undeleted()
        self._delete(folders)

    def _delete_undeleted(self) -> None:
        self._lake.delete_all(self.undeleted)
        self.undeleted.clear()

    def _remove(self, outcome: Outcome) -> None:
        removed = outcome.deleted()
        if removed:
            self._say("remove", count_of(len(removed), "file"))
        self._lake.delete_all(removed)

    @contextmanager
    def _counting_files(self, count: int) -> Iterator[None]:
        """Report the files that are moved."""
        progress = TargetProgress(self._progress, self._target.name)
        if count:
            self._progress.expect(self._target.name, count, "files")
        with reported_work(progress.advance):
            yield

    def _delete(self, folders: Iterable[str]) -> None:
        for folder in folders:
            self._lake.delete_folder(folder)


def has_staged_files(lake: Lake, target: Target, number: int) -> bool:
    """Return whether staged files of a batch are still there; if it is committed, it is not completely published."""
    return any(_number_of(folder) == number for folder in _staging_folders(lake, target, up_to=number))


def _staging_folders(lake: Lake, target: Target, *, up_to: int) -> list[str]:
    """Return the staging folders of a batch and of those before it."""
    folder = target.staging_folder
    return [f"{folder}{name}/" for name in lake.folders(folder) if 0 < _number_of(name) <= up_to]


def _number_of(folder: str) -> int:
    number = folder.rstrip("/").rsplit("/", 1)[-1].partition("-")[0]
    return int(number) if number.isdigit() else 0
