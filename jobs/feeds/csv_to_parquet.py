"""The feeds of the job csv_to_parquet."""

import re
from collections.abc import Sequence
from re import Pattern
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from lakewright.config import CatalogEntry, CatalogTable, Feed, Model
from lakewright.csv.objects import CsvOptions
from lakewright.folders import require_apart, source_folder, target_folder
from lakewright.parquet.place import Compression
from transforms.datetime_patterns import problem_with
from transforms.object_names import DATE_KEYS, compile_date_template
from transforms.spark.typed_rows import RESERVED_PREFIX, TypedColumn

_TYPE: Final = re.compile(r"string|long|int|double|boolean|date|timestamp|decimal\((\d{1,2}),(\d{1,2})\)")
_MOST_DIGITS: Final = 38


class ColumnSpec(Model):
    """One declared column; its type alone may stand for all of it."""

    type: str = Field(description="string, long, int, double, decimal(p,s), boolean, date or timestamp.")
    source_name: str = Field(default="", alias="from", description="Its name in the header, where that differs.")
    format: str = Field(default="", description="Pattern of this column's dates or timestamps.")
    decimal_separator: Literal["", ".", ","] = Field(default="", description="Of this column's numbers.")
    timezone: str = Field(default="", description="Where this column's timestamps were written.")

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
            raise ValueError(f"{written} is no decimal: 1 to {_MOST_DIGITS} digits, of which the fraction is a part")
        return kind

    @model_validator(mode="before")
    @classmethod
    def _type_alone(cls, written: Any) -> Any:
        return {"type": written} if isinstance(written, str) else written


class CsvSource(Model):
    """Where the objects are, and how they are written."""

    path: Annotated[str, source_folder("raw/customers/")] = Field(
        min_length=1, description="Folder in the lake, or a URI of its own."
    )
    file_name: str = Field(
        default="", description="Template of the objects' names, such as customers_{year}{month}{day}.csv."
    )
    csv: CsvOptions = Field(default=CsvOptions(), description="How the text is written.")
    columns: dict[str, ColumnSpec] = Field(
        min_length=1, description="The columns to keep, by their names in the table."
    )
    on_extra_column: Literal["ignore", "refuse"] = Field(
        default="ignore", description="What becomes of an object whose header has columns that are not declared."
    )
    on_refused_file: Literal["fail", "skip"] = Field(
        default="skip", description="Whether the rest of a batch goes on without an object that cannot be read."
    )
    hidden: Literal["ignore", "take"] = Field(
        default="ignore",
        description="Whether objects are data whose name, or a folder of theirs below path, begins with _. Empty "
        "markers such as _SUCCESS, _temporary/, _staging/ and names that begin with a dot never are.",
    )

    @field_validator("file_name")
    @classmethod
    def _is_template(cls, template: str) -> str:
        compile_date_template(template)
        return template


class ParquetTarget(Model):
    """The table, and how it is filled."""

    path: Annotated[str, target_folder("refined/customers/")] = Field(
        min_length=1, description="Folder of the table in the lake."
    )
    fill: Literal["rebuild", "append"] = Field(
        default="rebuild",
        description="rebuild: a partition is made again from all of its objects. append: rows are added, once.",
    )
    partition_by: tuple[str, ...] = Field(default=(), description="Columns that become folders.")
    partition_date: Literal["source", "processing"] = Field(
        default="source", description="Whether year, month, day are those of the object's name or of the processing."
    )
    compression: Compression = Field(default="snappy", description="How the Parquet files are compressed.")
    catalog: CatalogTable | None = Field(default=None, description="Where the table is registered.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse", description="What becomes of a partition with news that has lost a source object."
    )


class CsvToParquetFeed(Feed):
    """A feed of the job csv_to_parquet."""

    job: Literal["csv_to_parquet"] = Field(description="The job that runs this feed.")
    source: CsvSource
    target: ParquetTarget

    @model_validator(mode="after")
    def _columns_fit(self) -> "CsvToParquetFeed":
        columns = self.source.columns
        names = [name.casefold() for name in columns]
        if doubled := [name for name in columns if names.count(name.casefold()) > 1]:
            raise ValueError(f"column {doubled[0]!r} stands twice; names do not differ by case alone")
        if reserved := [name for name in columns if name.casefold() in self.date_keys()]:
            raise ValueError(
                f"column {reserved[0]!r}: the table is partitioned by {reserved[0].casefold()}, which comes from the "
                f"objects' names or the day of processing; give the column another name, with from: {reserved[0]}"
            )
        if reserved := [name for name in columns if name.casefold().startswith(RESERVED_PREFIX)]:
            raise ValueError(f"column {reserved[0]!r}: names that begin with {RESERVED_PREFIX} are taken")
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
            raise ValueError("target.partition_by names every column, which leaves none for the files")
        if unknown := [name for name in target.partition_by if name not in (*DATE_KEYS, *columns)]:
            raise ValueError(f"target.partition_by: {unknown[0]!r} is neither year, month, day nor a column")
        if target.fill == "rebuild" and (target.partition_date != "source" or set(target.partition_by) & set(columns)):
            raise ValueError("target.fill: rebuild needs partitions that follow from an object's name; use append")
        return self

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Give the one table that this feed registers, if any."""
        table = self.target.catalog
        return [CatalogEntry(("target", "catalog"), table.database, table.table)] if table else []

    def typed_columns(self) -> dict[str, TypedColumn]:
        """Give the declared columns, each with its own settings or those of the whole source."""
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

    def file_name_pattern(self) -> Pattern[str] | None:
        """Give the pattern of the names of source objects, if they have one."""
        return compile_date_template(self.source.file_name) if self.source.file_name else None

    def header_names(self) -> dict[str, str]:
        """Give the name in the header of each declared column."""
        return {name: spec.source_name or name for name, spec in self.source.columns.items()}

    def date_keys(self) -> list[str]:
        """Name those of year, month and day that are folders of the table."""
        return [key for key in self.target.partition_by if key in DATE_KEYS]
