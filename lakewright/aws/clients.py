"""Clients of AWS whose waits are bounded: a service that does not answer is given up within two minutes."""

import threading
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lakewright.aws.buckets import options_of

#: How long a connection may take, and how long a service may be silent while it answers.
CONNECT_SECONDS: float = 5
READ_SECONDS: float = 20
#: How many threads may use one client of S3 at a time without opening a connection for each request.
S3_CONNECTIONS: Final = 16
#: Where an answer that is an error says what it is about.
_PLACE: Final = "LakewrightPlace"

_OTHERS_READ_SECONDS: Final = 10
_ATTEMPTS: Final = 6
#: Targets run side by side, and boto3's own session makes one client at a time.
_MAKING_A_CLIENT: Final = threading.Lock()


def bounded_client(service: str, *, attempts: int = _ATTEMPTS) -> Any:
    """Give a client that retries by itself: six attempts take about 90 seconds at most, four 60."""
    return _client(service, read_seconds=_OTHERS_READ_SECONDS, attempts=attempts)


def s3_client(bucket: str = "", *, attempts: int = 1) -> Any:
    """Give a client of S3 that makes each request once, since ``s3_calls.patient`` repeats whole operations.

    It asks as each bucket wants to be asked (see ``aws.buckets``); of errors it tells the object that they are about.
    """
    client = _client(
        "s3",
        read_seconds=READ_SECONDS,
        attempts=attempts,
        region_name=options_of(bucket).region or None,
        max_pool_connections=S3_CONNECTIONS,
    )
    client.meta.events.register_first("before-parameter-build.s3", _note_place)
    client.meta.events.register_first("before-parameter-build.s3", _ask_as_bucket_wants)
    client.meta.events.register("after-call.s3", _tell_place)
    return client


def place_of(error: ClientError) -> str:
    """Name the object, or the prefix, that an error of such a client is about; empty if it is about none."""
    return str(error.response.get("ResponseMetadata", {}).get(_PLACE, ""))


def error_about(place: str, problem: Mapping[str, Any], operation: str) -> ClientError:
    """Make an error of what the answer to a request says of one of its objects."""
    return ClientError({"Error": {**problem}, "ResponseMetadata": {_PLACE: place}}, operation)  # type: ignore[typeddict-item]


def _ask_as_bucket_wants(params: dict[str, Any], model: Any, **_: Any) -> None:
    options_of(str(params.get("Bucket", ""))).complete(params, model.name, model.input_shape.members)


def _note_place(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    if "Bucket" in params:
        context[_PLACE] = f"s3://{params['Bucket']}/{params.get('Key') or params.get('Prefix') or ''}"


def _tell_place(parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    if "Error" in parsed and _PLACE in context:
        parsed.setdefault("ResponseMetadata", {})[_PLACE] = context[_PLACE]


def _client(service: str, *, read_seconds: float, attempts: int, region_name: str | None = None, **options: Any) -> Any:
    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, retries=retries, **options)
    with _MAKING_A_CLIENT:
        return boto3.client(service, region_name=region_name, config=config)  # type: ignore[call-overload]
