"""What prices and estimates need of a receipt, whose struct is in a higher layer (``lakewright.runs.receipts``)."""

from collections.abc import Mapping
from typing import Protocol

from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage


class PricedRun(Protocol):
    """What a price needs of a run."""

    @property
    def job(self) -> str:
        """The job."""

    @property
    def started(self) -> str:
        """When the run started, in ISO format."""

    @property
    def usage(self) -> Usage:
        """What it used."""

    @property
    def runtime(self) -> Runtime:
        """Where it ran."""


class SeenRun(PricedRun, Protocol):
    """What an estimate needs of a run."""

    @property
    def verb(self) -> str:
        """What was asked for."""

    @property
    def status(self) -> str:
        """How the run ended."""

    @property
    def engine(self) -> Mapping[str, str]:
        """The engine, by ``name``."""
