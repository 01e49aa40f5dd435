"""The page of receipts: a run of one or several targets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lakewright.pages.batches import Batches, Folded
from lakewright.pages.flow import Flow, flow_of
from lakewright.pages.outcome import RunStatus, advice, status_of, summary
from lakewright.pages.phases import Phase, phases_of
from lakewright.pages.recent import RecentRuns, recent_runs, seconds_of
from lakewright.pages.render import render
from lakewright.runs.receipts import Receipt
from lakewright.runs.receipts.receipt import VERBS_OF_DATA

#: The runs of each target that the page compares.
RECENT_RUNS: Final = 30
#: The names listed per kind and target, fewer if there are many targets.
_NAMES, _NAMES_OF_ALL, _FEWEST_NAMES = 200, 2000, 10


@dataclass(frozen=True)
class TargetRun:
    """A receipt as the template shows it, with the last runs of its target."""

    receipt: Mapping[str, Any]
    recent: RecentRuns

    @cached_property
    def status(self) -> RunStatus:
        """The status in words."""
        return status_of(self.receipt["status"], self.receipt["exit_code"])

    @property
    def summary(self) -> str:
        """What the run did with the rows."""
        return summary(self.receipt)

    @property
    def advice(self) -> tuple[str, str]:
        """What to do after it, and a command that helps."""
        return advice(self.receipt)

    @property
    def error(self) -> list[str]:
        """The lines of the error."""
        return [line for line in self.receipt["error"].splitlines() if line.strip()]

    @property
    def failed_checks(self) -> list[str]:
        """The checks that did not hold."""
        return [check for check, holds in self.receipt["checks"].items() if not holds]

    @property
    def problems(self) -> str:
        """The heading of the problems; empty if there are none."""
        receipt = self.receipt
        if receipt["exit_code"] or receipt["refused"] or self.failed_checks:
            return "What happened, and what to do"
        return "Warnings" if receipt["warnings"] or receipt["error"] else ""

    @cached_property
    def flow(self) -> Flow:
        """The flow of rows."""
        return flow_of(self.receipt["counts"])

    @cached_property
    def phases(self) -> list[Phase]:
        """The phases as a bar."""
        return phases_of(self.receipt["seconds"])

    @cached_property
    def batches(self) -> Batches:
        """What the batches report."""
        return Batches(self.receipt["batches"])

    @property
    def replayed(self) -> dict[str, int]:
        """The outcomes of replayed rows in words."""
        return {name.replace("_", " "): rows for name, rows in self.receipt["replayed"].items()}

    def total(self, name: str) -> int:
        """Return how many entries a list of the receipt has, with those that it has only in a manifest."""
        folded = self.manifest(name)
        return folded.count if folded else len(self.receipt[name])

    def manifest(self, name: str) -> Folded | None:
        """Return the manifest of a list of the receipt, of which it names only the first entries."""
        folded = self.receipt["folded"].get(name)
        return Folded.of(folded) if folded else None

    @cached_property
    def seconds(self) -> float:
        """How long the run took."""
        return seconds_of(self.receipt)


def receipt_page(receipts: Iterable[tuple[Mapping[str, Any], Sequence[Receipt]]]) -> str:
    """Return the page of receipts.

    Args:
        receipts: The receipt of each target as data, and those of its last runs, oldest first.
    """
    runs = [
        TargetRun(receipt, recent_runs(_comparable(recent, receipt), receipt["run"])) for receipt, recent in receipts
    ]
    listed = min(_NAMES, max(_NAMES_OF_ALL // max(len(runs), 1), _FEWEST_NAMES))
    return render("receipt.html", runs=runs, listed=listed)


def _comparable(recent: Iterable[Receipt], receipt: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the runs to compare a run with: those that process data, or those that maintain the table."""
    maintains = receipt["verb"] not in VERBS_OF_DATA
    return [each.dump() for each in recent if each.is_of_maintenance == maintains]
