"""What a job brings to a run for one target, and what the two say to one another; the run itself is in ``runs``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from lakewright.aws.catalog import CatalogEntry
from lakewright.config import Feed
from lakewright.runs.log import Counts, Plan, SchemaVersion, SourceObject, TableFile, TableState
from lakewright.runs.progress import Progress
from lakewright.sources.selection import Choice

#: Why a batch is dropped whose feed is another by now.
FEED_CHANGED: Final = "the feed has changed since planned"


@dataclass(frozen=True)
class Request:
    """What a person asked for: all that is new, or everything again, perhaps of some partitions only.

    ``drop_open`` drops a batch that an earlier run left open, instead of finishing it first.
    """

    verb: str = "run"
    wanted: Mapping[str, str] = field(default_factory=dict)
    drop_open: bool = False

    @property
    def everything(self) -> bool:
        """Tell whether what has been committed is taken again."""
        return self.verb == "rebuild"


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


@dataclass(frozen=True)
class Survey:
    """What a run would do now: the next batch, and all that a person should know of the source.

    ``nothing`` says what lies at the source if nothing of it is the target's, be it new or not; empty otherwise.
    """

    choice: Choice
    refused: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    extra_columns: dict[str, int] = field(default_factory=dict)
    dropped_columns: list[str] = field(default_factory=list)
    schema_changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nothing: str = ""


@dataclass(frozen=True)
class Staged:
    """What a batch made, staged and counted, before anything is published.

    ``refused`` are objects that turned out unreadable on the way: then the rest of this is not to be used.

    A job that rewrites objects where they lie has done so already: ``taken`` are the objects as they are now,
    ``numbers`` what was done to each; those that it had to leave are ``refused`` or ``unreached``.

    A job that knows each row's source object makes single files again: ``replaced`` and ``released`` are files of the
    table and of the quarantine that end with this batch, and ``kept`` the rows that went from such files to new ones.

    ``handed`` are rows that reach the table in none of these files: rewritten where they lie, or staged for a table
    that commits by itself, deletes among them. ``mark``, ``memory`` and ``forgotten`` are as in ``log.Outcome``.
    """

    counts: Counts = field(default_factory=Counts)
    taken: list[SourceObject] | None = None
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    table: list[TableFile] = field(default_factory=list)
    quarantine: list[TableFile] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    kept: int = 0
    schema_version: SchemaVersion | None = None
    schema_changes: list[str] = field(default_factory=list)
    set_aside: dict[str, int] = field(default_factory=dict)
    handed: int = 0
    updates: int = 0
    mark: str = ""
    memory: list[TableFile] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TableCommit:
    """A batch as a table that commits by itself has it: which attempt it was, what that staged, what the table made."""

    attempt: str
    staged: Staged
    told: dict[str, str | int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class TargetJob(Protocol):
    """What a job does for one target; everything else about a run is here."""

    target: Target
    feed: Feed
    skips_refused: bool

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Look at the source, read nothing but headers, write nothing.

        Raises:
            DataError: If what is there must not be taken.
        """

    def changed(self, plan: Plan) -> list[str]:
        """Name the objects of a batch that are no longer what was planned."""

    def processing_date(self) -> str:
        """Give the day that a new batch is processed on."""

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:
        """Read the batch and write its files to ``folder``, where no reader looks."""

    def layout(self) -> str:
        """Say where and how the table's files lie: a table that lies otherwise must be made anew."""

    def catalog(self) -> CatalogEntry | None:
        """Give the catalog that the table is registered in, if any."""


@runtime_checkable
class CommittingJob(Protocol):
    """What a job also brings if its table commits by itself: that commit is the truth, and the outcome follows it."""

    def applied(self, plan: Plan) -> TableCommit | None:
        """Look whether the table holds the batch already."""

    def apply(self, plan: Plan, staged: Staged, folder: str, attempt: str) -> TableCommit:
        """Make the one commit of a batch, and read it back."""
