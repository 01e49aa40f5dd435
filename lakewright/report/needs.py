"""What needs a person now, in order of urgency, and what to do."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lakewright.report.health import HEALTHS, Health, Verdict
from lakewright.report.targets import TargetFacts
from lakewright.runs.progress import count_of

#: Health that needs a person, most urgent first; ``behind`` only if a run is overdue, ``never run`` if objects wait.
_QUARANTINE: Final = "quarantine"
_URGENCY: Final = (*HEALTHS[: HEALTHS.index("orphaned")], _QUARANTINE, "orphaned")


@dataclass(frozen=True)
class Need:
    """What needs a person.

    Attributes:
        what: The health of the targets, or ``quarantine``.
        targets: The targets of the feed to which it applies.
        why: The reason.
        do: What to do about it.
        since: Since when, if that is known.
    """

    what: str
    feed: str
    targets: Sequence[str]
    why: str
    do: str
    since: datetime | None = None

    def report(self) -> dict[str, Any]:
        """Return it as JSON-compatible data."""
        return {
            "what": self.what,
            "feed": self.feed,
            "targets": list(self.targets),
            "why": self.why,
            "do": self.do,
            "since": self.since.isoformat() if self.since else None,
        }


def needs_of(facts: TargetFacts, verdict: Verdict, *, is_only: bool) -> Iterable[Need]:
    """Return what a target needs; ``is_only``: the feed has no other."""
    feed, name = facts.target.feed, facts.target.name
    command = f"{shlex.quote(feed)}{'' if is_only else f' --target {_quoted(name)}'}"
    if do := _remedy(facts, verdict, command):
        yield Need(verdict.health, feed, [name], verdict.reason, do, verdict.since)
    rejected = facts.quarantine or {"rows": 0, "rules": []}
    if rejected["rows"] and verdict.health != "orphaned":
        rules = ", ".join(f"{each['rule']} ({each['rows']})" for each in rejected["rules"])
        why = f"{count_of(rejected['rows'], 'row')} in quarantine: {rules}"
        do = f"lakewright quarantine {command} shows them; correct and replay them"
        yield Need(_QUARANTINE, feed, [name], why, do)


def in_order(needs: Iterable[Need]) -> list[Need]:
    """Merge what is the same for several targets of a feed, and sort: most urgent first, then oldest first."""
    merged: dict[tuple[str, str, str], Need] = {}
    for need in needs:
        key = (need.what, need.feed, need.why)
        first = merged.get(key)
        merged[key] = need if first is None else _merged(first, need)

    def order(need: Need) -> tuple[int, float, str, str]:
        since = need.since.timestamp() if need.since else float("inf")
        return _URGENCY.index(need.what), since, need.feed, need.targets[0] if need.targets else ""

    return sorted(merged.values(), key=order)


def _merged(first: Need, other: Need) -> Need:
    since = min(filter(None, (first.since, other.since)), default=None)
    targets = [*first.targets, *other.targets]
    return Need(first.what, first.feed, targets, first.why, first.do.partition(" --target ")[0], since)


def _remedy(facts: TargetFacts, verdict: Verdict, command: str) -> str:
    """Return what to do about the health of a target; empty if nothing is to be done."""
    run = f"lakewright run {command}"
    of_health: dict[Health, str] = {
        "failing": f"fix the cause, then {run}",
        "unreadable": "fix the cause; until then its state is unknown",
        "refused": f"lakewright receipt {command} names what was refused; correct or remove it, then {run}",
        "open": f"{run} finishes it",
        "orphaned": f"restore the feed's file; if the feed is gone for good, delete {facts.target.state_folder}",
    }
    if verdict.health in ("behind", "never run"):
        is_catalog = facts.catalog_is_behind
        waits = facts.waiting is not None and facts.waiting.objects > 0
        return f"check what starts its runs; {run}" if (verdict.is_overdue and waits) else (run if is_catalog else "")
    return of_health.get(verdict.health, "")


def _quoted(target: str) -> str:
    """Quote the name of a target for ``--target``, in which commas separate names."""
    return shlex.quote(target.replace(",", "\\,"))
