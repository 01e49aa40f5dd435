"""The feeds of the job csv_to_parquet."""

import re
from collections import Counter
from collections.abc import Sequence
from re import Pattern
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, CatalogEntry, CatalogTable, Model, ParquetFeed, RecordBytes
from lakewright.csv.objects import CsvRules
from lakewright.csv.options import CsvOptions
from lakewright.errors import ConfigError
from lakewright.folders import require_apart, source_folder, target_folder
from lakewright.parquet.place import Compression
from lakewright.quality.config import GatedFeed
from transforms.csv.typed_column import RESERVED_PREFIX, TypedColumn
from transforms.datetime_patterns import problem_with
from transforms.object_names import DATE_KEYS, compile_date_template

_TYPE: Final = re.compile(r"string|long|int|double|boolean|date|timestamp|decimal\((\d{1,2}),(\d{1,2})\)")
_MOST_DIGITS: Final = 38


class ColumnSpec(Model):
    """A declared column: its type, or a mapping with the type and further options."""

    type: str = Field(description="string, long, int, double, decimal(p,s), boolean, date or timestamp.")
    source_name: str = Field(default="", alias="from", description="Name in the header, if it differs.")
    format: str = Field(default="", description="Pattern of this column's dates or timestamps.")
    decimal_separator: Literal["", ".", ","] = Field(
        default="", description="Decimal separator of this column's numbers."
    )
    timezone: str = Field(default="", description="Time zone of this column's timestamps without an offset.")

    @field_validator("type")
    @classmethod
    def _known_type(cls, written: str) -> str:
        kind = written.replace(" ", "").lower()
        match = _TYPE.fullmatch(kind)
        if match is None:
            raise ValueError(
                f"unknown type {written!r}; known are string, long, int, double, decimal(p,s), boolean, date, timestamp"
            )
        if match[1] and not (1 <= int(match[1]) <= _MOST_DIGITS and int(match[2]) <= int(match[1])):
            raise ValueError(f"{written} is not a valid decimal: at most {_MOST_DIGITS} digits, including the fraction")
        return kind

    @model_validator(mode="before")
    @classmethod
    def _type_alone(cls, written: Any) -> Any:
        return {"type": written} if isinstance(written, str) else written


class CsvSource(Model):
    """The source objects."""

    path: Annotated[str, source_folder("raw/customers/")] = Field(
        min_length=1, description="Folder in the lake, or a URI."
    )
    file_name: str = Field(
        default="", description="Template of object names, such as customers_{year}{month}{day}.csv."
    )
    csv: CsvOptions = Field(default=CsvOptions(), description="Options of the CSV text.")
    columns: dict[str, ColumnSpec] = Field(min_length=1, description="The columns to read, by name in the table.")
    on_extra_column: Literal["ignore", "refuse"] = Field(
        default="ignore",
        description="Whether undeclared columns in a header are ignored, or the object is refused.",
    )
    on_refused_file: Literal["fail", "skip"] = Field(
        default="skip",
        description="Whether a batch fails if it contains an object that cannot be read, or skips the object.",
    )
    hidden: Literal["ignore", "take"] = Field(
        default="ignore",
        description="Whether objects are read if their name, or a folder below path, begins with _. Empty "
        "markers such as _SUCCESS, _temporary/, _staging/ and names that begin with a dot are always ignored.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="An object with a longer (uncompressed) record is refused as a whole."
    )

    @field_validator("file_name")
    @classmethod
    def _is_template(cls, template: str) -> str:
        compile_date_template(template)
        return template


class ParquetTarget(Model):
    """The target table."""

    path: Annotated[str, target_folder("refined/customers/")] = Field(
        min_length=1, description="Folder of the table in the lake."
    )
    fill: Literal["rebuild", "append"] = Field(
        default="rebuild",
        description="rebuild: a partition with new or rewritten objects is overwritten from all of its objects. "
        "append: the rows of each object are appended once.",
    )
    partition_by: tuple[str, ...] = Field(default=(), description="Partition columns.")
    partition_date: Literal["source", "processing"] = Field(
        default="source", description="Whether year, month and day are those in the object's name or of processing."
    )
    compression: Compression = Field(default="snappy", description="Compression of the Parquet files.")
    catalog: CatalogTable | None = Field(default=None, description="Entry of the table in the Glue Data Catalog.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse",
        description="If a committed object of a partition to rebuild has disappeared: refuse, or rebuild without it.",
    )


