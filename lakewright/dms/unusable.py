"""A source table that cannot or must not be written: it fails alone, without stopping other tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.log.log import Append, Plan
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Choice, Staged, Survey
from lakewright.runs.job.interfaces import CatalogEntry, Preflight
from lakewright.runs.job.request import Request
from transforms.errors import LakewrightError


@dataclass(frozen=True)
class UnusableTable:
    """Reader and sink of such a table.

    Attributes:
        folder: Its source folder.
        problem: Why it cannot be written; None if the feed skips it.
    """

    folder: str
    problem: LakewrightError | None
    skips_refused: bool = False

    def check(self, state: TableState, request: Request) -> Preflight:  # noqa: ARG002
        """See ``Sink.check``."""
        if self.problem is not None:
            raise self.problem
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:  # noqa: ARG002
        """See ``Reader.survey``."""
        return Survey(Choice([], Append()), ignored={self.folder: "not configured; the feed skips such tables"})

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``; a batch that was opened while the table was configured stays open."""
        raise self.problem or ConfigError(f"batch {plan.number} is open, and its table is no longer configured")

    def read(self, batch: Batch) -> None:
        """See ``Reader.read``."""
        self.changed(batch.plan)

    def stage(self, batch: Batch, rows: None) -> Staged:  # noqa: ARG002
        """See ``Sink.stage``."""
        self.changed(batch.plan)
        return Staged()

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return ""

    def catalog(self) -> CatalogEntry | None:
        """See ``Sink.catalog``."""
        return None
