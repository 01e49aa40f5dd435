"""Errors of the runtime, with the exit code that each one ends a run with.

LakewrightError (1)                 transforms.errors
├── DataError (3)                   transforms.errors
│   ├── DamagedGzipError            an object is gzip, and broken
│   │   └── TruncatedGzipError      it ends within a member
│   ├── EmptySourceError            nothing at a source is the feed's, and the feed refuses that
│   ├── ObjectRefusedError          source objects that cannot be read as declared
│   ├── RowsRefusedError            too many rejected rows
│   ├── SourceGoneError             a partition to rebuild has lost a source object
│   ├── SourceRewrittenError        an object of an appended table was written again
│   ├── ReloadedError               a full load was written again
│   └── StaleLoadError              a full load was written again in part
├── NoTargetsError (3, or 0)        a feed finds its targets at its source, and finds none
├── ConfigError (2)                 a feed, an option or a lake that cannot be used as given
├── AccountingError (1)             the sum of rows does not hold
├── StateError (1)                  an entry of the log is broken, or of a newer format
│   └── HistoryExpiredError         the log no longer holds the batches that are asked for
├── LeaseHeldError (4)              another run holds the target
├── OvertakenError (4)              another run finished this run's batch
├── InterruptedRunError (130)       somebody ended the run
├── JvmEndedError (1)               Spark's JVM is gone
├── RunFailedError (its cause's)    the run of a script failed
└── UnreachableError (5)            a source or service could not be reached
    ├── AccessDeniedError (5)       it was reached, and said no
    └── CatalogError (5)            the data is committed, and its catalog is not up to date
"""

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.errors import DataError, LakewrightError


def cause_of(error: BaseException) -> str:
    """Say what went wrong in one line; of an error that came through Spark, what lies at its root."""
    lines = str(error).splitlines() or [""]
    roots = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return f"{type(error).__name__}: {roots[-1] if roots else lines[0]}"


class ConfigError(LakewrightError):
    """Raised when a feed, an option or a lake cannot be used as it was given."""

    exit_code = 2


class DamagedGzipError(DataError):
    """Raised when gzip is broken; says how, never what stands in it."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"broken gzip: {problem}")


class TruncatedGzipError(DamagedGzipError):
    """Raised when gzip ends within a member."""

    def __init__(self) -> None:
        super().__init__("it ends before its end mark")


class EmptySourceError(DataError):
    """Raised when nothing that lies at a source is the feed's; says what lies there."""


class NoTargetsError(LakewrightError):
    """Raised when a feed finds its targets at its source, and nothing there is one; ends with 0 if the feed says ok."""

    def __init__(self, feed: str, job: str, found: str, *, refused: bool) -> None:
        self.feed, self.job, self.found, self.refused = feed, job, found, refused
        self.exit_code = EmptySourceError.exit_code if refused else 0
        super().__init__(found)

    def entry(self) -> dict[str, Any]:
        """Give what stands in the answer of a verb in place of targets."""
        return {
            "feed": self.feed,
            "target": "",
            "job": self.job,
            "status": "refused" if self.refused else "nothing_new",
            "exit_code": self.exit_code,
            "error": self.found if self.refused else "",
            "warnings": [] if self.refused else [self.found],
        }


class ObjectRefusedError(DataError):
    """Raised when source objects cannot be read as declared."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        path, reason = next(iter(self.reasons.items()))
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        super().__init__(f"refused {path}: {reason}{more}")

    def __reduce__(self) -> tuple[type["ObjectRefusedError"], tuple[dict[str, str]]]:
        """Let it come back from a worker."""
        return type(self), (self.reasons,)


class RowsRefusedError(DataError):
    """Raised when the share of rejected rows is above what the feed allows."""

    def __init__(self, rejected: int, read: int, allowed: float, rules: Mapping[str, int]) -> None:
        self.rejected, self.read, self.allowed, self.rules = rejected, read, allowed, dict(rules)
        broken = ", ".join(f"{rule} ({count})" for rule, count in self.rules.items())
        super().__init__(
            f"{rejected} of {read} rows rejected, above max_rejected {allowed:g}; nothing was published ({broken})"
        )


class SourceGoneError(DataError):
    """Raised when a partition must be rebuilt and one of its committed source objects is gone."""

    def __init__(self, partition: str, gone: list[str]) -> None:
        self.partition, self.gone = partition, gone
        super().__init__(
            f"partition {partition or '(whole table)'} has news, but {len(gone)} of its source objects are gone, "
            f"first {gone[0]}; bring them back, or set target.on_missing_source: rebuild to go on without them"
        )


class SourceRewrittenError(DataError):
    """Raised when an object whose rows were appended was written again: its rows cannot be told from the others."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was written again after its rows were appended; run `rebuild` to make the table anew from all "
            "sources"
        )


class ReloadedError(DataError):
    """Raised when a full load was written again after it was taken: the table was reloaded at its source."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} was written again after it was taken: the table was reloaded; run `rebuild` to begin anew with "
            "this load, without the changes that are older"
        )


class StaleLoadError(DataError):
    """Raised when some files of a full load were written again and others were not."""

    def __init__(self, reloaded: Sequence[str], stale: Sequence[str]) -> None:
        self.reloaded, self.stale = list(reloaded), list(stale)
        more = f" (and {len(stale) - 1} more)" if len(stale) > 1 else ""
        super().__init__(
            f"{reloaded[0]} was written again and {stale[0]}{more} was not: it may belong to an older full load; "
            "delete it at the source, or set target.on_stale_load: drop, or keep if the new load has it unchanged"
        )


class AccountingError(LakewrightError):
    """Raised when read = written + deleted + superseded + rejected does not hold."""


class StateError(LakewrightError):
    """Raised when an entry of a log cannot be read, or says what the lake does not bear out."""


class HistoryExpiredError(StateError):
    """Raised when the log no longer holds the batches after the one that is asked for."""

    def __init__(self, since: int, oldest: int) -> None:
        self.since, self.oldest = since, oldest
        super().__init__(
            f"the log no longer says what changed since batch {since}: it begins with batch {oldest}; read the whole "
            "table, and go on from there"
        )


class LeaseHeldError(LakewrightError):
    """Raised when another run holds the target for longer than a run waits."""

    exit_code = 4


class OvertakenError(LakewrightError):
    """Raised when another run took the target over and finished this run's batch."""

    exit_code = 4


class InterruptedRunError(LakewrightError):
    """Raised when somebody ends a run; the exit code is the shell's for Ctrl-C."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted; what was not committed is left to the next run")


class JvmEndedError(LakewrightError):
    """Raised when Spark's JVM ended under a run; ``stage`` is where the run was, empty if the JVM had not started."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        more = (
            "more: a larger worker on Glue, spark.driver.memory elsewhere, such as "
            "PYSPARK_SUBMIT_ARGS='--driver-memory 4g pyspark-shell'"
        )
        super().__init__(
            f"the JVM ended while the run was at {stage!r}; it probably ran out of memory ({more})"
            if stage
            else "the JVM ended before it had started; what it said of that stands above"
        )


class RunFailedError(LakewrightError):
    """Raised when the run of a script failed; its text is the sentence that a person can act on."""

    def __init__(self, reason: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(reason)


class UnreachableError(LakewrightError):
    """Raised when a source or a service cannot be reached."""

    exit_code = 5


class AccessDeniedError(UnreachableError):
    """Raised when a source or a service refuses access."""


class CatalogError(UnreachableError):
    """Raised when the catalog cannot be reached, refuses, or holds an entry of another; it never stops the data."""
