"""The columns of a table of changes: those of the table and of its files, without those that the replication adds."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakewright.config import suggest
from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import Footer, is_load
from lakewright.errors import ConfigError
from transforms.changes.schema_drift import merge_columns
from transforms.errors import SchemaDriftError


@dataclass(frozen=True)
class TableColumns:
    """How the columns of one table follow from those of its files.

    Attributes:
        table: The name of the table.
        keeps: Columns of the replication that the table keeps.
        reserved: Columns that the table has of the job's own, and that no file has.
    """

    table: str
    source: ReplicationSource
    spec: TableSpec
    keeps: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()

    def merged(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Bring the columns of table and files together; tell how the table changes.

        Raises:
            SchemaDriftError: If they do not go together.
            ConfigError: If the feed names columns that are not there, or cannot be what it wants them for.
        """
        table = {name: kind for name, kind in table.items() if name not in self.reserved}
        files = []
        dropped = self.dropped(footers, table)
        for path, footer in sorted(footers.items(), key=lambda item: (not is_load(item[0]), item[0])):
            files.append((path, {name: kind for name, kind in footer.columns.items() if name not in dropped[path]}))
        columns, changes = merge_columns(
            table,
            files,
            key=self.spec.key,
            partition_by=self.spec.partition_by,
            of_deletes=(self.source.time_column,),
            cast=self.spec.cast,
        )
        self._check(columns)
        return columns, changes

    @property
    def left_out(self) -> set[str]:
        """The columns of the replication that the table leaves out."""
        return self.source.added_columns() - {*self.keeps, *self.spec.key, *self.spec.partition_by}

    def dropped(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> dict[str, list[str]]:
        """Name the columns of each file that the replication added, and that the table leaves out."""
        prefix, added = self.source.before_image_prefix, self.left_out
        names = {name for footer in footers.values() for name in footer.columns}
        before = {(prefix + name).casefold() for name in (*table, *names)} if prefix else set()
        return {
            path: [name for name in footer.columns if name in added or name.casefold() in before]
            for path, footer in footers.items()
        }

    def warn_of_absent(self, footers: Mapping[str, Footer], table: Mapping[str, str]) -> list[str]:
        """Warn of columns that files of changes lack: updates make them null."""
        if self.spec.keep_when_absent or not self.spec.key:
            return []
        absent: dict[str, list[str]] = {}
        dropped = self.dropped(footers, table)
        for path, footer in footers.items():
            own = {name.casefold() for name in footer.columns}
            of_deletes = (*self.spec.key, *dropped[path], self.source.time_column)
            if is_load(path) or own <= {name.casefold() for name in of_deletes}:
                continue
            for name in table:
                if name.casefold() not in own and name not in self.spec.keep_when_null:
                    absent.setdefault(name, []).append(path)
        return [
            f"column {name!r} is absent from {len(paths)} files, first {paths[0]}: it becomes null in the rows that "
            f"they update; tables.{self.table}.keep_when_absent: true keeps its values"
            for name, paths in absent.items()
        ]

    def _check(self, columns: Mapping[str, str]) -> None:
        if columns and (missing := [name for name in self.spec.partition_by if name not in columns]):
            raise SchemaDriftError(
                f"{self.table}: no file has the partition column {missing[0]!r} yet, and the table cannot begin "
                "without it; nothing was written"
            )
        if binary := [name for name in self.spec.partition_by if columns.get(name) == "binary"]:
            raise ConfigError(
                f"{self.table}: partition column {binary[0]!r} is binary, and bytes are no name of a folder; "
                "partition by another column"
            )
        places = (*self.spec.key, *self.spec.partition_by)
        if nested := [name for name in places if "<" in columns.get(name, "")]:
            raise ConfigError(
                f"{self.table}: column {nested[0]!r} of the key or partition is nested, and has no text that could "
                "stand for it; choose another column"
            )
        if unknown := [name for name in self.spec.keep_when_null if columns and name not in columns]:
            raise ConfigError(
                f"{self.table}: keep_when_null names {unknown[0]!r}, which is no column of the table"
                f"{suggest(unknown[0], list(columns))}"
            )
        if columns and (
            unknown := [name for name in self.spec.cast if name.casefold() not in map(str.casefold, columns)]
        ):
            raise ConfigError(
                f"{self.table}: cast names {unknown[0]!r}, which is no column of the table"
                f"{suggest(unknown[0], list(columns))}"
            )
        for own in self.reserved:
            if other := next((name for name in columns if name != own and name.casefold() == own.casefold()), None):
                raise ConfigError(
                    f"{self.table} has a column {other!r}, and is appended with the kind of each change as {own!r}: "
                    "they differ in case alone; give the table its key, or rename the column at the source"
                )
