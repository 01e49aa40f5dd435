"""One run of one target: it completes what earlier runs left, and processes what is new.

A batch is committed when its outcome is in the log. Everything after that can be repeated by any later run, and
everything before can be discarded. The actions of an outcome are opaque to a run.
"""

import uuid
from datetime import UTC, datetime
from typing import Final

from lakewright.corrections.effective import waiting_originals
from lakewright.errors import ConfigError, InterruptedRunError
from lakewright.log.log import FORMAT, Log, Plan
from lakewright.log.state import TableState
from lakewright.measuring.meters import metered
from lakewright.quarantine.expiry import expiry_of
from lakewright.runs.interrupts import Interrupt
from lakewright.runs.job.batch import Applied, Batch, Survey
from lakewright.runs.job.interfaces import CommittingSink, Scratch
from lakewright.runs.job.request import Replay, Request
from lakewright.runs.job.target_job import FEED_CHANGED, AnyJob
from lakewright.runs.journal import Journal
from lakewright.runs.lease import Lease
from lakewright.runs.lifecycle.attempt import Attempt, why_dropped
from lakewright.runs.lifecycle.committer import Committer
from lakewright.runs.lifecycle.publishing import Staging
from lakewright.runs.progress import Progress, TargetProgress, count_of, readable_bytes
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.workers import Engines
from transforms.errors import DataError, LakewrightError

