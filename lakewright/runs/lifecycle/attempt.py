"""An attempt at a batch: it is staged, checked, judged and committed."""

from dataclasses import dataclass, replace
from typing import Any

from lakewright.errors import BatchRefusedError, GateRefusedError, ObjectRefusedError, OvertakenError
from lakewright.log.actions.tables import JudgeBatch
from lakewright.runs.interrupts import Interrupt
from lakewright.runs.job.batch import Applied, Batch, Staged
from lakewright.runs.job.interfaces import CommittingSink
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.journal import Journal
from lakewright.runs.lease import Lease
from lakewright.runs.lifecycle.accounting import check_sums, too_many_rejected
from lakewright.runs.lifecycle.committer import Committer
from lakewright.runs.progress import count_of


@dataclass(frozen=True)
class Attempt:
    """One attempt at a batch; what it stages can be discarded until the outcome is in the log.

    Attributes:
        is_only: Whether no earlier attempt at the batch, no repeated task of this one and no replay can have staged
            files.
    """

    job: AnyJob
    batch: Batch
    lease: Lease
    journal: Journal
    committer: Committer
    interrupt: Interrupt
    is_only: bool

    def __call__(self) -> str:
        """Stage, check and commit the batch, and return how it ended.

        Raises:
            BatchRefusedError: If too many rows are rejected or the gate refuses the batch; its outcome says so.
            ObjectRefusedError: If objects cannot be read and the job does not process the others.
            OvertakenError: If another run ended the batch first.
        """
        batch, plan, state = self.batch, self.batch.plan, self.batch.state
        rows = None
        try:
            rows = self.job.rows(batch)
            staged = self.job.sink.stage(batch, rows)
        except ObjectRefusedError as error:
            staged = Staged(refused=error.reasons)
        skipped = f", {staged.counts.skipped} skipped" if staged.counts.skipped else ""
        rejected = f"{staged.counts.rejected} rejected"
        self.journal.say("check", f"{count_of(staged.counts.read, 'row')} read, {rejected}{skipped}")
        # Rows of the planned versions are valid even if an object was rewritten: the next batch replaces them.
        is_settled = staged.are_as_planned and self.committer.is_recent()
        if not is_settled and (changed := self.job.reader.changed(plan)):
            return self.committer.drop(plan, state, why_dropped("while read", changed))
        self.journal.note_left(staged)
        if staged.left and not staged.actions:
            return self._refuse_objects(staged)
        check_sums(staged)
        refusal: BatchRefusedError | None = too_many_rejected(staged, allowed=self.job.feed.max_rejected)
        if refusal is None:
            staged, refusal = self._judge(rows, staged)
        if refusal is not None:
            staged = self._without_known_rows(staged)
        applied = None
        self.interrupt.check()
        try:
            # The outcome is created only once, but a table's own commit must not have two writers.
            self.lease.check(reads=isinstance(self.job.sink, CommittingSink))
            applied = self._commit(rows, staged) if refusal is None else None
            own = Applied(batch.attempt, staged, is_tidy=self.is_only and staged.publishes_all)
            ended = self.committer.end(plan, state, applied or own, refusal)
        except OvertakenError:
            # What the table's own commit contains is published from this folder, by any run.
            if applied is None:
                batch.lake.delete_folder(batch.folder)
            raise
        if refusal is not None:
            self.committer.withdraw(plan, state, self.lease)
            raise refusal
        return ended

    def _judge(self, rows: Any, staged: Staged) -> tuple[Staged, GateRefusedError | None]:
        """Let the gate judge a staged batch; its outcome names the results."""
        if self.job.gate is not None:
            self.journal.say("gate")
        verdict = self.job.judge(self.batch, rows, staged)
        if verdict is None:
            return staged, None
        judged = replace(
            staged,
            actions=[*staged.actions, JudgeBatch(dict(verdict.report))],
            warnings=[*staged.warnings, *verdict.warnings],
        )
        return judged, GateRefusedError(verdict.refused) if verdict.refused else None

    def _without_known_rows(self, staged: Staged) -> Staged:
        """Leave out rejected rows that stay in quarantine if the batch is refused."""
        from lakewright.quarantine.refused import without_known_rows  # pyarrow, which idle runs do not need

        batch = self.batch
        staging = f"{batch.folder}refused/"
        return replace(staged, actions=without_known_rows(batch.lake, staged.actions, batch.state, staging=staging))

    def _commit(self, rows: Any, staged: Staged) -> Applied | None:
        """Commit to the table if it has commits of its own; None for other tables."""
        sink = self.job.sink
        if not isinstance(sink, CommittingSink):
            return None
        self.journal.say("apply", f"batch {self.batch.plan.number}")
        applied = sink.commit(self.batch, rows, staged)
        self.journal.say("applied", f"batch {self.batch.plan.number}")
        return applied

    def _refuse_objects(self, staged: Staged) -> str:
        first, *others = staged.left
        more = f" and {len(others)} more" if others else ""
        ended = self.committer.drop(self.batch.plan, self.batch.state, f"unreadable objects: {first}{more}")
        if not self.job.reader.skips_refused:
            raise ObjectRefusedError(staged.refused)
        return ended


def why_dropped(when: str, paths: list[str]) -> str:
    """Return why a batch is dropped whose objects have changed."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"changed {when}: {paths[0]}{more}"
