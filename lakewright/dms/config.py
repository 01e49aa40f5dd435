"""Feed settings of a replication: the location of its files, the columns it adds, and the settings of each table."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, Model, RecordBytes
from lakewright.folders import source_folder
from transforms.changes.column_names import ascii_name, normal, problem_with_name
from transforms.changes.column_types import can_cast

#: columns: by sequence number, else commit time. file: by the time stamps in file names.
OrderBy = Literal["columns", "file"]


class TableSpec(Model):
    """Settings of one source table."""

    key: tuple[str, ...] = Field(default=(), description="Primary key columns; without a key, changes are appended.")
    partition_by: tuple[str, ...] = Field(default=(), description="Partition columns, outermost first.")
    keep_when_null: tuple[str, ...] = Field(
        default=(), description="Columns where null in an update means unchanged, as DMS sends large objects."
    )
    keep_when_absent: bool = Field(
        default=False, description="Whether columns that are missing from a change file keep their values in the table."
    )
    order_by: OrderBy | None = Field(default=None, description="Overrides source.order_by for this table.")
    rename: dict[str, str] = Field(
        default={}, description="Table column names by source column name, such as {Straße: street}."
    )
    cast: dict[str, str] = Field(
        default={},
        description="Column types that replace those of the files, such as amount: decimal(20,4); a row with a value "
        "that its type cannot represent exactly is rejected.",
    )

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

    @field_validator("rename")
    @classmethod
    def _names_can_be(cls, rename: dict[str, str]) -> dict[str, str]:
        """Refuse invalid names, and names that two columns would share."""
        sources: dict[str, str] = {}
        for source, name in rename.items():
            if problem := problem_with_name(name):
                raise ValueError(f"{source!r} cannot become {name!r}: {problem}")
            if (other := sources.setdefault(name.casefold(), source)) != source:
                raise ValueError(f"{other!r} and {source!r} would both be {name!r}")
        if len({normal(source) for source in rename}) < len(rename):
            raise ValueError("names a column twice, with an accent in two Unicode forms")
        return rename

    @model_validator(mode="after")
    def _names_are_the_tables(self) -> "TableSpec":
        """Refuse settings that use a column's source name where the table has another name."""
        for setting in ("key", "partition_by", "keep_when_null", "cast"):
            for name in getattr(self, setting):
                named = self.rename.get(name) or ascii_name(name)
                if name != named and name not in self.rename.values():
                    raise ValueError(
                        f"{setting}: {name!r} is a source column, and its name in the table is {named!r}: use that "
                        "name here, or rename the column"
                    )
        return self

    @field_validator("cast")
    @classmethod
    def _types_are_known(cls, cast: dict[str, str]) -> dict[str, str]:
        written = {name: "".join(kind.lower().split()).replace("long", "bigint") for name, kind in cast.items()}
        if unknown := [name for name, kind in written.items() if not can_cast("string", kind)]:
            raise ValueError(
                f"{unknown[0]}: {cast[unknown[0]]!r} is not one of string, boolean, int, bigint, float, double, "
                "decimal(p,s) up to 38 digits, date, timestamp"
            )
        return written

    @model_validator(mode="after")
    def _keeps_values_of_rows(self) -> "TableSpec":
        if (self.keep_when_null or self.keep_when_absent) and not self.key:
            raise ValueError("keep_when_null and keep_when_absent need a key: rows without a key are not updated")
        if fixed := [name for name in self.keep_when_null if name in (*self.key, *self.partition_by)]:
            raise ValueError(f"keep_when_null: {fixed[0]!r} is a key or partition column, which updates always contain")
        return self


Spec = TypeVar("Spec", bound=TableSpec)


class ReplicationSource(Model):
    """Location of the replication's files, and the columns it adds; column names are case-sensitive."""

    path: Annotated[str, source_folder("raw/human_resources/")] = Field(
        min_length=1, description="Folder of a schema, with one folder per table; or a URI."
    )
    kind_column: str = Field(default="Op", description="Kind of change: I, U or D; never a column of the table.")
    time_column: str = Field(
        default="",
        description="Commit time of a change, such as update_ts_dms; a column of the table unless listed in "
        "replication_columns.",
    )
    sequence_column: str = Field(
        default="AR_H_CHANGE_SEQ", description="Sequence number of a change, if present; never a column of the table."
    )
    order_by: OrderBy = Field(
        default="columns",
        description="columns: by sequence_column, else time_column. file: by the time stamps in file names, then row "
        "position, if the replication adds no such column.",
    )
    replication_columns: tuple[str, ...] = Field(
        default=(), description="Other columns added by the replication, which tables drop, such as [schema_name]."
    )
    before_image_prefix: str = Field(
        default="",
        description="Prefix of before-image columns, such as BI_: an update that changes the key then deletes the old "
        "key. Tables drop these columns.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="Files with a longer text or binary value are refused."
    )

    def added_columns(self) -> set[str]:
        """Return the columns that the replication adds to those of the source table."""
        return {self.kind_column, self.sequence_column, *self.replication_columns}

    def ordered(self, spec: Spec) -> Spec:
        """Return the table's settings, with the source's ``order_by`` as default."""
        return spec.model_copy(update={"order_by": spec.order_by or self.order_by})
