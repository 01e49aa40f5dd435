"""What needs attention now, in order of urgency, and what to do."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from lakewright.report.health import HEALTHS, Health, Verdict
from lakewright.report.targets import TargetFacts
from lakewright.runs.progress import count_of

_QUARANTINE: Final = "quarantine"
#: Health that needs attention, most urgent first; ``behind`` only if a run is overdue, ``never run`` if objects wait.
_URGENCY: Final = (*HEALTHS[: HEALTHS.index("orphaned")], _QUARANTINE, "orphaned")


@dataclass(frozen=True)
class Need:
    """What needs attention.

    Attributes:
        what: The health of the targets, or ``quarantine``.
        targets: The targets of the feed to which it applies.
        why: The reason.
        do: What to do about it.
        command: The command for it, for the feed; empty if there is none.
        option: The option of the command that selects the target; empty if it is for the whole feed.
        since: Since when, if that is known.
    """

    what: str
    feed: str
    targets: Sequence[str]
    why: str
    do: str
    command: str = ""
    option: str = ""
    since: datetime | None = None

    def report(self) -> dict[str, Any]:
        """Return it as JSON-compatible data."""
        return {
            "what": self.what,
            "feed": self.feed,
            "targets": list(self.targets),
            "why": self.why,
            "do": self.do,
            "command": self.command and self.command + self.option,
            "since": self.since.isoformat() if self.since else None,
        }


def needs_of(facts: TargetFacts, verdict: Verdict, *, is_only: bool) -> Iterable[Need]:
    """Return what a target needs; ``is_only``: the feed has no other."""
    feed, name = facts.target.feed, facts.target.name
    is_named = not is_only and not facts.target.is_selection
    option = f" --target {_quoted(name)}" if is_named else ""
    do, command = _remedy(facts, verdict)
    if do:
        yield Need(verdict.health, feed, [name], verdict.reason, do, command, option, verdict.since)
    rejected = facts.quarantine or {"rows": 0, "rules": []}
    if rejected["rows"] and verdict.health != "orphaned":
        rules = ", ".join(f"{each['rule']} ({each['rows']})" for each in rejected["rules"])
        why = f"{count_of(rejected['rows'], 'row')} in quarantine: {rules}"
        command = f"lakewright quarantine {shlex.quote(feed)}"
        yield Need(_QUARANTINE, feed, [name], why, "correct and replay them", command, option)


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
    return replace(first, targets=[*first.targets, *other.targets], since=since, option="")


def _remedy(facts: TargetFacts, verdict: Verdict) -> tuple[str, str]:
    """Return what to do about the health of a target, and the command for it; empty if nothing is to be done."""
    feed = shlex.quote(facts.target.feed)
    run = f"lakewright run {feed}"
    if verdict.health in ("behind", "never run"):
        if verdict.is_overdue and facts.waiting is not None and facts.waiting.objects:
            return "check what starts its runs, and run it", run
        return ("run it, which registers the table", run) if facts.catalog_is_behind else ("", "")
    state = facts.target.state_folder
    of_health: dict[Health, tuple[str, str]] = {
        "failing": ("fix the cause, then run it", run),
        "unreadable": ("fix the cause; until then its state is unknown", ""),
        "refused": ("correct what its receipt names, then run it", f"lakewright receipt {feed}"),
        "open": ("run it, which ends the batch", run),
        "orphaned": (f"bring it back under this name, or delete {state} if it will not return", ""),
    }
    return of_health.get(verdict.health, ("", ""))


def _quoted(target: str) -> str:
    """Quote the name of a target for ``--target``, in which commas separate names."""
    return shlex.quote(target.replace(",", "\\,"))
