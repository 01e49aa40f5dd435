"""Receipts: the JSON that a run leaves. They name objects and count rows; they never hold a row's values."""

import importlib.metadata
import platform
from collections.abc import Iterable
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from lakewright import __version__
from lakewright.errors import ConfigError
from lakewright.runs.log import Counts, Outcome, SourceObject
from lakewright.storage.lake import Lake

_PACKAGES: Final = ("pyspark", "pydantic", "boto3")

_OF_OUTCOME: Final = {
    *(
        "number",
        "status",
        "reason",
        "config_hash",
        "removed",
        "counts",
        "rules",
        "numbers",
        "set_aside",
        "table_commit",
    ),
}

Status = Literal["running", "committed", "nothing_new", "refused", "failed", "overtaken"]


def _versions() -> dict[str, str]:
    versions = {"lakewright": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "from the platform"
    return versions


class BatchReport(BaseModel):
    """One batch of a run: what went in, what came out."""

    number: int
    status: Literal["committed", "dropped"]
    reason: str = ""
    processing_date: str = ""
    config_hash: str = ""
    inputs: list[SourceObject] = []
    outputs: list[str] = []
    removed: list[str] = []
    quarantined: list[str] = []
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    numbers: dict[str, dict[str, int]] = {}
    set_aside: dict[str, int] = {}
    table_commit: dict[str, str | int] = {}

    @classmethod
    def of(cls, outcome: Outcome, inputs: list[SourceObject], processing_date: str) -> "BatchReport":
        """Report a batch as the log has it."""
        return cls(
            inputs=inputs,
            processing_date=processing_date,
            outputs=[file.path for file in outcome.added],
            quarantined=[file.path for file in outcome.quarantined],
            **outcome.model_dump(include=_OF_OUTCOME),
        )


class Receipt(BaseModel):
    """What one run did for one target."""

    run: str
    feed: str
    target: str
    job: str
    verb: str
    started: str
    finished: str = ""
    seconds: dict[str, float] = {}
    status: Status = "running"
    exit_code: int = 0
    error: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    batches: list[BatchReport] = []
    refused: dict[str, str] = {}
    ignored: dict[str, str] = {}
    extra_columns: dict[str, int] = {}
    dropped_columns: list[str] = []
    schema_changes: list[str] = []
    warnings: list[str] = []
    catalog: str = ""
    checks: dict[str, bool] = {}
    versions: dict[str, str] = Field(default_factory=_versions)

    def warn(self, warnings: Iterable[str]) -> None:
        """Add warnings, each once: what a person should know although the run goes on."""
        self.warnings = list(dict.fromkeys((*self.warnings, *warnings)))

    def add(self, report: BatchReport) -> None:
        """Take a batch in: the counts are those of the batches that were committed, or of the one that was refused."""
        self.batches.append(report)
        self.counts = self.counts + report.counts
        for rule, count in report.rules.items():
            self.rules[rule] = self.rules.get(rule, 0) + count


def write_receipt(lake: Lake, folder: str, receipt: Receipt) -> None:
    """Write a receipt; the run's id makes its name its own."""
    lake.create(_path(folder, receipt.run), receipt.model_dump_json(indent=2).encode())


def has_receipt(lake: Lake, folder: str, run: str) -> bool:
    """Tell whether a run left its receipt."""
    return lake.stat(_path(folder, run)) is not None


def read_receipt(lake: Lake, folder: str, run: str | None) -> dict[str, Any]:
    """Read the receipt of a run, or the last one.

    Raises:
        ConfigError: If there is none.
    """
    paths = [_path(folder, run)] if run else [entry.path for entry in lake.list(f"{folder}receipts/")][-1:]
    if not paths or lake.stat(paths[0]) is None:
        raise ConfigError(f"no receipt of run {run}" if run else "no receipt yet: nothing has been run")
    return Receipt.model_validate_json(lake.read(paths[0])).model_dump()


def last_failure(lake: Lake, folder: str) -> Receipt | None:
    """Give the receipt of the last run that left one, if it failed."""
    paths = [entry.path for entry in lake.list(f"{folder}receipts/")][-1:]
    receipt = Receipt.model_validate_json(lake.read(paths[0])) if paths else None
    return receipt if receipt is not None and receipt.exit_code else None


def _path(folder: str, run: str) -> str:
    return f"{folder}receipts/{run}.json"
