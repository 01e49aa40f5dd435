"""Retries of S3 operations: whole operations are retried for a bounded time, and errors name the bucket or object."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - not a subclass of the builtin
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from lakewright.aws.clients import place_of
from lakewright.aws.outages import Patience, outage_of
from lakewright.aws.s3_advice import ELSEWHERE, NO_CREDENTIALS, advice_on_refusal
from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError

#: Properties of an object that HEAD and GET return, and that writes accept under the same names.
PROPERTIES: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
_SERVER_ERRORS: Final = (500, 502, 503, 504)
_PASSING_CODES: Final = (
    "ConditionalRequestConflict",  # S3 asks clients to retry such requests
    "InternalError",
    "NoSuchUpload",  # completed by an earlier try, or aborted: either way the operation starts over
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",  # of KMS, with status 400
    "TooManyRequests",
)
#: What S3 puts before a code of KMS.
_OF_KMS: Final = "KMS."
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
    """A class whose methods call one bucket."""

    bucket: str


_S = TypeVar("_S", bound=InBucket)


def code_of(error: ClientError) -> str:
    """Return the code of an error response: ``NoSuchKey``, or ``404`` if S3 gives no details."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(error: Exception) -> bool:
    """Return whether an error is transient, so that the same request may succeed later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status in _SERVER_ERRORS or code_of(error).removeprefix(_OF_KMS) in _PASSING_CODES
    return isinstance(error, _PASSING_ERRORS)


def patient(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """Retry an operation on a bucket after transient errors, and convert errors of S3 to lakewright's.

    The operation must be idempotent: it may have succeeded although its response was lost.

    Raises:
        AccessDeniedError: If S3 denies the request.
        ConfigError: If there are no credentials, or the bucket does not exist or is in another region.
        UnreachableError: If S3 does not respond for ``PATIENCE_SECONDS``, or responds with any other error.
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
            except Exception:  # raised by the method about a response
                outage.end()
                raise
            else:
                outage.end()
                return result

    return repeated


def listed_pages(caller: _S, operation: str, continuation: Mapping[str, str], **listing: str) -> Iterator[Any]:
    """Return the pages of a listing; after a failure, it continues at the failed page.

    Args:
        caller: The object whose bucket is listed.
        operation: The S3 operation that returns a page.
        continuation: The parameters that position a request, with the fields of the previous page they come from.
        listing: The parameters of the first page.
    """
    paginator = caller._s3.get_paginator(operation)  # type: ignore[attr-defined]
    pages = iter(paginator.paginate(**listing))

    @patient
    def next_page(_: _S) -> Any:
        nonlocal pages
        try:
            return next(pages, None)
        except Exception:  # a generator cannot continue after it has raised
            pages = iter(paginator.paginate(**listing))
            raise

    while (page := next_page(caller)) is not None:
        listing |= {name: page[part] for name, part in continuation.items() if page.get(part)}
        yield page


def endpoint_of(caller: Any) -> str:
    """Return the endpoint URL of a caller's client."""
    return str(caller._s3.meta.endpoint_url)


def as_lakewright_error(error: Exception, bucket: str) -> Exception:
    """Return an error with the object, code and advice, or with the reason why S3 could not be reached."""
    if isinstance(error, NoCredentialsError):
        return ConfigError(f"{NO_CREDENTIALS} (bucket {bucket})")
    if not isinstance(error, ClientError):
        return UnreachableError(f"S3 could not be reached (bucket {bucket}): {error}")
    code, place = code_of(error), place_of(error) or f"s3://{bucket}/"
    request = f"{error.operation_name} of {place}"
    if code == "NoSuchBucket":
        return ConfigError(f"no such lake: bucket {bucket} does not exist ({request})")
    if code in ELSEWHERE:
        return ConfigError(f"S3 refused {request}: {code}; {ELSEWHERE[code]}")
    if advice := advice_on_refusal(code):
        return AccessDeniedError(f"S3 refused {request}: {code}; {advice}")
    message = error.response.get("Error", {}).get("Message", "")
    return UnreachableError(f"S3 answered {request} with {code}: {message}")
