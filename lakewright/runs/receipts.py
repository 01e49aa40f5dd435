"""Receipts: the JSON record of a run. They name objects and count rows, and never contain values."""

import importlib.metadata
import importlib.util
import platform
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec

from lakewright import __version__
from lakewright.errors import ConfigError
from lakewright.log.actions import Outcome
from lakewright.log.log import Plan
from lakewright.log.records import Counts
from lakewright.runs.runtime import Runtime
from lakewright.runs.usage import Usage
from lakewright.storage.lake import Lake

_PACKAGES: Final = ("pyspark", "pydantic", "boto3")
_READ_AT_ONCE: Final = 16

#: The version of the receipt's schema; receipts without one were written before it was published.
FORMAT: Final = 1
#: Identifies this process in the receipts of its runs.
PROCESS: Final = uuid.uuid4().hex

Status = Literal["running", "committed", "nothing_new", "refused", "failed", "overtaken"]


def _versions() -> dict[str, str]:
    versions = {"lakewright": __version__, "python": platform.python_version()}
    for package in filter(importlib.util.find_spec, _PACKAGES):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "from the platform"
    return versions


def report_batch(outcome: Outcome, plan: Plan | None) -> dict[str, Any]:
    """Report a batch from the log: its input, its output, and the report of each action."""
    report: dict[str, Any] = {
        "number": outcome.number,
        "status": outcome.status,
        "reason": outcome.reason,
        "processing_date": plan.processing_date if plan else "",
        "config_hash": outcome.config_hash,
        "inputs": plan.objects if plan else [],
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


class Receipt(msgspec.Struct):
    """What one run did for one target."""

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
    batches: list[dict[str, Any]] = []
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
    versions: dict[str, str] = msgspec.field(default_factory=_versions)
    format: int = 0
    process: str = ""
    usage: Usage = Usage()
    runtime: Runtime = Runtime()
    cost: dict[str, Any] | None = None

    def warn(self, warnings: Iterable[str]) -> None:
        """Add warnings, without duplicates."""
        self.warnings = list(dict.fromkeys((*self.warnings, *warnings)))

    def note_rejected(self, first: Mapping[str, str]) -> None:
        """Note the first row that breaks each rule, unless an earlier batch has one."""
        self.first_rejected = {**first, **self.first_rejected}

    def add(self, outcome: Outcome, plan: Plan | None) -> None:
        """Add a batch; the counts are those of committed batches, or of the refused one."""
        self.batches.append(report_batch(outcome, plan))
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


def write_receipt(lake: Lake, folder: str, receipt: Receipt) -> None:
    """Write a receipt; the run's id makes its name unique."""
    lake.create(_path(folder, receipt.run), msgspec.json.format(msgspec.json.encode(receipt), indent=2))


def has_receipt(lake: Lake, folder: str, run: str) -> bool:
    """Return whether a run has written its receipt."""
    return lake.stat(_path(folder, run)) is not None


def read_receipt(lake: Lake, folder: str, run: str | None) -> dict[str, Any]:
    """Read the receipt of a run, or the last one.

    Raises:
        ConfigError: If there is none.
    """
    paths = [_path(folder, run)] if run else [entry.path for entry in lake.list(f"{folder}receipts/")][-1:]
    if not paths or lake.stat(paths[0]) is None:
        raise ConfigError(f"no receipt of run {run}" if run else "no receipt yet: nothing has been run")
    return _read(lake, paths[0]).dump()


def last_failure(lake: Lake, folder: str) -> Receipt | None:
    """Return the last receipt if that run failed."""
    paths = [entry.path for entry in lake.list(f"{folder}receipts/")][-1:]
    receipt = _read(lake, paths[0]) if paths else None
    return receipt if receipt is not None and receipt.exit_code else None


def recent_receipts(lake: Lake, folder: str, limit: int) -> list[Receipt]:
    """Return the receipts of a target's last runs, at most ``limit`` of them, oldest first."""
    paths = deque((entry.path for entry in lake.list(f"{folder}receipts/")), maxlen=limit)
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        return list(pool.map(partial(_read, lake), paths))


def find_receipts(lake: Lake, feed: str, execution: str, *, since: datetime | None = None) -> list[Receipt]:
    """Return the receipts of the runs that an execution started, of all targets, in order.

    Args:
        lake: The lake of the feed.
        feed: Name of the feed.
        execution: The execution, as the runs got it (``--execution``).
        since: A time before these runs; only the receipts of that day and later ones are read.
    """
    first = f"{since.astimezone(UTC):%Y%m%d}" if since else ""
    folders = [f"state/{feed}/{target}/receipts/" for target in lake.folders(f"state/{feed}/")]
    paths = [entry.path for folder in folders for entry in lake.list(folder, after=f"{folder}{first}" if first else "")]
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        receipts = [receipt for receipt in pool.map(partial(_read, lake), paths) if receipt.execution == execution]
    return sorted(receipts, key=attrgetter("run"))


def last_receipt_of(lake: Lake, feed: str, execution: str, *, since: datetime | None = None) -> Receipt | None:
    """Return the receipt of an execution's last run; of several targets, the one with the worst exit code."""
    last = {receipt.target: receipt for receipt in find_receipts(lake, feed, execution, since=since)}
    return max(last.values(), key=attrgetter("exit_code"), default=None)


def _read(lake: Lake, path: str) -> Receipt:
    return msgspec.json.decode(lake.read(path), type=Receipt)


def _path(folder: str, run: str) -> str:
    return f"{folder}receipts/{run}.json"
