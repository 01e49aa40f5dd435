"""The feed of the job flatten_events."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from jobs.feeds.parts.event_source import WHOLE_RECORD, EventSource, key_of
from lakewright.config import CatalogEntry, Model, ParquetFeed
from lakewright.folders import require_apart, target_folder
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.parquet.place import Compression
from lakewright.parquet.provenance import PROVENANCE_TYPES
from lakewright.quality.config import GatedFeed
from transforms.events.column_names import clean_key
from transforms.events.declared.kinds import reads_json, type_of
from transforms.events.declared.times import TIME_FORMATS
from transforms.events.raw.forms import WHOLE, RecordForm
from transforms.events.sink_names import table_name
from transforms.key_paths import read_path
from transforms.object_names import DATE_KEYS

#: Columns that attributes of events cannot use.
RESERVED: Final = (*PROVENANCE_TYPES, *DATE_KEYS)


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
        description="What to do if a source object that a rebuild needs is gone: refuse, or rebuild without it.",
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
        if day.field is not None and day.field not in self.source.timestamps | _dates(self.source.types):
            raise ValueError(
                f"source.day.field: {day.field} must be in source.timestamps, with the format of its times "
                f"({', '.join(TIME_FORMATS)}), or in source.types as epoch_days"
            )
        return self

    @model_validator(mode="after")
    def _dedupe_fits(self) -> "FlattenEventsFeed":
        if self.target.dedupe_days and not self.rules().dedupes:
            raise ValueError("target.dedupe_days is for source.dedupe: offsets; key(…) compares the records of one day")
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
        kept = {path: f"json_{kind}" for path, kind in source.json_columns.items()}
        formats = {read_path(path): kind for path, kind in (source.timestamps | source.types | kept).items()}
        form = RecordForm(
            unwrap=source.unwrap,
            parsed=tuple(WHOLE if path == WHOLE_RECORD else read_path(path) for path in source.parse_json),
            kept=tuple(path for path, kind in formats.items() if reads_json(type_of(kind))),
        )
        return EventRules(
            formats=formats,
            day=day,
            topic=topic,
            partition=partition,
            offset=offset,
            max_record_bytes=source.max_record_bytes,
            records=source.records,
            form=form,
            dedupes=source.dedupe == "offsets",
            key=tuple(key_of(source.dedupe)),
        )


def _dates(types: Mapping[str, str]) -> dict[str, str]:
    return {path: kind for path, kind in types.items() if kind == "epoch_days"}