class CsvToParquetFeed(ParquetFeed, GatedFeed):
    """A feed of the job csv_to_parquet."""

    job: Literal["csv_to_parquet"] = Field(description="The job that runs this feed.")
    source: CsvSource
    target: ParquetTarget

    @model_validator(mode="after")
    def _columns_fit(self) -> "CsvToParquetFeed":
        columns = self.source.columns
        names = Counter(name.casefold() for name in columns)
        if repeated := [name for name in columns if names[name.casefold()] > 1]:
            raise ValueError(f"column {repeated[0]!r} is repeated; names are compared without case")
        if reserved := [name for name in columns if name.casefold() in self.date_keys()]:
            raise ValueError(
                f"column {reserved[0]!r}: the table is partitioned by {reserved[0].casefold()}, which comes from the "
                f"objects' names or the day of processing; rename the column, with from: {reserved[0]}"
            )
        if reserved := [name for name in columns if name.casefold().startswith(RESERVED_PREFIX)]:
            raise ValueError(f"column {reserved[0]!r}: names that begin with {RESERVED_PREFIX} are reserved")
        for name, column in self.typed_columns().items():
            if column.type in ("date", "timestamp") and (
                problem := problem_with(column.format, time=column.type == "timestamp")
            ):
                raise ValueError(f"source.columns.{name}: {problem}")
            try:
                ZoneInfo(column.timezone)
            except (ValueError, ZoneInfoNotFoundError):
                raise ValueError(f"source.columns.{name}: unknown time zone {column.timezone!r}") from None
        return self

    @model_validator(mode="after")
    def _target_fits(self) -> "CsvToParquetFeed":
        columns, target = self.source.columns, self.target
        require_apart(self.source.path, target.path)
        if len(set(target.partition_by)) < len(target.partition_by):
            raise ValueError("target.partition_by names a column twice")
        if set(columns) <= set(target.partition_by):
            raise ValueError("target.partition_by names every column; at least one must remain in the files")
        if unknown := [name for name in target.partition_by if name not in (*DATE_KEYS, *columns)]:
            raise ValueError(f"target.partition_by: {unknown[0]!r} is neither year, month, day nor a column")
        if target.fill == "rebuild" and (target.partition_date != "source" or set(target.partition_by) & set(columns)):
            raise ValueError("target.fill: rebuild needs partitions from the date in object names; use append")
        return self

    @model_validator(mode="after")
    def _gates_fit(self) -> "CsvToParquetFeed":
        if self.gates and (unknown := self.gates.unknown_tables([self.target_name()])):
            raise ValueError(unknown[0])
        return self

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Return the table that this feed registers, if any."""
        table = self.target.catalog
        return [CatalogEntry(("target", "catalog"), table.database, table.table)] if table else []

    def typed_columns(self) -> dict[str, TypedColumn]:
        """Return the declared columns; options that a column does not set are those of the source."""
        csv = self.source.csv
        return {
            name: TypedColumn(
                name,
                spec.type,
                format=spec.format or (csv.timestamp_format if spec.type == "timestamp" else csv.date_format),
                decimal_separator=spec.decimal_separator or csv.decimal_separator,
                timezone=spec.timezone or csv.timezone,
                null_text=csv.null_text,
                is_folder=name in self.target.partition_by,
            )
            for name, spec in self.source.columns.items()
        }

    def declared_columns(self) -> dict[str, str]:
        """Return the columns of the table with their types in Spark's syntax; parts of the date are text."""
        columns = {name: column.ddl_type for name, column in self.typed_columns().items()}
        return columns | dict.fromkeys(self.date_keys(), "string")

    def file_name_pattern(self) -> Pattern[str] | None:
        """Return the pattern of source object names, if the feed has one."""
        return compile_date_template(self.source.file_name) if self.source.file_name else None

    def header_names(self) -> dict[str, str]:
        """Return the name in the header of each declared column."""
        return {name: spec.source_name or name for name, spec in self.source.columns.items()}

    def target_name(self) -> str:
        """Return the name of the only target: that of the table's folder."""
        return self.target.path.strip("/").rsplit("/", 1)[-1]

    def raw_folder(self) -> str:
        """Return the source folder, which a pipeline fills from the landing zone.

        Raises:
            ConfigError: If it is not in the lake.
        """
        if "://" in self.source.path:
            raise ConfigError(f"a pipeline needs a source.path in the lake, not {self.source.path}")
        return self.source.path

    def landing_pattern(self) -> Pattern[str]:
        """Return the pattern of the names of objects that land, with the day of their rows.

        Raises:
            ConfigError: If ``source.file_name`` does not name year, month and day.
        """
        try:
            return compile_date_template(self.source.file_name, needs_day=True)
        except ValueError as error:
            raise ConfigError(f"a pipeline needs the day of each object from source.file_name: {error}") from None

    def rules(self) -> CsvRules:
        """Return the rules for the source objects."""
        return CsvRules(self.source.csv, self.header_names(), self.source.max_record_bytes)

    def date_keys(self) -> list[str]:
        """Return those of year, month and day that partition the table."""
        return [key for key in self.target.partition_by if key in DATE_KEYS]
