"""What a feed says of a replication: where its files are, which columns it adds, how each table is kept."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, Model, RecordBytes
from lakewright.folders import source_folder
from transforms.changes.column_names import ascii_name, normal, problem_with_name
from transforms.changes.column_types import can_cast

#: columns: the number that the replication gave a change, else its time. file: the stamps in the names of files.
OrderBy = Literal["columns", "file"]


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
    order_by: OrderBy | None = Field(default=None, description="Of this table, where it differs from the source's.")
    rename: dict[str, str] = Field(
        default={}, description="Columns by their names in the source, and what the table calls them: {Straße: street}."
    )
    cast: dict[str, str] = Field(
        default={},
        description="Types that columns get instead of those of the files, such as amount: decimal(20,4); a row with a "
        "value that its type cannot hold exactly is rejected.",
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
        """Refuse names that no table can have, and those that two columns would share."""
        sources: dict[str, str] = {}
        for source, name in rename.items():
            if problem := problem_with_name(name):
                raise ValueError(f"{source!r} cannot become {name!r}: {problem}")
            if (other := sources.setdefault(name.casefold(), source)) != source:
                raise ValueError(f"{other!r} and {source!r} would both be {name!r}")
        if len({normal(source) for source in rename}) < len(rename):
            raise ValueError("names a column twice, with an accent that is written in two ways")
        return rename

    @model_validator(mode="after")
    def _names_are_the_tables(self) -> "TableSpec":
        """Refuse settings that call a column what the source calls it, where the table calls it otherwise."""
        for setting in ("key", "partition_by", "keep_when_null", "cast"):
            for name in getattr(self, setting):
                named = self.rename.get(name) or ascii_name(name)
                if name != named and name not in self.rename.values():
                    raise ValueError(
                        f"{setting}: {name!r} is a column of the source, which the table calls {named!r}: name it so "
                        "here, or rename it"
                    )
        return self

    @field_validator("cast")
    @classmethod
    def _types_are_known(cls, cast: dict[str, str]) -> dict[str, str]:
        written = {name: "".join(kind.lower().split()).replace("long", "bigint") for name, kind in cast.items()}
        if unknown := [name for name, kind in written.items() if not can_cast("string", kind)]:
            raise ValueError(
                f"{unknown[0]}: {cast[unknown[0]]!r} is none of string, boolean, int, bigint, float, double, "
                "decimal(p,s) up to 38 digits, date, timestamp"
            )
        return written

    @model_validator(mode="after")
    def _keeps_values_of_rows(self) -> "TableSpec":
        if (self.keep_when_null or self.keep_when_absent) and not self.key:
            raise ValueError("keep_when_null and keep_when_absent need a key: without one nothing is updated")
        if fixed := [name for name in self.keep_when_null if name in (*self.key, *self.partition_by)]:
            raise ValueError(f"keep_when_null: {fixed[0]!r} is a column of key or partition, which updates always hold")
        return self


Spec = TypeVar("Spec", bound=TableSpec)


class ReplicationSource(Model):
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
    order_by: OrderBy = Field(
        default="columns",
        description="columns: by sequence_column, else time_column. file: by the time stamps in the names of the files "
        "and the places of rows in them, if the replication adds no such column.",
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

    def ordered(self, spec: Spec) -> Spec:
        """Order the changes of a table as the source says, if the table does not say it."""
        return spec.model_copy(update={"order_by": spec.order_by or self.order_by})
