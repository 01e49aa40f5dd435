"""A job for one target: reader, build and sink, and what these and a run say to one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, Protocol, TypeVar, runtime_checkable

from lakewright.config import Feed
from lakewright.log.actions import AnyAction, TableState
from lakewright.log.log import Plan, Scope
from lakewright.log.records import Counts, SourceObject
from lakewright.runs.progress import Progress
from lakewright.storage.lake import Lake

#: Why a batch is dropped whose feed is another by now.
FEED_CHANGED: Final = "the feed has changed since planned"


@dataclass(frozen=True)
class Request:
    """What a person asked for: all that is new, or everything again, perhaps of some partitions only.

    ``drop_open`` drops a batch that an earlier run left open, instead of finishing it first; ``today`` is the day on
    which a new batch is processed.
    """

    verb: str = "run"
    wanted: Mapping[str, str] = field(default_factory=dict)
    drop_open: bool = False
    today: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    @property
    def everything(self) -> bool:
        """Tell whether what has been committed is taken again."""
        return self.verb == "rebuild"

    @property
    def is_whole(self) -> bool:
        """Tell whether the whole table is made anew."""
        return self.everything and not self.wanted


@dataclass(frozen=True)
class Target:
    """One table that a feed writes."""

    feed_name: str
    name: str
    path: str

    @property
    def state_folder(self) -> str:
        """Where its log, lease and receipts are."""
        return f"state/{self.feed_name}/{self.name}/"

    @property
    def quarantine_folder(self) -> str:
        """Where its rejected rows are."""
        return f"quarantine/{self.feed_name}/{self.name}/"

    @property
    def staging_folder(self) -> str:
        """Where Spark writes before a batch is committed: beside the table, where its readers do not look."""
        zone, _, table = self.path.strip("/").rpartition("/")
        return f"{zone}/_staging/{self.feed_name}/{table}/".lstrip("/")


#: An object as it lies there: its path and its ETag.
Version = tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """The objects of the next batch, and what of the table they take the place of."""

    objects: list[SourceObject]
    scope: Scope


@dataclass(frozen=True)
class Survey:
    """What a run would do now: the next batch, and all that a person should know of the source.

    Attributes:
        heads: What a look at single objects has shown (headers, footers), for the reader of the batch.
        nothing: What lies at the source if none of it is the target's, be it new or not; empty otherwise.
        without_objects: Whether there is something to do although the batch takes no objects.
    """

    choice: Choice
    heads: Mapping[Version, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    extra_columns: dict[str, int] = field(default_factory=dict)
    dropped_columns: list[str] = field(default_factory=list)
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nothing: str = ""
    without_objects: bool = False

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.choice.objects and not self.without_objects


@dataclass(frozen=True)
class Batch:
    """What reader and sink get to work with.

    Attributes:
        plan: The batch as the log has it.
        state: The table before it.
        heads: Those of the survey; a batch that an earlier run left open has none.
        folder: Where to stage files: no reader of the table looks there.
        attempt: The id of this try.
        lake: The lake of table and folder.
        progress: Whom to tell what goes on.
    """

    plan: Plan
    state: TableState
    heads: Mapping[Version, Any]
    folder: str
    attempt: str
    lake: Lake
    progress: Progress

    @property
    def properties(self) -> Mapping[str, Any]:
        """The state of the job's own, as it was before the batch; empty if the table is made anew."""
        return {} if self.plan.overwrites_table else self.state.properties

    @property
    def prefix(self) -> str:
        """Begin the names of files that the batch publishes."""
        return f"{self.plan.number:06d}-"


@dataclass(frozen=True)
class Staged:
    """What a batch made, staged and counted, before anything is published.

    Attributes:
        counts: Rows, as they were read and judged.
        in_table: Rows for the table, deletes among them, as they were counted in what is staged.
        in_quarantine: Rejected rows, likewise.
        actions: What the batch does, once it is committed.
        rules: How many rows broke each rule.
        refused: Objects that were left as they are because they cannot be read or rewritten, and why.
        unreached: Objects that could not be reached.
        miscounted: Objects that were left as they are because records were lost or added on the way; a bug of ours.
        schema_changes: Columns that were learned on the way.
        warnings: What a person should know although the batch is fine.
    """

    counts: Counts = field(default_factory=Counts)
    in_table: int = 0
    in_quarantine: int = 0
    actions: list[AnyAction] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    miscounted: dict[str, str] = field(default_factory=dict)
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def left(self) -> dict[str, str]:
        """Give all objects that were left as they are, and why."""
        return self.refused | self.unreached | self.miscounted


