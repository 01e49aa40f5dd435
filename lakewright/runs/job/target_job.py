"""A job for one target, composed of its parts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from lakewright.config import Feed
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Staged, Survey
from lakewright.runs.job.interfaces import CommittingSink, Corrector, Gate, GatedSink, Reader, Sink, Verdict
from lakewright.runs.job.request import Request
from lakewright.runs.job.sampling import Sampler
from lakewright.runs.job.target import Target

#: Why a batch is dropped if the feed differs from the plan's.
FEED_CHANGED: Final = "the feed has changed since planned"

Rows = TypeVar("Rows")
Judged = TypeVar("Judged")


class Upkeep(Protocol):
    """Maintenance of a table after a committed batch, as a batch of its own."""

    def after(self, job: "AnyJob", state: TableState, written: Collection[str]) -> "AnyJob | None":
        """Return the job that maintains the table after a batch has ``written`` files; None if that is not due."""


@dataclass(frozen=True)
class TargetJob(Generic[Rows, Judged]):
    """One target of a feed, composed of reader, build and sink; ``lifecycle`` runs it."""

    feed: Feed
    target: Target
    reader: Reader[Rows]
    build: Callable[[Rows], Judged]
    sink: Sink[Judged]
    #: The job that maintains the table, if it is not the one that fills it.
    maintained_by: str = ""
    #: Opens what replays rejected rows, if the job supports that.
    corrector: Callable[[], Corrector] | None = None
    #: Opens what samples the columns of a batch, if records determine them.
    sampler: Callable[[], Sampler] | None = None
    gate: Gate | None = None
    #: Warnings about the feed, in one of its targets.
    warnings: Sequence[str] = ()
    upkeep: Upkeep | None = None

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.maintained_by or self.feed.job

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """Determine what a run would do; see ``Sink.check``, ``Reader.survey`` and ``CommittingSink.check_engine``."""
        preflight = self.sink.check(state, request)
        survey = self.reader.survey(preflight.before, request, excluded=excluded)
        if isinstance(self.sink, CommittingSink) and not survey.is_idle:
            self.sink.check_engine()
        return replace(
            survey,
            schema_changes=[*preflight.schema_changes, *survey.schema_changes],
            warnings=[*preflight.warnings, *survey.warnings, *self.warnings],
        )

    def rows(self, batch: Batch) -> Judged:
        """Return the rows of a batch; see ``Reader.read``."""
        return self.build(self.reader.read(batch))

    def check_gate(self) -> None:
        """Validate the gate, if there is one; see ``Gate.check``."""
        if self.gate is not None and not self.maintained_by:
            self.gate.check()

    def judge(self, batch: Batch, rows: Any, staged: Staged) -> Verdict | None:
        """Return the gate's verdict on a staged batch; None if there is no gate, or a batch of maintenance."""
        if self.gate is None or self.maintained_by or not isinstance(self.sink, GatedSink):
            return None
        return self.gate.judge(self.sink.judged_table(batch, rows, staged), staged)


AnyJob = TargetJob[Any, Any]
