"""What a feed says of its Hudi tables."""

from typing import Annotated, Literal

from pydantic import Field

from lakewright.config import Model
from lakewright.dms.config import TableSpec
from lakewright.folders import target_folder

Storage = Literal["copy_on_write", "merge_on_read"]
Index = Literal["global_simple", "global_bloom", "record_index", "simple", "bloom"]


class HudiTableSpec(TableSpec):
    """How one source table is kept in Hudi."""

    storage: Storage | None = Field(default=None, description="Of this table, where it differs from the target's.")
    index: Index | None = Field(default=None, description="Of this table, where it differs from the target's.")


class HudiOptions(Model):
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
