"""A batch: as it is chosen from the source, as its reader and sink get it, and as they have staged it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakewright.log.actions.union import AnyAction
from lakewright.log.log import Plan, Scope
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.log.state import TableState
from lakewright.runs.progress import Progress
from lakewright.storage.lake import Lake
from lakewright.workers import Workers
from transforms.schema_changes import SchemaChange

#: One version of an object: its path and ETag.
Version = tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """The objects of the next batch, and what they replace in the table."""

    objects: list[SourceObject]
    scope: Scope


@dataclass(frozen=True)
class Survey:
    """What a run would do now: the next batch, and the state of the source.

    Attributes:
        choice: The objects of the next batch.
        heads: What was read of single objects (headers, footers), for the reader of the batch.
        refused: Why objects cannot be read, by path.
        blocked: Why new objects are not read by this batch although they are valid, by path.
        ignored: Why objects do not belong to the target, by path.
        extra_columns: Columns of objects that the feed does not name, with the number of objects that have them.
        dropped_columns: Columns of the table that are no longer filled.
        schema_changes: Changes of the table's columns.
        schema_from: What the schema changes follow from, such as "headers"; empty if nothing was read.
        config_changes: What the batch does because the feed has changed.
        listed: The paths at the source that belong to the target; None if they were not compared with the log.
        rows: The number of rows of the batch, if the heads contain it.
        nothing: What the source contains if no object belongs to the target, new or not; empty otherwise.
        without_objects: Whether there is work to do although the batch has no objects.
        rewritten: Files of the table that a batch without objects reads.
    """

    choice: Choice
    heads: Mapping[Version, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    extra_columns: dict[str, int] = field(default_factory=dict)
    dropped_columns: list[str] = field(default_factory=list)
    schema_changes: list[SchemaChange] = field(default_factory=list)
    schema_from: str = ""
    config_changes: list[str] = field(default_factory=list)
    listed: Collection[str] | None = None
    rows: int | None = None
    warnings: list[str] = field(default_factory=list)
    nothing: str = ""
    without_objects: bool = False
    rewritten: Sequence[DataFile] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.choice.objects and not self.without_objects

    @property
    def bytes(self) -> int:
        """The size of what the batch reads."""
        return sum(source.size for source in self.choice.objects) + sum(file.size for file in self.rewritten)

    @property
    def described_changes(self) -> list[str]:
        """Describe the changes of schema and config, one line each."""
        return [*map(str, self.schema_changes), *self.config_changes]


@dataclass(frozen=True)
class Batch:
    """The context of a batch for reader and sink.

    Attributes:
        plan: The batch as planned in the log.
        state: The table before the batch.
        heads: Those of the survey; empty for an open batch of an earlier run.
        folder: The staging folder, which readers of the table ignore.
        attempt: The id of this attempt.
        lake: The lake of table and folder.
        progress: Receives progress.
        workers: Run the tasks of the batch, on the engine that was chosen for it.
    """

    plan: Plan
    state: TableState
    heads: Mapping[Version, Any]
    folder: str
    attempt: str
    lake: Lake
    progress: Progress
    workers: Workers

    @property
    def properties(self) -> Mapping[str, Any]:
        """The job's own state before the batch; empty if the table is rebuilt."""
        return {} if self.plan.overwrites_table else self.state.properties

    @property
    def prefix(self) -> str:
        """The prefix of the names of files that the batch publishes."""
        return f"{self.plan.number:06d}-"


@dataclass(frozen=True)
class Staged:
    """The staged result of a batch, before anything is published.

    Attributes:
        counts: Rows as they were read and judged.
        in_table: Rows for the table, including deletes, counted in the staged files.
        in_quarantine: Rejected rows, counted in the staged files.
        actions: The actions of the outcome.
        rules: The number of rows that broke each rule.
        first_rejected: For some rules, the first row that breaks it: its object, its line and the problem.
        skipped: The number of skipped records of each kind.
        refused: Objects left unchanged because they cannot be read or rewritten, with the reason.
        unreached: Objects that could not be reached.
        miscounted: Objects left unchanged because record counts differ between input and output; a bug in lakewright.
        schema_changes: Learned columns.
        warnings: Warnings about a successful batch.
        are_as_planned: Whether the rows are those of the planned versions, even if objects have changed since: reads
            were conditional on the version, and a later batch replaces the rows of an object that was rewritten.
        publishes_all: Whether its actions publish every file that its tasks staged, so that none has to be deleted.
    """

    counts: Counts = field(default_factory=Counts)
    in_table: int = 0
    in_quarantine: int = 0
    actions: list[AnyAction] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    first_rejected: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    miscounted: dict[str, str] = field(default_factory=dict)
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    are_as_planned: bool = False
    publishes_all: bool = False

    @property
    def left(self) -> dict[str, str]:
        """All objects left unchanged, with the reason."""
        return self.refused | self.unreached | self.miscounted


@dataclass(frozen=True)
class Applied:
    """The attempt at a batch that is to be committed, or that a table with commits of its own already contains.

    Attributes:
        attempt: Its ID.
        staged: What it staged.
        warnings: Warnings about the table's own commit.
        is_tidy: Whether nothing is staged besides what the committed batch publishes.
    """

    attempt: str
    staged: Staged
    warnings: list[str] = field(default_factory=list)
    is_tidy: bool = False
