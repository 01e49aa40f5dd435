"""The life of a run: lease, open batch, new batch, staging, checks, outcome, publish, receipt.

A batch is committed when its outcome is in the log. All that follows can be done again by any later run, and all that
comes before can be thrown away.
"""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from lakewright.engine.spark.errors import find_unreachable
from lakewright.engine.spark.jvm import jvm_error
from lakewright.errors import (
    AccountingError,
    CatalogError,
    EmptySourceError,
    InterruptedRunError,
    ObjectRefusedError,
    OvertakenError,
    RowsRefusedError,
    UnreachableError,
    cause_of,
)
from lakewright.runs.interrupts import Interrupt, interruptible
from lakewright.runs.job import (
    FEED_CHANGED,
    CommittingJob,
    Request,
    Staged,
    Survey,
    TableCommit,
    TargetJob,
)
from lakewright.runs.lease import Lease
from lakewright.runs.log import Counts, Log, Outcome, Plan, TableFile, TableState
from lakewright.runs.progress import LOGGER, Progress, readable_bytes
from lakewright.runs.receipts import BatchReport, Receipt, has_receipt, write_receipt
from lakewright.runs.registration import Registration
from lakewright.storage.lake import Lake
from transforms.errors import DataError, LakewrightError

_TRIES_AT_A_MOVING_SOURCE: Final = 5
_MARKER: Final = "unpublished"
_REFUSED: Final = "refused"


