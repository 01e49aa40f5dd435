"""The reader of one table of changes: which of its files are new, and which columns they bring."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lakewright.dms.columns import TableColumns
from lakewright.dms.files import ChangeColumns, ChangeFiles, Footer, read_footers
from lakewright.dms.selection import ChangeSelection, earlier_than, reason_left_out
from lakewright.errors import ConfigError, ObjectRefusedError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.log.schemas import source_columns
from lakewright.runs.job import Batch, Choice, Request, Survey, Version
from lakewright.sources.listing import Source, describe_empty


@dataclass(frozen=True)
class ChangeReader:
    """See ``lakewright.runs.job.Reader``; the head of a file is its footer.

    Attributes:
        folder: The folder of the table in the source's lake; empty where it is the root.
    """

    source: Source
    folder: str
    selection: ChangeSelection
    columns: TableColumns

    #: What is earlier than an object that cannot be read goes on without it; see ``earlier_than``.
    skips_refused: bool = True

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``."""
        if request.wanted:
            raise ConfigError("changes are taken in their order: leave --date and --partition out")
        listing = self.source.look()
        listed = [found for found in listing.objects if found.path.endswith(".parquet")]
        ignored = listing.ignored | {
            found.path: "not named .parquet"
            for found in (*listing.objects, *listing.unreadable)
            if not found.path.endswith(".parquet")
        }
        refused = {found.path: found.problem for found in listing.unreadable if found.path not in ignored}
        refused |= excluded
        choice = self.selection.choose(listed, state, everything=request.everything)
        ignored |= {taken.path: reason for taken in choice.objects if (reason := reason_left_out(taken))}
        applied = () if request.everything else state.objects
        refused |= self.selection.why_unordered(_to_read(choice.objects), applied)
        heads, unreadable = self._look(choice.objects, {})
        refused |= unreadable
        if refused:
            earlier = [] if request.everything else earlier_than(refused, choice.objects)
            choice = Choice(earlier, choice.scope if earlier else Append())
        footers = {taken.path: heads[taken.path, taken.etag] for taken in _to_read(choice.objects)}
        self.columns.check_order(footers)
        before = TableState() if request.everything else state
        merged = self.columns.merged(footers, before.columns, source_columns(before))
        dropped = self.columns.dropped(footers, merged.sources).values()
        return Survey(
            choice=choice,
            heads=heads,
            refused=refused,
            ignored=ignored,
            dropped_columns=sorted({name for names in dropped for name in names}),
            schema_changes=merged.changes,
            warnings=self.columns.warn_of_absent(footers, merged),
            nothing=""
            if listed or refused
            else describe_empty(self.source.where, ignored, expected="a Parquet file of the table"),
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``."""
        return self.source.changed(plan.objects)

    def read(self, batch: Batch) -> ChangeFiles:
        """See ``Reader.read``."""
        objects = list(_to_read(batch.plan.objects))
        heads, unreadable = self._look(objects, batch.heads)
        if unreadable:
            raise ObjectRefusedError(unreadable)
        footers = {taken.path: heads[taken.path, taken.etag] for taken in objects}
        before = TableState() if batch.plan.overwrites_table else batch.state
        merged = self.columns.merged(footers, before.columns, source_columns(before))
        left_out = self.columns.dropped(footers, merged.sources).values()
        names = self._names(frozenset(name for dropped in left_out for name in dropped))
        sources = merged.renamed_sources
        return ChangeFiles(self.source.lake, self.folder, objects, footers, merged.columns, names, sources)

    def _names(self, left_out: frozenset[str]) -> ChangeColumns:
        source, spec = self.columns.source, self.columns.spec
        return ChangeColumns(
            source.kind_column,
            source.time_column,
            source.sequence_column,
            source.before_image_prefix,
            (*spec.key, *spec.partition_by) if source.before_image_prefix else (),
            left_out,
            self.columns.names,
        )

    def _look(
        self, objects: Iterable[SourceObject], known: Mapping[Version, Footer]
    ) -> tuple[dict[Version, Footer], dict[str, str]]:
        """Read the footers of the files that a batch reads, but for those that are known."""
        new = [taken for taken in _to_read(objects) if (taken.path, taken.etag) not in known]
        footers, refused = read_footers(
            self.source.lake,
            new,
            left_out=self.columns.left_out,
            max_record_bytes=self.columns.source.max_record_bytes,
        )
        return {
            **known,
            **{(taken.path, taken.etag): footers[taken.path] for taken in new if taken.path in footers},
        }, refused


def _to_read(objects: Iterable[SourceObject]) -> Iterable[SourceObject]:
    return (taken for taken in objects if not reason_left_out(taken))
