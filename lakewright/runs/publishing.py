"""Publish staged files: an outcome's files are added and deleted, by this run or by any later one."""

from collections.abc import Callable
from typing import Final

from lakewright.errors import OvertakenError
from lakewright.log.actions import Outcome
from lakewright.runs.job import Target
from lakewright.runs.progress import count_of
from lakewright.storage.lake import Lake

_MARKER: Final = "unpublished"


class Staging:
    """The staging folders of a target, one per attempt at a batch; ``say`` begins a stage of the run."""

    def __init__(self, lake: Lake, target: Target, say: Callable[[str, str], None]) -> None:
        self._lake, self._target, self._say = lake, target, say

    def open(self, number: int, attempt: str, run: str) -> str:
        """Begin an attempt, and return its folder; while the folder exists, publishing is incomplete."""
        folder = f"{self._target.staging_folder}{number:06d}-{attempt}/"
        self._lake.create(folder + _MARKER, run.encode())
        return folder

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome; idempotent, for this run and any other.

        Path-based readers see old and new files together until the old ones are removed, but never too few.

        Raises:
            OvertakenError: If a file is neither staged nor published.
        """
        added, removed = outcome.published(), outcome.deleted()
        if added:
            self._say("publish", count_of(len(added), "file"))
        if missing := self._lake.move_all({file.staged: file.path for file in added}):
            raise OvertakenError(
                f"{missing[0]} is neither staged nor published: a later batch replaced it, or it was deleted; "
                "if `status` shows no later batch, run `rebuild`"
            )
        if removed:
            self._say("remove", count_of(len(removed), "file"))
        self._lake.delete_all(removed)

    def clear(self, number: int) -> None:
        """Delete the staging folders of a batch and of those before it."""
        for folder in self._folders():
            if 0 < _number_of(folder) <= number:
                self._lake.delete_folder(folder)

    def is_unpublished(self, last: Outcome) -> bool:
        """Return whether the last batch was not published completely."""
        return any(_number_of(folder) == last.number for folder in self._folders())

    def roll_forward(self, last: Outcome) -> None:
        """Complete the publishing of the last batch if needed, and delete staging folders of ended batches."""
        if self.is_unpublished(last):
            self._say("roll forward", f"batch {last.number}")
            self.publish(last)
        self.clear(last.number)

    def _folders(self) -> list[str]:
        folder = self._target.staging_folder
        return [f"{folder}{name}/" for name in self._lake.folders(folder)]


def _number_of(folder: str) -> int:
    number = folder.rstrip("/").rsplit("/", 1)[-1].split("-", 1)[0]
    return int(number) if number.isdigit() else 0