_TRIES_AT_A_MOVING_SOURCE: Final = 5


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
        self._id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{uuid.uuid4().hex[:8]}"
        self._journal = Journal(lake, job, request, run=self._id, progress=progress)
        self._staging = Staging(lake, job.target, self._journal.say, progress)
        self._committer = Committer(lake, job, self._log, self._journal, self._staging)
        self._head_etag = ""
        self._state = TableState()

    def __call__(self) -> Receipt:
        """Run; the result or error goes into the receipt, which is written in any case."""
        with metered():
            receipt = self._run()
        if receipt.status == "committed" and receipt.exit_code in (0, DataError.exit_code):
            self._maintain(receipt)
        return receipt

    def _run(self) -> Receipt:
        try:
            self._journal.begin()
            self._interrupt.check()
            self._journal.say("lease")
            folder, seconds = self._job.target.state_folder, self._job.feed.lease_seconds
            with Lease(self._lake, folder, run=self._id, seconds=seconds, undeleted=self._staging.undeleted) as lease:
                self._work(lease)
            self._journal.succeed()
        except BaseException as error:
            is_interrupted = self._interrupt.is_wanted and isinstance(error, Exception)
            self._journal.fail(InterruptedRunError() if is_interrupted else error)
            if not isinstance(error, Exception):
                raise
        finally:
            receipt = self._journal.close(writes_head=self._committer.is_head_due())
            self._committer.write_head(instead_of=self._head_etag)
            self._progress.finish(self._job.target.name)
        return receipt

    def _maintain(self, receipt: Receipt) -> None:
        """Maintain the table if that is due, in a run of its own: whether it succeeds, this one has committed."""
        upkeep = self._job.upkeep
        job = upkeep.after(self._job, self._state, self._journal.added_files) if upkeep else None
        if job is None or self._interrupt.is_wanted:
            return
        request = Request(job.name, today=self._request.today, prices=self._request.prices)
        done = Run(self._lake, job, request, self._progress, self._engines, self._interrupt)()
        if done.error:
            receipt.warn([f"{job.name} after batch {self._state.number} failed: {done.error}; the batch is committed"])

    def _work(self, lease: Lease) -> None:
        content = self._log.content()
        state, open_plan = content.state, content.open_plan
        self._state, self._head_etag = state, content.head_etag
        if not content.is_settled:
            self._committer.roll_forward(state, content.etag, is_rebuilt=self._request.is_whole)
            if open_plan is None:
                self._committer.complete_withdrawal(state)
        self._committer.register(state)
        if open_plan is not None:
            self._check_gate()
            self._finish(open_plan, state, lease)
        if self._request.replay is not None:
            self._correct(self._request.replay, state, lease)
        self._expire(state, lease)
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

    def _expire(self, state: TableState, lease: Lease) -> None:
        """Delete rejected rows that are too old."""
        days, today = self._job.feed.quarantine_days, self._request.today

        def waiting() -> set[str]:
            corrections = self._job.target.corrections(self._lake).look()
            return waiting_originals(corrections, state)

        outcome = expiry_of(state, days=days, today=today, run=self._id, waiting=waiting)
        if outcome is not None:
            lease.check()
            self._committer.publish(outcome, None, state)

    def _correct(self, replay: Replay, state: TableState, lease: Lease) -> None:
        """Store rejected rows that pass the current config as source objects, which the run then reads."""
        if self._job.corrector is None:
            return
        self._journal.say("replay")
        lease.check()
        self._log.note_replay(state)
        number = state.number + 1
        folder = self._staging.folder(number, f"replay-{uuid.uuid4().hex[:8]}")
        scratch = Scratch(folder, self._request.today)
        try:
            self._journal.note_replayed(self._job.corrector().correct(state, replay, scratch))
        finally:  # no batch may follow that deletes it
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
            self._committer.drop(plan, state, f"{plan.job} did not finish it")
        elif plan.job != self._job.name:
            raise ConfigError(f"batch {plan.number} of feed {self._job.target.feed_name} is open; `run` it first")
        elif self._request.drop_open:
            self._committer.drop(plan, state, "dropped on request")
        elif self._request.is_whole:
            self._committer.drop(plan, state, "the whole table is rebuilt")
        else:
            self._batch(plan, state, None, lease)

    def _batch(self, plan: Plan, state: TableState, survey: Survey | None, lease: Lease) -> str:
        """Process a plan up to its outcome, publish it, and return how it ended."""
        if (applied := self._applied(plan)) is not None:
            self._journal.say("committed before", f"batch {plan.number}")
            return self._committer.end(plan, state, applied)
        if plan.config_hash != self._job.feed.fingerprint():
            return self._committer.drop(plan, state, FEED_CHANGED)
        # A batch that was planned just now is compared with its source only after it is read.
        if survey is None and (changed := self._job.reader.changed(plan)):
            return self._committer.drop(plan, state, why_dropped("since planned", changed))
        attempt = uuid.uuid4().hex[:8]
        folder = self._staging.folder(plan.number, attempt)
        size = survey.bytes if survey else plan.bytes
        engine = self._engines.choose(self._job.feed, size)
        rewritten = survey.rewritten if survey else ()
        self._journal.note_batch(engine, objects=len(plan.objects) + len(rewritten), size=size)
        read = count_of(len(rewritten), "file") if rewritten else count_of(len(plan.objects), "object")
        self._journal.say("read", f"batch {plan.number}: {read}, {readable_bytes(size)}")
        name = self._job.target.name
        if size:
            self._progress.expect(name, size)
        heads, workers = survey.heads if survey else {}, engine.open(TargetProgress(self._progress, name))
        batch = Batch(plan, state, heads, folder, attempt, self._lake, self._progress, workers)
        try:
            is_only = survey is not None and not engine.repeats_tasks and not state.is_replayed
            return Attempt(self._job, batch, lease, self._journal, self._committer, self._interrupt, is_only)()
        except LakewrightError:
            raise
        except Exception:
            self._interrupt.check()
            lease.check()
            has_ended = state.number == plan.number
            if not has_ended and (changed := self._job.reader.changed(plan)):
                return self._committer.drop(plan, state, why_dropped("while read", changed))
            raise

    def _applied(self, plan: Plan) -> Applied | None:
        return self._job.sink.applied(plan) if isinstance(self._job.sink, CommittingSink) else None
