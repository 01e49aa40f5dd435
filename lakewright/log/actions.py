"""The typed actions of a batch, and the table state as a fold over them.

A closed union, discriminated by ``kind``, as in PyIceberg's ``TableUpdate`` and Delta's log. An action updates the
state, names the files to publish and to delete, and describes itself in a receipt: a run knows no kind by name. State
of a single job is a property (``SetProperties``). A release that adds a kind or a field raises ``log.FORMAT``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from lakewright.log.records import Counts, DataFile, MergedFile, Record, SchemaVersion, SourceObject

#: The quarantine partition of refused batches, whose files are named after it.
REFUSED: Final = "refused"
_REFUSED_PREFIX: Final = f"{REFUSED}-"
#: Detail of a table's own commit, and property of the state: the instant of the last one.
_INSTANT: Final = "instant"


def _kind(name: str) -> str:
    """Return the kind of a class: ``AddFiles`` is ``add_files``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Action(Record, frozen=True, tag_field="kind", tag=_kind):
    """One change made by a batch."""

    def apply(self, table: "TableState") -> None:
        """Apply the action to the state of the table."""

    def published(self) -> Sequence[DataFile]:
        """Return the files to publish."""
        return ()

    def deleted(self) -> Sequence[str]:
        """Return the files to delete after publishing."""
        return ()

    def report(self) -> Mapping[str, Any]:
        """Describe the action for a receipt: names and counts, never values."""
        return {}

    def if_refused(self) -> "Sequence[AnyAction]":
        """Return what remains of the action if the batch is refused."""
        return ()


class TakeObjects(Action, frozen=True):
    """Source objects whose rows are now in the table."""

    objects: list[SourceObject]

    def apply(self, table: "TableState") -> None:
        table.objects.update((source.path, source) for source in self.objects)


class ForgetObjects(Action, frozen=True):
    """Source objects whose rows are no longer in the table."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.objects, self.paths)


class RewriteObjects(Action, frozen=True):
    """Source objects after they were rewritten in place, with counts for each."""

    objects: list[SourceObject]
    numbers: dict[str, dict[str, int]] = {}

    def apply(self, table: "TableState") -> None:
        table.objects.update((source.path, source) for source in self.objects)

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}


class CountPerObject(Action, frozen=True):
    """Counts per source object, for the receipt."""

    numbers: dict[str, dict[str, int]]

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}

    def if_refused(self) -> "Sequence[AnyAction]":
        return (self,)


class AddFiles(Action, frozen=True):
    """Files added to the table."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"outputs": [file.path for file in self.files]}


class RemoveFiles(Action, frozen=True):
    """Files removed from the table."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def report(self) -> Mapping[str, Any]:
        return {"removed": self.paths}


class CompactFiles(Action, frozen=True):
    """Small files of the table merged into larger ones; the rows of the table stay the same."""

    merged: list[MergedFile]

    def apply(self, table: "TableState") -> None:
        _drop(table.files, self.deleted())
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


class QuarantineRows(Action, frozen=True):
    """Files added to quarantine."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.quarantine.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def report(self) -> Mapping[str, Any]:
        return {"quarantined": [file.path for file in self.files]}

    def if_refused(self) -> "Sequence[AnyAction]":
        return (QuarantineRows(list(map(_refused, self.files))),)


class ReleaseRows(Action, frozen=True):
    """Files removed from quarantine."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.quarantine, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths

    def if_refused(self) -> "Sequence[AnyAction]":
        # Files of an earlier refused batch are still released: this batch contains their rows again.
        return (ReleaseRows([path for path in self.paths if _name(path).startswith(_REFUSED_PREFIX)]),)


class ReplaceQuarantine(Action, frozen=True):
    """Files of quarantine replaced by others, without the rows that corrections replace."""

    files: list[DataFile]
    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.quarantine, self.paths)
        table.quarantine.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files

    def deleted(self) -> Sequence[str]:
        return self.paths


class OverwriteTable(Action, frozen=True):
    """The table is rebuilt: objects and schemas from before no longer count."""

    def apply(self, table: "TableState") -> None:
        table.objects.clear()
        table.columns, table.published, table.properties = {}, {}, {}
        table.high_watermark = ""


class SetColumns(Action, frozen=True):
    """The columns of the table, with their types."""

    columns: dict[str, str]

    def apply(self, table: "TableState") -> None:
        table.columns = self.columns
        table.published.update(self.columns)


class LearnSchema(Action, frozen=True):
    """A version of a learned schema."""

    version: SchemaVersion

    def apply(self, table: "TableState") -> None:
        table.schema_versions.append(self.version)


class SetLayout(Action, frozen=True):
    """Location and layout of the table's files."""

    layout: str

    def apply(self, table: "TableState") -> None:
        table.layout = self.layout


