"""The text of receipts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.cli.layout import print_record
from jobs.cli.screens.costs import cost_text
from jobs.cli.screens.gates import gate_lines
from jobs.cli.screens.words import engine_line, pairs, some
from lakewright.runs.progress import count_of, readable_bytes
from lakewright.runs.receipts.receipt import VERBS_OF_DATA

#: Shorter stages are omitted.
_SHOWN_SECONDS: Final = 0.1
_OF_EVERY_BATCH: Final = (
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
)


def show_receipts(receipts: Sequence[Mapping[str, Any]]) -> None:
    """Print receipts."""
    for receipt in receipts:
        batches = receipt["batches"]
        rows = {
            "run": receipt["run"],
            "job": "" if receipt["verb"] in VERBS_OF_DATA else f"{receipt['job']}, which maintains the table",
            "status": f"{receipt['status']} (exit code {receipt['exit_code']})",
            "engine": engine_line(receipt["engine"]),
            "rows": row_sum(receipt["counts"]),
            "replayed": some([f"{name.replace('_', ' ')} ({count})" for name, count in receipt["replayed"].items()]),
            "corrections": some(receipt["corrections"]),
            "rejected because": some(_broken_rules(receipt["rules"], receipt["first_rejected"])),
            "skipped": some([f"{kind} ({count})" for kind, count in receipt["skipped"].items()]),
            "objects in": some(_listed(batches, "inputs", "object")),
            "files out": some(_listed(batches, "outputs", "file")),
            "gate": "\n".join(gate_lines(batch["gates"]) for batch in batches if batch.get("gates")),
            **_reported_by_actions(batches),
            "refused": _with_reasons(receipt, "refused"),
            "ignored": _with_reasons(receipt, "ignored"),
            "extra columns": some(list(receipt["extra_columns"])),
            "dropped columns": some(receipt["dropped_columns"]),
            "schema changes": some(receipt["schema_changes"]),
            "warnings": some(receipt["warnings"]),
            "catalog": receipt["catalog"],
            "maintained by": some(
                [f"{run['job']}: {run['status']} (receipt --run {run['run']})" for run in receipt["maintained_by"]]
            ),
            "time": _time(receipt["seconds"]),
            **_usage(receipt["usage"], _partitions(batches)),
            "cost": cost_text(receipt["cost"]),
        }
        print_record(f"receipt of {receipt['feed']} → {receipt['target']}", rows)


def row_sum(counts: Mapping[str, int]) -> str:
    """Format row counts: ``11 read = 8 written + 3 rejected``; empty if no rows were read."""
    parts = [f"{count} {name}" for name, count in counts.items() if count and name not in ("read", "rekeyed")]
    rekeyed = f"; {count_of(counts['rekeyed'], 'old key')} deleted" if counts["rekeyed"] else ""
    return f"{counts['read']} read = {' + '.join(parts)}{rekeyed}" if counts["read"] else ""


def _listed(batches: Sequence[Mapping[str, Any]], name: str, noun: str) -> list[str]:
    """Return the paths of a list of each batch; a folded one is a line."""
    lines: list[str] = []
    for batch in batches:
        lines += [each if isinstance(each, str) else each["path"] for each in batch.get(name, ())]
        if folded := batch.get(f"folded_{name}"):
            size = f", {readable_bytes(folded['bytes'])}" if "bytes" in folded else ""
            lines.append(f"{count_of(folded['count'], noun)}{size}; all are in {folded['manifest']}")
    return lines


def _partitions(batches: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of partitions of the table in which files were added or removed."""
    folded: list[int] = [batch["folded_partitions"]["count"] for batch in batches if "folded_partitions" in batch]
    names = {name for batch in batches for name in batch.get("partitions", ())}
    return len(names) + sum(folded)


def _with_reasons(receipt: Mapping[str, Any], name: str) -> str:
    folded = receipt["folded"].get(name)
    more = [f"{count_of(folded['count'], 'object')}; all are in {folded['manifest']}"] if folded else []
    return some([*more, *(f"{path}: {why}" for path, why in receipt[name].items())])


def _usage(usage: Mapping[str, Any], partitions: int) -> dict[str, str]:
    """Format what a run used; nothing of receipts from before that was measured."""
    if not usage["seconds"]:
        return {}
    read = f"read {readable_bytes(usage['bytes_read'])} in {count_of(usage['objects_read'], 'object')}"
    written = f"wrote {readable_bytes(usage['bytes_written'])} in {count_of(usage['files_written'], 'file')}"
    written += f", in {count_of(partitions, 'partition')} of the table" if partitions else ""
    memory = f"at most {readable_bytes(usage['driver_peak_memory'])} of memory"
    workers = f", {readable_bytes(usage['worker_peak_memory'])} in each of {count_of(usage['workers'], 'worker')}"
    requests = usage["requests"]
    return {
        "data": f"{read}, {written}" if usage["objects_read"] or usage["files_written"] else "",
        "used": f"{usage['cpu_seconds']:.1f} s of CPU, {memory}{workers if usage['workers'] else ''}",
        "S3 requests": f"{sum(requests.values())}: {pairs(requests)}" if requests else "",
        "not counted": some(usage["uncounted"]),
    }


def _time(seconds: Mapping[str, float]) -> str:
    stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in seconds.items() if spent >= _SHOWN_SECONDS)
    return f"{sum(seconds.values()):.1f} s" + (f": {stages}" if stages else "")


def _reported_by_actions(batches: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the reports of actions other than files: counts are summed, everything else is one line per batch."""
    rows: dict[str, str] = {}
    names = dict.fromkeys(name for batch in batches for name in batch)
    for name in (name for name in names if name not in _OF_EVERY_BATCH and not name.startswith("folded_")):
        values = (batch.get(f"folded_{name}", {}).get("sums") or batch.get(name) for batch in batches)
        reported = [value for value in values if value]
        counts: Counter[str] = Counter()
        for each in reported:
            for count in each.values() if all(isinstance(value, Mapping) for value in each.values()) else [each]:
                counts.update({key: value for key, value in count.items() if isinstance(value, int)})
        is_counted = all(isinstance(value, int | Mapping) for each in reported for value in each.values())
        lines = [pairs(counts)] if is_counted else [pairs(each) for each in reported]
        rows[name.replace("_", " ")] = some([line for line in lines if line])
    return rows


def _broken_rules(rules: Mapping[str, int], first: Mapping[str, str]) -> list[str]:
    return [f"{rule} ({count})" + (f", first {first[rule]}" if rule in first else "") for rule, count in rules.items()]
