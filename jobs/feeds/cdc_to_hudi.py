"""Feeds of the job cdc_to_hudi."""

import json
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field, ValidationError, model_validator

from lakewright.config import CatalogEntry, suggest
from lakewright.dms.config import ReplicationSource
from lakewright.errors import ConfigError
from lakewright.folders import require_apart
from lakewright.hudi.config import MERGE_ON_READ_VIEWS, HudiOptions, HudiTableSpec
from lakewright.quality.config import GatedFeed
from transforms.changes.columns import IS_DELETED, KEY, ORDER

#: Keys of a parameter's JSON, and the table settings they stand for.
_PARAMETER_KEYS: Final = {"primaryKey": "key", "partitionKey": "partition_by"}


class CdcToHudiFeed(GatedFeed):
    """A feed of the job cdc_to_hudi: all tables of one schema."""

    job: Literal["cdc_to_hudi"] = Field(description="The job that runs this feed.")
    source: ReplicationSource
    target: HudiOptions
    tables: dict[str, HudiTableSpec] = Field(default={}, description="Tables by folder name.")
    parameters: str = Field(
        default="", description="Prefix of SSM parameters for tables not named here, such as lakehouse-table-."
    )
    unconfigured: Literal["fail", "append", "skip"] = Field(
        default="fail", description="How to treat a source table that is configured nowhere."
    )

    @property
    def schema_name(self) -> str:
        """The name of the schema: the last folder of the source."""
        return self.source.path.rstrip("/").rsplit("/", 1)[-1]

    def catalog_entries(self) -> Sequence[CatalogEntry]:
        """Return the tables that this feed names and registers; the source may have others."""
        database = self.target.catalog_database
        return [
            CatalogEntry(("tables", name), database, name + suffix)
            for name, table in self.tables.items()
            for suffix in self._suffixes(table)
            if database
        ]

    def _suffixes(self, table: HudiTableSpec) -> Sequence[str]:
        is_merged_on_read = table.key and (table.storage or self.target.storage) == "merge_on_read"
        return MERGE_ON_READ_VIEWS if is_merged_on_read else ("",)

    def renamed_columns(self) -> dict[str, dict[str, str]]:
        """See ``Feed.renamed_columns``."""
        return {name: table.rename for name, table in self.tables.items() if table.rename}

    @model_validator(mode="after")
    def _tables_fit(self) -> "CdcToHudiFeed":
        for name, table in self.tables.items():
            if "/" in name or name in ("", ".", ".."):
                raise ValueError(f"tables.{name}: a table is the name of a folder in source.path")
            reserved = {KEY, ORDER, IS_DELETED} & {*table.key, *table.partition_by}
            if reserved:
                raise ValueError(f"tables.{name}: {reserved.pop()} is a column added by this job")
            left_out = self.source.added_columns() - {*self.target.keep_columns}
            if added := [source for source in table.rename if source in left_out]:
                raise ValueError(f"tables.{name}.rename: {added[0]!r} is a replication column, which the table drops")
        require_apart(self.source.path, self.target.path)
        known = {*self.source.added_columns(), self.source.time_column}
        if unknown := [name for name in self.target.keep_columns if name not in known]:
            raise ValueError(f"target.keep_columns: {unknown[0]!r} is not a column of the replication")
        return self

    @model_validator(mode="after")
    def _gates_fit(self) -> "CdcToHudiFeed":
        declares_all = self.unconfigured == "fail" and not self.parameters
        if self.gates and declares_all and (unknown := self.gates.unknown_tables(self.tables)):
            raise ValueError(unknown[0])
        return self


def table_of_parameter(name: str, text: str) -> HudiTableSpec:
    """Parse a table's config from a parameter: ``{"primaryKey": "emp_no", "partitionKey": "department"}``.

    Raises:
        ConfigError: If it is invalid.
    """
    try:
        settings = json.loads(text)
        if not isinstance(settings, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise ConfigError(f'parameter {name} is not a JSON object such as {{"primaryKey": "emp_no"}}') from None
    known = [*_PARAMETER_KEYS, *(name for name in HudiTableSpec.model_fields if name not in _PARAMETER_KEYS.values())]
    if unknown := [key for key in settings if key not in known]:
        raise ConfigError(f"parameter {name}: unknown key {unknown[0]!r}{suggest(unknown[0], known)}")
    try:
        return HudiTableSpec.model_validate({_PARAMETER_KEYS.get(key, key): value for key, value in settings.items()})
    except ValidationError as error:
        problem = error.errors()[0]
        place = "".join(f"{part}: " for part in problem["loc"][:1])
        raise ConfigError(f"parameter {name}: {place}{problem['msg']}") from None
