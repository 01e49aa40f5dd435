"""From staged files to the table: what an outcome names is published and deleted, by this run or by any later one."""

from typing import Final

from lakewright.errors import OvertakenError
from lakewright.runs.actions import Outcome
from lakewright.runs.job import Target
from lakewright.runs.progress import Progress
from lakewright.storage.lake import Lake

_MARKER: Final = "unpublished"


class Staging:
    """The staging folders of a target, one for each attempt at a batch."""

    def __init__(self, lake: Lake, target: Target, progress: Progress) -> None:
        self._lake, self._target, self._progress = lake, target, progress

    def open(self, number: int, attempt: str, run: str) -> str:
        """Begin an attempt, and name its folder; as long as that lies there, the batch is not published to its end."""
        folder = f"{self._target.staging_folder}{number:06d}-{attempt}/"
        self._lake.create(folder + _MARKER, run.encode())
        return folder

    def publish(self, outcome: Outcome) -> None:
        """Bring the table to what an outcome says; harmless when done again, by whomever.

        Raises:
            OvertakenError: If a file is neither staged nor published.
        """
        for file in outcome.published():
            self._progress.stage(self._target.name, "publish", file.path)
            if not self._lake.move(file.staged, file.path):
                raise OvertakenError(
                    f"{file.path} is neither staged nor published: a later batch replaced it, or somebody removed it; "
                    "if status shows no later batch, run `rebuild`"
                )
        for path in outcome.deleted():
            self._progress.stage(self._target.name, "remove", path)
            self._lake.delete(path)

    def clear(self, number: int) -> None:
        """Delete what all attempts at a batch have left."""
        for folder in self._folders():
            if _number_of(folder) == number:
                self._lake.delete_folder(folder)

    def is_unpublished(self, last: Outcome | None) -> bool:
        """Tell whether the run of the last batch was cut off before it had published all."""
        return last is not None and any(_number_of(folder) == last.number for folder in self._folders())

    def roll_forward(self, last: Outcome | None) -> None:
        """Finish publishing the last batch, if a run was cut off there, and clear what ended batches have left."""
        if last is None:
            return
        if self.is_unpublished(last):
            self.publish(last)
        for folder in self._folders():
            if _number_of(folder) <= last.number:
                self._lake.delete_folder(folder)

    def _folders(self) -> list[str]:
        folder = self._target.staging_folder
        return [f"{folder}{name}/" for name in self._lake.folders(folder)]


def _number_of(folder: str) -> int:
    number = folder.rstrip("/").rsplit("/", 1)[-1].split("-", 1)[0]
    return int(number) if number.isdigit() else 0
