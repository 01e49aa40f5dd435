"""A job for one target: reader, build and sink, and the data they exchange with a run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, Literal, Protocol, TypeVar, runtime_checkable

from lakewright.config import Feed
from lakewright.corrections.manifests import CorrectionFolder
from lakewright.log.actions import AnyAction, TableState
from lakewright.log.log import Plan, Scope
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.runs.progress import Progress
from lakewright.storage.lake import Lake
from lakewright.workers import Workers
from transforms.schema_changes import SchemaChange

#: Why a batch is dropped if the feed differs from the plan's.
FEED_CHANGED: Final = "the feed has changed since planned"


@dataclass(frozen=True)
class Replay:
    """Which rejected rows are replayed: all, those that broke a rule, or those of an edited CSV, with its values."""

    rule: str = ""
    edited: Path | None = None


@dataclass(frozen=True)
class Request:
    """What the user asked for: new objects or a rebuild, optionally of some partitions only.

    ``drop_open`` drops an open batch of an earlier run instead of finishing it; ``execution`` is what started the run,
    for its receipt; ``today`` is the processing date of a new batch; ``replay`` selects the rejected rows to replay
    before objects are chosen.
    """

    verb: str = "run"
    wanted: Mapping[str, str] = field(default_factory=dict)
    drop_open: bool = False
    execution: str = ""
    today: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    replay: Replay | None = None

    @property
    def everything(self) -> bool:
        """Whether committed objects are processed again."""
        return self.verb == "rebuild"

    @property
    def is_whole(self) -> bool:
        """Whether the whole table is rebuilt."""
        return self.everything and not self.wanted


@dataclass(frozen=True)
class Target:
    """One table that a feed writes.

    ``is_only``: the feed has no other, so any other table of the feed is a former one.
    """

    feed_name: str
    name: str
    path: str
    is_only: bool = False

    @property
    def state_folder(self) -> str:
        """Folder of its log, lease and receipts."""
        return f"state/{self.feed_name}/{self.name}/"

    @property
    def quarantine_folder(self) -> str:
        """Folder of its rejected rows."""
        return f"quarantine/{self.feed_name}/target={self.name}/"

    def corrections(self, lake: Lake) -> CorrectionFolder:
        """Open the corrections of its source objects; if it is the only target, also those of its former names."""
        of_feed = f"corrections/{self.feed_name}/"
        folder = f"{of_feed}{self.name}/"
        return CorrectionFolder(lake, folder, read_folder=of_feed if self.is_only else folder)

    @property
    def staging_folder(self) -> str:
        """Staging folder: beside the table, where its readers do not look."""
        zone, _, table = self.path.strip("/").rpartition("/")
        return f"{zone}/_staging/{self.feed_name}/{table}/".lstrip("/")


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
        heads: What was read of single objects (headers, footers), for the reader of the batch.
        refused: Why objects cannot be read, by path.
        waiting: Why new objects are not read by this batch although they are sound, by path.
        ignored: Why objects do not belong to the target, by path.
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
    waiting: dict[str, str] = field(default_factory=dict)
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

    @property
    def left(self) -> dict[str, str]:
        """All objects left unchanged, with the reason."""
        return self.refused | self.unreached | self.miscounted


@dataclass(frozen=True)
class Applied:
    """A batch in a table with commits of its own: the attempt, what it staged, and the commit's metadata."""

    attempt: str
    staged: Staged
    warnings: list[str] = field(default_factory=list)


Rows = TypeVar("Rows")
Judged = TypeVar("Judged")
Read_co = TypeVar("Read_co", covariant=True)
Judged_contra = TypeVar("Judged_contra", contravariant=True)


