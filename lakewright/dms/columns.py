"""The columns of a change table: those of the table and its files, without columns added by the replication."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lakewright.config import suggest
from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import Footer, is_load
from lakewright.errors import ConfigError
from transforms.changes.column_names import ColumnNames, folded, normal
from transforms.changes.column_types import VOID, is_sequence
from transforms.changes.schema_drift import merge_columns
from transforms.errors import SchemaDriftError
from transforms.schema_changes import SchemaChange


@dataclass(frozen=True)
class MergedColumns:
    """The columns of a table after a batch.

    Attributes:
        columns: Types by column name.
        sources: Source names by column name.
        changes: How they differ from the table's.
    """

    columns: dict[str, str]
    sources: dict[str, str]
    changes: list[SchemaChange]

    @property
    def renamed_sources(self) -> dict[str, str]:
        """The source names of renamed columns; a change of case is not a rename."""
        return {name: source for name, source in self.sources.items() if folded(name) != folded(source)}


@dataclass(frozen=True)
class TableColumns:
    """Derives the columns of one table from those of its files.

    Attributes:
        table: The name of the table.
        keeps: Replication columns that the table keeps.
        reserved: Columns that the job adds to the table, and that files do not have.
    """

    table: str
    source: ReplicationSource
    spec: TableSpec
    keeps: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()

    @cached_property
    def names(self) -> ColumnNames:
        """The naming rules of the table."""
        return ColumnNames(self.spec.rename)

    @cached_property
    def left_out(self) -> set[str]:
        """Columns that the replication adds to files, and that the table drops."""
        own = {*self.spec.key, *self.spec.partition_by}
        return {name for name in self.source.added_columns() - {*self.keeps} if self.names.name_of(name) not in own}

    def merged(
        self, footers: Mapping[str, Footer], table: Mapping[str, str], renamed: Mapping[str, str]
    ) -> MergedColumns:
        """Merge the columns of table and files.

        Args:
            footers: Footers by path.
            table: Types of the table's columns.
            renamed: ``MergedColumns.renamed_sources`` of the table.

        Raises:
            SchemaDriftError: If they are incompatible.
            ConfigError: If the feed names columns that do not exist or are unsuitable.
        """
        table = {name: kind for name, kind in table.items() if name not in self.reserved}
        before = {name: renamed.get(name, name) for name in table}
        dropped = self.dropped(footers, before)
        files = [
            (path, {name: kind for name, kind in footer.columns.items() if name not in dropped[path]})
            for path, footer in sorted(footers.items(), key=lambda item: (not is_load(item[0]), item[0]))
        ]
        self._check_renames(files, before)
        mapped, known = self.names.map_files(files, sources=before, setting=f"tables.{self.table}.rename")
        columns, changes = merge_columns(
            table,
            mapped,
            key=self.spec.key,
            partition_by=self.spec.partition_by,
            of_deletes=self.names.names_of(self.source.time_column),
            cast=self.spec.cast,
        )
        merged = MergedColumns(columns, {name: known.get(name.casefold(), name) for name in columns}, changes)
        changes += [
            SchemaChange("renamed", name, source)
            for name, source in merged.renamed_sources.items()
            if name not in table
        ]
        self._check(merged)
        return merged

    def check_changes(self, footers: Mapping[str, Footer]) -> None:
        """Require the kind of each change, and an ordering of the changes in files.

        Raises:
            ConfigError: If no change file has the kind column; or, unless the feed orders by file name, if none has an
                ordering column, or a sequence number is no whole number.
        """
        changes = [path for path in footers if not is_load(path)]
        ordering = [name for name in (self.source.sequence_column, self.source.time_column) if name]
        in_files = {name for path in changes for name in footers[path].columns}
        if not changes:
            return
        if self.source.kind_column not in in_files:
            raise ConfigError(
                f"{self.table}: {min(changes)} has no column {self.source.kind_column!r}, which tells inserts, updates "
                "and deletes apart; set source.kind_column to the column that has I, U or D"
            )
        if self.spec.order_by == "file":
            return
        for path in changes:
            kind = footers[path].columns.get(self.source.sequence_column, VOID)
            if kind != VOID and not is_sequence(kind):
                raise ConfigError(
                    f"{self.table}: the sequence numbers in {path} ({self.source.sequence_column!r}) are {kind}, not "
                    'text or whole numbers; deliver them as text, or set source.sequence_column: "" to order by time'
                )
        if in_files & {*ordering}:
            return
        missing = f" ({' or '.join(map(repr, ordering))})" if ordering else ""
        raise ConfigError(
            f"{self.table}: {min(changes)} has no column that orders its changes{missing}; "
            "set source.time_column to the column of the endpoint's TimestampColumnName, or, if the replication adds "
            f"none, source.order_by: file (tables.{self.table}.order_by for this table alone)"
        )

    def dropped(self, footers: Mapping[str, Footer], sources: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the replication columns of each file that the table drops.

        Before images are those of columns of any file, or of the table; ``sources`` has the table's source names.
        """
        prefix = self.source.before_image_prefix
        names = {name for footer in footers.values() for name in footer.columns}
        before = {(prefix + name).casefold() for name in (*sources.values(), *names)} if prefix else set()
        return {
            path: [name for name in footer.columns if name in self.left_out or name.casefold() in before]
            for path, footer in footers.items()
        }

    def warn_of_absent(self, footers: Mapping[str, Footer], merged: MergedColumns) -> list[str]:
        """Warn about columns missing from change files: updates set them to null."""
        if self.spec.keep_when_absent or not self.spec.key:
            return []
        absent: dict[str, list[str]] = {}
        dropped = self.dropped(footers, merged.sources)
        of_deletes = {name.casefold() for name in (*self.spec.key, *self.names.names_of(self.source.time_column))}
        for path, footer in footers.items():
            own = {self.names.name_of(name).casefold() for name in footer.columns if name not in dropped[path]}
            if is_load(path) or own <= of_deletes:
                continue
            for name in merged.columns:
                if name.casefold() not in own and name not in self.spec.keep_when_null:
                    absent.setdefault(name, []).append(path)
        return [
            f"column {name!r} is absent from {len(paths)} files, first {paths[0]}: it becomes null in the rows that "
            f"they update; tables.{self.table}.keep_when_absent: true keeps its values"
            for name, paths in absent.items()
        ]

    def _check_renames(self, files: Sequence[tuple[str, Mapping[str, str]]], before: Mapping[str, str]) -> None:
        """Refuse renames that differ from the table's, and renames of columns that do not exist.

        Raises:
            ConfigError: If the feed has one.
        """
        setting, names = f"tables.{self.table}.rename", {name for _, columns in files for name in columns}
        tables: dict[str, list[str]] = {}
        for name, source in before.items():
            tables.setdefault(folded(source), []).append(name)
        for source in sorted(names):
            former, name = tables.get(folded(source), []), self.names.name_of(source)
            if former and name.casefold() not in (other.casefold() for other in former):
                raise ConfigError(
                    f"{self.table}: column {source!r} of the source is {former[0]!r} in the table, and {name!r} by the "
                    f"feed; run `rebuild` to rebuild the whole table, or undo the change of {setting}"
                )
        for source in self.spec.rename if files else ():
            if folded(source) not in tables and normal(source) not in map(normal, names):
                raise ConfigError(
                    f"{setting} names {source!r}, which is not a column of the source{suggest(source, sorted(names))}"
                )

    def _check(self, merged: MergedColumns) -> None:
        columns = merged.columns
        if columns and (missing := [name for name in self.spec.partition_by if name not in columns]):
            raise SchemaDriftError(
                f"{self.table}: no file has the partition column {missing[0]!r} yet, and the table cannot be created "
                "without it; nothing was written"
            )
        if binary := [name for name in self.spec.partition_by if columns.get(name) == "binary"]:
            raise ConfigError(
                f"{self.table}: partition column {binary[0]!r} is binary, and bytes cannot name a folder; "
                "partition by another column"
            )
        places = (*self.spec.key, *self.spec.partition_by)
        if nested := [name for name in places if "<" in columns.get(name, "")]:
            raise ConfigError(
                f"{self.table}: column {nested[0]!r} of the key or partition is nested, and nested values have no text "
                "form; choose another column"
            )
        if unknown := [name for name in self.spec.keep_when_null if columns and name not in columns]:
            raise ConfigError(
                f"{self.table}: keep_when_null names {unknown[0]!r}, which is not a column of the table"
                f"{suggest(unknown[0], list(columns))}"
            )
        if columns and (
            unknown := [name for name in self.spec.cast if name.casefold() not in map(str.casefold, columns)]
        ):
            raise ConfigError(
                f"{self.table}: cast names {unknown[0]!r}, which is not a column of the table"
                f"{suggest(unknown[0], list(columns))}"
            )
        for own in self.reserved:
            alike = (name for name in columns if name.casefold() == own.casefold())
            if other := next((name for name in alike if (name, merged.sources[name]) != (own, own)), None):
                raise ConfigError(
                    f"{self.table} has a column {other!r}, but an append-only table stores the kind of each change as "
                    f"{own!r}, and names that differ only in case clash; configure a key, or rename "
                    f"{merged.sources[other]!r} in tables.{self.table}.rename"
                )