class SetAside(Action, frozen=True):
    """Number of values per text column that did not fit their typed column."""

    values: dict[str, int]

    def report(self) -> Mapping[str, Any]:
        return {"set_aside": self.values}


class JudgeBatch(Action, frozen=True):
    """The verdict of a gate on the batch, with the result of each expectation."""

    verdict: dict[str, Any]

    def report(self) -> Mapping[str, Any]:
        return {"gates": self.verdict}

    def if_refused(self) -> "Sequence[AnyAction]":
        return (self,)


class RaiseWatermark(Action, frozen=True):
    """The highest order of all changes applied to the table."""

    high_watermark: str

    def apply(self, table: "TableState") -> None:
        table.high_watermark = max(table.high_watermark, self.high_watermark)


class AddTombstones(Action, frozen=True):
    """Tombstone files added."""

    files: list[DataFile]

    def apply(self, table: "TableState") -> None:
        table.tombstone_files.update((file.path, file) for file in self.files)

    def published(self) -> Sequence[DataFile]:
        return self.files


class RemoveTombstones(Action, frozen=True):
    """Tombstone files no longer needed."""

    paths: list[str]

    def apply(self, table: "TableState") -> None:
        _drop(table.tombstone_files, self.paths)

    def deleted(self) -> Sequence[str]:
        return self.paths


class TableCommit(Action, frozen=True):
    """The commit of a table with commits of its own."""

    details: dict[str, str | int]

    def apply(self, table: "TableState") -> None:
        table.properties[_INSTANT] = self.details.get(_INSTANT, "")

    def report(self) -> Mapping[str, Any]:
        return {"table_commit": self.details}


class SetProperties(Action, frozen=True):
    """State of a single job, by name; a value replaces the previous one."""

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
    | CompactFiles
    | QuarantineRows
    | ReleaseRows
    | ReplaceQuarantine
    | OverwriteTable
    | SetColumns
    | LearnSchema
    | SetLayout
    | SetAside
    | JudgeBatch
    | RaiseWatermark
    | AddTombstones
    | RemoveTombstones
    | TableCommit
    | SetProperties
)


class Outcome(Record, frozen=True):
    """How a batch ended; it has ended once this is in the log.

    The outcome of a batch without a plan says that rejected rows have expired.

    Attributes:
        rules: How many rejected rows break each rule, with its column.
        skipped: How many of the skipped records are of each kind.
    """

    format: int
    number: int
    status: Literal["committed", "dropped", "expired"]
    run: str
    attempt: str = ""
    config_hash: str = ""
    reason: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    skipped: dict[str, int] = {}
    actions: list[AnyAction] = []

    def published(self) -> list[DataFile]:
        """Return all files to publish."""
        return [file for action in self.actions for file in action.published()]

    def deleted(self) -> list[str]:
        """Return all files to delete after publishing."""
        return [path for action in self.actions for path in action.deleted()]


class TableState(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The state of a target, folded from its log; the only mutable record.

    Attributes:
        number: The last batch that ended.
        committed: The last batch that was committed.
        objects: The source objects whose rows are in the table.
        files: The files of the table.
        quarantine: The files of rejected rows.
        columns: The columns of the table, with their types.
        published: All columns that any file of the table may have, including dropped ones.
        schema_versions: The versions of a learned schema.
        layout: Location and layout of the files.
        high_watermark: The highest order of all changes applied.
        tombstone_files: Files of deleted keys.
        properties: State of a single job.
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

    @property
    def instant(self) -> str:
        """The last batch's commit in a table with commits of its own; empty if unknown."""
        return str(self.properties.get(_INSTANT, ""))

    def has(self, path: str, etag: str) -> bool:
        """Return whether this version of an object was committed."""
        source = self.objects.get(path)
        return source is not None and source.etag == etag

    def other_layout(self, wanted: str) -> str:
        """Return how the table's layout differs from a feed's; empty if it does not or the table is new."""
        if self.layout in ("", wanted):
            return ""
        return f"the table's layout is {self.layout}, the feed's is {wanted}"

    def apply(self, outcome: Outcome) -> None:
        """Apply the outcome of the next batch."""
        for action in outcome.actions:
            action.apply(self)
        self.number, self.last = outcome.number, outcome
        if outcome.status == "committed":
            self.committed = outcome.number


def _refused(file: DataFile) -> DataFile:
    name = _name(file.path)
    path = f"{file.path.removesuffix(name)}{_REFUSED_PREFIX}{name}"
    return msgspec.structs.replace(file, path=path, partition=REFUSED)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _drop(entries: dict[str, Any], paths: Iterable[str]) -> None:
    for path in paths:
        entries.pop(path, None)