@dataclass(frozen=True)
class Applied:
    """A batch as a table that commits by itself holds it: by which attempt, what that staged, what the table told."""

    attempt: str
    staged: Staged
    warnings: list[str] = field(default_factory=list)


Rows = TypeVar("Rows")
Judged = TypeVar("Judged")
Read_co = TypeVar("Read_co", covariant=True)
Judged_contra = TypeVar("Judged_contra", contravariant=True)


@dataclass(frozen=True)
class Preflight:
    """What a sink says of its table before anything is planned.

    Attributes:
        before: The table whose objects count as taken: as a rule its own, else that which it takes the place of.
        schema_changes: How its schema will change.
        warnings: What a person should know.
    """

    before: TableState
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Reader(Protocol[Read_co]):
    """What lies at the source of a target: what of it is new, what is refused, how it is read."""

    @property
    def skips_refused(self) -> bool:
        """Whether the others go on if an object is refused."""

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Look at the source, read nothing but heads, write nothing; ``excluded`` objects were refused before.

        Raises:
            DataError: If what is there must not be taken.
        """

    def changed(self, plan: Plan) -> list[str]:
        """Name the objects of a batch that are no longer what was planned."""

    def read(self, batch: Batch) -> Read_co:
        """Read the objects of a batch, or say how they are to be read.

        Raises:
            ObjectRefusedError: If some of them cannot be read as declared.
        """


class CatalogEntry(Protocol):
    """What a table is in a catalog."""

    def register(self, state: TableState) -> str:
        """Bring the entry to what the state says, and name it.

        Raises:
            CatalogError: If the catalog refuses, cannot be reached, or holds an entry of this name that is another's.
        """


class Sink(Protocol[Judged_contra]):
    """Where rows go: it stages a batch, and says by which actions the batch is then published, exactly once."""

    def check(self, state: TableState, request: Request) -> Preflight:
        """Hold the table against the feed, before anything is planned.

        Raises:
            ConfigError: If the table is not as the feed has it.
        """

    def stage(self, batch: Batch, rows: Judged_contra, /) -> Staged:
        """Write the files of a batch to its folder, where no reader looks, and count what they hold.

        Raises:
            ObjectRefusedError: If objects turn out to be unreadable on the way.
        """

    def layout(self) -> str:
        """Say where and how the table's files lie: a table that lies otherwise must be made anew."""

    def catalog(self) -> CatalogEntry | None:
        """Give the catalog entry that the table is registered in, if any."""


@runtime_checkable
class CommittingSink(Protocol):
    """What a sink also brings if its table commits by itself: that commit is the truth, and the outcome follows it."""

    def applied(self, plan: Plan) -> Applied | None:
        """Look whether the table holds the batch already."""

    def commit(self, batch: Batch, rows: Any, staged: Staged) -> Applied:
        """Make the one commit of a batch, and read it back."""


@dataclass(frozen=True)
class TargetJob(Generic[Rows, Judged]):
    """One target of a feed and what fills it: reader, build and sink; all else about a run is in ``lifecycle``."""

    feed: Feed
    target: Target
    reader: Reader[Rows]
    build: Callable[[Rows], Judged]
    sink: Sink[Judged]
    #: The job that maintains the table, if that is not the one that fills it.
    maintained_by: str = ""

    @property
    def name(self) -> str:
        """Name the job."""
        return self.maintained_by or self.feed.job

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Say what a run would do; see ``Sink.check`` and ``Reader.survey``."""
        preflight = self.sink.check(state, request)
        survey = self.reader.survey(preflight.before, request, excluded=excluded)
        return replace(
            survey,
            schema_changes=[*preflight.schema_changes, *survey.schema_changes],
            warnings=[*preflight.warnings, *survey.warnings],
        )

    def rows(self, batch: Batch) -> Judged:
        """Give the rows of a batch; see ``Reader.read``."""
        return self.build(self.reader.read(batch))


AnyJob = TargetJob[Any, Any]
