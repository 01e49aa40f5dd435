"""What the batches of a receipt report, put together for its page; receipts of any age are read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

#: What the page shows elsewhere, or not at all.
_SHOWN_ELSEWHERE: Final = frozenset(
    {
        "number",
        "status",
        "reason",
        "processing_date",
        "config_hash",
        "inputs",
        "outputs",
        "removed",
        "quarantined",
        "folded_inputs",
        "folded_outputs",
        "folded_removed",
        "counts",
        "rules",
        "skipped",
        "gates",
    }
)

Batch = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """Objects or files of one kind: those that the receipt names, and those that it folded into manifests.

    Attributes:
        bytes: The size of all of them; None if the receipt does not say.
    """

    title: str
    paths: list[str]
    folded: list[Mapping[str, Any]]
    bytes: int | None

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.paths) + sum(each["count"] for each in self.folded)


@dataclass
class Partition:
    """Files added to a partition, and removed from it."""

    added: int = 0
    removed: int = 0


@dataclass(frozen=True)
class Batches:
    """The batches of a receipt."""

    batches: Sequence[Batch] = field(default_factory=list)

    @cached_property
    def listings(self) -> list[Listing]:
        """What was read, written and removed; kinds without any are left out."""
        sources = [source for batch in self.batches for source in batch.get("inputs", [])]
        folded = self._folded("folded_inputs")
        read = Listing(
            "Objects read",
            [source["path"] for source in sources],
            folded,
            sum(each.get("size", 0) for each in sources) + sum(each.get("bytes", 0) for each in folded),
        )
        others = [
            Listing(title, self._names(key), self._folded(f"folded_{key}"), None)
            for title, key in (
                ("Files written", "outputs"),
                ("Files removed", "removed"),
                ("Files in quarantine", "quarantined"),
            )
        ]
        return [listing for listing in (read, *others) if listing.count]

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """The partitions of the files that the receipt names, in order; empty if no folder names a partition."""
        partitions: dict[str, Partition] = {}
        for path in self._names("outputs"):
            partitions.setdefault(_partition(path), Partition()).added += 1
        for path in self._names("removed"):
            partitions.setdefault(_partition(path), Partition()).removed += 1
        return dict(sorted(partitions.items())) if any(partitions) else {}

    @property
    def are_partitions_partial(self) -> bool:
        """Whether further files are in manifests, whose partitions are therefore not listed."""
        return bool(self._folded("folded_outputs") or self._folded("folded_removed"))

    @property
    def gates(self) -> list[tuple[Batch, Mapping[str, Any]]]:
        """The verdicts of gates, with their batches."""
        return [(batch, batch["gates"]) for batch in self.batches if batch.get("gates")]

    @cached_property
    def reports(self) -> dict[str, dict[str, int | str]]:
        """What else actions report, by kind: numbers are summed over objects and batches."""
        reports: dict[str, dict[str, int | str]] = {}
        for batch in self.batches:
            for kind, report in batch.items():
                if kind in _SHOWN_ELSEWHERE or not report:
                    continue
                known = reports.setdefault(kind.replace("_", " "), {})
                for name, value in _flat(report):
                    before = known.get(name, 0)
                    both = isinstance(value, int) and isinstance(before, int)
                    known[name] = before + value if both else value  # type: ignore[operator]
        return reports

    def _names(self, key: str) -> list[str]:
        return [path for batch in self.batches for path in batch.get(key, [])]

    def _folded(self, key: str) -> list[Mapping[str, Any]]:
        return [batch[key] for batch in self.batches if batch.get(key)]


def _partition(path: str) -> str:
    return "/".join(folder for folder in path.split("/")[:-1] if "=" in folder)


def _flat(report: Any) -> Iterator[tuple[str, int | str]]:
    """Yield names and values of a report: those of single objects are summed, lists are counted."""
    if not isinstance(report, Mapping):
        yield "", len(report) if isinstance(report, list) else report
    elif all(isinstance(value, Mapping) for value in report.values()):
        totals: Counter[str] = Counter()
        for numbers in report.values():
            totals.update({name: value for name, value in numbers.items() if isinstance(value, int)})
        yield from totals.items()
    else:
        for name, value in report.items():
            yield name, value if isinstance(value, int) else str(value)
