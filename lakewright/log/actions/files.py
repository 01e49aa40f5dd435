"""Actions on the files of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from lakewright.log.actions.action import Action, discard
from lakewright.log.metadata import TableMetadata
from lakewright.log.records import DataFile, MergedFile


class AddFiles(Action, frozen=True):
    """Files added to the table."""

    files: list[DataFile]

    def apply(self, table: TableMetadata) -> None:
        table.files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"outputs": [file.path for file in self.files]}


class RemoveFiles(Action, frozen=True):
    """Files removed from the table."""

    paths: list[str]

    def apply(self, table: TableMetadata) -> None:
        discard(table.files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def report(self) -> Mapping[str, Any]:
        return {"removed": self.paths}


class CompactFiles(Action, frozen=True):
    """Small files of the table merged into larger ones; the rows of the table stay the same."""

    merged: list[MergedFile]

    def apply(self, table: TableMetadata) -> None:
        discard(table.files, self.deleted())
        table.files.update((file.path, file) for file in self.published())

    def published(self) -> Sequence[DataFile]:
        return [each.file for each in self.merged]

    def deleted(self) -> Sequence[str]:
        return [path for each in self.merged for path in each.inputs]

    def report(self) -> Mapping[str, Any]:
        files, rows = len(self.deleted()), sum(each.file.rows for each in self.merged)
        return {
            "outputs": [file.path for file in self.published()],
            "removed": self.deleted(),
            "compacted": {"files": files, "into": len(self.merged), "rows": rows},
        }


class AddTombstones(Action, frozen=True):
    """Tombstone files added."""

    files: list[DataFile]

    def apply(self, table: TableMetadata) -> None:
        table.tombstone_files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files


class RemoveTombstones(Action, frozen=True):
    """Tombstone files no longer needed."""

    paths: list[str]

    def apply(self, table: TableMetadata) -> None:
        discard(table.tombstone_files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths
