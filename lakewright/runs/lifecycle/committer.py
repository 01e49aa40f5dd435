"""The end of a batch: its outcome is written to the log, published, and registered in the catalog."""

import logging

from lakewright.errors import BatchRefusedError, CatalogError, OvertakenError
from lakewright.log.log import FORMAT, Log, Plan
from lakewright.log.state import Outcome, TableState
from lakewright.runs.job.batch import Applied
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.journal import Journal
from lakewright.runs.lease import Lease
from lakewright.runs.lifecycle.publishing import Staging
from lakewright.runs.lifecycle.withdrawal import complete_withdrawal, withdraw_refused
from lakewright.runs.registration import Registration
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError

LOGGER = logging.getLogger("lakewright")


class Committer:
    """Ends the batches of one target.

    A batch is committed when its outcome is in the log; everything after that can be repeated by any later run.
    """

    def __init__(self, lake: Lake, job: AnyJob, log: Log, journal: Journal, staging: Staging) -> None:
        self._lake, self._job, self._log, self._journal, self._staging = lake, job, log, journal, staging
        self._registration, self._run = Registration(lake, job), journal.receipt.run
        #: A state whose last batch is published, and the ETag of its outcome, if the head of the log lacks it.
        self._settled: tuple[TableState, str] | None = None

    def end(self, plan: Plan, state: TableState, applied: Applied, refusal: BatchRefusedError | None = None) -> str:
        """End a batch and return how: all of it is committed, or only its rejected rows if the batch is refused."""
        staged, refused = applied.staged, refusal is not None
        actions = staged.actions if not refused else [left for action in staged.actions for left in action.if_refused()]
        outcome = Outcome(
            format=FORMAT,
            number=plan.number,
            status="dropped" if refused else "committed",
            reason=refusal.reason if refusal else "",
            run=self._run,
            attempt=applied.attempt,
            config_hash=plan.config_hash,
            counts=staged.counts.if_refused() if refused else staged.counts,
            rules=staged.rules,
            skipped=staged.skipped,
            actions=actions,
        )
        self._journal.receipt.schema_changes += [] if refused else staged.schema_changes
        self._journal.receipt.note_rejected(staged.first_rejected)
        self._journal.receipt.warn((*staged.warnings, *applied.warnings))
        self.publish(outcome, plan, state, is_tidy=applied.is_tidy and not refused)
        self.register(state)
        return outcome.status

    def drop(self, plan: Plan, state: TableState, reason: str) -> str:
        """Drop a batch; its objects count as new again."""
        outcome = Outcome(format=FORMAT, number=plan.number, status="dropped", run=self._run, reason=reason)
        self._settle(state, self._write(outcome, plan, state))
        return outcome.status

    def publish(self, outcome: Outcome, plan: Plan | None, state: TableState, *, is_tidy: bool = False) -> None:
        """Write an outcome and publish it; see ``Applied`` for ``is_tidy``."""
        etag = self._write(outcome, plan, state)
        self._staging.publish(outcome)
        self._journal.say("clean up")
        self._settle(state, etag, is_tidy=is_tidy)

    def roll_forward(self, state: TableState, etag: str, *, is_rebuilt: bool) -> None:
        """Complete the last run, whose outcome has this ETag: publishing, staging clean-up, receipt."""
        if state.last is not None:
            try:
                self._staging.roll_forward(state.last)
            except OvertakenError:
                # A missing file does not matter if the table is rebuilt.
                if not is_rebuilt:
                    raise
            else:
                self._settled = (state, etag) if etag else None
            self._journal.restore_receipt(state.last, lambda: self._log.plan(state.number))

    def withdraw(self, plan: Plan, state: TableState, lease: Lease) -> None:
        """Withdraw the corrections of the last batch, which was refused; if that fails, the next run does it.

        Raises:
            OvertakenError: If another run holds the lease, and may have read the corrections.
        """
        settled, self._settled = self._settled, None
        lease.check()
        self._journal.receipt.warn(withdraw_refused(self._lake, plan, state))
        self._settled = settled

    def complete_withdrawal(self, state: TableState) -> None:
        """Withdraw what a run that refused the last batch has left; no batch was planned since."""
        if state.last is None or not state.last.is_refused:
            return
        plan, ended = self._log.plan(state.number), self._log.ended(state.number)
        if plan is not None and ended is not None:
            self._journal.receipt.warn(complete_withdrawal(self._lake, plan, state, ended))

    def register(self, state: TableState) -> None:
        """Update the catalog; a failure does not stop the run and is reported at its end."""
        if not self._registration.is_due(state):
            return
        self._journal.say("catalog")
        receipt = self._journal.receipt
        try:
            receipt.catalog, warnings = self._registration.register(state)
        except CatalogError as error:
            self._journal.uncatalogued, receipt.catalog = error, f"failed: {error}"
        else:
            self._journal.uncatalogued = None
            receipt.warn(warnings)

    def is_recent(self) -> bool:
        """Return whether the log was read less than a minute ago, by the storage's clock."""
        return self._log.is_recent()

    def is_head_due(self) -> bool:
        """Return whether the head of the log is written once the run has a receipt."""
        return self._settled is not None and not self._staging.undeleted and self._log.is_head_due(self._settled[0])

    def write_head(self, *, instead_of: str) -> None:
        """Write the head of the log, once the last batch is published and the run has a receipt."""
        if self._settled is None or self._staging.undeleted or not self._journal.is_receipt_written:
            return
        state, etag = self._settled
        try:
            self._log.write_head(state, etag=etag, instead_of=instead_of)
        except (LakewrightError, OSError) as error:  # the next run reads the entries instead
            LOGGER.warning("the head of the log of %s could not be written: %s", self._job.target.name, error)

    def _write(self, outcome: Outcome, plan: Plan | None, state: TableState) -> str:
        """Write an outcome, apply it to the state, and return its ETag."""
        self._settled = None
        etag = self._log.write_outcome(outcome)
        if outcome.status == "committed":
            self._journal.say("committed", f"batch {outcome.number}")
        elif outcome.status == "expired":
            self._journal.say("expired", outcome.reason)
        else:
            self._journal.say("refused" if outcome.is_refused else "dropped", outcome.reason)
        self._journal.note_outcome(outcome, plan)
        state.apply(outcome)
        return etag

    def _settle(self, state: TableState, etag: str, *, is_tidy: bool = False) -> None:
        """Delete what the last batch staged; its outcome has this ETag."""
        self._staging.clear(state.number, is_tidy=is_tidy)
        self._settled = state, etag
        self._log.write_snapshot(state)
