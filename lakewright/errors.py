"""Errors of the runtime, and the exit code of each.

LakewrightError (1)                 transforms.errors
├── DataError (3)                   transforms.errors
│   ├── DamagedStreamError          a damaged compressed object
│   │   └── DamagedGzipError        a damaged gzip object
│   │       └── TruncatedGzipError  it ends within a member
│   ├── EmptySourceError            no object at the source belongs to the feed
│   ├── ObjectRefusedError          source objects cannot be read as declared
│   ├── BatchRefusedError           a batch is staged and not published
│   │   ├── GateRefusedError        it did not pass its gate
│   │   └── RowsRefusedError        too many rejected rows
│   ├── SourceGoneError             a committed source object has disappeared
│   ├── SourceRewrittenError        an object of an append-only table was rewritten
│   ├── ReloadedError               a full load was rewritten
│   └── StaleLoadError              a full load was rewritten in part
├── NoTargetsError (3, or 0)        a feed that discovers its targets at the source found none
├── ConfigError (2)                 a feed, an option or a lake is invalid
│   ├── NoReceiptError              a target has no receipt, or none of a run
│   ├── TableDiffersError           a table was written by another feed, and must be rebuilt
│   └── SparkMissingError           something needs Spark, which is not installed
├── AccountingError (1)             the row counts do not add up
├── CopyDiffersError (1)            the copy of an object differs from it
├── StateError (1)                  a log entry is damaged, or of a newer format
│   └── HistoryExpiredError         the log no longer has the requested batches
├── DamagedReceiptError (1)         a receipt cannot be read
├── LeaseHeldError (4)              another run holds the target
├── OvertakenError (4)              another run finished this run's batch
├── InterruptedRunError (130)       the user interrupted the run
├── JvmEndedError (1)               Spark's JVM has exited
├── WorkerEndedError (1)            a worker process of either engine has ended
├── RunFailedError (its cause's)    a script's run failed
└── UnreachableError (5)            a source or service could not be reached
    ├── AccessDeniedError (5)       it denied access
    └── CatalogError (5)            the data is committed, but not registered in the catalog
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from transforms.errors import DataError, LakewrightError
from transforms.schema_changes import SchemaChange


class ConfigError(LakewrightError):
    """Raised when a feed, an option or a lake is invalid."""

    exit_code = 2


class NoReceiptError(ConfigError):
    """Raised when a target has no receipt, or none of the wanted run."""


class DamagedReceiptError(LakewrightError):
    """Raised when a receipt cannot be read."""

    def __init__(self, path: str, error: Exception) -> None:
        super().__init__(f"{path} is not a valid receipt: {error}; restore or delete it")


class Difference(NamedTuple):
    """A setting that differs between a table and the feed."""

    setting: str
    table: str
    feed: str


class TableDiffersError(ConfigError):
    """Raised when a table was written with other settings or types than the feed has, and must be rebuilt."""

    def __init__(
        self, problem: str, *, differences: Sequence[Difference] = (), changes: Sequence[SchemaChange] = ()
    ) -> None:
        self.differences, self.changes = differences, changes
        super().__init__(problem)


class DamagedStreamError(DataError):
    """Raised when a compressed object cannot be decompressed; describes the problem, never the content."""

    def __init__(
        self, compression: str, problem: str = "it is truncated", *, is_truncated: bool = False, is_damaged: bool = True
    ) -> None:
        self.problem, self.is_truncated = problem, is_truncated
        super().__init__(f"{'damaged ' if is_damaged else ''}{compression}: {problem}")


class DamagedGzipError(DamagedStreamError):
    """Raised when gzip is damaged."""

    def __init__(self, problem: str, *, is_truncated: bool = False) -> None:
        super().__init__("gzip", problem, is_truncated=is_truncated)


class TruncatedGzipError(DamagedGzipError):
    """Raised when gzip ends within a member."""

    def __init__(self) -> None:
        super().__init__("it is truncated", is_truncated=True)


class EmptySourceError(DataError):
    """Raised when no object at a source belongs to the feed; describes what is there."""


class NoTargetsError(LakewrightError):
    """Raised when a feed that discovers its targets at the source found none; exit code 0 if the feed allows it."""

    def __init__(self, feed: str, job: str, found: str, *, refused: bool) -> None:
        self.feed, self.job, self.found, self.refused = feed, job, found, refused
        self.exit_code = EmptySourceError.exit_code if refused else 0
        super().__init__(found)

    def entry(self) -> dict[str, Any]:
        """Return the entry that replaces targets in a verb's answer."""
        return {
            "feed": self.feed,
            "target": "",
            "job": self.job,
            "status": "refused" if self.refused else "nothing_new",
            "exit_code": self.exit_code,
            "error": self.found if self.refused else "",
            "warnings": [] if self.refused else [self.found],
        }


class SparkMissingError(ConfigError):
    """Raised when something needs Spark, and pyspark is not installed."""

    def __init__(self) -> None:
        super().__init__("this needs Spark, which is not installed; install it with: pip install 'lakewright[local]'")


