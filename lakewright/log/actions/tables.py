"""Actions on a table as a whole: columns, layout, commits, properties; and what a batch reports about its rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from lakewright.log.actions.action import Action
from lakewright.log.metadata import INSTANT, TableMetadata
from lakewright.log.records import SchemaVersion


class OverwriteTable(Action, frozen=True):
    """The table is rebuilt: objects and schemas from before no longer count."""

    def apply(self, table: TableMetadata) -> None:
        table.objects.clear()
        table.columns, table.published, table.properties = {}, {}, {}
        table.high_watermark = ""


class SetColumns(Action, frozen=True):
    """The columns of the table, with their types."""

    columns: dict[str, str]

    def apply(self, table: TableMetadata) -> None:
        table.columns = self.columns
        table.published.update(self.columns)


class LearnSchema(Action, frozen=True):
    """A version of a learned schema."""

    version: SchemaVersion

    def apply(self, table: TableMetadata) -> None:
        table.schema_versions.append(self.version)


class SetLayout(Action, frozen=True):
    """Location and layout of the table's files."""

    layout: str

    def apply(self, table: TableMetadata) -> None:
        table.layout = self.layout


class RaiseWatermark(Action, frozen=True):
    """The highest order of all changes applied to the table."""

    high_watermark: str

    def apply(self, table: TableMetadata) -> None:
        table.high_watermark = max(table.high_watermark, self.high_watermark)


class TableCommit(Action, frozen=True):
    """The commit of a table with commits of its own."""

    details: dict[str, str | int]

    def apply(self, table: TableMetadata) -> None:
        table.properties[INSTANT] = self.details.get(INSTANT, "")

    def written(self) -> tuple[int, int]:
        return int(self.details.get("files", 0)), int(self.details.get("bytes", 0))

    def report(self) -> Mapping[str, Any]:
        return {"table_commit": self.details}


class SetProperties(Action, frozen=True):
    """State of a single job, by name; a value replaces the previous one."""

    properties: dict[str, Any]

    def apply(self, table: TableMetadata) -> None:
        table.properties.update(self.properties)


class SetAside(Action, frozen=True):
    """Number of values per text column that did not fit their typed column."""

    values: dict[str, int]

    def report(self) -> Mapping[str, Any]:
        return {"set_aside": self.values}


class JudgeBatch(Action, frozen=True):
    """The verdict of a gate on the batch, with the result of each expectation."""

    verdict: dict[str, Any]

    def report(self) -> Mapping[str, Any]:
        return {"gates": self.verdict}

    def if_refused(self) -> Sequence[Self]:
        return (self,)
