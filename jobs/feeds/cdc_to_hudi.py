"""The feeds of the job cdc_to_hudi."""

import json
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, ValidationError, model_validator

from lakewright.config import CatalogEntry, Feed, suggest
from lakewright.dms.config import ReplicationSource
from lakewright.errors import ConfigError
from lakewright.folders import require_apart
from lakewright.hudi.config import HudiOptions, HudiTableSpec
from transforms.spark.changes import IS_DELETED, KEY, ORDER

#: Keys of a parameter's JSON, as users of this layout have them, and ours.
_PARAMETER_KEYS: Final = {"primaryKey": "key", "partitionKey": "partition_by"}


class CdcToHudiFeed(Feed):
    """A feed of the job cdc_to_hudi: all tables of one schema."""

    job: Literal["cdc_to_hudi"] = Field(description="The job that runs this feed.")
    source: ReplicationSource
    target: HudiOptions
    tables: dict[str, HudiTableSpec] = Field(default={}, description="The tables, by the names of their folders.")
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

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Give the tables that this feed names and registers; others may lie at its source."""
        database = self.target.catalog_database
        return [
            CatalogEntry(("tables", name), database, name + suffix)
            for name, table in self.tables.items()
            for suffix in self._suffixes(table)
            if database
        ]

    def _suffixes(self, table: HudiTableSpec) -> Sequence[str]:
        is_merged_on_read = table.key and (table.storage or self.target.storage) == "merge_on_read"
        return ("_ro", "_rt") if is_merged_on_read else ("",)

    def renamed_columns(self) -> dict[str, dict[str, str]]:
        """See ``Feed.renamed_columns``."""
        return {name: table.rename for name, table in self.tables.items() if table.rename}

    @model_validator(mode="after")
    def _tables_fit(self) -> "CdcToHudiFeed":
        for name, table in self.tables.items():
            if "/" in name or name in ("", ".", ".."):
                raise ValueError(f"tables.{name}: a table is the name of a folder below source.path")
            reserved = {KEY, ORDER, IS_DELETED} & {*table.key, *table.partition_by}
            if reserved:
                raise ValueError(f"tables.{name}: {reserved.pop()} is a column that this job makes")
            left_out = self.source.added_columns() - {*self.target.keep_columns}
            if added := [source for source in table.rename if source in left_out]:
                raise ValueError(
                    f"tables.{name}.rename: {added[0]!r} is a column of the replication, which the table leaves out"
                )
        require_apart(self.source.path, self.target.path)
        known = {*self.source.added_columns(), self.source.time_column}
        if unknown := [name for name in self.target.keep_columns if name not in known]:
            raise ValueError(f"target.keep_columns: {unknown[0]!r} is no column of the replication")
        return self


def table_of_parameter(name: str, text: str) -> HudiTableSpec:
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
    known = [*_PARAMETER_KEYS, *(name for name in HudiTableSpec.model_fields if name not in _PARAMETER_KEYS.values())]
    if unknown := [key for key in written if key not in known]:
        raise ConfigError(f"parameter {name}: unknown key {unknown[0]!r}{suggest(unknown[0], known)}")
    try:
        return HudiTableSpec.model_validate({_PARAMETER_KEYS.get(key, key): value for key, value in written.items()})
    except ValidationError as error:
        problem = error.errors()[0]
        place = "".join(f"{part}: " for part in problem["loc"][:1])
        raise ConfigError(f"parameter {name}: {place}{problem['msg']}") from None
