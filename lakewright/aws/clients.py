"""Clients of AWS whose waits are bounded: a service that does not answer is given up within two minutes."""

import threading
from typing import Any, Final

import boto3
from botocore.config import Config

#: How long a connection may take, and how long a service may be silent while it answers.
CONNECT_SECONDS: float = 5
READ_SECONDS: float = 20
#: How many threads may use one client of S3 at a time without opening a connection for each request.
S3_CONNECTIONS: Final = 16

_OTHERS_READ_SECONDS: Final = 10
_ATTEMPTS: Final = 6
#: Targets run side by side, and boto3's own session makes one client at a time.
_MAKING_A_CLIENT: Final = threading.Lock()


def bounded_client(service: str, *, attempts: int = _ATTEMPTS) -> Any:
    """Give a client that retries by itself: six attempts take about 90 seconds at most, four 60."""
    return _client(service, read_seconds=_OTHERS_READ_SECONDS, attempts=attempts)


def s3_client(*, attempts: int = 1) -> Any:
    """Give a client of S3 that makes each request once, since ``s3_calls.patient`` repeats whole operations."""
    return _client("s3", read_seconds=READ_SECONDS, attempts=attempts, max_pool_connections=S3_CONNECTIONS)


def _client(service: str, *, read_seconds: float, attempts: int, **options: Any) -> Any:
    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, retries=retries, **options)
    with _MAKING_A_CLIENT:
        return boto3.client(service, config=config)  # type: ignore[call-overload]
