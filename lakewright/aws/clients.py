"""AWS clients with bounded waits: requests to a service that does not respond fail within two minutes."""

import threading
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lakewright.aws.buckets import options_of
from lakewright.measuring.meters import current_meter

#: Timeouts of connecting, and of silence while a response is read.
CONNECT_SECONDS: float = 5
READ_SECONDS: float = 20
#: The number of threads that can share one S3 client without opening a connection per request.
S3_CONNECTIONS: Final = 16
#: The key under which an error response carries the URI of its object.
_PLACE: Final = "LakewrightPlace"

_OTHERS_READ_SECONDS: Final = 10
_ATTEMPTS: Final = 6
#: Targets run concurrently, but boto3's default session is not safe for creating clients in parallel.
_MAKING_A_CLIENT: Final = threading.Lock()


def bounded_client(service: str, *, attempts: int = _ATTEMPTS) -> Any:
    """Return a client with built-in retries: six attempts take at most about 90 seconds, four at most 60."""
    return _client(service, read_seconds=_OTHERS_READ_SECONDS, attempts=attempts)


def s3_client(bucket: str = "", *, attempts: int = 1, read_seconds: float | None = None) -> Any:
    """Return an S3 client that sends each request once, since ``s3_calls.patient`` retries whole operations.

    It applies the options of each bucket (see ``aws.buckets``), adds the object's URI to error responses, and counts
    requests (see ``measuring.meters``).
    """
    client = _client(
        "s3",
        read_seconds=read_seconds or READ_SECONDS,
        attempts=attempts,
        region_name=options_of(bucket).region or None,
        max_pool_connections=S3_CONNECTIONS,
    )
    client.meta.events.register_first("before-parameter-build.s3", _remember_place)
    client.meta.events.register_first("before-parameter-build.s3", _apply_bucket_options)
    client.meta.events.register("after-call.s3", _add_place_to_error)
    client.meta.events.register("before-send.s3", _count)
    return client


def place_of(error: ClientError) -> str:
    """Return the URI of the object or prefix that an error of an S3 client concerns; empty if unknown."""
    return str(error.response.get("ResponseMetadata", {}).get(_PLACE, ""))


def error_about(place: str, problem: Mapping[str, Any], operation: str) -> ClientError:
    """Return an error for one object of a bulk request, from its entry in the response."""
    return ClientError({"Error": {**problem}, "ResponseMetadata": {_PLACE: place}}, operation)  # type: ignore[typeddict-item]


def _apply_bucket_options(params: dict[str, Any], model: Any, **_: Any) -> None:
    options_of(str(params.get("Bucket", ""))).complete(params, model.name, model.input_shape.members)


def _remember_place(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    if "Bucket" in params:
        deleted = params.get("Delete", {}).get("Objects")
        key = deleted[0]["Key"] if deleted else params.get("Key") or params.get("Prefix") or ""
        context[_PLACE] = f"s3://{params['Bucket']}/{key}"


def _add_place_to_error(parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    if "Error" in parsed and _PLACE in context:
        parsed.setdefault("ResponseMetadata", {})[_PLACE] = context[_PLACE]


def _count(event_name: str, **_: Any) -> None:
    """Count a request, with each retry: its event is named ``before-send.s3.<operation>``."""
    current_meter().count(event_name.rpartition(".")[2])


def _client(service: str, *, read_seconds: float, attempts: int, region_name: str | None = None, **options: Any) -> Any:
    retries: Any = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=read_seconds, retries=retries, **options)
    with _MAKING_A_CLIENT:
        return boto3.client(service, region_name=region_name, config=config)  # type: ignore[call-overload]
