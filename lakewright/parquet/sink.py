"""A Parquet table: batches append, overwrite partitions, or replace single files, exactly once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from lakewright.catalog.entries import can_point_to
from lakewright.corrections.manifests import has_corrections
from lakewright.errors import TableDiffersError
from lakewright.log.actions.files import AddFiles
from lakewright.log.actions.tables import SetColumns
from lakewright.log.actions.union import AnyAction
from lakewright.log.log import Log
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.log.state import TableState
from lakewright.parquet.place import Compression, TablePlace
from lakewright.parquet.table_actions import table_actions
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.placing import quarantine_place
from lakewright.runs.job.batch import Batch, Staged
from lakewright.runs.job.interfaces import Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.job.target import Target
from lakewright.storage.lake import Lake
from transforms.schema_changes import FIXED_TYPE, SchemaChange

if TYPE_CHECKING:
    from lakewright.catalog.table import Catalog
    from lakewright.quality.duckdb_table import ParquetTable

_DECLARED: Final = "the feed declares it"
_NOT_DECLARED: Final = "the feed no longer declares it; older files keep it"
_LEFT_BEHIND: Final = "the former table with layout {} is no longer updated; delete it if it is no longer used"


@dataclass(frozen=True)
class WrittenRows:
    """The staged rows of a batch.

    Attributes:
        counts: Rows as they were read and judged; they are compared with the rows of the files.
        columns: The columns of the table after this batch, with their types.
        table: New files of the table.
        quarantine: New files of rejected rows, each with its reasons.
        replaced: Files of the table to remove, because new files contain their remaining rows.
        kept: Number of rows moved from replaced files to new ones.
        released: Files of quarantine to remove.
        objects: The objects of the batch with notes, if there are any.
        actions: Further actions of the batch.
        rules: How many rejected rows break each rule, with its column.
        first_rejected: For each of these rules, the first row that breaks it: its object, its place and the problem.
        skipped: How many records of each kind were skipped.
        are_as_planned: See ``Staged``.
        publishes_all: Whether these are all files that its tasks staged.
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
    first_rejected: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    schema_changes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    are_as_planned: bool = False
    publishes_all: bool = False


class JudgedRows(Protocol):
    """Rows of a batch that are read and judged while they are written."""

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        """Write good and rejected rows.

        Raises:
            ObjectRefusedError: If objects turn out to be unreadable.
        """