class ObjectRefusedError(DataError):
    """Raised when source objects cannot be read as declared."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        path, reason = next(iter(self.reasons.items()))
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        super().__init__(f"refused {path}: {reason}{more}")


class BatchRefusedError(DataError):
    """Raised when a staged batch is not published; ``reason`` is that of its outcome."""

    reason = ""


class GateRefusedError(BatchRefusedError):
    """Raised when a batch does not pass its gate."""

    reason = "refused by its gate"


class RowsRefusedError(BatchRefusedError):
    """Raised when the share of rejected rows exceeds the feed's limit."""

    reason = "too many rejected rows"

    def __init__(self, rejected: int, read: int, allowed: float, rules: Mapping[str, int]) -> None:
        self.rejected, self.read, self.allowed, self.rules = rejected, read, allowed, dict(rules)
        broken = ", ".join(f"{rule} ({count})" for rule, count in self.rules.items())
        super().__init__(
            f"{rejected} of {read} rows rejected, above max_rejected {allowed:g}; nothing was published ({broken})"
        )


class SourceGoneError(DataError):
    """Raised when a partition must be rebuilt and one of its committed source objects has disappeared."""

    def __init__(self, partition: str, gone: list[str]) -> None:
        self.partition, self.gone = partition, gone
        super().__init__(
            f"partition {partition or '(whole table)'} has new objects, but {len(gone)} committed ones are gone, "
            f"first {gone[0]}; restore them, or set target.on_missing_source: rebuild to continue without them"
        )


class SourceRewrittenError(DataError):
    """Raised when an object was rewritten after its rows were appended, since its old rows cannot be identified."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was rewritten after its rows were appended; run `rebuild` to rebuild the table from all sources"
        )


class ReloadedError(DataError):
    """Raised when a full load was rewritten after it was processed: the table was reloaded at its source."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was rewritten after it was processed: the table was reloaded; run `rebuild` to start from this "
            "load, without older changes"
        )


class StaleLoadError(DataError):
    """Raised when some files of a full load were rewritten and others were not."""

    def __init__(self, reloaded: Sequence[str], stale: Sequence[str]) -> None:
        self.reloaded, self.stale = list(reloaded), list(stale)
        more = f" (and {len(stale) - 1} more)" if len(stale) > 1 else ""
        super().__init__(
            f"{reloaded[0]} was rewritten and {stale[0]}{more} was not: it may belong to an older full load; "
            "delete it at the source, or set target.on_stale_load: drop, or keep if it is part of the new load"
        )


class AccountingError(LakewrightError):
    """Raised when read = written + deleted + superseded + rejected + skipped does not hold."""


class CopyDiffersError(LakewrightError):
    """Raised when the copy of an object differs from it; the original is kept."""


class StateError(LakewrightError):
    """Raised when a log entry cannot be read, or contradicts the lake."""


class HistoryExpiredError(StateError):
    """Raised when the log no longer contains all batches after the requested one."""

    def __init__(self, since: int, oldest: int) -> None:
        self.since, self.oldest = since, oldest
        super().__init__(
            f"the log no longer contains the changes since batch {since}: it begins with batch {oldest}; read the "
            "whole table and continue from there"
        )


class LeaseHeldError(LakewrightError):
    """Raised when another run holds the target's lease."""

    exit_code = 4


class OvertakenError(LakewrightError):
    """Raised when another run took over the target and finished this run's batch."""

    exit_code = 4


class InterruptedRunError(LakewrightError):
    """Raised when the user interrupts a run; the exit code is the shell's for Ctrl-C."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted; run again to process what was not committed")


class JvmEndedError(LakewrightError):
    """Raised when Spark's JVM exited during a run, at a ``stage``; the stage is empty if the JVM had not started."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        more = (
            "use a larger worker on Glue, or more spark.driver.memory elsewhere: "
            "PYSPARK_SUBMIT_ARGS='--driver-memory 4g pyspark-shell'"
        )
        super().__init__(
            f"the JVM exited during stage {stage!r}; it probably ran out of memory ({more})"
            if stage
            else "the JVM exited during start-up; its output is above"
        )


class WorkerEndedError(LakewrightError):
    """Raised when a worker of either engine ended or ran out of memory during a task; ``how`` says which."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(
            f"a worker {how}; run again to finish the batch, and if this recurs, use a machine with more "
            "memory, or fewer CPUs (taskset -c 0)"
        )


class RunFailedError(LakewrightError):
    """Raised when a script's run failed; its text is the one-sentence error."""

    def __init__(self, reason: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(reason)


class UnreachableError(LakewrightError):
    """Raised when a source or a service cannot be reached."""

    exit_code = 5


class AccessDeniedError(UnreachableError):
    """Raised when a source or a service denies access."""


class CatalogError(UnreachableError):
    """Raised when a table cannot be registered in the catalog; never blocks data."""
