"""The lifecycle of a run: lease, open batch, new batch, staging, checks, outcome, publish, receipt.

A batch is committed when its outcome is in the log. Everything after that can be repeated by any later run, and
everything before can be discarded. The actions of an outcome are opaque to this module.
"""

import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from lakewright.corrections.effective import waiting_originals
from lakewright.corrections.manifests import CORRECTS, withdraw
from lakewright.errors import (
    AccountingError,
    BatchRefusedError,
    CatalogError,
    ConfigError,
    GateRefusedError,
    InterruptedRunError,
    ObjectRefusedError,
    OvertakenError,
    RowsRefusedError,
)
from lakewright.log.actions import JudgeBatch, Outcome, TableState
from lakewright.log.log import FORMAT, Log, Plan
from lakewright.quarantine.expiry import expiry_of
from lakewright.runs.interrupts import Interrupt, interruptible
from lakewright.runs.job import (
    FEED_CHANGED,
    AnyJob,
    Applied,
    Batch,
    CommittingSink,
    Replay,
    Request,
    Scratch,
    Staged,
    Survey,
)
from lakewright.runs.journal import Journal
from lakewright.runs.lease import Lease
from lakewright.runs.progress import Progress, TargetProgress, count_of, readable_bytes
from lakewright.runs.publishing import Staging
from lakewright.runs.receipts import Receipt
from lakewright.runs.registration import Registration
from lakewright.storage.lake import Lake
from lakewright.workers import Engines
from transforms.errors import DataError, LakewrightError

LOGGER = logging.getLogger("lakewright")

_TRIES_AT_A_MOVING_SOURCE: Final = 5
_SECONDS_BETWEEN_SIGNALS: Final = 0.2


