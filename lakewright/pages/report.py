"""The page of a lake's report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from lakewright.pages.outcome import RunStatus, Tone, status_of
from lakewright.pages.render import render
from lakewright.pages.trend import trend_of
from lakewright.report.words import ago

_TONES: Final[Mapping[str, Tone]] = {
    "failing": "bad",
    "unreadable": "bad",
    "refused": "bad",
    "open": "warn",
    "behind": "quiet",
    "never run": "quiet",
    "quarantine": "warn",
    "orphaned": "warn",
    "running": "quiet",
    "ok": "good",
}


@dataclass(frozen=True)
class Row:
    """A row of the table of feeds: a target, or a feed without any; ``anchor`` is the id of its details."""

    feed: Mapping[str, Any]
    target: Mapping[str, Any] | None
    anchor: str

    @property
    def status(self) -> RunStatus:
        """Its health."""
        health = (self.target or self.feed)["health"]
        is_overdue = self.target is not None and self.target["is_overdue"]
        return RunStatus(health, "warn" if is_overdue else _TONES[health])

    @property
    def last_run(self) -> RunStatus | None:
        """How its last run ended; None if there is none."""
        last = self.target["last_run"] if self.target else None
        return status_of(last["status"], last["exit_code"]) if last else None


def report_page(report: Mapping[str, Any]) -> str:
    """Return the page of a report, as ``lakewright report --json`` prints it."""
    return render(
        "report.html",
        report=report,
        rows=list(_rows(report)),
        needs=[(RunStatus(need["what"], _need_tone(need)), need) for need in report["needs"]],
        tones=_TONES,
        costs=trend_of([day["cost"] for day in report["per_day"]]),
        marks=["bad" if day["failed"] else "" for day in report["per_day"]],
        ago=lambda seconds: ago(timedelta(seconds=seconds)),
    )


def _need_tone(need: Mapping[str, Any]) -> Tone:
    tone = _TONES[need["what"]]
    return "warn" if tone == "quiet" else tone


def _rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Return the targets of all feeds, and the feeds without any, in the order of the report."""
    for number, feed in enumerate(report["feeds"], start=1):
        for place, target in enumerate(feed["targets"] or [None], start=1):
            yield Row(feed, target, f"f{number}-{place}")
