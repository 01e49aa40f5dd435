"""The feeds of the job csv_to_parquet."""

from collections import Counter
from collections.abc import Sequence
from re import Pattern
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, CatalogEntry, CatalogTable, Model, ParquetFeed, RecordBytes
from lakewright.csv.columns import ColumnSpec
from lakewright.csv.objects import CsvRules
from lakewright.csv.options import CsvOptions
from lakewright.errors import ConfigError
from lakewright.folders import require_apart, source_folder, target_folder
from lakewright.parquet.place import Compression
from lakewright.quality.config import GatedFeed
from transforms.csv.typed_column import RESERVED_PREFIX, TypedColumn
from transforms.header_names import name_key
from transforms.object_names import DATE_KEYS, compile_date_template


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
    hidden: Literal["ignore", "read"] = Field(
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
            if problem := columns[name].problem(self.source.csv):
                raise ValueError(f"source.columns.{name}: {problem}")
            try:
                ZoneInfo(column.timezone)
            except (ValueError, ZoneInfoNotFoundError):
                raise ValueError(f"source.columns.{name}: unknown time zone {column.timezone!r}") from None
        return self

    @model_validator(mode="after")
    def _fields_have_names(self) -> "CsvToParquetFeed":
        csv, columns = self.source.csv, self.source.columns
        if csv.header:
            return self
        keys = set(map(name_key, csv.names))
        for column, names in self.header_names().items():
            present = [name for name in names if name_key(name) in keys]
            if keys and not present:
                raise ValueError(f"source.columns.{column}: source.csv.names has no {' or '.join(map(repr, names))}")
            if len(present) > 1:
                raise ValueError(f"source.columns.{column}: source.csv.names has {' and '.join(map(repr, present))}")
            if not keys and columns[column].source_name:
                raise ValueError(f"source.columns.{column}: without a header, from: needs source.csv.names")
        return self

    @model_validator(mode="after")
    def _names_are_clear(self) -> "CsvToParquetFeed":
        claims: dict[str, list[str]] = {}
        names_of = self.header_names()
        for column, names in names_of.items():
            for name in names:
                claims.setdefault(name_key(name), []).append(column)
        for key, claiming in claims.items():
            # Columns may read one field as several types, but alternative names must determine the field.
            if len(claiming) > 1 and any(len(names_of[column]) > 1 for column in claiming):
                first, second = claiming[:2]
                shared = next(name for name in names_of[first] if name_key(name) == key)
                raise ValueError(
                    f"source.columns.{first} and {second} may both be {shared!r} in a header; name it in one"
                )
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
        csv, folders = self.source.csv, self.target.partition_by
        return {name: spec.typed(name, csv, is_folder=name in folders) for name, spec in self.source.columns.items()}

    def declared_columns(self) -> dict[str, str]:
        """Return the columns of the table with their types in Spark's syntax; parts of the date are text."""
        columns = {name: column.ddl_type for name, column in self.typed_columns().items()}
        return columns | dict.fromkeys(self.date_keys(), "string")

    def file_name_pattern(self) -> Pattern[str] | None:
        """Return the pattern of source object names, if the feed has one."""
        return compile_date_template(self.source.file_name) if self.source.file_name else None

    def header_names(self) -> dict[str, tuple[str, ...]]:
        """Return the names of each declared column, of which a header has one."""
        return {name: spec.source_names(name) for name, spec in self.source.columns.items()}

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
        """Return the rules for the source objects; without a header, their options name all fields."""
        csv, names = self.source.csv, self.header_names()
        nulls = {name: nulls for name, spec in self.source.columns.items() if (nulls := spec.unquoted_nulls(csv))}
        if not csv.header and not csv.names:
            csv = csv.model_copy(update={"names": tuple(alternatives[0] for alternatives in names.values())})
        return CsvRules(csv, names, self.source.max_record_bytes, nulls)

    def date_keys(self) -> list[str]:
        """Return those of year, month and day that partition the table."""
        return [key for key in self.target.partition_by if key in DATE_KEYS]
