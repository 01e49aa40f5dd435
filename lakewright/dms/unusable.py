"""A table that lies at the source and cannot be written, or must not: it says why, and stops no other."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, Plan
from lakewright.runs.job import Batch, CatalogEntry, Choice, Preflight, Request, Staged, Survey
from transforms.errors import LakewrightError


@dataclass(frozen=True)
class UnusableTable:
    """Reader and sink of such a table.

    Attributes:
        folder: Where it lies.
        problem: Why it cannot be written; None if the feed skips it, which is no problem.
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
        """See ``Reader.changed``; a batch that is open from when the table was configured stays open."""
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
