"""Calls to S3 that outlast faults: whole operations are repeated, for a bounded time, and errors name the bucket."""

import logging
import random
import threading
import time
from collections.abc import Callable
from functools import cache, wraps
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

from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError

LOGGER = logging.getLogger("lakewright")

#: How long an operation is repeated, how often a log line says so meanwhile, and how long a bucket that has been given
#: up is not asked again: a run that ends then ends at once, instead of waiting for each thing that is left to do.
PATIENCE_SECONDS: float = 60
TELL_SECONDS: float = 10
COOLDOWN_SECONDS: float = 5

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0
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
_REFUSALS: Final = (
    "403",
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
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


class Outage:
    """Since when a bucket has not answered, whoever of this process asked."""

    def __init__(self, bucket: str) -> None:
        self._bucket, self._lock = bucket, threading.Lock()
        self._since: float | None = None
        self._last = self._told = 0.0
        self._problem = ""

    def end(self) -> None:
        """Take note of an answer."""
        with self._lock:
            self._since = None

    def refuse(self) -> None:
        """Ask no more for a while, once the bucket has been given up.

        Raises:
            UnreachableError: If that is so.
        """
        with self._lock:
            given_up = self._since is not None and self._last - self._since >= PATIENCE_SECONDS
            if given_up and time.monotonic() - self._last < COOLDOWN_SECONDS:
                raise self._error(self._last - (self._since or 0))

    def note(self, problem: Exception, *, since: float) -> None:
        """Take note of a call without an answer; ``since`` is when its operation failed first.

        Raises:
            UnreachableError: If that has lasted for too long.
        """
        with self._lock:
            if self._since is None:
                self._since = self._told = since
            self._last, self._problem = time.monotonic(), str(problem)
            lasted = self._last - min(since, self._since)
            if lasted >= PATIENCE_SECONDS:
                raise self._error(lasted) from problem
            if self._last - self._told >= TELL_SECONDS:
                self._told = self._last
                LOGGER.warning(
                    "S3 (bucket %s) has not answered for %.0f s, giving up after %.0f s: %s",
                    *(self._bucket, lasted, PATIENCE_SECONDS, problem),
                )

    def _error(self, lasted: float) -> UnreachableError:
        return UnreachableError(
            f"S3 could not be reached: bucket {self._bucket} has not answered for {lasted:.0f} s ({self._problem}); "
            "run again once it does"
        )


@cache
def outage_of(endpoint: str, bucket: str) -> Outage:  # noqa: ARG001 - a part of the key
    """Give what this process knows of a bucket."""
    return Outage(bucket)


class Patience:
    """The patience with one operation: each failure is either waited for, or the last."""

    def __init__(self, outage: Outage) -> None:
        self._outage, self._wait = outage, _FIRST_WAIT
        self._since: float | None = None

    def renew(self) -> None:
        """Begin anew, after a part of the operation has succeeded."""
        self._outage.end()
        self._wait, self._since = _FIRST_WAIT, None

    def wait(self, problem: Exception) -> None:
        """Wait a little before the next try.

        Raises:
            UnreachableError: If it has been tried for long enough.
        """
        self._since = self._since or time.monotonic()
        self._outage.note(problem, since=self._since)
        time.sleep(random.uniform(self._wait / 2, self._wait))  # noqa: S311 - so that threads do not come all at once
        self._wait = min(2 * self._wait, _LONGEST_WAIT)


def patient(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """Repeat an operation on a bucket while what goes wrong may pass, and turn what S3 says into this project's errors.

    The operation must be one that can be repeated although it was carried out and only the answer was lost.

    Raises:
        AccessDeniedError: If S3 refuses.
        ConfigError: If there is no such bucket.
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
                    raise as_lakewright_error(error, self.bucket) from error
                patience.wait(error)
            else:
                outage.end()
                return result

    return repeated


def endpoint_of(caller: Any) -> str:
    """Say where a caller's bucket is."""
    return str(caller._s3.meta.endpoint_url)


def as_lakewright_error(error: Exception, bucket: str) -> Exception:
    """Name what S3 said, or why it was not asked."""
    if not isinstance(error, ClientError):
        return UnreachableError(f"S3 could not be reached (bucket {bucket}): {error}")
    code, operation = code_of(error), error.operation_name
    if code == "NoSuchBucket":
        return ConfigError(f"no such lake: bucket {bucket} does not exist ({operation})")
    if code in _REFUSALS:
        return AccessDeniedError(
            f"S3 refused {operation} in bucket {bucket}: {code}; check the credentials and the bucket's policy"
        )
    if code == "400":  # the answer to HEAD has no body that could say more
        return AccessDeniedError(
            f"S3 refused {operation} in bucket {bucket}: 400, mostly an expired token; sign in again"
        )
    return UnreachableError(f"S3 answered {operation} in bucket {bucket} with {code}: {error}")
