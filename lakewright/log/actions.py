"""What a batch did, as a list of small typed actions, and the table state that they add up to.

A closed union, discriminated by ``kind``, as in PyIceberg's ``TableUpdate`` and Delta's log. An action updates the
state, names the files to publish and to delete, and reports itself in a receipt: a run knows no kind by name. State
that only one job has is a property (``SetProperties``). A release that adds a kind or a field raises ``log.FORMAT``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from lakewright.log.records import Counts, DataFile, Record, SchemaVersion, SourceObject

#: The partition of rejected rows whose batch was refused.
REFUSED: Final = "refused"


def _kind(name: str) -> str:
    """Give the kind of a class: ``AddFiles`` is ``add_files``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Action(Record, frozen=True, tag_field="kind", tag=_kind):
    """One thing that a batch did."""

    def apply(self, table: "TableState") -> None:
        """Bring the state of the table up to date."""

    def published(self) -> Sequence[DataFile]:
        """Name the files to publish."""
        return ()

    def deleted(self) -> Sequence[str]:
        """Name the files to delete once all others are published."""
        return ()

    def report(self) -> Mapping[str, Any]:
        """Give what a receipt says of it: names and counts, never a row's values."""
        return {}

    def if_refused(self, quarantine: str) -> "Sequence[AnyAction]":  # noqa: ARG002
        """Give what is left of it if too many rows are rejected; ``quarantine`` is the target's folder."""
        return ()


class TakeObjects(Action, frozen=True):
    """Source objects whose rows the table now has."""

    objects: list[SourceObject]

    def apply(self, table: "TableState") -> None:
        table.objects.update((taken.path, taken) for taken in self.objects)


class ForgetObjects(Action, frozen=True):
    """Source objects whose rows the table has no longer."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.objects, self.paths)


class RewriteObjects(Action, frozen=True):
    """Source objects as they are after they were rewritten in place, and what was done to each, in numbers."""

    objects: list[SourceObject]
    numbers: dict[str, dict[str, int]] = {}

    def apply(self, table: "TableState") -> None:
        table.objects.update((taken.path, taken) for taken in self.objects)

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}


class CountPerObject(Action, frozen=True):
    """Numbers that a receipt gives of single source objects."""

    numbers: dict[str, dict[str, int]]

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}

    def if_refused(self, quarantine: str) -> "Sequence[AnyAction]":  # noqa: ARG002
        return (self,)


class AddFiles(Action, frozen=True):
    """Files of the table."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"outputs": [file.path for file in self.files]}


class RemoveFiles(Action, frozen=True):
    """Files that the table no longer has."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def report(self) -> Mapping[str, Any]:
        return {"removed": self.paths}


class QuarantineRows(Action, frozen=True):
    """Files of rejected rows."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.quarantine.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"quarantined": [file.path for file in self.files]}

    def if_refused(self, quarantine: str) -> "Sequence[AnyAction]":
        # These rows lie apart from those of batches that were published, in folders as those: Spark gives the files of
        # one task the same name in each partition.
        return (QuarantineRows([self._refused(file, quarantine) for file in self.files]),)

    def _refused(self, file: DataFile, quarantine: str) -> DataFile:
        path = f"{quarantine}{REFUSED}/{file.path.removeprefix(quarantine)}"
        return msgspec.structs.replace(file, path=path, partition=REFUSED)


class ReleaseRows(Action, frozen=True):
    """Files of rejected rows that the quarantine no longer has."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.quarantine, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def if_refused(self, quarantine: str) -> "Sequence[AnyAction]":
        # The rows of a batch that was refused before are released: this one has them again.
        return (ReleaseRows([path for path in self.paths if path.startswith(f"{quarantine}{REFUSED}/")]),)


class OverwriteTable(Action, frozen=True):
    """The table begins anew: what was taken and learned before no longer counts."""

    def apply(self, table: "TableState") -> None:
        table.objects.clear()
        table.columns, table.published, table.properties = {}, {}, {}
        table.high_watermark = ""


class SetColumns(Action, frozen=True):
    """The columns that the table has now, with their types."""

    columns: dict[str, str]

    def apply(self, table: "TableState") -> None:
        table.columns = self.columns
        table.published.update(self.columns)


class LearnSchema(Action, frozen=True):
    """A version of a schema that was learned from the data."""

    version: SchemaVersion

    def apply(self, table: "TableState") -> None:
        table.schema_versions.append(self.version)


class SetLayout(Action, frozen=True):
    """Where and how the files of the table lie."""

    layout: str

    def apply(self, table: "TableState") -> None:
        table.layout = self.layout


class SetAside(Action, frozen=True):
    """How many values went to each text column because they did not fit the column beside it."""

    values: dict[str, int]

    def report(self) -> Mapping[str, Any]:
        return {"set_aside": self.values}


class RaiseWatermark(Action, frozen=True):
    """The highest order of the changes that the table has seen."""

    high_watermark: str

    def apply(self, table: "TableState") -> None:
        table.high_watermark = max(table.high_watermark, self.high_watermark)


class AddTombstones(Action, frozen=True):
    """Files of deleted keys."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.tombstone_files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files


