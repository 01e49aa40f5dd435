"""The reader of one change table: selects new files, and derives the columns they add."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakewright.corrections.effective import EffectiveCorrections, effective_corrections, without_void
from lakewright.corrections.manifests import CORRECTS, CorrectionFolder
from lakewright.dms.columns import TableColumns
from lakewright.dms.files import ChangeColumns, ChangeFiles, Footer, read_footers
from lakewright.dms.selection import ChangeSelection, earlier_than, reason_left_out
from lakewright.dms.suitability import problem_with_format
from lakewright.errors import ConfigError, ObjectRefusedError
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.log.schemas import source_columns
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Choice, Survey, Version
from lakewright.runs.job.request import Request
from lakewright.sources.corrected import changed_objects, listed_corrections, with_originals
from lakewright.sources.listing import Listed, Source, describe_empty


@dataclass(frozen=True)
class ChangeReader:
    """See ``lakewright.runs.job.interfaces.Reader``; the head of a file is its footer.

    Attributes:
        folder: The table's folder in the source's lake; empty for the root.
        corrections: The corrections of the table's files.
    """

    source: Source
    folder: str
    selection: ChangeSelection
    columns: TableColumns
    corrections: CorrectionFolder

    #: Files earlier than an unreadable one are applied without it; see ``earlier_than``.
    skips_refused: bool = True

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``."""
        if request.wanted:
            raise ConfigError("changes are applied in order: omit --date and --partition")
        listing = self.source.look()
        corrections = self.effective_corrections(listing.objects, state, everything=request.everything)
        listed = [file for file in listing.objects if file.path.endswith(".parquet")]
        listed += listed_corrections(corrections, self.source)
        state = without_void(state, corrections)
        others = [file.path for file in (*listing.objects, *listing.unreadable) if not file.path.endswith(".parquet")]
        unreadable = {path: problem for path in others if (problem := problem_with_format(path))}
        ignored = listing.ignored | {path: "not named .parquet" for path in others if path not in unreadable}
        refused = {file.path: file.problem for file in listing.unreadable if file.path not in ignored} | unreadable
        refused |= {**excluded, **corrections.refused}
        kept = with_originals(listed, TableState() if request.everything else state)
        choice = self.selection.choose(kept, state, everything=request.everything)
        ignored |= {
            source_file.path: reason for source_file in choice.objects if (reason := reason_left_out(source_file))
        }
        applied = () if request.everything else state.objects.values()
        refused |= self.selection.why_unordered(_to_read(choice.objects), applied)
        nothing = ""
        if not listed and not refused:
            nothing = describe_empty(self.source.where, ignored, expected="a Parquet file of the table")
        if not request.opens_objects:
            warnings = corrections.warnings()
            return Survey(choice, refused=refused, ignored=ignored, warnings=warnings, nothing=nothing)
        heads, damaged = self._look(choice.objects, {})
        refused |= damaged
        blocked: dict[str, str] = {}
        if refused:
            earlier = [] if request.everything else earlier_than(refused, choice.objects)
            paths = {source_file.path for source_file in earlier}
            late = (each.path for each in choice.objects if each.path not in paths and each.path not in refused)
            blocked = dict.fromkeys(late, f"changes are applied in order, and {min(refused)} is refused")
            choice = Choice(earlier, choice.scope if earlier else Append())
        footers = {
            source_file.path: heads[source_file.path, source_file.etag] for source_file in _to_read(choice.objects)
        }
        self.columns.check_changes(footers)
        before = TableState() if request.everything else state
        merged = self.columns.merged(footers, before.columns, source_columns(before))
        dropped = self.columns.dropped(footers, merged.sources).values()
        return Survey(
            choice=choice,
            heads=heads,
            refused=refused,
            blocked=blocked,
            ignored=ignored,
            dropped_columns=sorted({name for names in dropped for name in names}),
            schema_changes=merged.changes,
            schema_from="footers" if footers else "",
            listed={file.path for file in listed},
            rows=sum(footer.rows for footer in footers.values()),
            warnings=[*corrections.warnings(), *self.columns.warn_of_absent(footers, merged)],
            nothing=nothing,
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``."""
        return changed_objects(plan, self.source, self.corrections)

    def effective_corrections(
        self, listed: Iterable[Listed], state: TableState, *, everything: bool
    ) -> EffectiveCorrections:
        """Return the corrections that count, given the files at the source; ``everything``: of a rebuild."""
        current = {file.path: file.etag for file in listed}
        return effective_corrections(self.corrections.look(), current, state, keeps_gone=not everything)

    def read(self, batch: Batch) -> ChangeFiles:
        """See ``Reader.read``."""
        state = TableState() if batch.plan.overwrites_table else batch.state
        return self.files(batch.plan.objects, batch.heads, state)

    def files(
        self, planned: Sequence[SourceObject], known: Mapping[Version, Footer], before: TableState
    ) -> ChangeFiles:
        """Return how to read files into a table in the state ``before``.

        Raises:
            ObjectRefusedError: If some of them cannot be read.
        """
        objects = list(_to_read(planned))
        heads, unreadable = self._look(objects, known)
        if unreadable:
            raise ObjectRefusedError(unreadable)
        footers = {source_file.path: heads[source_file.path, source_file.etag] for source_file in objects}
        merged = self.columns.merged(footers, before.columns, source_columns(before))
        left_out = self.columns.dropped(footers, merged.sources).values()
        names = self._names(frozenset(name for dropped in left_out for name in dropped))
        sources = merged.renamed_sources
        superseded = self.corrections.superseded(objects)
        return ChangeFiles(
            self.source.lake,
            self.folder,
            objects,
            footers,
            merged.columns,
            names,
            sources,
            self.corrections.lake,
            {source_file.path: superseded.get((source_file.path, source_file.etag), ()) for source_file in objects},
        )

    def _names(self, left_out: frozenset[str]) -> ChangeColumns:
        source, spec = self.columns.source, self.columns.spec
        return ChangeColumns(
            source.kind_column,
            source.time_column,
            source.sequence_column,
            source.before_image_prefix,
            (*spec.key, *spec.partition_by) if source.before_image_prefix else (),
            spec.key,
            left_out,
            self.columns.names,
        )

    def _look(
        self, objects: Iterable[SourceObject], known: Mapping[Version, Footer]
    ) -> tuple[dict[Version, Footer], dict[str, str]]:
        """Read the footers of the files that a batch reads, except known ones."""
        new = [source_file for source_file in _to_read(objects) if (source_file.path, source_file.etag) not in known]
        footers, refused = dict[str, Footer](), dict[str, str]()
        for lake, files in (
            (self.source.lake, [each for each in new if CORRECTS not in each.notes]),
            (self.corrections.lake, [each for each in new if CORRECTS in each.notes]),
        ):
            read, unreadable = read_footers(
                lake, files, left_out=self.columns.left_out, max_record_bytes=self.columns.source.max_record_bytes
            )
            footers |= read
            refused |= unreadable
        heads = {
            (source_file.path, source_file.etag): footers[source_file.path]
            for source_file in new
            if source_file.path in footers
        }
        return {**known, **heads}, refused


def _to_read(objects: Iterable[SourceObject]) -> Iterable[SourceObject]:
    return (source_file for source_file in objects if not reason_left_out(source_file))
