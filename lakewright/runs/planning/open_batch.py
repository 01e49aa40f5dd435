"""What the next run does with an open batch, and the state from which it then plans its own."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from lakewright.log.actions import Outcome, TableState, TakeObjects
from lakewright.log.log import FORMAT, Append, Plan
from lakewright.runs.job import FEED_CHANGED, AnyJob, Choice, CommittingSink
from lakewright.runs.receipts import last_failure
from lakewright.storage.lake import Lake

_IN_TABLE: Final = "finished first: the table has its commit"


@dataclass(frozen=True)
class OpenBatch:
    """An open batch, and what becomes of it.

    Attributes:
        end: Whether the table has its commit, it is finished, or dropped.
        reason: Why it is dropped.
    """

    plan: Plan
    end: Literal["in table", "finished", "dropped"]
    reason: str = ""

    def report(self, lake: Lake, state_folder: str) -> dict[str, Any]:
        """Describe the batch, and why the last run did not finish it."""
        failed = last_failure(lake, state_folder)
        then = {"in table": _IN_TABLE, "finished": "finished first", "dropped": f"dropped, since {self.reason}"}
        return {
            "number": self.plan.number,
            "objects": len(self.plan.objects),
            "bytes": self.plan.bytes,
            "then": then[self.end],
            "failed": failed.error if failed else "",
        }

    def end_in(self, state: TableState) -> None:
        """Apply its end to a state, as far as the choice of the next batch depends on it."""
        if self.end == "dropped":
            reason = FEED_CHANGED if self.reason == FEED_CHANGED else ""
            state.apply(Outcome(FORMAT, self.plan.number, "dropped", "", reason=reason))
            return
        TakeObjects(self.plan.objects).apply(state)
        if self.end == "in table":
            state.committed = self.plan.number

    def without_its_objects(self, choice: Choice) -> Choice:
        """Leave out the objects that it appends or replaces itself; partitions are rebuilt from all of theirs."""
        if self.end == "dropped" or not isinstance(choice.scope, Append):
            return choice
        done = {(source.path, source.etag) for source in self.plan.objects}
        return Choice([each for each in choice.objects if (each.path, each.etag) not in done], choice.scope)


def open_batch(job: AnyJob, plan: Plan) -> OpenBatch:
    """Decide what the next run does with an open batch, as the run decides it."""
    if isinstance(job.sink, CommittingSink) and job.sink.has_commit(plan):
        return OpenBatch(plan, "in table")
    if plan.job != job.name:
        return OpenBatch(plan, "dropped", f"{plan.job} did not finish it")
    if plan.config_hash != job.feed.fingerprint():
        return OpenBatch(plan, "dropped", FEED_CHANGED)
    if job.reader.changed(plan):
        return OpenBatch(plan, "dropped", "its sources changed")
    return OpenBatch(plan, "finished")