class Run:
    """One run of one target."""

    def __init__(
        self,
        lake: Lake,
        job: AnyJob,
        request: Request,
        progress: Progress,
        engines: Engines,
        interrupt: Interrupt | None = None,
    ) -> None:
        self._lake, self._job, self._request, self._progress = lake, job, request, progress
        self._engines = engines
        self._interrupt = interrupt or Interrupt()
        self._log = Log(lake, job.target.state_folder)
        self._registration = Registration(lake, job)
        self._id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{uuid.uuid4().hex[:8]}"
        self._journal = Journal(lake, job, request, run=self._id, progress=progress)
        self._staging = Staging(lake, job.target, self._journal.say)
        #: A state whose last batch is published, and the ETag of its outcome, if the head of the log lacks it.
        self._settled: tuple[TableState, str] | None = None
        self._head_etag = ""
        self._state = TableState()

    def __call__(self) -> Receipt:
        """Run; the result or error goes into the receipt, which is written in any case."""
        receipt = self._run()
        if receipt.status == "committed" and receipt.exit_code in (0, DataError.exit_code):
            self._maintain(receipt)
        return receipt

    def _run(self) -> Receipt:
        try:
            self._interrupt.check()
            self._journal.say("lease")
            folder, seconds = self._job.target.state_folder, self._job.feed.lease_seconds
            with Lease(self._lake, folder, run=self._id, seconds=seconds) as lease:
                self._work(lease)
            self._journal.succeed()
        except BaseException as error:
            wanted = self._interrupt.is_wanted and isinstance(error, Exception)
            self._journal.fail(InterruptedRunError() if wanted else error)
            if not isinstance(error, Exception):
                raise
        finally:
            receipt = self._journal.close()
            self._write_head()
        return receipt

    def _maintain(self, receipt: Receipt) -> None:
        """Maintain the table if that is due, in a run of its own: whether it succeeds, this one has committed."""
        written = [path for batch in receipt.batches for path in batch["outputs"]]
        upkeep = self._job.upkeep
        job = upkeep.after(self._job, self._state, written) if upkeep else None
        if job is None or self._interrupt.is_wanted:
            return
        request = Request(job.name, today=self._request.today)
        done = Run(self._lake, job, request, self._progress, self._engines, self._interrupt)()
        if done.error:
            receipt.warn([f"{job.name} after batch {self._state.number} failed: {done.error}; the batch is committed"])

    def _work(self, lease: Lease) -> None:
        content = self._log.content()
        state, open_plan = content.state, content.open_plan
        self._state, self._head_etag = state, content.head_etag
        if not content.is_settled:
            self._roll_forward(state, content.etag)
        self._register(state)
        if open_plan is not None:
            self._check_gate()
            self._finish(open_plan, state, lease)
        self._expire(state, lease)
        if self._request.replay is not None:
            self._correct(self._request.replay, state, lease)
        for _ in range(_TRIES_AT_A_MOVING_SOURCE):
            self._interrupt.check()
            self._journal.say("plan")
            survey = self._job.survey(state, self._request, excluded=self._journal.left)
            self._journal.note_survey(survey, committed=state.committed > 0)
            if survey.is_idle:
                return
            self._check_gate()
            plan = self._plan(survey, state)
            self._log.write_plan(plan)
            if self._batch(plan, state, survey, lease) == "committed":
                return
        raise DataError(f"the source kept changing while it was read; gave up after {_TRIES_AT_A_MOVING_SOURCE} tries")

    def _check_gate(self) -> None:
        """Validate the gate; only if there is a batch, since this may import Great Expectations."""
        if self._job.gate is not None:
            self._journal.say("gate")
            self._job.check_gate()

    def _correct(self, replay: Replay, state: TableState, lease: Lease) -> None:
        """Store rejected rows that pass today's config as source objects, which the run then reads."""
        if self._job.corrector is None:
            return
        self._journal.say("replay")
        lease.check()
        number = state.number + 1
        folder = self._staging.folder(number, f"replay-{uuid.uuid4().hex[:8]}")
        scratch = Scratch(folder, self._request.today)
        self._journal.note_replayed(self._job.corrector().correct(state, replay, scratch))
        self._lake.delete_folder(folder)

    def _plan(self, survey: Survey, state: TableState) -> Plan:
        return Plan(
            format=FORMAT,
            number=state.number + 1,
            run=self._id,
            job=self._job.name,
            processing_date=self._request.today,
            config_hash=self._job.feed.fingerprint(),
            objects=survey.choice.objects,
            scope=survey.choice.scope,
        )

    def _finish(self, plan: Plan, state: TableState, lease: Lease) -> None:
        """Finish the open batch of an earlier run, or drop it if it is neither in the table nor to be finished.

        Raises:
            ConfigError: If the batch belongs to the table's owner and this run maintains the table.
        """
        if self._applied(plan) is not None:
            self._batch(plan, state, None, lease)
        elif plan.job != self._job.feed.job:
            # Maintenance works on the current table: a batch planned on another state is not finished.
            self._drop(plan, state, f"{plan.job} did not finish it")
        elif plan.job != self._job.name:
            raise ConfigError(f"batch {plan.number} of feed {self._job.target.feed_name} is open; `run` it first")
        elif self._request.drop_open:
            self._drop(plan, state, "dropped on request")
        elif self._request.is_whole:
            self._drop(plan, state, "the whole table is rebuilt")
        else:
            self._batch(plan, state, None, lease)

    def _batch(self, plan: Plan, state: TableState, survey: Survey | None, lease: Lease) -> str:
        """Process a plan up to its outcome, publish it, and return how it ended."""
        if (applied := self._applied(plan)) is not None:
            self._journal.say("committed before", f"batch {plan.number}")
            return self._end(plan, state, applied)
        if plan.config_hash != self._job.feed.fingerprint():
            return self._drop(plan, state, FEED_CHANGED)
        # A batch that was planned just now is compared with its source only after it is read.
        if survey is None and (changed := self._job.reader.changed(plan)):
            return self._drop(plan, state, _changed("since planned", changed))
        attempt = uuid.uuid4().hex[:8]
        folder = self._staging.folder(plan.number, attempt)
        size = survey.bytes if survey else plan.bytes
        engine = self._engines.choose(self._job.feed, size)
        self._journal.note_engine(engine)
        rewritten = survey.rewritten if survey else ()
        read = count_of(len(rewritten), "file") if rewritten else count_of(len(plan.objects), "object")
        self._journal.say("read", f"batch {plan.number}: {read}, {readable_bytes(size)}")
        if size:
            self._progress.expect(self._job.target.name, size)
        heads, workers = (
            survey.heads if survey else {},
            engine.open(TargetProgress(self._progress, self._job.target.name)),
        )
        batch = Batch(plan, state, heads, folder, attempt, self._lake, self._progress, workers)
        try:
            return self._attempt(batch, lease)
        except LakewrightError:
            raise
        except Exception:
            self._interrupt.check()
            lease.check()
            if changed := self._job.reader.changed(plan):
                return self._drop(plan, state, _changed("while read", changed))
            raise

    def _attempt(self, batch: Batch, lease: Lease) -> str:
        """Stage, check and commit a batch."""
        plan, state = batch.plan, batch.state
        rows = None
        try:
            rows = self._job.rows(batch)
            staged = self._job.sink.stage(batch, rows)
        except ObjectRefusedError as error:
            staged = Staged(refused=error.reasons)
        skipped = f", {staged.counts.skipped} skipped" if staged.counts.skipped else ""
        rejected = f"{staged.counts.rejected} rejected"
        self._journal.say("check", f"{count_of(staged.counts.read, 'row')} read, {rejected}{skipped}")
        if changed := self._job.reader.changed(plan):
            return self._drop(plan, state, _changed("while read", changed))
        self._journal.note_left(staged)
        if staged.left and not staged.actions:
            return self._refuse_objects(plan, state, staged)
        _check_sums(staged)
        refusal: BatchRefusedError | None = self._too_many_rejected(staged)
        if refusal is None:
            staged, refusal = self._judge(batch, rows, staged)
        applied = None
        self._interrupt.check()
        try:
            # The outcome is created only once, but a table's own commit must not have two writers.
            lease.check(reads=isinstance(self._job.sink, CommittingSink))
            applied = self._commit(batch, rows, staged) if refusal is None else None
            ended = self._end(plan, state, applied or Applied(batch.attempt, staged), refusal)
        except OvertakenError:
            # What the table's own commit contains is published from this folder, by any run.
            if applied is None:
                self._lake.delete_folder(batch.folder)
            raise
        if refusal is not None:
            lease.check()
            self._withdraw(plan, state, refusal)
            raise refusal
        return ended

    def _withdraw(self, plan: Plan, state: TableState, refusal: BatchRefusedError) -> None:
        """Withdraw the corrections that may be why a batch was refused; otherwise every later run would be refused too.

        A correction that is read with its original cannot raise the number of rejected rows.
        """
        read = {source.path for source in plan.objects}
        withdrawn = [
            source.path
            for source in plan.objects
            if CORRECTS in source.notes
            and not state.has(source.path, source.etag)
            and (isinstance(refusal, GateRefusedError) or source.notes[CORRECTS] not in read)
        ]
        withdraw(self._lake, withdrawn)
        self._journal.receipt.warn(
            f"withdrew the correction {path}, because the batch with it was refused; its rows are not corrected: edit "
            "and replay them again"
            for path in withdrawn
        )

    def _judge(self, batch: Batch, rows: Any, staged: Staged) -> tuple[Staged, GateRefusedError | None]:
        """Let the gate judge a staged batch; its outcome names the results."""
        if self._job.gate is not None:
            self._journal.say("gate")
        verdict = self._job.judge(batch, rows, staged)
        if verdict is None:
            return staged, None
        judged = replace(
            staged,
            actions=[*staged.actions, JudgeBatch(dict(verdict.report))],
            warnings=[*staged.warnings, *verdict.warnings],
        )
        return judged, GateRefusedError(verdict.refused) if verdict.refused else None

    def _commit(self, batch: Batch, rows: Any, staged: Staged) -> Applied | None:
        """Commit to the table if it has commits of its own; None for other tables."""
        sink = self._job.sink
        if not isinstance(sink, CommittingSink):
            return None
        self._journal.say("apply", f"batch {batch.plan.number}")
        applied = sink.commit(batch, rows, staged)
        self._journal.say("applied", f"batch {batch.plan.number}")
        return applied

    def _applied(self, plan: Plan) -> Applied | None:
        return self._job.sink.applied(plan) if isinstance(self._job.sink, CommittingSink) else None

    def _too_many_rejected(self, staged: Staged) -> RowsRefusedError | None:
        counts, allowed = staged.counts, self._job.feed.max_rejected
        rows = counts.read - counts.skipped
        if counts.rejected <= Fraction(str(allowed)) * rows:
            return None
        return RowsRefusedError(counts.rejected, rows, allowed, staged.rules)

    def _end(self, plan: Plan, state: TableState, applied: Applied, refusal: BatchRefusedError | None = None) -> str:
        """Write the outcome and publish it: everything, or only quarantine if the batch is refused."""
        staged, refused = applied.staged, refusal is not None
        actions = staged.actions if not refused else [left for action in staged.actions for left in action.if_refused()]
        outcome = Outcome(
            format=FORMAT,
            number=plan.number,
            status="dropped" if refused else "committed",
            reason=refusal.reason if refusal else "",
            run=self._id,
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
        etag = self._write(outcome, plan, state)
        self._publish(outcome, state, etag)
        self._register(state)
        return outcome.status

    def _publish(self, outcome: Outcome, state: TableState, etag: str) -> None:
        self._staging.publish(outcome)
        self._journal.say("clean up")
        self._settle(state, etag)

    def _settle(self, state: TableState, etag: str) -> None:
        """Delete what the last batch staged; its outcome has this ETag."""
        self._staging.clear(state.number)
        self._settled = state, etag
        self._log.write_snapshot(state)

    def _expire(self, state: TableState, lease: Lease) -> None:
        """Delete rejected rows that are too old."""
        days, today = self._job.feed.quarantine_days, self._request.today

        def waiting() -> set[str]:
            corrections = self._job.target.corrections(self._lake).look()
            return waiting_originals(corrections, state)

        outcome = expiry_of(state, days=days, today=today, run=self._id, waiting=waiting)
        if outcome is not None:
            lease.check()
            etag = self._write(outcome, None, state)
            self._publish(outcome, state, etag)

    def _drop(self, plan: Plan, state: TableState, reason: str) -> str:
        """Drop a batch; its objects count as new again."""
        outcome = Outcome(format=FORMAT, number=plan.number, status="dropped", run=self._id, reason=reason)
        self._settle(state, self._write(outcome, plan, state))
        return outcome.status

    def _write(self, outcome: Outcome, plan: Plan | None, state: TableState) -> str:
        """Write an outcome, apply it to the state, and return its ETag."""
        self._settled = None
        etag = self._log.write_outcome(outcome)
        if outcome.status == "committed":
            self._journal.say("committed", f"batch {outcome.number}")
        elif outcome.status == "expired":
            self._journal.say("expired", outcome.reason)
        else:
            self._journal.say("refused" if outcome.attempt else "dropped", outcome.reason)
        self._journal.receipt.add(outcome, plan)
        state.apply(outcome)
        return etag

    def _refuse_objects(self, plan: Plan, state: TableState, staged: Staged) -> str:
        ended = self._drop(plan, state, "unreadable objects: " + ", ".join(staged.left))
        if not self._job.reader.skips_refused:
            raise ObjectRefusedError(staged.refused)
        return ended

    def _write_head(self) -> None:
        """Write the head of the log, once the last batch is published and the run has a receipt."""
        if self._settled is None or not self._journal.is_receipt_written:
            return
        state, etag = self._settled
        try:
            self._log.write_head(state, etag=etag, instead_of=self._head_etag)
        except (LakewrightError, OSError) as error:  # the next run reads the entries instead
            LOGGER.warning("the head of the log of %s could not be written: %s", self._job.target.name, error)

    def _roll_forward(self, state: TableState, etag: str) -> None:
        """Complete the last run: publishing, staging clean-up, receipt; its outcome has this ETag."""
        if state.last is not None:
            try:
                self._staging.roll_forward(state.last)
            except OvertakenError:
                # A missing file does not matter if the table is rebuilt.
                if not self._request.is_whole:
                    raise
            else:
                self._settled = (state, etag) if etag else None
            self._journal.restore_receipt(state.last)

    def _register(self, state: TableState) -> None:
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


def run_targets(
    lake: Lake, jobs: Sequence[AnyJob], request: Request, progress: Progress, engines: Engines
) -> list[Receipt]:
    """Run all targets of a feed concurrently; a failure does not stop the others, Ctrl-C stops all.

    Raises:
        ConfigError: If no engine can run the feed.
    """
    if not jobs:
        return []
    engines.check(jobs[0].feed)
    with (
        interruptible(engines.cancel) as interrupt,
        ThreadPoolExecutor(min(len(jobs), jobs[0].feed.targets_at_once), thread_name_prefix="target") as pool,
    ):
        progress.wait([job.target.name for job in jobs[jobs[0].feed.targets_at_once :]])
        runs = [pool.submit(Run(lake, job, request, progress, engines, interrupt)) for job in jobs]
        while wait(runs, timeout=_SECONDS_BETWEEN_SIGNALS).not_done:
            pass  # a signal that another thread receives is handled when the main thread wakes up
        return [run.result() for run in runs]


def _check_sums(staged: Staged) -> None:
    """Compare the rows read with the rows staged.

    Raises:
        AccountingError: If they differ.
    """
    counts = staged.counts
    expected = counts.written + counts.deleted + counts.rekeyed
    skipped = sum(staged.skipped.values())
    is_staged = staged.in_table == expected and staged.in_quarantine == counts.rejected and skipped == counts.skipped
    if not counts.holds() or not is_staged:
        raise AccountingError(
            f"{counts.read} rows read, but {staged.in_table} for the table, {staged.in_quarantine} in quarantine and "
            f"{skipped} skipped; nothing was published"
        )


def _changed(when: str, paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"changed {when}: {paths[0]}{more}"