class RemoveTombstones(Action, frozen=True):
    """Files of deleted keys that are no longer needed."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.tombstone_files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths


class TableCommit(Action, frozen=True):
    """The commit of a table that commits by itself, as the table tells it."""

    details: dict[str, str | int]

    def report(self) -> Mapping[str, Any]:
        return {"table_commit": self.details}


class SetProperties(Action, frozen=True):
    """State of one job's own, by name; a value replaces the one before."""

    properties: dict[str, Any]

    def apply(self, table: "TableState") -> None:
        table.properties.update(self.properties)


AnyAction = (
    TakeObjects
    | ForgetObjects
    | RewriteObjects
    | CountPerObject
    | AddFiles
    | RemoveFiles
    | QuarantineRows
    | ReleaseRows
    | OverwriteTable
    | SetColumns
    | LearnSchema
    | SetLayout
    | SetAside
    | RaiseWatermark
    | AddTombstones
    | RemoveTombstones
    | TableCommit
    | SetProperties
)


class Outcome(Record, frozen=True):
    """How a batch ended. From the moment that this is in the log, it has."""

    format: int
    number: int
    status: Literal["committed", "dropped"]
    run: str
    attempt: str = ""
    config_hash: str = ""
    reason: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    actions: list[AnyAction] = []

    def published(self) -> list[DataFile]:
        """Name all files to publish."""
        return [file for action in self.actions for file in action.published()]

    def deleted(self) -> list[str]:
        """Name all files to delete once the others are published."""
        return [path for action in self.actions for path in action.deleted()]


class TableState(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the log of a target adds up to; the one record that changes, as a run goes on.

    Attributes:
        number: The last batch that ended.
        committed: The last batch that was committed.
        objects: The source objects whose rows the table has.
        files: The files of the table.
        quarantine: The files of rejected rows.
        columns: The columns of the table, with their types.
        published: The columns that any file of the table may hold, also those that were dropped since.
        schema_versions: What was learned, where the schema is.
        layout: Where and how the files lie.
        high_watermark: The highest order of changes that the table has seen.
        tombstone_files: Files of deleted keys.
        properties: State of one job's own.
        last: How the last batch ended.
    """

    number: int = 0
    committed: int = 0
    objects: dict[str, SourceObject] = {}
    files: dict[str, DataFile] = {}
    quarantine: dict[str, DataFile] = {}
    columns: dict[str, str] = {}
    published: dict[str, str] = {}
    schema_versions: list[SchemaVersion] = []
    layout: str = ""
    high_watermark: str = ""
    tombstone_files: dict[str, DataFile] = {}
    properties: dict[str, Any] = {}
    last: Outcome | None = None

    def has(self, path: str, etag: str) -> bool:
        """Tell whether an object was committed as it is."""
        taken = self.objects.get(path)
        return taken is not None and taken.etag == etag

    def other_layout(self, wanted: str) -> str:
        """Say that the table lies otherwise than a feed wants it; empty if it does not, or nothing lies there yet."""
        if self.layout in ("", wanted):
            return ""
        return f"the table was laid out as {self.layout}, and the feed says {wanted}"

    def apply(self, outcome: Outcome) -> None:
        """Take one more batch in."""
        for action in outcome.actions:
            action.apply(self)
        self.number, self.last = outcome.number, outcome
        if outcome.status == "committed":
            self.committed = outcome.number


def _drop(entries: dict[str, Any], paths: Iterable[str]) -> None:
    for path in paths:
        entries.pop(path, None)
