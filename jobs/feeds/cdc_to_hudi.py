"""The feeds of the job cdc_to_hudi."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from jobs.feeds.folders import require_apart, source_folder, target_folder
from lakewright.config import MAX_RECORD_BYTES, Feed, Model, RecordBytes, suggest
from lakewright.errors import ConfigError
from lakewright.hudi.writer import Index, Storage
from transforms.spark.changes import IS_DELETED, KEY, ORDER

#: Keys of a parameter's JSON, as users of this layout have them, and ours.
_PARAMETER_KEYS: Final = {"primaryKey": "key", "partitionKey": "partition_by"}


class TableSpec(Model):
    """How one source table is kept."""

    key: tuple[str, ...] = Field(default=(), description="Primary key columns; without them rows are only appended.")
    partition_by: tuple[str, ...] = Field(default=(), description="Columns that become folders.")
    keep_when_null: tuple[str, ...] = Field(
        default=(), description="Columns whose null in an update means unchanged, as DMS sends large values."
    )
    keep_when_absent: bool = Field(
        default=False, description="Whether columns that an update's file lacks keep their values in the table."
    )
    storage: Storage | None = Field(default=None, description="Of this table, where it differs from the target's.")
    index: Index | None = Field(default=None, description="Of this table, where it differs from the target's.")

    @field_validator("key", "partition_by", "keep_when_null", mode="before")
    @classmethod
    def _by_commas(cls, written: Any) -> Any:
        names = written.split(",") if isinstance(written, str) else written
        return [name.strip() for name in names if name.strip()] if isinstance(names, list) else names

    @field_validator("key", "partition_by", "keep_when_null")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len({name.casefold() for name in names}) < len(names):
            raise ValueError(f"names a column twice: {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _keeps_values_of_rows(self) -> "TableSpec":
        if (self.keep_when_null or self.keep_when_absent) and not self.key:
            raise ValueError("keep_when_null and keep_when_absent need a key: without one nothing is updated")
        if fixed := [name for name in self.keep_when_null if name in (*self.key, *self.partition_by)]:
            raise ValueError(f"keep_when_null: {fixed[0]!r} is a column of key or partition, which updates always hold")
        return self


class CdcSource(Model):
    """Where the replication's files are, and which columns it added; their names are exact, capitals count."""

    path: Annotated[str, source_folder("raw/human_resources/")] = Field(
        min_length=1, description="Folder of a schema, with a folder for each table; or a URI."
    )
    kind_column: str = Field(default="Op", description="Says I, U or D; never a column of the table.")
    time_column: str = Field(
        default="",
        description="When a change was committed, such as update_ts_dms; a column of the table unless it is named in "
        "replication_columns.",
    )
    sequence_column: str = Field(
        default="AR_H_CHANGE_SEQ", description="Numbers the changes, where it is there; never a column of the table."
    )
    replication_columns: tuple[str, ...] = Field(
        default=(), description="Other columns that the replication added and the tables leave out: [schema_name]."
    )
    before_image_prefix: str = Field(
        default="",
        description="Prefix of the columns that hold values before an update, such as BI_: an update that changes the "
        "key then deletes the old one. They are no columns of the table.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="A file with a longer text or binary value is refused."
    )

    def added_columns(self) -> set[str]:
        """Name the columns that the replication added, and that are not the source table's own."""
        return {self.kind_column, self.sequence_column, *self.replication_columns}


class HudiTarget(Model):
    """Where the tables go, and how they are kept; what a table says of itself counts more."""

    path: Annotated[str, target_folder("refined/hr/", may_be_hidden=True)] = Field(
        min_length=1, description="Folder in the lake; each table is a folder in it."
    )
    storage: Storage = Field(default="copy_on_write", description="copy_on_write or merge_on_read.")
    index: Index = Field(default="global_simple", description="How Hudi finds the file of a key.")
    table_version: Literal[6, 8] = Field(default=6, description="Format of the tables; Athena reads up to 6.")
    keep_commits: Annotated[int, Field(ge=1)] = Field(default=10, description="How many commits stay readable.")
    keep_deleted_days: Annotated[int, Field(ge=0)] = Field(
        default=30,
        description="How long deleted keys are remembered: an older change does not bring them back.",
    )
    keep_columns: tuple[str, ...] = Field(default=(), description="Columns of the replication to keep in the tables.")
    on_update_of_unknown_key: Literal["insert", "refuse"] = Field(
        default="insert",
        description="What becomes of an update whose key the table does not hold: its row is inserted and counted, or "
        "its file is refused.",
    )
    on_stale_load: Literal["refuse", "drop", "keep"] = Field(
        default="refuse",
        description="What becomes of LOAD files that were not written again when others of their table were.",
    )
    max_file_mb: Annotated[int, Field(ge=1)] = Field(default=120, description="How large base files may become.")
    small_file_mb: Annotated[int, Field(ge=0)] = Field(
        default=100, description="Below this size a base file takes new rows; 0: never."
    )
    parallelism: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Tasks of a write's shuffles; 0: as many as its bytes and the cores ask for."
    )
    catalog_database: str = Field(default="", description="Database in the catalog to register the tables in.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse", description="What becomes of a rebuild if a file that was taken before is gone."
    )


class CdcToHudiFeed(Feed):
    """A feed of the job cdc_to_hudi: all tables of one schema."""

    job: Literal["cdc_to_hudi"] = Field(description="The job that runs this feed.")
    source: CdcSource
    target: HudiTarget
    tables: dict[str, TableSpec] = Field(default={}, description="The tables, by the names of their folders.")
    parameters: str = Field(
        default="", description="Prefix of SSM parameters for tables not named here, such as lakehouse-table-."
    )
    unconfigured: Literal["fail", "append", "skip"] = Field(
        default="fail", description="What becomes of a table in the source that is configured nowhere."
    )

    @property
    def schema_name(self) -> str:
        """Name the schema: the last folder of the source."""
        return self.source.path.rstrip("/").rsplit("/", 1)[-1]

    @model_validator(mode="after")
    def _tables_fit(self) -> "CdcToHudiFeed":
        for name, table in self.tables.items():
            if "/" in name or name in ("", ".", ".."):
                raise ValueError(f"tables.{name}: a table is the name of a folder below source.path")
            reserved = {KEY, ORDER, IS_DELETED} & {*table.key, *table.partition_by}
            if reserved:
                raise ValueError(f"tables.{name}: {reserved.pop()} is a column that this job makes")
        require_apart(self.source.path, self.target.path)
        known = {*self.source.added_columns(), self.source.time_column}
        if unknown := [name for name in self.target.keep_columns if name not in known]:
            raise ValueError(f"target.keep_columns: {unknown[0]!r} is no column of the replication")
        return self


def table_of_parameter(name: str, text: str) -> TableSpec:
    """Read a table's config off a parameter: ``{"primaryKey": "emp_no", "partitionKey": "department"}``.

    Raises:
        ConfigError: If it is anything else.
    """
    try:
        written = json.loads(text)
        if not isinstance(written, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise ConfigError(f'parameter {name} is no JSON object such as {{"primaryKey": "emp_no"}}') from None
    known = [*_PARAMETER_KEYS, *(name for name in TableSpec.model_fields if name not in _PARAMETER_KEYS.values())]
    if unknown := [key for key in written if key not in known]:
        raise ConfigError(f"parameter {name}: unknown key {unknown[0]!r}{suggest(unknown[0], known)}")
    try:
        return TableSpec.model_validate({_PARAMETER_KEYS.get(key, key): value for key, value in written.items()})
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(f"parameter {name}: {problem['loc'][0]}: {problem['msg']}") from None
