"""Compaction on demand: the log files of Hudi tables, each under its own lease."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

from lakewright.engine.failures import find_unreachable
from lakewright.errors import ConfigError, cause_of
from lakewright.hudi.compaction import Compacted
from lakewright.runs.job import AnyJob
from lakewright.runs.lease import Lease
from lakewright.runs.progress import LOGGER
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError


@runtime_checkable
class CompactingSink(Protocol):
    """A sink whose table can be compacted."""

    def compact(self) -> list[Compacted]:
        """Compact the table as it is now; empty if there was nothing to do."""


def compact_targets(lake: Lake, jobs: Sequence[AnyJob]) -> list[dict[str, Any]]:
    """Compact tables one after the other, and say what was done; one that fails does not stop the others."""
    return [_compact(lake, job) for job in jobs]


def _compact(lake: Lake, job: AnyJob) -> dict[str, Any]:
    found: dict[str, Any] = {"feed": job.target.feed_name, "target": job.target.name}
    try:
        if not isinstance(job.sink, CompactingSink):
            raise ConfigError("this table is no Hudi table; only merge_on_read tables are compacted")
        run = f"compact-{uuid.uuid4().hex[:8]}"
        with Lease(lake, job.target.state_folder, run=run, seconds=job.feed.lease_seconds):
            done = job.sink.compact()
    except LakewrightError as error:
        return found | {"compactions": [], "exit_code": error.exit_code, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever Hudi raises is this table's, and no other's
        LOGGER.debug("%s: compaction failed", job.target.name, exc_info=True)
        if unreachable := find_unreachable(error):
            return found | {"compactions": [], "exit_code": unreachable.exit_code, "error": str(unreachable)}
        return found | {"compactions": [], "exit_code": 1, "error": f"unexpected {cause_of(error)}"}
    return found | {"compactions": [asdict(one) for one in done], "exit_code": 0, "error": ""}
