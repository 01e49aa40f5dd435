"""Maintenance of a table by a job other than its owner: files are replaced under the table's own lease and log.

The owner's next run sees the change in the state and does not restore removed rows, as long as it reads the inputs in
their current version. A job that removes rows must therefore also rewrite the inputs that contain them and record these
(``TakeObjects``); otherwise a partition overwrite or a rebuild would bring the rows back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.log.log import Append, Plan
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Choice, Staged, Survey
from lakewright.runs.job.interfaces import CatalogEntry, CommittingSink, Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lifecycle.run import Run
from lakewright.runs.progress import Progress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.workers import Engines

Work = Callable[[Batch], Staged]


def maintain(lake: Lake, owner: AnyJob, *, by: str, work: Work, progress: Progress, engines: Engines) -> Receipt:
    """Run the maintenance job ``by`` on a table of ``owner``.

    The work stages files in the batch's folder, counts their rows, and returns the actions.

    Raises:
        ConfigError: If the owner's feed does not name the job in ``maintained_by``, or the table is a Hudi table.
    """
    if by not in owner.feed.maintained_by:
        raise ConfigError(
            f"feed {owner.target.feed_name} does not allow {by} to change its tables; add it to maintained_by"
        )
    if isinstance(owner.sink, CommittingSink):
        raise ConfigError(f"{owner.target.path} has commits of its own; only its own job can change it")
    table = _MaintainedTable(owner, work)
    job: AnyJob = AnyJob(owner.feed, owner.target, table, lambda rows: rows, table, maintained_by=by)
    return Run(lake, job, Request("maintain"), progress, engines)()


@dataclass(frozen=True)
class _MaintainedTable:
    """Reader and sink of a batch without objects; see ``lakewright.runs.job.interfaces``."""

    owner: AnyJob
    work: Work
    skips_refused: bool = False

    def check(self, state: TableState, request: Request) -> Preflight:  # noqa: ARG002
        """See ``Sink.check``."""
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:  # noqa: ARG002
        """See ``Reader.survey``; an empty table needs no maintenance."""
        return Survey(Choice([], Append()), without_objects=state.committed > 0)

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``Reader.changed``."""
        return []

    def read(self, batch: Batch) -> None:
        """See ``Reader.read``."""

    def stage(self, batch: Batch, rows: None) -> Staged:  # noqa: ARG002
        """See ``Sink.stage``."""
        return self.work(batch)

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return self.owner.sink.layout()

    def catalog(self) -> CatalogEntry | None:
        """See ``Sink.catalog``."""
        return self.owner.sink.catalog()
