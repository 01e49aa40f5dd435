"""Calls to S3 that outlast faults: whole operations are repeated, for a bounded time, and errors name the bucket."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - no subclass of the builtin one
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from lakewright.aws.clients import place_of
from lakewright.aws.outages import Patience, outage_of
from lakewright.aws.s3_advice import ELSEWHERE, advice_on_refusal
from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError

_SERVER_ERRORS: Final = (500, 502, 503, 504)
_PASSING_CODES: Final = (
    "ConditionalRequestConflict",  # S3 asks for such a request to be made again
    "InternalError",
    "NoSuchUpload",  # completed by a try before, or aborted: either way the operation is made anew
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "TooManyRequests",
)
_PASSING_ERRORS: Final = (
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ResponseParserError,
)

_P = ParamSpec("_P")
_R = TypeVar("_R")


class InBucket(Protocol):
    """What makes calls to one bucket."""

    bucket: str


_S = TypeVar("_S", bound=InBucket)


def code_of(error: ClientError) -> str:
    """Give the code of an answer that is an error: ``NoSuchKey``, or ``404`` where S3 says no more."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(error: Exception) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status in _SERVER_ERRORS or code_of(error) in _PASSING_CODES
    return isinstance(error, _PASSING_ERRORS)


def patient(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """Repeat an operation on a bucket while what goes wrong may pass, and turn what S3 says into this project's errors.

    The operation must be one that can be repeated although it was carried out and only the answer was lost.

    Raises:
        AccessDeniedError: If S3 refuses.
        ConfigError: If there is no such bucket, or it is in another region.
        UnreachableError: If it does not answer for ``PATIENCE_SECONDS``, or answers with anything else.
    """

    @wraps(method)
    def repeated(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        outage = outage_of(endpoint_of(self), self.bucket)
        outage.refuse()
        patience = Patience(outage)
        while True:
            try:
                result = method(self, *args, **kwargs)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                if not is_passing(error):
                    outage.end()
                    raise as_lakewright_error(error, self.bucket) from error
                patience.wait(error)
            except Exception:  # what a method makes of an answer
                outage.end()
                raise
            else:
                outage.end()
                return result

    return repeated


def listed_pages(caller: _S, operation: str, goes_on: Mapping[str, str], **listing: str) -> Iterator[Any]:
    """Give the pages of a listing; one that fails is asked for again, from where the listing was.

    Args:
        caller: What lists its bucket.
        operation: The operation of S3 that gives a page.
        goes_on: The parameters that say where a page begins, and what of the page before they are.
        listing: The parameters of the first page.
    """
    paginator = caller._s3.get_paginator(operation)  # type: ignore[attr-defined]
    pages = iter(paginator.paginate(**listing))

    @patient
    def next_page(_: _S) -> Any:
        nonlocal pages
        try:
            return next(pages, None)
        except Exception:  # a generator that has raised is at its end
            pages = iter(paginator.paginate(**listing))
            raise

    while (page := next_page(caller)) is not None:
        listing |= {name: page[part] for name, part in goes_on.items() if page.get(part)}
        yield page


def endpoint_of(caller: Any) -> str:
    """Say where a caller's bucket is."""
    return str(caller._s3.meta.endpoint_url)


def as_lakewright_error(error: Exception, bucket: str) -> Exception:
    """Name what S3 said and of which object, or why it was not asked."""
    if not isinstance(error, ClientError):
        return UnreachableError(f"S3 could not be reached (bucket {bucket}): {error}")
    code, place = code_of(error), place_of(error) or f"s3://{bucket}/"
    asked = f"{error.operation_name} of {place}"
    if code == "NoSuchBucket":
        return ConfigError(f"no such lake: bucket {bucket} does not exist ({asked})")
    if code in ELSEWHERE:
        return ConfigError(f"S3 refused {asked}: {code}; {ELSEWHERE[code]}")
    if advice := advice_on_refusal(code):
        return AccessDeniedError(f"S3 refused {asked}: {code}; {advice}")
    message = error.response.get("Error", {}).get("Message", "")
    return UnreachableError(f"S3 answered {asked} with {code}: {message}")
