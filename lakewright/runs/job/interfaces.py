"""The parts of a job: reader, sink, catalog entry, corrector and gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from lakewright.log.actions.union import AnyAction
from lakewright.log.log import Plan
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Applied, Batch, Staged, Survey
from lakewright.runs.job.request import Replay, Request
from transforms.schema_changes import SchemaChange

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

    def committed(self, plan: Plan) -> Sequence[AnyAction] | None:
        """Return the actions of a batch that the table contains, unverified; None if it does not. Writes nothing."""

    def rewrites_table(self, state: TableState, types: Mapping[str, str]) -> bool:
        """Return whether the table must be rewritten before columns get these types."""

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
        rows: Number of rows by what happened to them: corrected, still_rejected, unreadable, corrected_before,
            void.
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
    """Stores rejected rows that pass the current config as source objects of the feed."""

    def correct(self, state: TableState, replay: Replay, scratch: Scratch) -> Replayed:
        """Write corrections.

        Raises:
            ConfigError: If the edited CSV is wrong; then nothing is written.
        """


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
