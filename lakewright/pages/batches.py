"""What the batches of a receipt report, put together for its page; receipts of any age are read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any, Final, Self

#: What the page shows elsewhere, or not at all; folded lists are named after the list.
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
        "partitions",
        "counts",
        "rules",
        "skipped",
        "gates",
    }
)
_FOLDED: Final = "folded_"
#: Kinds of reports, as captions; others are shown by their own name.
_CAPTIONS: Final = {
    "numbers": "Counts, summed over objects",
    "set_aside": "Values that did not fit their column and are kept as text, by column of the text",
    "compacted": "Small files merged",
    "table_commit": "Commit of the table",
}

Batch = Mapping[str, Any]


@dataclass(frozen=True)
class Folded:
    """A list that the receipt moved to a manifest: how long it is, and its ends."""

    count: int
    first: str
    last: str
    manifest: str
    bytes: int | None

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Self:
        """Read what a receipt says of it."""
        return cls(report["count"], report["first"], report["last"], report["manifest"], report.get("bytes"))


@dataclass(frozen=True)
class Listing:
    """Objects or files of one kind: those that the receipt names, and those that it folded into manifests.

    Attributes:
        bytes: The size of all of them; None if the receipt does not say.
    """

    title: str
    paths: list[str]
    folded: list[Folded]
    bytes: int | None

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.paths) + sum(each.count for each in self.folded)


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
        folded = self._folded("inputs")
        read = Listing(
            "Objects read",
            [source["path"] for source in sources],
            folded,
            sum(each.get("size", 0) for each in sources) + sum(each.bytes or 0 for each in folded),
        )
        others = [
            Listing(title, self._names(key), self._folded(key), None)
            for title, key in (
                ("Files written", "outputs"),
                ("Files removed", "removed"),
                ("Files in quarantine", "quarantined"),
            )
        ]
        return [listing for listing in (read, *others) if listing.count]

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """The partitions in which files were added or removed, in order; empty if the table has none."""
        partitions = {partition: Partition() for partition in self._names("partitions")}
        for path in self._names("outputs"):
            partitions.setdefault(_partition(path), Partition()).added += 1
        for path in self._names("removed"):
            partitions.setdefault(_partition(path), Partition()).removed += 1
        return dict(sorted(partitions.items())) if any(partitions) else {}

    @property
    def are_partitions_partial(self) -> bool:
        """Whether the receipt names only a part of the files or partitions."""
        return any(self._folded(key) for key in ("outputs", "removed", "partitions"))

    @property
    def gates(self) -> list[tuple[Batch, Mapping[str, Any]]]:
        """The verdicts of gates, with their batches."""
        return [(batch, batch["gates"]) for batch in self.batches if batch.get("gates")]

    @cached_property
    def reports(self) -> dict[str, dict[str, int | str]]:
        """What else actions report, by kind: numbers are summed over objects and batches."""
        reports: dict[str, dict[str, int | str]] = {}
        for batch in self.batches:
            for kind, report in _reports(batch):
                known = reports.setdefault(_CAPTIONS.get(kind, kind.replace("_", " ")), {})
                for name, value in _flat(report):
                    before = known.get(name, 0)
                    both = isinstance(value, int) and isinstance(before, int)
                    known[name] = before + value if both else value  # type: ignore[operator]
        return reports

    def _names(self, key: str) -> list[str]:
        return [path for batch in self.batches for path in batch.get(key, [])]

    def _folded(self, key: str) -> list[Folded]:
        name = f"{_FOLDED}{key}"
        return [Folded.of(batch[name]) for batch in self.batches if batch.get(name)]


def _partition(path: str) -> str:
    """Return the partition of a file: the last folders of the form ``name=value``."""
    folders = path.split("/")[:-1]
    return "/".join(reversed(list(takewhile(lambda folder: "=" in folder, reversed(folders)))))


def _reports(batch: Batch) -> Iterator[tuple[str, Any]]:
    """Yield what is not shown elsewhere; of counts that were folded, their sums."""
    for kind, report in batch.items():
        if kind.startswith(_FOLDED):
            if sums := report.get("sums"):
                yield kind.removeprefix(_FOLDED), sums
        elif kind not in _SHOWN_ELSEWHERE and report:
            yield kind, report


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
