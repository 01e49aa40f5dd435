"""From staged files to the table: what an outcome names is published and deleted, by this run or by any later one."""

from collections.abc import Callable
from typing import Final

from lakewright.errors import OvertakenError
from lakewright.log.actions import Outcome
from lakewright.runs.job import Target
from lakewright.runs.progress import count_of
from lakewright.storage.lake import Lake

_MARKER: Final = "unpublished"


class Staging:
    """The staging folders of a target, one for each attempt at a batch; ``say`` begins a stage of the run."""

    def __init__(self, lake: Lake, target: Target, say: Callable[[str, str], None]) -> None:
        self._lake, self._target, self._say = lake, target, say

    def open(self, number: int, attempt: str, run: str) -> str:
        """Begin an attempt, and name its folder; as long as that lies there, the batch is not published to its end."""
        folder = f"{self._target.staging_folder}{number:06d}-{attempt}/"
        self._lake.create(folder + _MARKER, run.encode())
        return folder

    def publish(self, outcome: Outcome) -> None:
        """Bring the table to what an outcome says; harmless when done again, by whomever.

        Path-based readers see old and new files together until the old ones are removed, and never too few.

        Raises:
            OvertakenError: If a file is neither staged nor published.
        """
        added, removed = outcome.published(), outcome.deleted()
        if added:
            self._say("publish", count_of(len(added), "file"))
        if missing := self._lake.move_all({file.staged: file.path for file in added}):
            raise OvertakenError(
                f"{missing[0]} is neither staged nor published: a later batch replaced it, or somebody removed it; "
                "if status shows no later batch, run `rebuild`"
            )
        if removed:
            self._say("remove", count_of(len(removed), "file"))
        self._lake.delete_all(removed)

    def clear(self, number: int) -> None:
        """Delete what attempts at a batch, and at those before it, have left."""
        for folder in self._folders():
            if 0 < _number_of(folder) <= number:
                self._lake.delete_folder(folder)

    def is_unpublished(self, last: Outcome) -> bool:
        """Tell whether the run of the last batch was cut off before it had published all."""
        return any(_number_of(folder) == last.number for folder in self._folders())

    def roll_forward(self, last: Outcome) -> None:
        """Finish publishing the last batch, if a run was cut off there, and clear what ended batches have left."""
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
