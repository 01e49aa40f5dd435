"""The record of a run: reported as it happens, timed by stage, and written as the receipt."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from lakewright.costs.pricing import price
from lakewright.errors import (
    AccountingError,
    CatalogError,
    EmptySourceError,
    ObjectRefusedError,
    OvertakenError,
    UnreachableError,
)
from lakewright.log.log import Plan
from lakewright.log.records import Counts
from lakewright.log.state import Outcome
from lakewright.measuring.meters import current_meter
from lakewright.measuring.runtime import current_runtime
from lakewright.measuring.usage import Volume, measure
from lakewright.runs.failures import find_unreachable, jvm_error
from lakewright.runs.job.batch import Staged, Survey
from lakewright.runs.job.interfaces import Replayed
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.progress import TRACEBACKS, Progress, count_of
from lakewright.runs.receipts import (
    FORMAT,
    PROCESS,
    Receipt,
    Status,
    fold,
    has_receipt,
    restore_receipt,
    write_receipt,
)
from lakewright.storage.lake import Lake
from lakewright.unexpected import cause_of, trace_of
from lakewright.workers import Engine
from transforms.errors import DataError, LakewrightError

#: How a run that wrote this outcome ended.
_STATUS_OF_RUN: Final[dict[str, Status]] = {
    "committed": "committed",
    "dropped": "refused",
    "expired": "nothing_new",
}


class Journal:
    """The receipt of a run in progress."""

    def __init__(self, lake: Lake, job: AnyJob, request: Request, *, run: str, progress: Progress) -> None:
        self._lake, self._job, self._progress = lake, job, progress
        self._prices = request.prices
        self._stage, self._stage_began = "", time.monotonic()
        #: Objects that this run does not process, with the reason: refused, unreachable, or with record counts that
        #: differ.
        self.refused: dict[str, str] = {}
        self.unreached: dict[str, str] = {}
        self.miscounted: dict[str, str] = {}
        self.uncatalogued: CatalogError | None = None
        self.is_receipt_written = False
        #: The files that this run has added to the table.
        self.added_files: list[str] = []
        self._volume = Volume()
        self.receipt = Receipt(
            format=FORMAT,
            process=PROCESS,
            run=run,
            feed=job.target.feed_name,
            target=job.target.name,
            job=job.name,
            verb=request.verb,
            execution=request.execution,
            started="",
            config_hash=job.feed.fingerprint(),
        )

    def begin(self) -> None:
        """Begin the run; it may have waited for others."""
        self.receipt.started = datetime.now(UTC).isoformat()

    def say(self, stage: str, detail: str = "") -> None:
        """Begin a stage, and time it from here on."""
        now = time.monotonic()
        if self._stage:
            spent = self.receipt.seconds.get(self._stage, 0.0) + now - self._stage_began
            self.receipt.seconds[self._stage] = round(spent, 3)
        self._stage, self._stage_began = stage, now
        self._progress.stage(self._job.target.name, stage, detail)

    def note_batch(self, engine: Engine, *, objects: int, size: int) -> None:
        """Record the engine and the input of a batch; of several batches, the receipt names the last one's engine."""
        self.receipt.engine = engine.report()
        self._volume.uses_spark |= engine.name == "spark"
        self._volume.objects_read += objects
        self._volume.bytes_read += size

    def note_outcome(self, outcome: Outcome, plan: Plan | None) -> None:
        """Record how a batch ended."""
        self.receipt.add(outcome, plan, table=self._job.target.path)
        self.added_files += self.receipt.batches[-1]["outputs"]
        for files, size in (action.written() for action in outcome.actions):
            self._volume.files_written += files
            self._volume.bytes_written += size

    def note_survey(self, survey: Survey, *, committed: bool) -> None:
        """Record a survey.

        Raises:
            EmptySourceError: If no object belongs to the target and the feed refuses that.
            ObjectRefusedError: If objects are refused and the feed does not process the others.
        """
        receipt = self.receipt
        receipt.ignored.update(survey.ignored)
        receipt.extra_columns.update(survey.extra_columns)
        receipt.dropped_columns = sorted({*receipt.dropped_columns, *survey.dropped_columns})
        receipt.schema_changes = survey.described_changes
        receipt.warn(survey.warnings)
        if survey.nothing:
            if self._job.feed.refuses_empty_source(committed=committed):
                raise EmptySourceError(survey.nothing)
            receipt.warn([survey.nothing])
        self.note_refused(survey.refused)
        if survey.refused and not self._job.reader.skips_refused:
            raise ObjectRefusedError(survey.refused)

    def note_replayed(self, replayed: Replayed) -> None:
        """Record the corrections of a replay."""
        self.receipt.corrections = replayed.objects
        self.receipt.replayed = replayed.rows
        self.receipt.still_rejected = replayed.rules
        self.receipt.warn(replayed.warnings)

    @property
    def left(self) -> dict[str, str]:
        """All objects that this run does not process, with the reason."""
        return self.refused | self.unreached | self.miscounted

    def note_left(self, staged: Staged) -> None:
        """Record the objects of a batch that were left unchanged."""
        self.unreached.update(staged.unreached)
        self.miscounted.update(staged.miscounted)
        self.note_refused(staged.refused)

    def note_refused(self, refused: dict[str, str]) -> None:
        """Record refused objects."""
        self.refused.update(refused)
        self.receipt.refused.update(refused)

    def restore_receipt(self, last: Outcome, read_plan: Callable[[], Plan | None]) -> None:
        """Write the receipt of the last batch if its run was killed before writing it; its plan names the job."""
        folder = self._job.target.state_folder
        if has_receipt(self._lake, folder, last.run):
            return
        plan = read_plan()
        lost = msgspec.structs.replace(
            self.receipt,
            run=last.run,
            job=plan.job if plan else self._job.feed.job,
            process="",
            config_hash=last.config_hash,
            verb=plan.job if plan and plan.job != self._job.feed.job else "",
            execution="",
            status=_STATUS_OF_RUN[last.status],
            exit_code=DataError.exit_code if last.status == "dropped" else 0,
            error=f"the run ended after its commit without a receipt; written by run {self.receipt.run}",
            batches=[],
            counts=Counts(),
            rules={},
            skipped={},
            checks={"every row accounted for": last.counts.holds()},
        )
        lost.add(last, plan, table=self._job.target.path)
        fold(lost, self._lake, folder)
        restore_receipt(self._lake, folder, lost)

    def succeed(self) -> None:
        """Record success.

        Raises:
            AccountingError: If record counts of objects differ.
            UnreachableError: If objects could not be reached.
            ObjectRefusedError: If objects were refused.
            CatalogError: If the catalog is behind.
        """
        if self.miscounted:
            self.receipt.refused.update(self.miscounted | self.unreached)
            path, reason = next(iter(self.miscounted.items()))
            more = f" (and {len(self.miscounted) - 1} more objects)" if len(self.miscounted) > 1 else ""
            raise AccountingError(f"{path}: {reason}{more}")
        if self.unreached:
            self.receipt.refused.update(self.unreached)
            path, reason = next(iter(self.unreached.items()))
            raise UnreachableError(
                f"{count_of(len(self.unreached), 'object')} could not be reached, first {path}: {reason}"
            )
        if self.refused:
            raise ObjectRefusedError(self.refused)
        if self.uncatalogued:
            raise self.uncatalogued
        self.receipt.status = "committed" if self._has_committed() else "nothing_new"

    def fail(self, error: BaseException) -> None:
        """Record an error, or its cause if that is known."""
        if not isinstance(error, LakewrightError):
            trace = trace_of(error, shows_values=self._job.feed.show_values)
            TRACEBACKS.error("%s: unexpected\n%s", self._job.target.name, trace)
        cause = self._cause(error) if isinstance(error, Exception) else None
        if cause is None:
            self.receipt.status, self.receipt.exit_code = "failed", 1
            self.receipt.error = f"unexpected {self._unexpected(error)}"
            return
        self.receipt.exit_code, self.receipt.error = cause.exit_code, str(cause)
        if self._has_committed():
            self.receipt.status = "committed"
        elif isinstance(cause, DataError):
            self.receipt.status = "refused"
        else:
            self.receipt.status = "overtaken" if cause.exit_code == OvertakenError.exit_code else "failed"

    def close(self, *, writes_head: bool) -> Receipt:
        """Write the receipt; a failure is logged and does not hide an earlier error.

        ``writes_head``: the head of the log is written afterwards, which the receipt counts as well.
        """
        self.say("receipt")
        if self.uncatalogued and self.receipt.error != str(self.uncatalogued):
            self.receipt.warn([str(self.uncatalogued)])
        self.receipt.finished = datetime.now(UTC).isoformat()
        self.receipt.checks = {"every row accounted for": self.receipt.counts.holds() and not self.miscounted}
        try:
            fold(self.receipt, self._lake, self._job.target.state_folder)
            is_on_s3 = self._lake.uri.startswith("s3://")
            self.receipt.usage = measure(current_meter(), self._volume, on_s3=is_on_s3, to_come=1 + writes_head)
            self.receipt.runtime = current_runtime()
            self._note_cost()
            write_receipt(self._lake, self._job.target.state_folder, self.receipt)
            self.is_receipt_written = True
        except Exception as error:  # noqa: BLE001 - the run has ended, and its result must be reported
            reason = error if isinstance(error, LakewrightError) else self._unexpected(error)
            problem = f"the receipt of run {self.receipt.run} could not be written: {reason}"
            if self.receipt.error:
                self.receipt.warn([problem])
            else:
                self.fail(error if isinstance(error, LakewrightError) else UnreachableError(problem))
                self.receipt.error = problem
        return self.receipt

    def _note_cost(self) -> None:
        """Price the run as if it were alone in its process."""
        cost = price(self.receipt, self._prices) if self._prices is not None else None
        self.receipt.cost = cost.report() if cost is not None else None

    def _unexpected(self, error: BaseException) -> str:
        return cause_of(error, shows_values=self._job.feed.show_values)

    def _cause(self, error: Exception) -> LakewrightError | None:
        if isinstance(error, LakewrightError):
            return jvm_error(error, self._stage) or error
        return jvm_error(error, self._stage) or find_unreachable(error)

    def _has_committed(self) -> bool:
        return any(report["status"] == "committed" for report in self.receipt.batches)
