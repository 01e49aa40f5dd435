"""Compact the Parquet tables of a feed on request, or show what that would do."""

from collections.abc import Mapping, Sequence
from typing import Any

from lakewright.costs.prices import Prices
from lakewright.errors import ConfigError
from lakewright.log.log import Log
from lakewright.parquet.compaction import COMPACT, Compaction
from lakewright.parquet.sink import ParquetSink
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lifecycle.targets import run_targets
from lakewright.runs.progress import Progress
from lakewright.runs.receipts import Receipt, unfolded
from lakewright.storage.lake import Lake
from lakewright.workers import Engines
from transforms.errors import LakewrightError


def compact_tables(
    lake: Lake,
    jobs: Sequence[AnyJob],
    wanted: Mapping[str, str],
    progress: Progress,
    engines: Engines,
    prices: Prices | None,
) -> list[dict[str, Any]]:
    """Compact tables concurrently, and return the results; a failure does not stop the others."""
    compactions = [_compaction(job, wanted).job(job) for job in jobs]
    receipts = run_targets(lake, compactions, Request(COMPACT, prices=prices), progress, engines)
    return [_result(lake, job, receipt) for job, receipt in zip(jobs, receipts, strict=True)]


def plan_compactions(lake: Lake, jobs: Sequence[AnyJob], wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what a compaction would do; nothing is written."""
    return [_plan(lake, job, wanted) for job in jobs]


def _plan(lake: Lake, job: AnyJob, wanted: Mapping[str, str]) -> dict[str, Any]:
    planned: list[dict[str, Any]] = []
    entry = _entry(job) | {"dry_run": True, "compactions": planned, "exit_code": 0, "error": "", "warnings": []}
    compaction = _compaction(job, wanted)
    try:
        state, open_plan = Log(lake, job.target.state_folder).read()
        compaction.check(state, Request(COMPACT))
        merges = compaction.merges(state)
        if open_plan is not None and open_plan.job == job.name:
            raise ConfigError(f"batch {open_plan.number} of feed {job.target.feed_name} is open; `run` it first")
    except LakewrightError as error:
        return entry | {"exit_code": error.exit_code, "error": str(error)}
    if merges:
        planned.append(
            {
                "files": sum(len(merge.files) for merge in merges),
                "into": len(merges),
                "rows": sum(merge.rows for merge in merges),
                "bytes": sum(merge.size for merge in merges),
                "partitions": sorted({merge.partition for merge in merges}),
            }
        )
    return entry


def _result(lake: Lake, job: AnyJob, receipt: Receipt) -> dict[str, Any]:
    committed = [batch for batch in receipt.batches if "compacted" in batch]
    return _entry(job) | {
        "run": receipt.run,
        "dry_run": False,
        "compactions": [
            {
                "batch": batch["number"],
                **batch["compacted"],
                "partitions": _partitions(job, unfolded(batch, "outputs", lake)),
            }
            for batch in committed
        ],
        "exit_code": receipt.exit_code,
        "error": receipt.error,
        "warnings": receipt.warnings,
    }


def _entry(job: AnyJob) -> dict[str, Any]:
    return {"feed": job.target.feed_name, "target": job.target.name}


def _partitions(job: AnyJob, paths: Sequence[str]) -> list[str]:
    return sorted({path.removeprefix(job.target.path).rpartition("/")[0] for path in paths})


def _compaction(job: AnyJob, wanted: Mapping[str, str]) -> Compaction:
    if not isinstance(job.sink, ParquetSink):
        raise TypeError(f"{job.target.name} is not a Parquet table")
    return Compaction(job.sink, wanted)
