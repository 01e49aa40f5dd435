"""What prices and estimates need of the receipt of a run, which is defined further up (``lakewright.runs``)."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class RunUsage(Protocol):
    """What a price needs of ``lakewright.runs.usage.Usage``."""

    @property
    def seconds(self) -> float:
        """Wall-clock time."""

    @property
    def requests(self) -> Mapping[str, int]:
        """The number of S3 requests by operation."""

    @property
    def uncounted(self) -> Sequence[str]:
        """What could not be counted."""


class RunRuntime(Protocol):
    """What a price needs of ``lakewright.runs.runtime.Runtime``."""

    @property
    def platform(self) -> str:
        """The platform; empty if unknown."""

    @property
    def worker_type(self) -> str:
        """The type of Glue's workers."""

    @property
    def workers(self) -> int:
        """The number of Glue's workers."""

    @property
    def memory_mb(self) -> int:
        """The memory of a Lambda function."""

    @property
    def region(self) -> str:
        """The AWS region."""

    @property
    def is_auto_scaled(self) -> bool:
        """Whether Glue may use fewer workers at times."""


class PricedRun(Protocol):
    """What a price needs of ``lakewright.runs.receipts.Receipt``."""

    @property
    def job(self) -> str:
        """The job."""

    @property
    def started(self) -> str:
        """When the run started, in ISO format."""

    @property
    def usage(self) -> RunUsage:
        """What it used."""

    @property
    def runtime(self) -> RunRuntime:
        """Where it ran."""


class SeenUsage(RunUsage, Protocol):
    """What an estimate needs of ``lakewright.runs.usage.Usage``."""

    @property
    def bytes_read(self) -> int:
        """Size of the objects that were read."""

    @property
    def objects_read(self) -> int:
        """The number of objects that were read."""


class SeenRun(PricedRun, Protocol):
    """What an estimate needs of ``lakewright.runs.receipts.Receipt``."""

    @property
    def verb(self) -> str:
        """What was asked for."""

    @property
    def status(self) -> str:
        """How the run ended."""

    @property
    def engine(self) -> Mapping[str, str]:
        """The engine, by ``name``."""

    @property
    def usage(self) -> SeenUsage:
        """What it used."""
