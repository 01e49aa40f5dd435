"""The prices in ``conf/prices.yaml``."""

import datetime
import logging
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lakewright.config import Model, suggest
from lakewright.config_files import Conf, Document
from transforms.errors import LakewrightError
from transforms.object_names import one_line

LOGGER = logging.getLogger("lakewright")

_FILE: Final = "prices.yaml"
#: The version of the file that this version of lakewright reads.
_FORMAT: Final = 1


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic reports a ValueError
    return value


def _known_format(value: object) -> object:
    if isinstance(value, int) and value > _FORMAT:
        raise ValueError(f"{value} is of a later version of lakewright; this one reads {_FORMAT}")
    return _number(value)


Price = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=1_000_000)]
Dpus = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=1000)]
#: Bounded like prices, so that every cost is a finite number.
Count = Annotated[int, Field(le=1_000_000, strict=True)]


class JobSize(Model):
    """The size of a Glue job."""

    worker_type: str = Field(description="Type of the workers; one of dpu_per_worker.")
    workers: Count = Field(ge=1, description="Number of workers, including the driver's.")

    def __str__(self) -> str:
        return f"{self.workers} {self.worker_type} workers"


class GluePrices(Model):
    """Prices of Glue jobs, which are billed by the second."""

    dpu_hour: Price = Field(description="Price of a DPU-hour.")
    minimum_seconds: Count = Field(ge=0, description="Seconds that are billed for shorter jobs.")
    dpu_per_worker: dict[str, Dpus] = Field(min_length=1, description="DPUs of a worker, by its type.")
    job_size: JobSize = Field(description="The size of a job with which runs outside AWS are priced.")
    job_sizes: dict[str, JobSize] = Field(default={}, description="The same for single jobs, by name.")

    @model_validator(mode="after")
    def _are_types_known(self) -> Self:
        for name, size in {"job_size": self.job_size, **self.job_sizes}.items():
            if size.worker_type not in self.dpu_per_worker:
                known = suggest(size.worker_type, list(self.dpu_per_worker))
                raise ValueError(f"dpu_per_worker has no {size.worker_type!r}, the worker_type of {name}{known}")
        return self


class LambdaPrices(Model):
    """Prices of Lambda functions, which are billed by the millisecond."""

    gb_second: Price = Field(description="Price of a GB-second.")
    million_requests: Price = Field(description="Price of a million requests.")


class S3Prices(Model):
    """Prices of requests to S3; DELETE and CANCEL requests are free."""

    thousand_writes: Price = Field(description="Price of 1,000 PUT, COPY, POST or LIST requests.")
    thousand_reads: Price = Field(description="Price of 1,000 GET requests, and of all others that are not free.")


class Prices(Model):
    """The model of ``prices.yaml``."""

    format: Annotated[Literal[1], BeforeValidator(_known_format)] = Field(description="Version of this format.")
    date: datetime.date = Field(description="When the prices were read.")
    region: str = Field(min_length=1, description="The AWS region of the prices.")
    currency: str = Field(pattern="^[A-Z]{3}$", description="Currency of the prices, such as USD.")
    sources: tuple[str, ...] = Field(default=(), description="Where the prices were read.")
    glue: GluePrices
    lambda_: LambdaPrices = Field(alias="lambda")
    s3: S3Prices

    @classmethod
    def load(cls, conf: Conf) -> Self | None:
        """Read the prices of a config folder; None if it has none.

        Raises:
            ConfigError: If the file is invalid.
        """
        text = conf.read(_FILE)
        if text is None:
            return None
        return Document(f"{conf.uri}/{_FILE}", text, what="it must be a mapping, starting with format:").parse(cls)


def usable_prices(conf: Conf) -> Prices | None:
    """Read the prices for runs: without a valid file, they have no cost, and data is processed all the same."""
    try:
        return Prices.load(conf)
    except LakewrightError as error:
        LOGGER.warning("runs have no cost: %s", one_line("; ".join(str(error).splitlines())))
        return None
