"""The health of a target in one word, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final, Literal, get_args

from lakewright.errors import InterruptedRunError, LeaseHeldError
from lakewright.report.history import PastRun, RunHistory, time_of_run
from lakewright.report.targets import TargetFacts, Waiting
from lakewright.report.words import ago, lasting
from lakewright.runs.progress import count_of
from transforms.errors import DataError

#: Worst first.
Health = Literal["failing", "unreadable", "refused", "open", "behind", "never run", "orphaned", "running", "ok"]
HEALTHS: Final[tuple[Health, ...]] = get_args(Health)

#: Exit codes of runs that say nothing about the feed: another run had the target, or the user stopped it.
_SAYS_NOTHING: Final = (LeaseHeldError.exit_code, InterruptedRunError.exit_code)
#: A target is overdue after this many of its usual intervals without a run, but not before ``_SHORTEST_OVERDUE``.
_INTERVALS_UNTIL_OVERDUE: Final = 3
_SHORTEST_OVERDUE: Final = timedelta(hours=1)
#: The usual interval is known from this many runs on; before, a target is overdue after ``_OVERDUE_BY_DEFAULT``.
_RUNS_OF_A_RHYTHM: Final = 4
_OVERDUE_BY_DEFAULT: Final = timedelta(days=1)


@dataclass(frozen=True)
class Verdict:
    """The health of a target.

    Attributes:
        since: Since when, as far as the receipts tell.
        runs: How many runs in a row have ended this way.
        is_overdue: Whether objects wait although a run was due.
    """

    health: Health
    reason: str = ""
    since: datetime | None = None
    runs: int = 0
    is_overdue: bool = False


def worst(healths: Sequence[Health]) -> Health:
    """Return the worst of several; ``ok`` if there are none."""
    return min(healths, key=HEALTHS.index, default="ok")


def judge(facts: TargetFacts, history: RunHistory, now: datetime) -> Verdict:
    """Determine the health of a target."""
    if facts.target.orphaned:
        return Verdict("orphaned", facts.target.orphaned)
    verdicts = [
        verdict
        for verdict in (
            _of_last_runs(facts, history),
            _of_the_report(facts, history),
            _of_the_next_run(facts),
            _of_the_open_batch(facts),
            _of_what_waits(facts, history, now),
        )
        if verdict is not None
    ]
    if verdicts:
        return min(verdicts, key=lambda verdict: HEALTHS.index(verdict.health))
    if facts.runs_now and facts.holder is not None:
        return Verdict("running", f"run {facts.holder.run} on {facts.holder.host}")
    if not facts.batches and not history.runs:
        return Verdict("never run", facts.waiting.nothing if facts.waiting else "")
    return Verdict("ok")


def _of_last_runs(facts: TargetFacts, history: RunHistory) -> Verdict | None:
    """Judge the last run of each job of the target: the feed's own, and those that maintain its table."""
    verdicts = []
    for job in {run.job for run in history.runs}:
        runs = [each for each in history.runs if each.job == job and each.exit_code not in _SAYS_NOTHING]
        if not runs or not runs[-1].exit_code or _is_outdated(runs[-1], facts):
            continue
        health: Health = "refused" if runs[-1].exit_code == DataError.exit_code else "failing"
        if runs[-1].status == "committed" and facts.catalog_is_behind:
            health = "behind"
        streak = _last_failures(runs)
        verdicts.append(Verdict(health, runs[-1].error, streak[0].began, len(streak)))
    return min(verdicts, key=lambda verdict: HEALTHS.index(verdict.health), default=None)


def _last_failures(runs: Sequence[PastRun]) -> Sequence[PastRun]:
    """Return the failed runs since the last one that succeeded."""
    succeeded = [place for place, run in enumerate(runs) if not run.exit_code]
    return runs[succeeded[-1] + 1 :] if succeeded else runs


def _is_outdated(run: PastRun, facts: TargetFacts) -> bool:
    """Return whether the log has a commit of a later run, whose receipt is missing or damaged."""
    return facts.last_batch.get("status") == "committed" and facts.last_batch["run"] > run.run


def _of_the_report(facts: TargetFacts, history: RunHistory) -> Verdict | None:
    if facts.problems:
        return Verdict("unreadable", facts.problems[0].text)
    last_read = history.runs[-1].run if history.runs else ""
    if history.damaged and history.damaged[-1] > last_read:
        return Verdict("unreadable", history.problems[-1].text)
    return None


def _of_the_next_run(facts: TargetFacts) -> Verdict | None:
    error, refused = facts.next_run, facts.waiting.refused if facts.waiting else {}
    if isinstance(error, DataError):
        return Verdict("refused", f"the next run will be refused: {error}")
    if error is not None:
        return Verdict("failing", f"the next run will fail: {error}")
    if refused:
        path, reason = next(iter(refused.items()))
        return Verdict(
            "refused", f"the next run will refuse {count_of(len(refused), 'object')}, first {path}: {reason}"
        )
    return None


def _of_the_open_batch(facts: TargetFacts) -> Verdict | None:
    if facts.open_batch is None or facts.runs_now:
        return None
    run, number = facts.open_batch["run"], facts.open_batch["number"]
    return Verdict("open", f"batch {number} of run {run} has not ended", time_of_run(run))


def _of_what_waits(facts: TargetFacts, history: RunHistory, now: datetime) -> Verdict | None:
    waiting = facts.waiting or Waiting()
    if facts.runs_now or not (waiting.objects or facts.catalog_is_behind):
        return None
    reasons = []
    if waiting.objects:
        corrections = f", {count_of(waiting.corrections, 'correction')} among them" if waiting.corrections else ""
        verb = "waits" if waiting.objects == 1 else "wait"
        reasons.append(f"{count_of(waiting.objects, 'object')} {verb}{corrections}")
    if facts.catalog_is_behind:
        reasons.append("the catalog lacks the last commit")
    began = [run.began for run in history.runs]
    if not began:
        never = facts.batches == 0
        return Verdict("never run" if never else "behind", "; ".join(reasons), is_overdue=True)
    gaps = [(after - before).total_seconds() for before, after in pairwise(began)]
    is_rhythm = len(began) >= _RUNS_OF_A_RHYTHM
    usual = timedelta(seconds=median(gaps)) if is_rhythm else _OVERDUE_BY_DEFAULT
    allowed = max(_INTERVALS_UNTIL_OVERDUE * usual, _SHORTEST_OVERDUE) if is_rhythm else usual
    is_overdue = now - began[-1] > allowed
    if is_overdue:
        rhythm = f", usually every {lasting(usual)}" if is_rhythm else ""
        reasons.append(f"the last run was {ago(now - began[-1])}{rhythm}")
    return Verdict("behind", "; ".join(reasons), began[-1], is_overdue=is_overdue)
