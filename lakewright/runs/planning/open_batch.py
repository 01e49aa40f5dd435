"""What the next run does with an open batch, and the state from which it then plans its own."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from lakewright.errors import StateError
from lakewright.log.actions.objects import TakeObjects
from lakewright.log.actions.union import AnyAction
from lakewright.log.log import FORMAT, Plan
from lakewright.log.state import Outcome, TableState
from lakewright.runs.job.batch import Survey
from lakewright.runs.job.interfaces import CommittingSink, ReplacingSink
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import FEED_CHANGED, AnyJob
from lakewright.runs.receipts import last_failure
from lakewright.storage.lake import Lake

_IN_OPEN_BATCH: Final = "in the open batch"
_IN_TABLE: Final = "finished first: the table has its commit"


@dataclass(frozen=True)
class OpenBatch:
    """An open batch, and what becomes of it.

    Attributes:
        end: Whether the table has its commit, it is finished, or dropped.
        reason: Why it is dropped.
        actions: What the table's commit of it did.
    """

    plan: Plan
    end: Literal["in table", "finished", "dropped"]
    reason: str = ""
    actions: Sequence[AnyAction] = ()

    def report(self, lake: Lake, state_folder: str) -> dict[str, Any]:
        """Describe the batch, and why the last run did not finish it."""
        failed = None
        with contextlib.suppress(StateError, FileNotFoundError):  # the run itself needs no receipts
            failed = last_failure(lake, state_folder)
        then = {"in table": _IN_TABLE, "finished": "finished first", "dropped": f"dropped, since {self.reason}"}
        return {
            "number": self.plan.number,
            "objects": len(self.plan.objects),
            "bytes": self.plan.bytes,
            "then": then[self.end],
            "failed": failed.error if failed else "",
        }

    def survey_after(self, job: AnyJob, state: TableState, request: Request) -> Survey:
        """Survey the source as the run does once the batch has ended; its end is applied to the state."""
        if self.end == "dropped":
            state.apply(Outcome(FORMAT, self.plan.number, "dropped", "", reason=self.reason))
        elif isinstance(job.sink, ReplacingSink):
            return _survey_others(job, state, request, self.plan)
        elif self.end == "in table":
            state.apply(self._committed())
        else:  # its columns and files are not known yet
            TakeObjects(self.plan.objects).apply(state)
        return job.survey(state, request, excluded={})

    def _committed(self) -> Outcome:
        plan = self.plan
        return Outcome(FORMAT, plan.number, "committed", "", config_hash=plan.config_hash, actions=list(self.actions))


def _survey_others(job: AnyJob, state: TableState, request: Request, plan: Plan) -> Survey:
    """Survey the source without the objects of a batch that replaces them: their new versions are not known yet."""
    own = {source.path for source in plan.objects}
    survey = job.survey(state, request, excluded=dict.fromkeys(own, _IN_OPEN_BATCH))
    return replace(survey, refused={path: why for path, why in survey.refused.items() if why != _IN_OPEN_BATCH})


def open_batch(job: AnyJob, plan: Plan) -> OpenBatch:
    """Decide what the next run does with an open batch, as the run decides it."""
    actions = job.sink.committed(plan) if isinstance(job.sink, CommittingSink) else None
    if actions is not None:
        return OpenBatch(plan, "in table", actions=actions)
    if plan.job != job.name:
        return OpenBatch(plan, "dropped", f"{plan.job} did not finish it")
    if plan.config_hash != job.feed.fingerprint():
        return OpenBatch(plan, "dropped", FEED_CHANGED)
    if job.reader.changed(plan):
        return OpenBatch(plan, "dropped", "its sources changed")
    return OpenBatch(plan, "finished")
