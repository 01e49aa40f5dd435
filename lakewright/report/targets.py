"""What a report reads of one target, besides its receipts: log, lease, source and catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from lakewright.corrections.manifests import CORRECTS
from lakewright.errors import ConfigError, EmptySourceError, UnreachableError
from lakewright.log.log import Log, Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.quarantine.overview import rules_overview
from lakewright.report.history import ListedReceipts, list_receipts
from lakewright.report.problems import Problem, problem_of
from lakewright.runs.job.interfaces import CommittingSink
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lease import Holder, find_holder
from lakewright.runs.registration import Registration
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError
from transforms.object_names import DATE_KEYS, is_day

#: By how much the clocks of this machine and of the lake's storage may differ.
_CLOCK_TOLERANCE: Final = timedelta(seconds=60)
#: The number of batches among which the last one that committed rows is sought.
_LOOKED_BACK: Final = 20
#: The lease of a feed that is unknown.
_LEASE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class ReportedTarget:
    """A target to report.

    Attributes:
        job: Its job; None if the feed cannot be read, or no longer has the target.
        orphaned: Why it belongs to no feed; empty if it does, or if that is unknown.
        is_selection: Whether its runs process selected objects of another target of the feed.
    """

    feed: str
    name: str
    job: AnyJob | None = None
    orphaned: str = ""
    is_selection: bool = False

    @property
    def state_folder(self) -> str:
        """Folder of its log, lease and receipts."""
        return f"state/{self.feed}/{self.name}/"


@dataclass(frozen=True)
class Waiting:
    """What the source has for the next run.

    Attributes:
        objects: The number of new objects, corrections included.
        bytes: Their size.
        corrections: The number of corrections among them.
        refused: Why objects are refused, by path.
        nothing: What the source has if no object belongs to the target.
    """

    objects: int = 0
    bytes: int = 0
    corrections: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    nothing: str = ""


@dataclass
class TargetFacts:
    """What was read of a target; a part that could not be read is None, and ``problems`` say why.

    Attributes:
        batches: The number of batches that ended; None if the log cannot be read.
        last_batch: How the last one ended, and by which run.
        last_commit: The run that last committed rows; empty if there is none, or the log no longer tells.
        table: Rows, bytes and files of the table, None if only the table itself knows them; None if there is no table.
        newest_day: The latest day of the source objects in the table, if their names or paths contain one.
        waiting: What waits at the source.
        next_run: The error with which the next run would end before it reads any data.
        runs_now: Whether the holder of the lease is a run in progress.
    """

    target: ReportedTarget
    receipts: ListedReceipts = field(default_factory=ListedReceipts)
    batches: int | None = None
    last_batch: dict[str, Any] = field(default_factory=dict)
    last_commit: str = ""
    open_batch: dict[str, Any] | None = None
    table: dict[str, Any] | None = None
    newest_day: date | None = None
    quarantine: dict[str, Any] | None = None
    waiting: Waiting | None = None
    next_run: LakewrightError | None = None
    catalog_is_behind: bool = False
    holder: Holder | None = None
    runs_now: bool = False
    problems: list[Problem] = field(default_factory=list)

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Note an error while ``what`` is read, and continue."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - other parts and other targets can still be read
            self.problems.append(problem_of(error, f"{what} of {self.target.feed} → {self.target.name}"))


def read_target(lake: Lake, target: ReportedTarget, *, since: date, now: datetime) -> TargetFacts:
    """Read a target; what cannot be read is noted.

    Args:
        lake: The lake.
        target: The target.
        since: The first day of the receipts.
        now: The time of the report.
    """
    facts, job = TargetFacts(target), target.job
    state = None
    with facts.noting("the log"):
        log = Log(lake, target.state_folder)
        state, open_plan = log.read()
        _note_state(facts, state, open_plan)
        facts.last_commit = _last_commit(log, state)
    with facts.noting("the receipts"):
        facts.receipts = list_receipts(lake, target.state_folder, since=since, now=now)
    with facts.noting("the lease"):
        facts.holder = find_holder(lake, target.state_folder)
        facts.runs_now = facts.holder is not None and _is_renewed(facts.holder, job, now)
    if job is not None and state is not None:
        with facts.noting("the source"):
            _note_source(facts, state, job, today=f"{now:%Y-%m-%d}")
        with facts.noting("the catalog entry"):
            facts.catalog_is_behind = Registration(lake, job).is_due(state)
    return facts


def _note_state(facts: TargetFacts, state: TableState, open_plan: Plan | None) -> None:
    facts.batches = state.number
    if state.last is not None:
        facts.last_batch = {"status": state.last.status, "run": state.last.run}
    if open_plan is not None:
        size = {"objects": len(open_plan.objects), "bytes": open_plan.bytes}
        facts.open_batch = {"number": open_plan.number, "run": open_plan.run, "job": open_plan.job} | size
    if state.files or state.columns or state.instant:
        knows_files = bool(state.files) or not state.instant
        facts.table = {
            "rows": sum(file.rows for file in state.files.values()) if knows_files else None,
            "bytes": sum(file.size for file in state.files.values()) if knows_files else None,
            "files": len(state.files) if knows_files else None,
        }
    facts.newest_day = max(filter(None, map(_day_of, state.objects.values())), default=None)
    quarantined = sum(file.rows for file in state.quarantine.values())
    facts.quarantine = {"rows": quarantined, "rules": rules_overview(state)}


def _last_commit(log: Log, state: TableState) -> str:
    """Return the run that last committed rows: not one that was refused since, or only merged files."""
    outcome = state.last
    for number in range(state.committed, max(state.committed - _LOOKED_BACK, 0), -1):
        if outcome is None or outcome.number != number:
            outcome = log.outcome(number)
        if outcome is None:
            break
        if outcome.status == "committed" and outcome.counts.read:
            return outcome.run
    return ""


def _note_source(facts: TargetFacts, state: TableState, job: AnyJob, *, today: str) -> None:
    request = Request(today=today, opens_objects=False)
    try:
        survey = job.reader.survey(_before(state, job, request), request, excluded={})
    except UnreachableError:
        raise
    except LakewrightError as error:
        facts.next_run = error
        return
    chosen = survey.choice.objects
    # A batch also reads objects again whose partition it rebuilds.
    new = [source for source in chosen if not state.has(source.path, source.etag)] or chosen
    facts.waiting = Waiting(
        objects=len(new),
        bytes=sum(source.size for source in new),
        corrections=sum(CORRECTS in source.notes for source in new),
        refused=survey.refused,
        nothing=survey.nothing,
    )
    if survey.nothing and state.committed and job.feed.refuses_empty_source(committed=True):
        facts.next_run = EmptySourceError(survey.nothing)


def _before(state: TableState, job: AnyJob, request: Request) -> TableState:
    """Compare table and feed, and return the state whose objects count as processed.

    A table with commits of its own is only compared by its layout, since reading its commits may start Spark.
    """
    if not isinstance(job.sink, CommittingSink):
        return job.sink.check(state, request).before
    if problem := state.other_layout(job.sink.layout()):
        raise ConfigError(f"{problem}; run `rebuild` to rebuild the whole table")
    return state


def _day_of(source: SourceObject) -> date | None:
    """Return the day of an object's rows, if its name or path has one."""
    values = source.values
    if not all(key in values for key in DATE_KEYS) or not is_day(values):
        return None
    return date(*(int(values[key]) for key in DATE_KEYS))


def _is_renewed(holder: Holder, job: AnyJob | None, now: datetime) -> bool:
    lease = timedelta(seconds=job.feed.lease_seconds if job else _LEASE_SECONDS)
    return not holder.is_dead and now - holder.renewed <= lease + _CLOCK_TOLERANCE
