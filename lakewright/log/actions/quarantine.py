"""Actions on quarantine: the files of rejected rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import msgspec

from lakewright.log.actions.action import Action, discard
from lakewright.log.metadata import TableMetadata
from lakewright.log.records import DataFile

#: The quarantine partition of refused batches, whose files are named after it.
REFUSED: Final = "refused"
_REFUSED_PREFIX: Final = f"{REFUSED}-"


class QuarantineRows(Action, frozen=True):
    """Files added to quarantine."""

    files: list[DataFile]

    def apply(self, table: TableMetadata) -> None:
        table.quarantine.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"quarantined": [file.path for file in self.files]}

    def if_refused(self) -> Sequence[Self]:
        return (msgspec.structs.replace(self, files=list(map(_refused, self.files))),)


class ReleaseRows(Action, frozen=True):
    """Files removed from quarantine."""

    paths: list[str]

    def apply(self, table: TableMetadata) -> None:
        discard(table.quarantine, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def if_refused(self) -> Sequence[Self]:
        # Files of an earlier refused batch are still released: this batch contains their rows again.
        paths = [path for path in self.paths if _name(path).startswith(_REFUSED_PREFIX)]
        return (msgspec.structs.replace(self, paths=paths),)


class ReplaceQuarantine(Action, frozen=True):
    """Files of quarantine replaced by others, without the rows that corrections replace."""

    files: list[DataFile]
    paths: list[str]

    def apply(self, table: TableMetadata) -> None:
        discard(table.quarantine, self.paths)
        table.quarantine.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def deleted(self) -> Sequence[str]:
        return self.paths


def _refused(file: DataFile) -> DataFile:
    name = _name(file.path)
    path = f"{file.path.removesuffix(name)}{_REFUSED_PREFIX}{name}"
    return msgspec.structs.replace(file, path=path, partition=REFUSED)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
