"""Feed settings of Hudi tables."""

from typing import Annotated, Final, Literal

from pydantic import Field

from lakewright.config import Model
from lakewright.dms.config import TableSpec
from lakewright.folders import target_folder

Storage = Literal["copy_on_write", "merge_on_read"]
#: Suffixes of the catalog names of a merge-on-read table: read-optimized and real-time.
MERGE_ON_READ_VIEWS: Final = ("_ro", "_rt")
Index = Literal["global_simple", "global_bloom", "record_index", "simple", "bloom"]


class HudiTableSpec(TableSpec):
    """Settings of one source table kept in Hudi."""

    storage: Storage | None = Field(default=None, description="Overrides target.storage for this table.")
    index: Index | None = Field(default=None, description="Overrides target.index for this table.")


class HudiOptions(Model):
    """Location and settings of the tables; settings of a table take precedence."""

    path: Annotated[str, target_folder("refined/hr/", may_be_hidden=True)] = Field(
        min_length=1, description="Folder in the lake, with one folder per table."
    )
    storage: Storage = Field(default="copy_on_write", description="copy_on_write or merge_on_read.")
    index: Index = Field(default="global_simple", description="Index by which Hudi finds the file of a key.")
    table_version: Literal[6, 8] = Field(default=6, description="Table format version; Athena reads up to 6.")
    keep_commits: Annotated[int, Field(ge=1)] = Field(default=10, description="Number of commits that stay readable.")
    keep_deleted_days: Annotated[int, Field(ge=0)] = Field(
        default=30,
        description="Days to keep tombstones of deleted keys, so that an older change does not restore them.",
    )
    keep_columns: tuple[str, ...] = Field(default=(), description="Replication columns to keep in the tables.")
    on_update_of_unknown_key: Literal["insert", "refuse"] = Field(
        default="insert",
        description="How to treat an update whose key is not in the table: insert its row and count it, or refuse its "
        "file.",
    )
    on_stale_load: Literal["refuse", "drop", "keep"] = Field(
        default="refuse",
        description="How to treat LOAD files that were not rewritten when others of their table were.",
    )
    max_file_mb: Annotated[int, Field(ge=1)] = Field(default=120, description="Maximum size of base files.")
    small_file_mb: Annotated[int, Field(ge=0)] = Field(
        default=100, description="Base files below this size receive new rows; 0 disables this."
    )
    parallelism: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Shuffle tasks of a write; 0 derives them from data size and cores."
    )
    catalog_database: str = Field(default="", description="Catalog database in which to register the tables.")
    on_missing_source: Literal["refuse", "rebuild"] = Field(
        default="refuse", description="How to treat a rebuild if a file of an earlier batch is gone."
    )
