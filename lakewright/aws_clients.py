"""Clients of AWS whose waits are bounded: a service that does not answer is given up within two minutes."""

from typing import Any, Final

import boto3
from botocore.config import Config

#: How long a connection may take, and how long a service may be silent while it answers.
CONNECT_SECONDS: float = 5
READ_SECONDS: float = 20

_OTHERS_READ_SECONDS: Final = 10
_ATTEMPTS: Final = 6


def bounded_client(service: str) -> Any:
    """Give a client that retries by itself: six attempts, which take about 90 seconds at most."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=_OTHERS_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        ),
    )


def s3_client(*, attempts: int = 1) -> Any:
    """Give a client of S3 that makes each request once, since ``s3_calls.patient`` repeats whole operations."""
    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )
