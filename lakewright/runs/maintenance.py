"""Maintenance of a table by another job than its owner: files are replaced under the table's own lease and log.

The owner's next run sees that in the state: what was removed is not made again from its inputs, as long as those are
taken as they are now. So a job that removes rows also rewrites the inputs which hold them, and notes these
(``TakeObjects``); else a partition that is made again, or a rebuild, would bring the rows back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, Plan
from lakewright.runs.job import AnyJob, Batch, CatalogEntry, Choice, CommittingSink, Preflight, Request, Staged, Survey
from lakewright.runs.lifecycle import Run
from lakewright.runs.progress import Progress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake

Work = Callable[[Batch], Staged]


def maintain(lake: Lake, owner: AnyJob, *, by: str, work: Work, progress: Progress) -> Receipt:
    """Let the job ``by`` do its work on a table that ``owner`` fills.

    The work stages files below the batch's folder, counts them, and gives the actions.

    Raises:
        ConfigError: If the owner's feed does not name the job in ``maintained_by``, or the table is a Hudi table.
    """
    if by not in owner.feed.maintained_by:
        raise ConfigError(
            f"feed {owner.target.feed_name} does not let {by} change its tables; name it in maintained_by"
        )
    if isinstance(owner.sink, CommittingSink):
        raise ConfigError(f"{owner.target.path} commits by itself; such a table is changed by its own job alone")
    table = _MaintainedTable(owner, work)
    job: AnyJob = AnyJob(owner.feed, owner.target, table, lambda rows: rows, table, maintained_by=by)
    return Run(lake, job, Request("maintain"), progress)()


@dataclass(frozen=True)
class _MaintainedTable:
    """Reader and sink of a batch that takes no objects; see ``lakewright.runs.job``."""

    owner: AnyJob
    work: Work
    skips_refused: bool = False

    def check(self, state: TableState, request: Request) -> Preflight:  # noqa: ARG002
        """See ``Sink.check``."""
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:  # noqa: ARG002
        """See ``Reader.survey``; there is nothing to do for a table that holds nothing."""
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
