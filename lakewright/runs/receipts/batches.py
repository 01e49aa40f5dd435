"""The part of a receipt about one batch: its input, its output, and what each of its actions reports."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

import msgspec

from lakewright.log.log import Plan
from lakewright.log.state import Outcome

#: The fields of a batch that readers show in a place of their own; all others are shown as actions report them.
COMMON_FIELDS: Final = frozenset(
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


class ObjectReport(TypedDict, total=False):
    """A source object, in the version that was read.

    Attributes:
        path: Its path in the lake.
        size: Its size in bytes.
        etag: Its ETag.
        values: Year, month and day of its rows, if its path or the processing date determines them.
        notes: Notes of the job, such as the object that a correction corrects.
    """

    path: str
    size: int
    etag: str
    values: dict[str, str]
    notes: dict[str, str | int]


class FoldedReport(TypedDict, total=False):
    """A list of more than 1,000 entries, which is in a file of its own.

    Attributes:
        count: Number of entries.
        bytes: Size of the objects or files in bytes, if it is known.
        first: The first entry: its path.
        last: The last entry: its path.
        sums: Of counts per object: the sum of each count.
        manifest: The path of the file in the lake: the list as JSON, compressed with gzip.
    """

    count: int
    bytes: int
    first: str
    last: str
    sums: dict[str, int]
    manifest: str


class GateReport(TypedDict, total=False):
    """The verdict of the feed's gate on the batch.

    Attributes:
        suite: The suite of expectations.
        rows: Number of rows that were judged.
        verdict: Whether the batch passed or was refused.
        results: The result of each expectation, with the names and figures of Great Expectations.
    """

    suite: str
    rows: int
    verdict: str
    results: list[dict[str, Any]]


class BatchReport(TypedDict, total=False):
    """One batch of a run.

    Attributes:
        number: Its number in the log of the target.
        status: How it ended: committed; dropped (refused, or its source has changed); expired (old rejected rows were
            deleted).
        reason: Why it was dropped.
        processing_date: The day on which it was planned.
        config_hash: Hash of the feed's keys that affect data, when it was planned.
        inputs: The objects that it read; empty if there are more than 1,000, see folded_inputs.
        outputs: The files that it added to the table; empty if there are more than 1,000, see folded_outputs. Hudi
            tables know their files themselves, and objects replaced in place keep their path.
        removed: The files that it removed from the table; empty if there are more than 1,000, see folded_removed.
        quarantined: Its files of rejected rows; empty if there are more than 1,000, see folded_quarantined.
        partitions: The partitions of the table in which it added or removed files; empty if the table has none, or if
            there are more than 1,000, see folded_partitions.
        numbers: Counts per object; empty if there are more than 1,000 objects, see folded_numbers.
        folded_inputs: The inputs, if there are more than 1,000.
        folded_outputs: The outputs, if there are more than 1,000.
        folded_removed: The removed files, if there are more than 1,000.
        folded_quarantined: The files of rejected rows, if there are more than 1,000.
        folded_partitions: The partitions, if there are more than 1,000.
        folded_numbers: The counts per object, if there are more than 1,000 objects.
        counts: Its rows by what happened to them.
        rules: Number of rows that broke each rule.
        skipped: Number of skipped records of each kind.
        compacted: Of a compaction: number of small files, of the files into which they were merged, and of rows.
        set_aside: Number of values per text column that did not fit their typed column.
        gates: The verdict of the gate, if the feed has one.
        table_commit: The commit of a Hudi table: its instant and action, and Hudi's own counts.
    """

    number: int
    status: str
    reason: str
    processing_date: str
    config_hash: str
    inputs: list[ObjectReport]
    outputs: list[str]
    removed: list[str]
    quarantined: list[str]
    partitions: list[str]
    numbers: dict[str, dict[str, int]]
    folded_inputs: FoldedReport
    folded_outputs: FoldedReport
    folded_removed: FoldedReport
    folded_quarantined: FoldedReport
    folded_partitions: FoldedReport
    folded_numbers: FoldedReport
    counts: dict[str, int]
    rules: dict[str, int]
    skipped: dict[str, int]
    compacted: dict[str, int]
    set_aside: dict[str, int]
    gates: GateReport
    table_commit: dict[str, str | int]


def report_batch(outcome: Outcome, plan: Plan | None) -> dict[str, Any]:
    """Report a batch from the log: its input, its output, and the report of each action."""
    report: dict[str, Any] = {
        "number": outcome.number,
        "status": outcome.status,
        "reason": outcome.reason,
        "processing_date": plan.processing_date if plan else "",
        "config_hash": outcome.config_hash,
        "inputs": plan.objects if plan else [],  # not yet as JSON, since there may be many
        "outputs": [],
        "removed": [],
        "quarantined": [],
        "counts": msgspec.to_builtins(outcome.counts),
        "rules": outcome.rules,
        "skipped": outcome.skipped,
    }
    for action in outcome.actions:
        for name, value in action.report().items():
            report[name] = (
                {**report.get(name, {}), **value} if isinstance(value, dict) else report.get(name, []) + value
            )
    return report


def partitions_of(report: Mapping[str, Any], *, table: str) -> list[str]:
    """Return the partitions of a table at this path in which a batch added or removed files."""
    folders = {path.removeprefix(table).rpartition("/")[0] for path in (*report["outputs"], *report["removed"])}
    return sorted(filter(None, folders))
