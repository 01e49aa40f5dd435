"""The feed of the job flatten_events."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lakewright.config import MAX_RECORD_BYTES, CatalogEntry, Model, ParquetFeed, RecordBytes
from lakewright.folders import require_apart, source_folder, target_folder
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.parquet.place import Compression
from lakewright.parquet.provenance import PROVENANCE_TYPES
from lakewright.quality.config import GatedFeed
from transforms.events.column_names import clean_key
from transforms.events.sink_names import table_name
from transforms.events.types import TIME_FORMATS
from transforms.key_paths import read_path
from transforms.object_names import DATE_KEYS, compile_date_template

#: Columns that attributes of events cannot use.
RESERVED: Final = (*PROVENANCE_TYPES, *DATE_KEYS)

TimeFormat = Literal["epoch_seconds", "epoch_millis", "epoch_micros", "epoch_nanos", "iso"]


def _is_path(written: str) -> str:
    read_path(written)
    return written


def _is_template(template: str) -> str:
    if template:
        compile_date_template(template, needs_day=True)
    return template


def _is_day(written: object) -> object:
    """Accept only dates: pydantic would read numbers as seconds since 1970."""
    if isinstance(written, str):
        with suppress(ValueError):
            return date.fromisoformat(written)
    if type(written) is not date:
        raise ValueError(f"must be a date such as 1990-01-31, not {written!r}")
    return written


Attribute = Annotated[str, AfterValidator(_is_path)]
Day = Annotated[date, BeforeValidator(_is_day)]


class RecordPlace(Model):
    """Attributes with a record's position in Kafka; what they do not provide is derived from the object's name."""

    topic: Attribute | None = Field(default=None, description="Attribute with the topic.")
    partition: Attribute | None = Field(default=None, description="Attribute with the Kafka partition.")
    offset: Attribute | None = Field(default=None, description="Attribute with the offset.")


class EventDay(Model):
    """What determines the day of a row."""

    source: Literal["path", "object", "field"] = Field(
        default="path",
        alias="from",
        description="path: the object's folders. object: its last-modified time. field: an attribute of the event.",
    )
    field: Attribute | None = Field(default=None, description="For from: field, an attribute of source.timestamps.")
    path_format: Annotated[str, AfterValidator(_is_template)] = Field(
        default="",
        description="For from: path, the pattern of the folders, such as dt={year}-{month}-{day}/*. Empty: "
        "key=value folders.",
    )


class DaysAllowed(Model):
    """The days that rows may have; a time in another unit than declared is far outside."""

    first: Day = Field(default=date(1990, 1, 1), description="First day; earlier rows are rejected.")
    last: Day | None = Field(
        default=None, description="Last day; later rows are rejected. Null: the day after the batch is processed."
    )

    @model_validator(mode="after")
    def _fits(self) -> "DaysAllowed":
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last: {self.last} is before first: {self.first}; all rows would be rejected")
        return self


class EventSource(Model):
    """The sink's folder, and the attributes of its events."""

    path: Annotated[str, source_folder("raw/topics/")] = Field(
        min_length=1, description="The sink's topics.dir: a folder in the lake, or a URI."
    )
    topics: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="Topics to read, by name or pattern such as shop.*; case-sensitive."
    )
    delimiter: str = Field(default="+", min_length=1, description="The sink's file.delim.")
    day: EventDay = Field(default=EventDay(), description="What determines the day of a row.")
    day_range: DaysAllowed = Field(
        default=DaysAllowed(), description="The days that rows may have; rows of other days are rejected."
    )
    timestamps: dict[Attribute, TimeFormat] = Field(
        default={}, description="Attributes that become timestamps, with the format of their times."
    )
    record: RecordPlace = Field(default=RecordPlace(), description="Attributes with a record's position in Kafka.")
    on_offset_conflict: Literal["keep", "refuse"] = Field(
        default="keep",
        description="What to do with different records at the same offset. keep: keep both rows, with a warning. "
        "refuse: publish nothing.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="An object with a longer (uncompressed) line is refused as a whole."
    )


class CatalogDatabase(Model):
    """The Glue Data Catalog database in which the tables are registered, each under its name."""

    database: str = Field(min_length=1, description="Database in the catalog; created if it does not exist.")


class EventTarget(Model):
    """The tables, one per topic."""

    path: Annotated[str, target_folder("refined/")] = Field(
        min_length=1, description="Folder of the tables in the lake."
    )
    separator: str = Field(default="_", min_length=1, description="Separator between the keys in a column's name.")
    sort_by: tuple[str, ...] = Field(default=(), description="Columns by which the rows of a file are sorted.")
    dedupe_days: Annotated[int, Field(ge=0, le=400)] = Field(
        default=0,
        description="Days before and after its own day in which a record that carries its offset "
        "(source.record.offset) is deduplicated against earlier batches.",
    )
    compression: Compression = Field(default="snappy", description="Compression of the Parquet files.")
    catalog: CatalogDatabase | None = Field(default=None, description="Where to register the tables.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse",
        description="What to do if a source object is gone that a rebuild needs: refuse, or rebuild without it.",
    )

    @model_validator(mode="after")
    def _fits(self) -> "EventTarget":
        if clean_key(self.separator) != self.separator:
            raise ValueError(f"separator: {self.separator!r} cannot be part of a column's name; use _ or letters")
        return self


class FlattenEventsFeed(ParquetFeed, GatedFeed):
    """Configuration of the job flatten_events."""

    job: Literal["flatten_events"] = Field(description="The job that runs this feed.")
    source: EventSource
    target: EventTarget

    @model_validator(mode="after")
    def _day_fits(self) -> "FlattenEventsFeed":
        day = self.source.day
        if (day.source == "field") != (day.field is not None):
            raise ValueError("source.day: field is required with from: field, and allowed only there")
        if day.path_format and day.source != "path":
            raise ValueError("source.day: path_format is allowed only with from: path")
        if day.field is not None and day.field not in self.source.timestamps:
            raise ValueError(
                f"source.day.field: {day.field} must be in source.timestamps, with the format of its times; "
                f"known are {', '.join(TIME_FORMATS)}"
            )
        return self

    @model_validator(mode="after")
    def _apart(self) -> "FlattenEventsFeed":
        require_apart(self.source.path, self.target.path)
        return self

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Return the tables of topics that the feed names without wildcards; patterns may match others."""
        catalog = self.target.catalog
        topics = [topic for topic in self.source.topics if set("*?[").isdisjoint(topic)]
        return [CatalogEntry(("source", "topics"), catalog.database, table_name(topic)) for topic in topics if catalog]

    def date_keys(self) -> Sequence[str]:
        """Return year, month and day, by which all tables of events are partitioned."""
        return DATE_KEYS

    def days(self, processed: date) -> DayRange:
        """Return the allowed days of the rows of a batch, given its processing date."""
        allowed = self.source.day_range
        return DayRange(allowed.first, allowed.last or processed + timedelta(days=1))

    def layout_note(self) -> str:
        """Describe the layout of the tables: the settings that cannot change without a rebuild."""
        day = self.source.day
        source = f"the {day.source} {day.field or day.path_format}".rstrip()
        return f"by the day of {source}, names with {self.target.separator!r}"

    def rules(self) -> EventRules:
        """Return how to read the events."""
        source = self.source
        paths = [source.day.field, source.record.topic, source.record.partition, source.record.offset]
        day, topic, partition, offset = (read_path(path) if path else None for path in paths)
        timestamps = {read_path(path): kind for path, kind in source.timestamps.items()}
        return EventRules(timestamps, day, topic, partition, offset, source.max_record_bytes)
