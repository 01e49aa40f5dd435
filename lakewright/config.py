"""The models of config: their base, and the keys that feeds of all jobs have."""

import difflib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ByteSize, ConfigDict, Field

from lakewright.folders import FeedFolder, folders_in

MAX_SUGGESTION_DISTANCE: Final = 0.6

#: Default maximum size of a record, which bounds the memory that reading one needs.
MAX_RECORD_BYTES: Final = 16 << 20
#: On one machine, Spark's local mode has been slower at every size measured: it runs the same tasks on the same CPUs.
_LOCAL_UP_TO: Final = ByteSize(100_000_000_000)
RecordBytes = Annotated[int, Field(ge=1 << 10)]

#: Keys that do not affect data.
_KEYS_OF_RUNS: Final = {
    "compact_above",
    "description",
    "gates",  # with its suites, in GatedFeed.fingerprint
    "lease_seconds",
    "local_up_to",
    "maintained_by",
    "on_empty_source",
    "quarantine_days",
    "show_values",
    "targets_at_once",
}


class Model(BaseModel):
    """Base of all models of config files: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CatalogTable(Model):
    """The entry of a table in the Glue Data Catalog."""

    database: str = Field(min_length=1, description="Database in the catalog; created if it does not exist.")
    table: str = Field(min_length=1, description="Table in that database.")


class CatalogEntry(NamedTuple):
    """A table in the catalog, and the path of keys in the feed that name it."""

    keys: tuple[str, ...]
    database: str
    table: str


class Feed(Model):
    """The keys that feeds of all jobs have."""

    job: str = Field(description="The job that runs this feed.")
    description: str = Field(default="", description="What this feed is, in one sentence.")
    max_rejected: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="Maximum share of rejected rows with which a batch is published."
    )
    quarantine_days: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Days after which a run deletes rejected rows from quarantine. Unset: they are kept until their "
        "objects are read again.",
    )
    lease_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=60.0, description="Seconds after which a run that does not renew its lease loses its target."
    )

    targets_at_once: Annotated[int, Field(ge=1, le=100)] = Field(
        default=4, description="Maximum number of targets of this feed that are processed concurrently."
    )

    on_empty_source: Literal["ok", "refuse"] | None = Field(
        default=None,
        description="Whether a source without objects of the feed is refused. Unset: refused until the first commit.",
    )

    maintained_by: tuple[str, ...] = Field(
        default=(), description="Other jobs that may change the tables of this feed, such as a job that erases rows."
    )

    show_values: bool = Field(
        default=False, description="Whether errors, receipts and logs may quote values of the data."
    )

    def refuses_empty_source(self, *, committed: bool) -> bool:
        """Return whether an empty source is refused, given whether the feed has ``committed`` before."""
        return not committed if self.on_empty_source is None else self.on_empty_source == "refuse"

    def folders(self) -> Sequence[FeedFolder]:
        """Return the folders that this feed reads, rewrites or fills."""
        return list(folders_in(self))

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Return the tables in the catalog that this feed registers."""
        return ()

    def date_keys(self) -> Sequence[str]:
        """Return those of year, month and day that partition the tables of this feed."""
        return ()

    def renamed_columns(self) -> dict[str, dict[str, str]]:
        """Return the renamed columns of this feed's tables, by table: source name → table name."""
        return {}

    def fingerprint(self) -> str:
        """Return a hash of the keys that affect data, which log entries store to identify their config."""
        text = self.model_dump_json(exclude=_KEYS_OF_RUNS)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class AnyEngineFeed(Feed):
    """The keys of feeds whose job runs on both engines; others need Spark."""

    local_up_to: ByteSize = Field(
        default=_LOCAL_UP_TO,
        description="Bytes of input up to which a batch is processed on this machine, without Spark, unless the job "
        "runs on Glue or EMR: a number, or a size such as 2GB.",
        json_schema_extra={"default": _LOCAL_UP_TO.human_readable(decimal=True)},
    )


class ParquetFeed(AnyEngineFeed):
    """The keys of feeds that fill Parquet tables, batch by batch."""

    compact_above: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="Number of small files in a partition above which a run that adds files to it merges them "
        "afterwards. Unset: only `compact` does.",
    )


def write_schema(model: type[Model], path: Path) -> None:
    """Write the JSON schema of a model, for editors."""
    path.write_text(json.dumps(model.model_json_schema(), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def lake_uri(option: str | None) -> str:
    """Return the URI of the lake: the option, else ``LAKEWRIGHT_LAKE``, else ``./lake``."""
    return option or os.environ.get("LAKEWRIGHT_LAKE") or "./lake"


def suggest(name: str, known: Sequence[str], *, mark: str = "") -> str:
    """Return a suffix for an error: the most similar known name, or all of them; ``mark`` is a prefix of all names."""
    plain = [each.removeprefix(mark) for each in known]
    close = difflib.get_close_matches(name.removeprefix(mark), plain, n=1, cutoff=MAX_SUGGESTION_DISTANCE)
    if close:
        return f"; did you mean {mark + close[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""
