"""Classify errors from Spark: S3 is unreachable or denied access, or the JVM has ended.

Runs without Spark do not import it, so its exceptions are recognized by their names and texts.
"""

import re
import subprocess
import sys
from contextlib import suppress
from typing import Final

from lakewright.aws.s3_advice import advice_on_refusal
from lakewright.errors import AccessDeniedError, JvmEndedError, UnreachableError
from lakewright.unexpected import causes
from transforms.errors import LakewrightError

#: Exceptions of S3 clients, in S3A and in the platforms' file systems; the message is the rest of the line.
_THROWN: Final = re.compile(
    r"(?P<kind>(?:com\.amazonaws|software\.amazon\.awssdk|com\.amazon\.ws\.emr|org\.apache\.hadoop\.fs\.s3a|"
    r"java\.nio\.file\.AccessDenied)[\w.$]*Exception): (?P<message>.*)"
)
_STATUS: Final = re.compile(r"Status Code: (\d+)")
_CODE: Final = re.compile(r"Error Code: ([\w.]+)")
_REFUSED: Final = ("401", "403")
_EXPIRED: Final = ("ExpiredToken", "TokenRefreshRequired", "InvalidToken")
_SERVER_ERROR: Final = "5"
_SECONDS_TO_END: Final = 2
#: Exceptions of services; without a status code, they do not mean that S3 was unreachable.
_SERVICE: Final = ("AmazonS3Exception", "AmazonServiceException", "S3Exception", "AwsServiceException")


def find_unreachable(error: BaseException) -> UnreachableError | None:
    """Find the exception of an S3 client in an error from Spark; None if there is none, or if S3 responded.

    The message contains only the client's text, since the rest of Spark's text may quote rows.
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - py4j asks the JVM for the text, and the JVM may have ended
        return None
    for thrown in _THROWN.finditer(text):
        kind, message = thrown["kind"], thrown["message"].strip()
        if "AccessDenied" in kind and not message.startswith("s3"):  # a local file
            continue
        status, code = _STATUS.search(message), _CODE.search(message)
        if "AccessDenied" in kind or (status and status[1] in _REFUSED) or (code and code[1] in _EXPIRED):
            advice = advice_on_refusal(code[1] if code else "403") or advice_on_refusal("403")
            return AccessDeniedError(f"S3 refused a request of Spark: {_short(message)}; {advice}")
        is_service = kind.rpartition(".")[2] in _SERVICE
        if (status and status[1].startswith(_SERVER_ERROR)) or (not status and not is_service):
            return UnreachableError(f"Spark could not reach S3: {_short(message)}; run again once it answers")
    return None


def _short(message: str) -> str:
    return message.split("; Request ID:", maxsplit=1)[0].rstrip(". ")


def jvm_error(error: BaseException, stage: str) -> JvmEndedError | None:
    """Return the error for a run that failed because Spark's JVM ended; None for other failures.

    Args:
        error: The exception that was raised.
        stage: The stage that the run was in.
    """
    if isinstance(error, LakewrightError) and error.exit_code != LakewrightError.exit_code:
        return None  # errors about data or sources are valid even if the JVM ended
    if any(_has_not_started(cause) for cause in causes(error)):
        return JvmEndedError("")
    return JvmEndedError(stage) if _has_exited(error) or any(map(_is_of_no_answer, causes(error))) else None


def _has_exited(error: BaseException) -> bool:
    """Return whether the JVM has exited; only known if this process started it (not on Glue)."""
    pyspark = sys.modules.get("pyspark")
    gateway = pyspark.SparkContext._gateway if pyspark else None
    process = getattr(gateway, "proc", None)
    if process is None:
        return False
    is_of_gateway = any(map(_is_of_gateway, causes(error)))
    with suppress(subprocess.TimeoutExpired):  # a killed process may need a moment to end
        process.wait(_SECONDS_TO_END if is_of_gateway else 0)
    return process.poll() is not None


def _is_of_gateway(error: BaseException) -> bool:
    """Return whether an error is py4j's own, without an exception of the JVM."""
    return type(error).__module__ == "py4j.protocol" and type(error).__name__ != "Py4JJavaError"


def _has_not_started(error: BaseException) -> bool:
    get_class = getattr(error, "getErrorClass", None)  # of pyspark's exceptions
    return get_class is not None and get_class() == "JAVA_GATEWAY_EXITED"


def _is_of_no_answer(error: BaseException) -> bool:
    """Return whether an error is py4j's for a JVM that does not respond."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "py4j.protocol"]
    if "Py4JNetworkError" in names:
        return True
    # py4j's text for a call that got no response, if its exception could not be fetched either.
    return "Py4JError" in names and "Py4JJavaError" not in names and "None.None" in str(error)
