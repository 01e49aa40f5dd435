"""A sink without a table: source objects are rewritten in place, each committed separately."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Literal

from lakewright.in_place.packing import packed
from lakewright.in_place.rewrite import Rewritten, Work, rewrite_objects
from lakewright.log.actions.objects import RewriteObjects
from lakewright.log.actions.tables import SetLayout
from lakewright.log.actions.union import AnyAction
from lakewright.log.records import Counts, SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Staged
from lakewright.runs.job.interfaces import Preflight
from lakewright.runs.job.request import Request
from lakewright.storage.lake import Lake

LAYOUT: Final = "in place"


@dataclass(frozen=True)
class Rewriting:
    """Objects to rewrite, the work on each, and warnings about finished ones."""

    objects: Sequence[SourceObject]
    work: Work
    warnings: Callable[[Sequence[Rewritten]], list[str]]


@dataclass(frozen=True)
class InPlaceSink:
    """Replaces objects under their own key, conditional on the version that was read.

    An object is committed when it has been replaced; the outcome of the batch records this. If a run is killed before,
    the batch stays open and the next run repeats it, so the work must be idempotent. ``lake`` and ``folder`` locate
    the objects; ``shows_values`` tells whether errors may quote values of the data.
    """

    lake: Lake
    folder: str = ""
    shows_values: bool = False

    #: See ``lakewright.runs.job.ReplacingSink``.
    replaces_objects: ClassVar[Literal[True]] = True

    def check(self, state: TableState, request: Request) -> Preflight:  # noqa: ARG002
        """See ``Sink.check``: there is no table."""
        return Preflight(state)

    def stage(self, batch: Batch, rewriting: Rewriting) -> Staged:
        """See ``Sink.stage``: nothing is staged; each object is replaced as soon as it has been read."""
        packs = list(packed(rewriting.objects, cores=batch.workers.at_once))
        rewrite = partial(rewrite_objects, self.lake.uri, work=rewriting.work, shows_values=self.shows_values)
        answers = batch.workers.run(rewrite, packs)
        reports = [report for answer in answers for report in answer]
        self.lake.remove_abandoned(self.folder)
        done = [report for report in reports if report.is_done]
        was_any_left = any(report.is_left for report in reports)
        return Staged(
            counts=sum((report.counts for report in done), Counts()),
            in_table=sum(report.in_place + report.counts.deleted for report in done),
            actions=_actions(batch.state, reports) if done or not was_any_left else [],
            refused=_reasons(reports, "refused"),
            unreached=_reasons(reports, "unreached"),
            miscounted=_reasons(reports, "miscounted"),
            warnings=rewriting.warnings(done),
        )

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return LAYOUT

    def catalog(self) -> None:
        """See ``Sink.catalog``."""
        return


def _actions(state: TableState, reports: Iterable[Rewritten]) -> list[AnyAction]:
    objects = [
        SourceObject(path=report.path, size=report.size, etag=report.etag, notes=report.notes)
        for report in reports
        if report.is_done
    ]
    numbers = {report.path: report.numbers for report in reports if not report.is_left}
    layout: list[AnyAction] = [] if state.layout == LAYOUT else [SetLayout(LAYOUT)]
    return [*layout, RewriteObjects(objects, numbers)]


def _reasons(reports: Iterable[Rewritten], status: str) -> dict[str, str]:
    return {report.path: report.reason for report in reports if report.status == status}
