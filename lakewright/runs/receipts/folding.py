"""Long lists of a receipt are moved to files beside it, so that its size does not grow with the number of objects."""

import gzip
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

import msgspec

from lakewright.runs.receipts.batches import BatchReport, FoldedReport
from lakewright.runs.receipts.receipt import Receipt
from lakewright.storage.lake import Lake

#: The longest list in a receipt.
LONGEST: Final = 1_000
_LISTS: Final = ("inputs", "outputs", "removed", "quarantined", "partitions")
_NUMBERS: Final = "numbers"
#: Of the whole run: the first entries stay in the receipt, since they give reasons.
_OF_RUN: Final = ("refused", "ignored", "corrections")

Write = Callable[[str, Any], str]


def fold(receipt: Receipt, lake: Lake, folder: str) -> None:
    """Move the long lists of a receipt to files, which the receipt names."""

    def write(name: str, entries: Any) -> str:
        path = f"{folder}manifests/{receipt.run}/{name}.json.gz"
        lake.create(path, gzip.compress(msgspec.json.encode(entries), compresslevel=6, mtime=0))
        return path

    receipt.batches = [_folded_batch(batch, write) for batch in receipt.batches]
    for name in _OF_RUN:
        entries = getattr(receipt, name)
        if len(entries) > LONGEST:
            receipt.folded[name] = _folded(name, entries, write)
            first = islice(entries.items() if isinstance(entries, dict) else entries, LONGEST)
            setattr(receipt, name, type(entries)(first))


def unfolded(batch: BatchReport, name: str, lake: Lake) -> list[Any]:
    """Return a list of a batch, from its file if it was moved."""
    report = cast(dict[str, Any], batch)
    folded: FoldedReport | None = report.get(f"folded_{name}")
    entries: list[Any] = (
        report[name] if folded is None else msgspec.json.decode(gzip.decompress(lake.read(folded["manifest"])))
    )
    return entries


def _folded_batch(batch: BatchReport, write: Write) -> BatchReport:
    report = cast(dict[str, Any], batch)
    folded: dict[str, Any] = {}
    for name in (*_LISTS, _NUMBERS):
        entries = report.get(name, ())
        if len(entries) > LONGEST:
            folded[f"folded_{name}"] = _folded(f"{batch['number']:09d}.{name}", entries, write)
            folded[name] = type(entries)()
    return cast(BatchReport, msgspec.to_builtins(report | folded))


def _folded(name: str, entries: Sequence[Any] | Mapping[str, Any], write: Write) -> FoldedReport:
    paths = list(entries) if isinstance(entries, Mapping) else [getattr(each, "path", each) for each in entries]
    folded = FoldedReport(count=len(paths), first=paths[0], last=paths[-1], manifest=write(name, entries))
    if isinstance(entries, Mapping) and isinstance(entries[paths[0]], Mapping):
        sums: Counter[str] = Counter()
        for counts in entries.values():
            sums.update(counts)
        folded["sums"] = dict(sums)
    elif not isinstance(entries, Mapping) and hasattr(entries[0], "size"):
        folded["bytes"] = sum(each.size for each in entries)
    return folded