class Run:
    """One try at one target."""

    def __init__(
        self, lake: Lake, job: TargetJob, request: Request, progress: Progress, interrupt: Interrupt | None = None
    ) -> None:
        self._lake, self._job, self._request, self._progress = lake, job, request, progress
        self._interrupt = interrupt or Interrupt()
        self._target = job.target
        self._log = Log(lake, self._target.state_folder)
        now = datetime.now(UTC)
        self._id = f"{now:%Y%m%dT%H%M%S%f}Z-{uuid.uuid4().hex[:8]}"
        self._refused: dict[str, str] = {}
        self._unreached: dict[str, str] = {}
        self._registration = Registration(lake, job)
        self._uncatalogued: CatalogError | None = None
        self.receipt = Receipt(
            run=self._id,
            feed=self._target.feed_name,
            target=self._target.name,
            job=job.feed.job,
            verb=request.verb,
            started=now.isoformat(),
        )
        self._stage = ""
        self._stage_began = time.monotonic()

    def __call__(self) -> Receipt:
        """Do the run; whatever happens ends up in the receipt, which is written in any case."""
        try:
            self._interrupt.check()
            self._say("lease")
            with Lease(
                self._lake, self._target.state_folder, run=self._id, seconds=self._job.feed.lease_seconds
            ) as lease:
                self._work(lease)
            if self._unreached:
                self.receipt.refused.update(self._unreached)
                path, reason = next(iter(self._unreached.items()))
                raise UnreachableError(f"{len(self._unreached)} objects could not be scrubbed, first {path}: {reason}")
            if self._refused:
                raise ObjectRefusedError(self._refused)
            if self._uncatalogued:
                raise self._uncatalogued
            self.receipt.status = "committed" if self._committed() else "nothing_new"
        except LakewrightError as error:
            self._fail(InterruptedRunError() if self._interrupt.is_wanted else jvm_error(error, self._stage) or error)
        except BaseException as error:
            self._fail_unexpectedly(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._say("receipt")
            if self._uncatalogued and self.receipt.error != str(self._uncatalogued):
                self.receipt.warn([str(self._uncatalogued)])
            self.receipt.finished = datetime.now(UTC).isoformat()
            self.receipt.checks = {"every row accounted for": self.receipt.counts.holds()}
            self._write_receipt()
        return self.receipt

    def _fail_unexpectedly(self, error: BaseException) -> None:
        """Take note of an error that nobody raised on purpose, as what it comes from if that is known."""
        LOGGER.debug("%s: unexpected", self._target.name, exc_info=True)
        if self._interrupt.is_wanted:
            self._fail(InterruptedRunError())
        elif isinstance(error, Exception) and (known := jvm_error(error, self._stage) or find_unreachable(error)):
            self._fail(known)
        else:
            self.receipt.status, self.receipt.exit_code = "failed", 1
            self.receipt.error = f"unexpected {cause_of(error)}"

    def _write_receipt(self) -> None:
        """Write the receipt; what fails then is told, and hides nothing that failed before."""
        try:
            write_receipt(self._lake, self._target.state_folder, self.receipt)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has come to its end
            problem = f"the receipt of run {self._id} could not be written: {error}"
            if self.receipt.error:
                self.receipt.warn([problem])
            else:
                self._fail(error if isinstance(error, LakewrightError) else UnreachableError(problem))
                self.receipt.error = problem

    def _work(self, lease: Lease) -> None:
        state, open_plan = self._log.read()
        self._roll_forward(state)
        if open_plan is not None:
            state = self._finish(open_plan, state, lease)
        for _ in range(_TRIES_AT_A_MOVING_SOURCE):
            self._interrupt.check()
            self._say("plan")
            survey = self._job.survey(state, self._request, excluded=self._refused | self._unreached)
            self._note(survey, state)
            if not survey.choice.objects:
                return
            plan = Plan(
                number=state.number + 1,
                run=self._id,
                processing_date=self._job.processing_date(),
                config_hash=self._job.feed.fingerprint(),
                objects=survey.choice.objects,
                replaces=survey.choice.replaces,
                before=state.before(),
            )
            self._log.write_plan(plan)
            state = self._batch(plan, state, lease)
            if state.last is None or state.last.status == "committed":
                return
        raise DataError(f"the source kept changing while it was read; gave up after {_TRIES_AT_A_MOVING_SOURCE} tries")

    def _finish(self, plan: Plan, state: TableState, lease: Lease) -> TableState:
        """Finish a batch that an earlier run left open, or drop it if that was asked for and the table lacks it."""
        is_applied = isinstance(self._job, CommittingJob) and self._job.applied(plan) is not None
        if self._request.drop_open and not is_applied:
            return self._drop(plan, state, "dropped on request")
        return self._batch(plan, state, lease)

    def _batch(self, plan: Plan, state: TableState, lease: Lease) -> TableState:
        """Carry a plan to its outcome, and publish it."""
        if isinstance(self._job, CommittingJob) and (commit := self._job.applied(plan)) is not None:
            self._say("committed before", f"batch {plan.number}")
            return self._end(plan, state, commit)
        if plan.config_hash != self._job.feed.fingerprint():
            return self._drop(plan, state, FEED_CHANGED)
        if changed := self._job.changed(plan):
            return self._drop(plan, state, _changed("since planned", changed))
        attempt = uuid.uuid4().hex[:8]
        staging = f"{self._target.staging_folder}{plan.number:06d}-{attempt}/"
        # While this marker lies there, the batch is not published to its end.
        self._lake.create(staging + _MARKER, self._id.encode())
        size = sum(taken.size for taken in plan.objects)
        self._say("read", f"batch {plan.number}: {len(plan.objects)} objects, {readable_bytes(size)}")
        try:
            return self._attempt(plan, state, lease, staging, attempt)
        except LakewrightError:
            raise
        except Exception:
            self._interrupt.check()
            lease.check()
            if changed := self._job.changed(plan):
                return self._drop(plan, state, _changed("while read", changed))
            raise

    def _attempt(self, plan: Plan, state: TableState, lease: Lease, staging: str, attempt: str) -> TableState:
        """Stage a batch, check it, and end it."""
        staged = self._job.stage(plan, staging, self._progress)
        self._say("check", f"{staged.counts.read} rows read, {staged.counts.rejected} rejected")
        if changed := self._job.changed(plan):
            return self._drop(plan, state, _changed("while read", changed))
        if self._leaves_nothing(staged):
            return self._refuse_objects(plan, state, staged.refused)
        self._check_sums(staged)
        refused, commit = self._is_refused(staged), TableCommit(attempt, staged)
        self._interrupt.check()
        try:
            lease.check()
            if isinstance(self._job, CommittingJob) and not refused:
                self._say("apply", f"batch {plan.number}")
                commit = self._job.apply(plan, staged, staging, attempt)
                self._say("applied", f"batch {plan.number}")
            state = self._end(plan, state, commit)
        except OvertakenError:
            # What the table itself holds is published from this very folder, by whomever.
            if not commit.told:
                self._lake.delete_folder(staging)
            raise
        if refused:
            counts = staged.counts
            raise RowsRefusedError(counts.rejected, counts.read, self._job.feed.max_rejected, staged.rules)
        return state

    def _is_refused(self, staged: Staged) -> bool:
        return staged.counts.rejected > Fraction(str(self._job.feed.max_rejected)) * staged.counts.read

    def _end(self, plan: Plan, state: TableState, commit: TableCommit) -> TableState:
        """Write the outcome, and publish what it names: all, or only the quarantine if too much was rejected."""
        staged = commit.staged
        refused = not commit.told and self._is_refused(staged)
        replaced = None if plan.replaces is None else set(plan.replaces)
        outcome = Outcome(
            number=plan.number,
            status="dropped" if refused else "committed",
            reason="too many rejected rows" if refused else "",
            run=self._id,
            attempt=commit.attempt,
            config_hash=plan.config_hash,
            counts=_withheld(staged.counts) if refused else staged.counts,
            rules=staged.rules,
            columns=staged.columns,
            taken=staged.taken,
            numbers=staged.numbers,
            schema_version=None if refused else staged.schema_version,
            set_aside={} if refused else staged.set_aside,
            layout=self._job.layout(),
            added=[] if refused else staged.table,
            removed=[] if refused else [*_in_partitions(state.files, replaced), *staged.replaced],
            quarantined=[self._as_refused(file) for file in staged.quarantine] if refused else staged.quarantine,
            released=[
                *_in_partitions(state.quarantine, set() if refused else replaced, refused=True),
                *([] if refused else staged.released),
            ],
            mark=staged.mark,
            memory=[] if refused else staged.memory,
            forgotten=[] if refused else staged.forgotten,
            table_commit=commit.told,
        )
        self.receipt.schema_changes += [] if refused else staged.schema_changes
        self.receipt.warn((*staged.warnings, *commit.warnings))
        self._log.write_outcome(outcome)
        self._say("committed" if not refused else "refused", f"batch {plan.number}")
        self.receipt.add(BatchReport.of(outcome, plan.objects, plan.processing_date))
        state = state.after(plan, outcome)
        self._publish(outcome)
        self._log.write_snapshot(state)
        self._register(state)
        return state

    def _publish(self, outcome: Outcome) -> None:
        """Bring the table to what the outcome says; harmless when done again, by whomever.

        Path-based readers see old and new files together until the old ones are removed, and never too few.
        """
        added = [*outcome.added, *outcome.quarantined, *outcome.memory]
        if added:
            self._say("publish", f"{len(added)} files")
        if missing := self._lake.move_all({file.staged: file.path for file in added}):
            raise OvertakenError(
                f"{missing[0]} is neither staged nor published: a later batch replaced it, or somebody removed it; "
                "if status shows no later batch, run `rebuild`"
            )
        if removed := [*outcome.removed, *outcome.released, *outcome.forgotten]:
            self._say("remove", f"{len(removed)} files")
            self._lake.delete_all(removed)
        self._say("clean up")
        # A run that was killed early leaves a folder there in which a listing shows nothing.
        staging = self._target.staging_folder
        for name in self._lake.folders(staging):
            if 0 < _number(name) <= outcome.number:
                self._lake.delete_folder(f"{staging}{name}/")

    def _register(self, state: TableState) -> None:
        """Bring the catalog up to date; what keeps it from that never stops the data, and is told at the end."""
        if not self._registration.is_due(state):
            return
        self._say("catalog")
        try:
            self.receipt.catalog, warnings = self._registration.register(state)
        except CatalogError as error:
            self._uncatalogued, self.receipt.catalog = error, f"failed: {error}"
        else:
            self._uncatalogued = None
            self.receipt.warn(warnings)

    def _roll_forward(self, state: TableState) -> None:
        """Finish what the last run could not: its publishing, its staging, its receipt, its entry in the catalog."""
        ended = {folder for folder in self._staging_folders() if _number(folder) <= state.number}
        last = state.last
        if last is not None and any(_number(folder) == last.number for folder in ended):
            self._say("roll forward", f"batch {last.number}")
            self._publish(last)
        for folder in ended:
            self._lake.delete_folder(folder)
        if last is not None and not has_receipt(self._lake, self._target.state_folder, last.run):
            report = BatchReport.of(last, [], "")
            lost = self.receipt.model_copy(
                update={
                    "run": last.run,
                    "verb": "",
                    "status": "committed" if last.status == "committed" else "refused",
                    "exit_code": 0 if last.status == "committed" else DataError.exit_code,
                    "error": f"the run was cut off after its outcome; receipt written by run {self._id}",
                    "batches": [report],
                    "counts": report.counts,
                    "rules": report.rules,
                    "checks": {"every row accounted for": report.counts.holds()},
                }
            )
            write_receipt(self._lake, self._target.state_folder, lost)
        self._register(state)

    def _drop(self, plan: Plan, state: TableState, reason: str) -> TableState:
        """End a batch with nothing done; its objects are new again."""
        outcome = Outcome(number=plan.number, status="dropped", run=self._id, attempt="", reason=reason)
        self._log.write_outcome(outcome)
        self._say("dropped", reason)
        for folder in self._staging_of(plan.number):
            self._lake.delete_folder(folder)
        self.receipt.add(BatchReport.of(outcome, plan.objects, plan.processing_date))
        return state.after(plan, outcome)

    def _note_refused(self, refused: dict[str, str]) -> None:
        self._refused.update(refused)
        self.receipt.refused.update(refused)

    def _leaves_nothing(self, staged: Staged) -> bool:
        """Take note of the objects that the job could not take; tell whether that leaves nothing to commit."""
        self._unreached.update(staged.unreached)
        self._note_refused(staged.refused)
        return bool(staged.refused or staged.unreached) and not staged.taken

    def _refuse_objects(self, plan: Plan, state: TableState, refused: dict[str, str]) -> TableState:
        state = self._drop(plan, state, "unreadable objects: " + ", ".join(refused | self._unreached))
        if not self._job.skips_refused:
            raise ObjectRefusedError(refused)
        return state

    def _note(self, survey: Survey, state: TableState) -> None:
        self.receipt.ignored.update(survey.ignored)
        self.receipt.extra_columns.update(survey.extra_columns)
        self.receipt.dropped_columns = sorted({*self.receipt.dropped_columns, *survey.dropped_columns})
        self.receipt.schema_changes = survey.schema_changes
        self.receipt.warn(survey.warnings)
        if survey.nothing:
            if self._job.feed.refuses_empty_source(committed=state.committed > 0):
                raise EmptySourceError(survey.nothing)
            self.receipt.warn([survey.nothing])
        self._note_refused(survey.refused)
        if survey.refused and not self._job.skips_refused:
            raise ObjectRefusedError(survey.refused)

    def _check_sums(self, staged: Staged) -> None:
        in_table = sum(file.rows for file in staged.table)
        in_quarantine = sum(file.rows for file in staged.quarantine)
        counts = staged.counts
        in_table += staged.handed - staged.kept
        handed = counts.written + counts.deleted + counts.rekeyed
        if not counts.holds() or in_table != handed or in_quarantine != counts.rejected:
            raise AccountingError(
                f"{counts.read} rows read, but {in_table} for the table and {in_quarantine} in quarantine; "
                "nothing was published"
            )

    def _staging_folders(self) -> set[str]:
        folder = self._target.staging_folder
        return {folder + entry.path[len(folder) :].split("/", 1)[0] + "/" for entry in self._lake.list(folder)}

    def _staging_of(self, number: int) -> Iterator[str]:
        return (folder for folder in self._staging_folders() if _number(folder) == number)

    def _as_refused(self, file: TableFile) -> TableFile:
        name = file.path.rsplit("/", 1)[-1]
        path = f"{self._target.quarantine_folder}{_REFUSED}/{name}"
        return file.model_copy(update={"path": path, "partition": _REFUSED})

    def _committed(self) -> bool:
        return any(report.status == "committed" for report in self.receipt.batches)

    def _fail(self, error: LakewrightError) -> None:
        self.receipt.exit_code, self.receipt.error = error.exit_code, str(error)
        if self._committed():
            self.receipt.status = "committed"
        elif isinstance(error, DataError):
            self.receipt.status = "refused"
        else:
            self.receipt.status = "overtaken" if error.exit_code == OvertakenError.exit_code else "failed"

    def _say(self, stage: str, detail: str = "") -> None:
        now = time.monotonic()
        if self._stage:
            spent = self.receipt.seconds.get(self._stage, 0.0) + now - self._stage_began
            self.receipt.seconds[self._stage] = round(spent, 3)
        self._stage, self._stage_began = stage, now
        self._progress.stage(self._target.name, stage, detail)


def run_targets(lake: Lake, jobs: Sequence[TargetJob], request: Request, progress: Progress) -> list[Receipt]:
    """Run all targets of a feed, some side by side; one that fails does not stop the others, Ctrl-C stops all."""
    if not jobs:
        return []
    with (
        interruptible() as interrupt,
        ThreadPoolExecutor(min(len(jobs), jobs[0].feed.targets_at_once), thread_name_prefix="target") as pool,
    ):
        return list(pool.map(lambda job: Run(lake, job, request, progress, interrupt)(), jobs))


def _in_partitions(files: Mapping[str, TableFile], partitions: set[str] | None, *, refused: bool = False) -> list[str]:
    """Name the files of some partitions (None: of all); with ``refused``, also those of batches that were refused."""
    return [
        path
        for path, file in files.items()
        if partitions is None or file.partition in partitions or (refused and file.partition == _REFUSED)
    ]


def _withheld(counts: Counts) -> Counts:
    return Counts(read=counts.read, rejected=counts.rejected, withheld=counts.written)


def _number(folder: str) -> int:
    number = folder.rstrip("/").rsplit("/", 1)[-1].split("-", 1)[0]
    return int(number) if number.isdigit() else 0


def _changed(when: str, paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"changed {when}: {paths[0]}{more}"