@dataclass(frozen=True)
class Preflight:
    """A sink's view of its table before planning.

    Attributes:
        before: The state whose objects count as processed: the table's own, or that of the table it replaces.
        schema_changes: Coming changes of its schema.
        warnings: Warnings about the table.
    """

    before: TableState
    schema_changes: list[SchemaChange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Reader(Protocol[Read_co]):
    """Finds a target's objects: which are new, which are refused, and how to read them."""

    @property
    def skips_refused(self) -> bool:
        """Whether other objects are processed if one is refused."""

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Inspect the source: read at most heads, write nothing; ``excluded`` objects were refused before.

        Raises:
            DataError: If the source must not be processed.
        """

    def changed(self, plan: Plan) -> list[str]:
        """Return the objects of a batch that have changed since it was planned."""

    def read(self, batch: Batch) -> Read_co:
        """Read the objects of a batch, or describe how to read them.

        Raises:
            ObjectRefusedError: If some of them cannot be read as declared.
        """


class CatalogEntry(Protocol):
    """A table's entry in a catalog."""

    def register(self, state: TableState) -> str:
        """Update the entry to the table's state, and return its name.

        Raises:
            CatalogError: If the catalog refuses, cannot be reached, or the entry of this name belongs to another owner.
        """


class Sink(Protocol[Judged_contra]):
    """Stages a batch, and returns the actions that publish it exactly once."""

    def check(self, state: TableState, request: Request) -> Preflight:
        """Compare the table with the feed before planning.

        Raises:
            ConfigError: If the table contradicts the feed.
        """

    def stage(self, batch: Batch, rows: Judged_contra, /) -> Staged:
        """Write the files of a batch to its staging folder, and count their rows.

        Raises:
            ObjectRefusedError: If objects turn out to be unreadable.
        """

    def layout(self) -> str:
        """Describe location and layout of the table's files; a table with another layout must be rebuilt."""

    def catalog(self) -> CatalogEntry | None:
        """Return the table's catalog entry, if it has one."""


@runtime_checkable
class CommittingSink(Protocol):
    """A sink whose table has commits of its own: that commit is the source of truth, and the outcome follows it."""

    def check_engine(self) -> None:
        """Verify that this run can commit; only if there is a batch, since this may start Spark.

        Raises:
            ConfigError: If it cannot.
        """

    def applied(self, plan: Plan) -> Applied | None:
        """Return the batch as the table contains it, if it does."""

    def has_commit(self, plan: Plan) -> bool:
        """Return whether the table contains the commit of a batch; writes nothing."""

    def commit(self, batch: Batch, rows: Any, staged: Staged) -> Applied:
        """Commit a batch, and read the commit back."""


@runtime_checkable
class ReplacingSink(Protocol):
    """A sink without a table: it replaces the source objects under their own keys."""

    @property
    def replaces_objects(self) -> Literal[True]:
        """Always true."""


@dataclass(frozen=True)
class Replayed:
    """What a replay did before the run: the correction objects it wrote, and how many rows went where.

    Attributes:
        objects: Paths of the correction objects.
        rows: Number of rows by what happened to them: corrected, still_rejected, corrected_before, void.
        rules: Number of rows that still break each rule.
        warnings: Warnings.
    """

    objects: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scratch:
    """The folder for intermediate files of a replay, and the processing date of the batch that follows it."""

    folder: str
    today: str


class Corrector(Protocol):
    """Stores rejected rows that pass today's config as source objects of the feed."""

    def correct(self, state: TableState, replay: Replay, scratch: Scratch) -> Replayed:
        """Write corrections.

        Raises:
            ConfigError: If the edited CSV is wrong; then nothing is written.
        """


@dataclass(frozen=True)
class Sample:
    """What a few records of a batch say about the columns that it adds.

    Attributes:
        changes: The columns that they add.
        objects: How many objects were sampled.
        records: How many records were read.
        bytes: The size of their texts.
    """

    changes: list[SchemaChange]
    objects: int
    records: int
    bytes: int


class Sampler(Protocol):
    """Samples the records of a batch whose columns are learned."""

    def sample(self, objects: Sequence[SourceObject], state: TableState) -> Sample:
        """Read a bounded number of records, and write nothing."""


@dataclass(frozen=True)
class Verdict:
    """The verdict of a gate on a batch.

    Attributes:
        report: The results, for the receipt.
        refused: Why the batch is refused; empty if it passes.
        warnings: Expectations that were not met and only warn.
    """

    report: Mapping[str, Any]
    refused: str = ""
    warnings: Sequence[str] = ()


class Gate(Protocol):
    """Judges the staged rows of a batch before it is published."""

    def check(self) -> None:
        """Validate the gate before anything is planned.

        Raises:
            ConfigError: If it cannot judge as configured.
        """

    def judge(self, table: Any, staged: Staged, /) -> Verdict:
        """Judge the rows of a batch; ``table`` is what ``GatedSink.judged_table`` returns."""


@runtime_checkable
class GatedSink(Protocol):
    """A sink whose batches can be judged by a gate."""

    def judged_table(self, batch: Batch, rows: Any, staged: Staged) -> Any:
        """Return the staged rows of a batch, without those that it only moves."""

    def published_table(self, state: TableState) -> Any:
        """Return the rows of the table as it is."""


class Upkeep(Protocol):
    """Maintenance of a table after a committed batch, as a batch of its own."""

    def after(self, job: "AnyJob", state: TableState, written: Collection[str]) -> "AnyJob | None":
        """Return the job that maintains the table after a batch has ``written`` files; None if that is not due."""


@dataclass(frozen=True)
class TargetJob(Generic[Rows, Judged]):
    """One target of a feed, composed of reader, build and sink; ``lifecycle`` runs it."""

    feed: Feed
    target: Target
    reader: Reader[Rows]
    build: Callable[[Rows], Judged]
    sink: Sink[Judged]
    #: The job that maintains the table, if it is not the one that fills it.
    maintained_by: str = ""
    #: Opens what replays rejected rows, if the job supports that.
    corrector: Callable[[], Corrector] | None = None
    #: Opens what samples the columns of a batch, if records determine them.
    sampler: Callable[[], Sampler] | None = None
    gate: Gate | None = None
    #: Warnings about the feed, in one of its targets.
    warnings: Sequence[str] = ()
    upkeep: Upkeep | None = None

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.maintained_by or self.feed.job

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Determine what a run would do; see ``Sink.check``, ``Reader.survey`` and ``CommittingSink.check_engine``."""
        preflight = self.sink.check(state, request)
        survey = self.reader.survey(preflight.before, request, excluded=excluded)
        if isinstance(self.sink, CommittingSink) and not survey.is_idle:
            self.sink.check_engine()
        return replace(
            survey,
            schema_changes=[*preflight.schema_changes, *survey.schema_changes],
            warnings=[*preflight.warnings, *survey.warnings, *self.warnings],
        )

    def rows(self, batch: Batch) -> Judged:
        """Return the rows of a batch; see ``Reader.read``."""
        return self.build(self.reader.read(batch))

    def check_gate(self) -> None:
        """Validate the gate, if there is one; see ``Gate.check``."""
        if self.gate is not None and not self.maintained_by:
            self.gate.check()

    def judge(self, batch: Batch, rows: Any, staged: Staged) -> Verdict | None:
        """Return the gate's verdict on a staged batch; None if there is no gate, or a batch of maintenance."""
        if self.gate is None or self.maintained_by or not isinstance(self.sink, GatedSink):
            return None
        return self.gate.judge(self.sink.judged_table(batch, rows, staged), staged)


AnyJob = TargetJob[Any, Any]
