"""The receipt of a run."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypedDict, cast

import msgspec

from lakewright.costs.bill import CostReport
from lakewright.log.log import Plan
from lakewright.log.records import Counts
from lakewright.log.state import Outcome
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.runs.receipts.batches import BatchReport, FoldedReport, partitions_of, report_batch
from lakewright.runs.receipts.versions import versions

#: The version of the receipt's schema; receipts without one were written before it was published.
FORMAT: Final = 1
#: Identifies this process in the receipts of its runs.
PROCESS: Final = uuid.uuid4().hex

#: Verbs of runs that process data, empty if another run wrote the receipt; all others maintain a table.
VERBS_OF_DATA: Final = ("run", "rebuild", "replay", "")

Status = Literal["running", "committed", "nothing_new", "refused", "failed", "overtaken"]


class MaintenanceReport(TypedDict):
    """A run of another job that maintained the table.

    Attributes:
        run: Its ID.
        job: Its job.
        status: How it ended.
        exit_code: Its exit code.
    """

    run: str
    job: str
    status: str
    exit_code: int


class Receipt(msgspec.Struct):
    """What one run did for one target: the JSON record that every run writes, whether it succeeds or not.

    It names objects, files, columns and rules, and counts rows. It contains no values of the data, except in the paths
    of tables that are partitioned by a column of the data, and those that errors quote if the feed sets show_values.

    Attributes:
        run: ID of the run; IDs sort by time.
        feed: Name of the feed.
        target: Name of the target, one of the feed's tables.
        job: The job: that of the feed, or one that maintains the table.
        verb: The verb of the command: run, rebuild, replay, compact, maintain; empty if another run wrote the receipt.
        started: When the run began, in UTC.
        execution: The execution that started the run, as --execution named it.
        finished: When the receipt was written, in UTC.
        seconds: Seconds of each phase, in their order; phases that occur more than once are added up.
        status: How the run ended. running: it has not; committed: its batch is in the table; nothing_new: there was
            nothing to do; refused: the data was refused; failed: an error; overtaken: another run has done the work.
        exit_code: Exit code: 0 done, 1 unexpected error, 2 usage or config, 3 data refused, 4 another run holds or has
            overtaken the target, 5 source or service out of reach.
        error: What went wrong; empty if nothing did.
        counts: Rows by what happened to them, of all batches together.
        rules: Number of rejected rows that broke each rule.
        first_rejected: For some rules, the first row that breaks it: its object, its line, and the problem.
        skipped: Number of skipped records of each kind.
        batches: The batches that ended in this run, in order.
        corrections: The correction objects that a replay wrote.
        replayed: Of a replay: number of rejected rows by what happened to them.
        still_rejected: Of a replay: number of rows that still break each rule.
        refused: Objects that cannot be processed, with the reason; the first 1,000 of them.
        ignored: Objects that do not belong to the source, with the reason; the first 1,000 of them.
        extra_columns: Columns of objects that the feed does not name, with the number of objects that have them.
        dropped_columns: Columns of the table that are no longer filled.
        schema_changes: Changes to the schema of the table.
        warnings: Warnings.
        catalog: The entry of the table in the catalog; empty if it was not registered.
        checks: Checks of the run; "every row accounted for" is whether the sum of the counts holds.
        engine: The engine of the last batch: its name, why it was chosen, and its version.
        versions: Versions of the code: lakewright, its commit if it is known, Python, and packages.
        format: Version of this schema; 0 in receipts that were written before it was published.
        process: Random ID of the process; runs for several targets of one command have the same.
        config_hash: Hash of the feed's keys that affect data.
        usage: What the run used: time, memory, bytes, and requests to S3.
        runtime: Where it ran.
        cost: What it cost, by conf/prices.yaml; null without that file.
        folded: Of the lists of the run that have more than 1,000 entries: their number, and the file with all of them.
        maintained_by: Runs that have maintained the table since; only in the output of `lakewright receipt`.
    """

    run: str
    feed: str
    target: str
    job: str
    verb: str
    started: str
    execution: str = ""
    finished: str = ""
    seconds: dict[str, float] = {}
    status: Status = "running"
    exit_code: int = 0
    error: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    first_rejected: dict[str, str] = {}
    skipped: dict[str, int] = {}
    batches: list[BatchReport] = []
    corrections: list[str] = []
    replayed: dict[str, int] = {}
    still_rejected: dict[str, int] = {}
    refused: dict[str, str] = {}
    ignored: dict[str, str] = {}
    extra_columns: dict[str, int] = {}
    dropped_columns: list[str] = []
    schema_changes: list[str] = []
    warnings: list[str] = []
    catalog: str = ""
    checks: dict[str, bool] = {}
    engine: dict[str, str] = {}
    versions: dict[str, str] = msgspec.field(default_factory=versions)
    format: int = 0
    process: str = ""
    config_hash: str = ""
    usage: Usage = Usage()
    runtime: Runtime = Runtime()
    cost: CostReport | None = None
    folded: dict[str, FoldedReport] = {}
    maintained_by: list[MaintenanceReport] = []

    @property
    def is_of_maintenance(self) -> bool:
        """Return whether the run maintained the table, and processed no data."""
        return self.verb not in VERBS_OF_DATA

    def warn(self, warnings: Iterable[str]) -> None:
        """Add warnings, without duplicates."""
        self.warnings = list(dict.fromkeys((*self.warnings, *warnings)))

    def note_rejected(self, first: Mapping[str, str]) -> None:
        """Note the first row that breaks each rule, unless an earlier batch has one."""
        self.first_rejected = {**first, **self.first_rejected}

    def add(self, outcome: Outcome, plan: Plan | None, *, table: str) -> None:
        """Add a batch; the counts are those of committed batches, or of the refused one. ``table`` is its path."""
        report = report_batch(outcome, plan)
        self.batches.append(cast(BatchReport, report | {"partitions": partitions_of(report, table=table)}))
        self.counts = self.counts + outcome.counts
        for rule, count in outcome.rules.items():
            self.rules[rule] = self.rules.get(rule, 0) + count
        for kind, count in outcome.skipped.items():
            self.skipped[kind] = self.skipped.get(kind, 0) + count

    def dump(self) -> dict[str, Any]:
        """Return the receipt as JSON-compatible data."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def json(self) -> str:
        """Return the receipt as one line of JSON."""
        return msgspec.json.encode(self).decode()
