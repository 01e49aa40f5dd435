"""A table of Parquet files: batches append to it, overwrite partitions, or replace single files, exactly once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from lakewright.catalog.table import Catalog, can_point_to
from lakewright.errors import ConfigError
from lakewright.log.actions import AnyAction, TableState
from lakewright.log.log import Log
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.parquet.place import Compression, TablePlace
from lakewright.parquet.table_actions import table_actions
from lakewright.runs.job import Batch, Preflight, Request, Staged, Target
from lakewright.storage.lake import Lake

_LEFT_BEHIND: Final = "the former table, laid out as {}, is not kept up to date any more; delete it if nobody reads it"


@dataclass(frozen=True)
class WrittenRows:
    """Rows of a batch as they are staged.

    Attributes:
        counts: Rows as they were read and judged; the files' own rows are held against them.
        columns: The columns of the table after this batch, with their types.
        table: New files of the table.
        quarantine: New files of rejected rows, each with its reasons.
        replaced: Files of the table that end with this batch, because new ones have those of their rows that stay.
        kept: How many rows went from replaced files to new ones.
        released: Files of the quarantine that end with this batch.
        objects: The objects of the batch as they are to be remembered, if there is something to note of them.
        actions: What else the batch does.
    """

    counts: Counts
    columns: Mapping[str, str]
    table: Sequence[DataFile]
    quarantine: Sequence[DataFile] = ()
    replaced: Sequence[str] = ()
    kept: int = 0
    released: Sequence[str] = ()
    objects: Sequence[SourceObject] | None = None
    actions: Sequence[AnyAction] = ()
    rules: Mapping[str, int] = field(default_factory=dict)
    schema_changes: Sequence[str] = ()
    warnings: Sequence[str] = ()


class JudgedRows(Protocol):
    """Rows of a batch, to be read and told good from rejected while they are written."""

    def write(self, batch: Batch, table: TablePlace, quarantine: TablePlace) -> WrittenRows:
        """Write good rows and rejected ones.

        Raises:
            ObjectRefusedError: If objects turn out to be unreadable.
        """


@dataclass(frozen=True)
class ParquetSink:
    """The sink of a Parquet table.

    Attributes:
        layout_note: What the layout says beside the path: a table that was laid out otherwise must be made anew.
        partition_by: Columns that become folders, outermost first.
        rejected_by: Likewise for rejected rows.
        columns: The declared columns, with their types; None if they are learned.
        catalog_table: Database and table in the catalog, if any.
        is_only_target: Whether the feed has no other target, so that another table of its can only be a former one.
    """

    lake: Lake
    target: Target
    layout_note: str
    partition_by: tuple[str, ...] = ()
    rejected_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()
    compression: Compression = "snappy"
    columns: Mapping[str, str] | None = None
    catalog_table: tuple[str, str] | None = None
    is_only_target: bool = False

    def check(self, state: TableState, request: Request) -> Preflight:
        """See ``Sink.check``; a table whose path was changed in the feed takes the place of the former one."""
        former = former_table(self.lake, self.target, state) if self.is_only_target else None
        changes, broken = schema_changes(state.columns, state.published, self.columns or state.columns)
        if problem := (former or state).other_layout(self.layout()):
            broken.insert(0, problem)
        if broken and not request.is_whole:
            raise ConfigError(f"{broken[0]}; run `rebuild` to make the whole table anew")
        warnings = [_LEFT_BEHIND.format(former.layout)] if former else []
        return Preflight(former or state, changes + broken, warnings)

    def stage(self, batch: Batch, rows: JudgedRows) -> Staged:
        """See ``Sink.stage``."""
        written = rows.write(batch, self._place(batch), self._quarantine(batch))
        actions = table_actions(
            batch,
            layout=self.layout(),
            columns=written.columns,
            added=written.table,
            quarantined=written.quarantine,
            removed=written.replaced,
            released=written.released,
            objects=written.objects,
        )
        return Staged(
            counts=written.counts,
            in_table=sum(file.rows for file in written.table) - written.kept,
            in_quarantine=sum(file.rows for file in written.quarantine),
            actions=[*actions, *written.actions],
            rules=dict(written.rules),
            schema_changes=list(written.schema_changes),
            warnings=list(written.warnings),
        )

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return f"{self.target.path} {self.layout_note}"

    def catalog(self) -> Catalog | None:
        """See ``Sink.catalog``."""
        if self.catalog_table is None or not can_point_to(self.lake):
            return None
        location = f"{self.lake.uri}/{self.target.path}"
        feed, name = self.target.feed_name, self.target.name
        # The only table of a feed keeps its entry when its path, and with that its name, is changed in the feed.
        owner = f"{feed if self.is_only_target else f'{feed}/{name}'} in {self.lake.uri}"
        return Catalog(*self.catalog_table, location, self.partition_by, owner=owner)

    def _place(self, batch: Batch) -> TablePlace:
        folder, path = batch.folder + "table/", self.target.path
        return TablePlace(folder, path, batch.prefix, self.compression, self.sort_by, self.partition_by)

    def _quarantine(self, batch: Batch) -> TablePlace:
        folder, path = batch.folder + "quarantine/", self.target.quarantine_folder
        return TablePlace(folder, path, batch.prefix, self.compression, partition_by=self.rejected_by)


def former_table(lake: Lake, target: Target, state: TableState) -> TableState | None:
    """Find the table that a feed filled under another name, if this one has nothing yet."""
    if state.committed:
        return None
    folder = f"state/{target.feed_name}/"
    names = (name for name in lake.folders(folder) if name != target.name)
    states = (Log(lake, f"{folder}{name}/").read()[0] for name in names)
    return next((former for former in states if former.committed), None)


def schema_changes(
    before: Mapping[str, str], published: Mapping[str, str], now: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Compare a table's columns with those to come: changes that its files bear, and those that they do not.

    ``published`` are also those that were dropped, since files still hold them. A published column never changes its
    type: Spark cannot read an INT32 file column as bigint, nor text as a number.
    """
    if not before:
        return [], []
    fine = [f"added {name} {kind}" for name, kind in now.items() if name not in before]
    fine += [f"dropped {name}; older files keep it" for name in before if name not in now]
    broken = [
        f"column {name} is {published[name]} in the table and {kind} in the feed"
        for name, kind in now.items()
        if published.get(name, kind) != kind
    ]
    return fine, broken
