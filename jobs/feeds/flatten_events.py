"""The feeds of the job flatten_events."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lakewright.config import MAX_RECORD_BYTES, CatalogEntry, Feed, Model, RecordBytes
from lakewright.folders import require_apart, source_folder, target_folder
from lakewright.kafka.files import DayRange, EventRules
from lakewright.parquet.arrow import PROVENANCE
from lakewright.parquet.place import Compression
from transforms.events.column_names import clean_key
from transforms.events.sink_names import table_name
from transforms.events.types import TIME_FORMATS
from transforms.key_paths import read_path
from transforms.object_names import DATE_KEYS, compile_date_template

#: Columns that are not the events' own.
RESERVED: Final = (*PROVENANCE, *DATE_KEYS)

TimeFormat = Literal["epoch_seconds", "epoch_millis", "epoch_micros", "epoch_nanos", "iso"]


def _is_path(written: str) -> str:
    read_path(written)
    return written


def _is_template(template: str) -> str:
    if template:
        compile_date_template(template, needs_day=True)
    return template


def _is_day(written: object) -> object:
    """Let nothing be taken for seconds since 1970."""
    if isinstance(written, str):
        with suppress(ValueError):
            return date.fromisoformat(written)
    if type(written) is not date:
        raise ValueError(f"a day is written like 1990-01-31, not {written!r}")
    return written


Attribute = Annotated[str, AfterValidator(_is_path)]
Day = Annotated[date, BeforeValidator(_is_day)]


class RecordPlace(Model):
    """Where a record says what its place in Kafka is; what it does not say, the object's name does."""

    topic: Attribute | None = Field(default=None, description="Attribute with the topic.")
    partition: Attribute | None = Field(default=None, description="Attribute with the Kafka partition.")
    offset: Attribute | None = Field(default=None, description="Attribute with the offset.")


class EventDay(Model):
    """Which day a row belongs to."""

    source: Literal["path", "object", "field"] = Field(
        default="path",
        alias="from",
        description="path: the object's folders. object: its time of writing. field: an attribute of the event.",
    )
    field: Attribute | None = Field(default=None, description="With field: an attribute of source.timestamps.")
    path_format: Annotated[str, AfterValidator(_is_template)] = Field(
        default="", description="With path: how the folders are written, such as dt={year}-{month}-{day}/*."
    )


class DaysAllowed(Model):
    """The days that events can be of: a time in another unit than the feed says is far off."""

    first: Day = Field(default=date(1990, 1, 1), description="First day; a row before it is rejected.")
    last: Day | None = Field(
        default=None, description="Last day; a row behind it is rejected. Null: the day after the batch is processed."
    )

    @model_validator(mode="after")
    def _fits(self) -> "DaysAllowed":
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last: {self.last} is before first: {self.first}; no row could be of any day")
        return self


class EventSource(Model):
    """Where the sink writes, and what the events say of themselves."""

    path: Annotated[str, source_folder("raw/topics/")] = Field(
        min_length=1, description="The sink's topics.dir: a folder in the lake, or a URI of its own."
    )
    topics: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="Topics to take, by name or pattern such as shop.*; capitals count."
    )
    delimiter: str = Field(default="+", min_length=1, description="The sink's file.delim.")
    day: EventDay = Field(default=EventDay(), description="Which day a row belongs to.")
    day_range: DaysAllowed = Field(default=DaysAllowed(), description="Which days events can be of.")
    timestamps: dict[Attribute, TimeFormat] = Field(
        default={}, description="Attributes that become timestamps, and how their times are written."
    )
    record: RecordPlace = Field(default=RecordPlace(), description="Where a record says what its place in Kafka is.")
    on_offset_conflict: Literal["keep", "refuse"] = Field(
        default="keep",
        description="What becomes of records at one offset that are not the same. keep: both are rows, with a warning. "
        "refuse: nothing is published.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="An object with a longer line, once unpacked, is refused whole."
    )


class CatalogDatabase(Model):
    """Where the tables are registered in the Glue Data Catalog, each by its own name."""

    database: str = Field(min_length=1, description="Database in the catalog; made if it is not there.")


class EventTarget(Model):
    """The tables, one a topic."""

    path: Annotated[str, target_folder("refined/")] = Field(
        min_length=1, description="Folder of the tables in the lake."
    )
    separator: str = Field(default="_", min_length=1, description="What stands between the keys in a column's name.")
    sort_by: tuple[str, ...] = Field(default=(), description="Columns that the rows of a file are sorted by.")
    dedupe_days: Annotated[int, Field(ge=0, le=400)] = Field(
        default=0,
        description="Days before and after its own in which a record that carries its offset (source.record.offset) "
        "is looked for in earlier batches.",
    )
    compression: Compression = Field(default="snappy", description="How the Parquet files are compressed.")
    catalog: CatalogDatabase | None = Field(default=None, description="Where the tables are registered.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse", description="What becomes of a rebuild that lacks a source object."
    )

    @model_validator(mode="after")
    def _fits(self) -> "EventTarget":
        if clean_key(self.separator) != self.separator:
            raise ValueError(f"separator: {self.separator!r} cannot be part of a column's name; _ and letters can")
        return self


class FlattenEventsFeed(Feed):
    """A feed of the job flatten_events."""

    job: Literal["flatten_events"] = Field(description="The job that runs this feed.")
    source: EventSource
    target: EventTarget

    @model_validator(mode="after")
    def _day_fits(self) -> "FlattenEventsFeed":
        day = self.source.day
        if (day.source == "field") != (day.field is not None):
            raise ValueError("source.day: field names the attribute with the day, and stands with from: field alone")
        if day.path_format and day.source != "path":
            raise ValueError("source.day: path_format stands with from: path alone")
        if day.field is not None and day.field not in self.source.timestamps:
            raise ValueError(
                f"source.day.field: {day.field} must be in source.timestamps, which say how its time is written; "
                f"known are {', '.join(TIME_FORMATS)}"
            )
        return self

    @model_validator(mode="after")
    def _apart(self) -> "FlattenEventsFeed":
        require_apart(self.source.path, self.target.path)
        return self

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Give the tables of the topics that this feed names in full; its patterns may match others."""
        catalog = self.target.catalog
        topics = [topic for topic in self.source.topics if set("*?[").isdisjoint(topic)]
        return [CatalogEntry(("source", "topics"), catalog.database, table_name(topic)) for topic in topics if catalog]

    def days(self, processed: date) -> DayRange:
        """Give the days that the rows of a batch may be of, which is processed on a day."""
        allowed = self.source.day_range
        return DayRange(allowed.first, allowed.last or processed + timedelta(days=1))

    def layout_note(self) -> str:
        """Say how the tables lie in their folders: what of the feed cannot change without making them anew."""
        day = self.source.day
        source = f"the {day.source} {day.field or day.path_format}".rstrip()
        return f"by the day of {source}, names with {self.target.separator!r}"

    def rules(self) -> EventRules:
        """Give what the feed says of its events."""
        source = self.source
        paths = [source.day.field, source.record.topic, source.record.partition, source.record.offset]
        day, topic, partition, offset = (read_path(path) if path else None for path in paths)
        timestamps = {read_path(path): kind for path, kind in source.timestamps.items()}
        return EventRules(timestamps, day, topic, partition, offset, source.max_record_bytes)
