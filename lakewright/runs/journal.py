"""What goes on in a run: told as it happens, timed by stage, and written down as the receipt."""

import time
from datetime import UTC, datetime

import msgspec

from lakewright.errors import (
    AccountingError,
    CatalogError,
    EmptySourceError,
    ObjectRefusedError,
    OvertakenError,
    UnreachableError,
    cause_of,
)
from lakewright.log.actions import Outcome
from lakewright.runs.failures import find_unreachable, jvm_error
from lakewright.runs.job import AnyJob, Staged, Survey
from lakewright.runs.progress import TRACEBACKS, Progress
from lakewright.runs.receipts import Receipt, has_receipt, report_batch, write_receipt
from lakewright.storage.lake import Lake
from transforms.errors import DataError, LakewrightError


class Journal:
    """The receipt of one run under way."""

    def __init__(self, lake: Lake, job: AnyJob, *, run: str, verb: str, progress: Progress) -> None:
        self._lake, self._job, self._progress = lake, job, progress
        self._stage, self._stage_began = "", time.monotonic()
        #: Objects that this run leaves alone, and why: those that are refused, those that it could not reach, and those
        #: whose records do not add up.
        self.refused: dict[str, str] = {}
        self.unreached: dict[str, str] = {}
        self.miscounted: dict[str, str] = {}
        self.uncatalogued: CatalogError | None = None
        self.receipt = Receipt(
            run=run,
            feed=job.target.feed_name,
            target=job.target.name,
            job=job.name,
            verb=verb,
            started=datetime.now(UTC).isoformat(),
        )

    def say(self, stage: str, detail: str = "") -> None:
        """Begin a stage: its time counts from here on."""
        now = time.monotonic()
        if self._stage:
            spent = self.receipt.seconds.get(self._stage, 0.0) + now - self._stage_began
            self.receipt.seconds[self._stage] = round(spent, 3)
        self._stage, self._stage_began = stage, now
        self._progress.stage(self._job.target.name, stage, detail)

    def note_survey(self, survey: Survey, *, committed: bool) -> None:
        """Take down what a survey found.

        Raises:
            EmptySourceError: If nothing there is the target's, and the feed refuses that.
            ObjectRefusedError: If objects are refused, and the others are not to go on without them.
        """
        receipt = self.receipt
        receipt.ignored.update(survey.ignored)
        receipt.extra_columns.update(survey.extra_columns)
        receipt.dropped_columns = sorted({*receipt.dropped_columns, *survey.dropped_columns})
        receipt.schema_changes = survey.schema_changes
        receipt.warn(survey.warnings)
        if survey.nothing:
            if self._job.feed.refuses_empty_source(committed=committed):
                raise EmptySourceError(survey.nothing)
            receipt.warn([survey.nothing])
        self.note_refused(survey.refused)
        if survey.refused and not self._job.reader.skips_refused:
            raise ObjectRefusedError(survey.refused)

    @property
    def left(self) -> dict[str, str]:
        """Give all objects that this run leaves alone, and why."""
        return self.refused | self.unreached | self.miscounted

    def note_left(self, staged: Staged) -> None:
        """Take down which objects of a batch were left as they are."""
        self.unreached.update(staged.unreached)
        self.miscounted.update(staged.miscounted)
        self.note_refused(staged.refused)

    def note_refused(self, refused: dict[str, str]) -> None:
        """Take down which objects are refused."""
        self.refused.update(refused)
        self.receipt.refused.update(refused)

    def restore_receipt(self, last: Outcome) -> None:
        """Write the receipt that the run of the last batch could not, because it was cut off."""
        folder = self._job.target.state_folder
        if has_receipt(self._lake, folder, last.run):
            return
        lost = msgspec.structs.replace(
            self.receipt,
            run=last.run,
            verb="",
            status="committed" if last.status == "committed" else "refused",
            exit_code=0 if last.status == "committed" else DataError.exit_code,
            error=f"the run was cut off after its outcome; receipt written by run {self.receipt.run}",
            batches=[report_batch(last, None)],
            counts=last.counts,
            rules=last.rules,
            checks={"every row accounted for": last.counts.holds()},
        )
        write_receipt(self._lake, folder, lost)

    def succeed(self) -> None:
        """Take down that all went well.

        Raises:
            AccountingError: If the records of objects do not add up.
            UnreachableError: If objects could not be reached.
            ObjectRefusedError: If objects were refused.
            CatalogError: If the catalog is not up to date.
        """
        if self.miscounted:
            self.receipt.refused.update(self.miscounted | self.unreached)
            path, reason = next(iter(self.miscounted.items()))
            more = f" (and {len(self.miscounted) - 1} more objects)" if len(self.miscounted) > 1 else ""
            raise AccountingError(f"{path}: {reason}{more}")
        if self.unreached:
            self.receipt.refused.update(self.unreached)
            path, reason = next(iter(self.unreached.items()))
            raise UnreachableError(f"{len(self.unreached)} objects could not be reached, first {path}: {reason}")
        if self.refused:
            raise ObjectRefusedError(self.refused)
        if self.uncatalogued:
            raise self.uncatalogued
        self.receipt.status = "committed" if self._has_committed() else "nothing_new"

    def fail(self, error: BaseException) -> None:
        """Take down an error, as what it comes from if that is known."""
        if not isinstance(error, LakewrightError):
            TRACEBACKS.error("%s: unexpected", self._job.target.name, exc_info=error)
        cause = self._cause(error) if isinstance(error, Exception) else None
        if cause is None:
            self.receipt.status, self.receipt.exit_code = "failed", 1
            self.receipt.error = f"unexpected {cause_of(error)}"
            return
        self.receipt.exit_code, self.receipt.error = cause.exit_code, str(cause)
        if self._has_committed():
            self.receipt.status = "committed"
        elif isinstance(cause, DataError):
            self.receipt.status = "refused"
        else:
            self.receipt.status = "overtaken" if cause.exit_code == OvertakenError.exit_code else "failed"

    def close(self) -> Receipt:
        """Write the receipt; what fails then is told, and hides nothing that failed before."""
        self.say("receipt")
        if self.uncatalogued and self.receipt.error != str(self.uncatalogued):
            self.receipt.warn([str(self.uncatalogued)])
        self.receipt.finished = datetime.now(UTC).isoformat()
        self.receipt.checks = {"every row accounted for": self.receipt.counts.holds() and not self.miscounted}
        try:
            write_receipt(self._lake, self._job.target.state_folder, self.receipt)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has come to its end
            problem = f"the receipt of run {self.receipt.run} could not be written: {error}"
            if self.receipt.error:
                self.receipt.warn([problem])
            else:
                self.fail(error if isinstance(error, LakewrightError) else UnreachableError(problem))
                self.receipt.error = problem
        return self.receipt

    def _cause(self, error: Exception) -> LakewrightError | None:
        if isinstance(error, LakewrightError):
            return jvm_error(error, self._stage) or error
        return jvm_error(error, self._stage) or find_unreachable(error)

    def _has_committed(self) -> bool:
        return any(report["status"] == "committed" for report in self.receipt.batches)