@dataclass(frozen=True)
class ParquetSink:
    """The sink of a Parquet table.

    Attributes:
        layout_note: The layout besides the path; a table with another layout must be rebuilt.
        partition_by: Partition columns, outermost first.
        rejected_by: The partition columns by which files of rejected rows are kept apart.
        columns: The declared columns, with their types; None if they are learned.
        catalog_table: Database and table in the catalog, if any.
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

    def check(self, state: TableState, request: Request) -> Preflight:
        """See ``Sink.check``; if the feed's path has changed, the table replaces the former one."""
        former = former_table(self.lake, self.target, state) if self.target.is_only else None
        changes, broken = schema_changes(state.columns, state.published, self.columns or state.columns)
        if (former or state).other_layout(self.layout()):
            broken.insert(0, SchemaChange("layout", "", (former or state).layout, self.layout()))
        if broken and not request.is_whole:
            raise TableDiffersError(f"{broken[0]}; run `rebuild` to rebuild the whole table", changes=broken)
        warnings = [_LEFT_BEHIND.format(former.layout)] if former else []
        return Preflight(former or state, changes + broken, warnings)

    def stage(self, batch: Batch, rows: JudgedRows) -> Staged:
        """See ``Sink.stage``."""
        written = rows.write(batch, self.place(batch), self._quarantine(batch))
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
        actions += self._corrected(batch)
        return Staged(
            counts=written.counts,
            in_table=sum(file.rows for file in written.table) - written.kept,
            in_quarantine=sum(file.rows for file in written.quarantine),
            actions=[*actions, *written.actions],
            rules=dict(written.rules),
            first_rejected=dict(written.first_rejected),
            skipped=dict(written.skipped),
            schema_changes=list(written.schema_changes),
            warnings=list(written.warnings),
            are_as_planned=written.are_as_planned,
            publishes_all=written.publishes_all and not has_corrections(batch.plan),
        )

    def judged_table(self, batch: Batch, rows: JudgedRows, staged: Staged) -> Any:  # noqa: ARG002
        """See ``GatedSink.judged_table``; rewritten files also have rows of earlier batches, by their object."""
        files = [file for action in staged.actions if isinstance(action, AddFiles) for file in action.files]
        new = {source.path for source in batch.plan.objects}
        moved = frozenset(path for file in files for path in file.objects if path not in new)
        columns = next((action.columns for action in staged.actions if isinstance(action, SetColumns)), None)
        types = self._with_folders(batch.state.columns if columns is None else columns)
        return batch.workers.judged_table(self.lake, {file.staged: file for file in files}, types, moved)

    def published_table(self, state: TableState) -> "ParquetTable":
        """See ``GatedSink.published_table``."""
        from lakewright.quality.duckdb_table import ParquetTable  # pyarrow, which runs without new objects do not need

        return ParquetTable(self.lake, state.files, self._with_folders(state.columns))

    def _with_folders(self, columns: Mapping[str, str]) -> dict[str, str]:
        """Return the columns of a table with those that only its folders have."""
        return {**columns, **{name: "string" for name in self.partition_by if name not in columns}}

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return f"{self.target.path} {self.layout_note}"

    def catalog(self) -> "Catalog | None":
        """See ``Sink.catalog``."""
        if self.catalog_table is None or not can_point_to(self.lake):
            return None
        from lakewright.catalog.table import Catalog  # boto3, which local lakes do not need

        location = f"{self.lake.uri}/{self.target.path}"
        feed, name = self.target.feed_name, self.target.name
        # The only table of a feed keeps its entry when the feed changes its path, and thereby its name.
        owner = f"{feed if self.target.is_only else f'{feed}/{name}'} in {self.lake.uri}"
        return Catalog(*self.catalog_table, location, self.partition_by, owner=owner)

    def place(self, batch: Batch) -> TablePlace:
        """Return where a batch stages and publishes files of the table."""
        folder, path = batch.folder + "table/", self.target.path
        return TablePlace(folder, path, batch.prefix, self.compression, self.sort_by, self.partition_by)

    def _corrected(self, batch: Batch) -> list[AnyAction]:
        """Return the actions by which corrected rows leave quarantine."""
        if not has_corrections(batch.plan):
            return []
        from lakewright.parquet.corrected_rows import correct_quarantine  # pyarrow, which few runs need here

        return correct_quarantine(batch, self.target)

    def _quarantine(self, batch: Batch) -> QuarantinePlace:
        return quarantine_place(
            batch.lake,
            batch.plan,
            batch.state,
            staging=batch.folder + "quarantine/",
            folder=self.target.quarantine_folder,
            partition_by=self.rejected_by,
        )


def former_table(lake: Lake, target: Target, state: TableState) -> TableState | None:
    """Find the feed's former table under another name, if this one is still empty."""
    if state.committed:
        return None
    folder = f"state/{target.feed_name}/"
    names = (name for name in lake.folders(folder) if name != target.name)
    states = (Log(lake, f"{folder}{name}/").read()[0] for name in names)
    return next((former for former in states if former.committed), None)


def schema_changes(
    before: Mapping[str, str], published: Mapping[str, str], now: Mapping[str, str]
) -> tuple[list[SchemaChange], list[SchemaChange]]:
    """Compare a table's columns with the feed's; return compatible and incompatible changes.

    ``published`` includes dropped columns, since files still contain them. A published column never changes its type:
    Spark cannot read an INT32 file column as bigint, nor text as a number.
    """
    if not before:
        return [], []
    fine = [SchemaChange("added", name, after=kind, why=_DECLARED) for name, kind in now.items() if name not in before]
    fine += [
        SchemaChange("dropped", name, kind, why=_NOT_DECLARED, note="; older files keep it")
        for name, kind in before.items()
        if name not in now
    ]
    broken = [
        SchemaChange("refused", name, published[name], kind, FIXED_TYPE)
        for name, kind in now.items()
        if published.get(name, kind) != kind
    ]
    return fine, broken
