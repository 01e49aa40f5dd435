"""What every action does: it changes the metadata of its table, publishes and deletes files, and describes itself."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from lakewright.log.metadata import TableMetadata
from lakewright.log.records import DataFile, Record


def _kind(name: str) -> str:
    """Return the kind of a class: ``AddFiles`` is ``add_files``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Action(Record, frozen=True, tag_field="kind", tag=_kind):
    """One change made by a batch."""

    def apply(self, table: TableMetadata) -> None:
        """Apply the action to the state of the table."""

    def published(self) -> Sequence[DataFile]:
        """Return the files to publish."""
        return ()

    def written(self) -> tuple[int, int]:
        """Return the number and the size of the files that are written: published, or replaced in place."""
        files = self.published()
        return len(files), sum(file.size for file in files)

    def deleted(self) -> Sequence[str]:
        """Return the files to delete after publishing."""
        return ()

    def report(self) -> Mapping[str, Any]:
        """Describe the action for a receipt: names and counts, never values."""
        return {}

    def if_refused(self) -> Sequence[Self]:
        """Return what remains of the action if the batch is refused."""
        return ()


def discard(entries: dict[str, Any], paths: Iterable[str]) -> None:
    """Remove entries by path, as far as they are there."""
    for path in paths:
        entries.pop(path, None)
