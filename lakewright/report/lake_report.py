"""The report of a lake: every feed and target, what needs attention, and runs and cost per day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from lakewright.concurrency import map_in_threads
from lakewright.config_files import Conf
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price_process
from lakewright.report.entries import target_entry
from lakewright.report.health import HEALTHS, Health, Verdict, judge, worst
from lakewright.report.history import MOST_RECEIPTS, RunHistory, history_of, read_past_run
from lakewright.report.needs import Need, in_order, needs_of
from lakewright.report.problems import Problem, problem_of
from lakewright.report.spending import Days, RunCosts, cost_of_runs, report_days, sum_days, tally_days
from lakewright.report.targets import ReportedTarget, TargetFacts, read_target
from lakewright.runs.progress import count_of
from lakewright.storage.lake import Lake

_READ_AT_ONCE: Final = 16


@dataclass(frozen=True)
class ReportedFeed:
    """A feed to report.

    Attributes:
        job: Its job; empty if its file cannot be read.
        problem: Why its file or its targets cannot be read.
        nothing: What its source has, if it has no targets for that reason.
    """

    name: str
    job: str = ""
    description: str = ""
    targets: Sequence[ReportedTarget] = ()
    problem: Problem | None = None
    nothing: str = ""


@dataclass(frozen=True)
class _Target:
    """A target, as far as it could be read."""

    facts: TargetFacts
    history: RunHistory
    verdict: Verdict


def report_lake(lake: Lake, feeds: Sequence[ReportedFeed], conf: Conf, *, days: int, now: datetime) -> dict[str, Any]:
    """Report a lake as JSON-compatible data.

    Args:
        lake: The lake.
        feeds: The feeds to report.
        conf: The config folder with the prices of runs; without them, costs are unknown.
        days: The number of days, today included, whose runs are reported.
        now: The current time, in UTC.
    """
    window = [now.date() - timedelta(days=before) for before in reversed(range(days))]
    prices, unreadable = _read_prices(conf)
    targets = _read(lake, [target for feed in feeds for target in feed.targets], window[0], now)
    runs = (run for target in targets for run in target.history.runs)
    costs = cost_of_runs(runs, partial(price_process, prices=prices)) if prices else RunCosts()
    remaining = iter(targets)
    of_feeds = [
        (feed, [target for target in islice(remaining, len(feed.targets)) if _is_shown(target, window[0])])
        for feed in feeds
    ]
    sums = [_tally(of_feed, costs, window) for _, of_feed in of_feeds]
    entries = [
        _feed_entry(feed, of_feed, days_of_feed, costs, window, now)
        for (feed, of_feed), days_of_feed in zip(of_feeds, sums, strict=True)
    ]
    of_lake = report_days(sum_days(sums, window))
    problems = [*unreadable, *(feed.problem for feed in feeds if feed.problem is not None)]
    problems += [problem for target in targets for problem in (*target.facts.problems, *target.history.problems)]
    healths = [entry["health"] for feed in entries for entry in (feed["targets"] or [feed])]
    return {
        "lake": lake.uri,
        "at": now.isoformat(timespec="seconds"),
        "days": [day.isoformat() for day in window],
        "exit_code": max((problem.exit_code for problem in problems), default=0),
        "problems": list(dict.fromkeys(problem.text for problem in problems)),
        "warnings": [warning for target in targets for warning in _warnings_of(target)],
        "health": {health: healths.count(health) for health in HEALTHS if health in healths},
        "needs": [need.report() for need in in_order(_needs(of_feeds))],
        "currency": prices.currency if prices else "",
        "cost_notes": [*costs.notes, *_unpriced(of_lake["total"])],
        **of_lake,
        "feeds": sorted(entries, key=lambda entry: (HEALTHS.index(entry["health"]), entry["feed"])),
    }


def _read_prices(conf: Conf) -> tuple[Prices | None, list[Problem]]:
    try:
        return Prices.load(conf), []
    except Exception as error:  # noqa: BLE001 - the report shows everything else
        return None, [problem_of(error, "the prices")]


def _read(lake: Lake, targets: Sequence[ReportedTarget], since: date, now: datetime) -> list[_Target]:
    """Read targets, then the receipts of all of them, in threads."""
    facts = list(map_in_threads(partial(read_target, lake, since=since, now=now), targets, threads=_READ_AT_ONCE))
    paths = (path for each in facts for path in each.receipts.paths)
    receipts = map_in_threads(partial(read_past_run, lake), paths, threads=_READ_AT_ONCE)
    histories = [history_of(each.receipts, islice(receipts, len(each.receipts.paths))) for each in facts]
    return [_Target(each, history, judge(each, history, now)) for each, history in zip(facts, histories, strict=True)]


def _tally(targets: Iterable[_Target], costs: RunCosts, window: Sequence[date]) -> Days:
    return sum_days((_days_of(target, costs, window) for target in targets), window)


def _is_shown(target: _Target, since: date) -> bool:
    """Return whether to show a target: not a folder without log and receipts, nor selected objects of long ago."""
    place, runs = target.facts.target, target.history.runs
    if place.is_selection and not target.facts.open_batch:
        return bool(runs) and runs[-1].began.date() >= since
    is_known = bool(place.job or runs or target.history.damaged or target.facts.receipts.ahead)
    return is_known or target.facts.batches != 0 or target.facts.open_batch is not None


def _days_of(target: _Target, costs: RunCosts, window: Sequence[date]) -> Days:
    return tally_days(target.history.runs, target.facts.receipts.not_read, costs, window)


def _feed_entry(
    feed: ReportedFeed, targets: Sequence[_Target], days: Days, costs: RunCosts, window: Sequence[date], now: datetime
) -> dict[str, Any]:
    entries = [
        target_entry(each.facts, each.history, each.verdict, now) | report_days(_days_of(each, costs, window))
        for each in targets
    ]
    return {
        "feed": feed.name,
        "job": feed.job,
        "description": feed.description,
        "health": worst([_own_health(feed, targets), *(each.verdict.health for each in targets)]),
        "error": feed.problem.text if feed.problem else "",
        "nothing": feed.nothing,
        **report_days(days),
        "targets": sorted(entries, key=lambda entry: (HEALTHS.index(entry["health"]), entry["target"])),
    }


def _own_health(feed: ReportedFeed, targets: Sequence[_Target]) -> Health:
    """Return the health of a feed apart from its targets."""
    if feed.problem is not None:
        return "unreadable"
    return "ok" if targets else "never run"


def _unpriced(total: Mapping[str, Any]) -> Iterable[str]:
    if total["cost"] is None:
        return
    if total["unpriced_runs"]:
        yield f"not included: {count_of(total['unpriced_runs'], 'run')} whose receipts do not say where they ran"
    if total["runs_not_read"]:
        yield f"not included: {count_of(total['runs_not_read'], 'run')} whose receipts were not read"


def _needs(of_feeds: Iterable[tuple[ReportedFeed, Sequence[_Target]]]) -> Iterable[Need]:
    for feed, targets in of_feeds:
        if feed.problem is not None:
            do = "fix the cause; until then the report only has what log and receipts say"
            yield Need("unreadable", feed.name, [], feed.problem.text, do)
        for target in targets:
            yield from needs_of(target.facts, target.verdict, is_only=len(targets) == 1)


def _warnings_of(target: _Target) -> Iterable[str]:
    name, receipts = f"{target.facts.target.feed} → {target.facts.target.name}", target.facts.receipts
    if receipts.ahead:
        ahead = count_of(len(receipts.ahead), "receipt")
        yield f"{name}: {ahead} of the future not read, first {receipts.ahead[0]}: the clock of that run was ahead"
    if receipts.not_read:
        omitted = count_of(sum(receipts.not_read.values()), "receipt")
        yield f"{name}: the oldest {omitted} not read, since a report reads {MOST_RECEIPTS} of a target"
