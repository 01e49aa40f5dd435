"""What an error that came through Spark says: that S3 could not be reached or refused, or that the JVM has ended.

A run that does without Spark does not import it: so its exceptions are known here by their names and texts.
"""

import re
import sys
from typing import Final

from lakewright.aws.s3_advice import advice_on_refusal
from lakewright.errors import AccessDeniedError, JvmEndedError, UnreachableError
from lakewright.unexpected import causes
from transforms.errors import LakewrightError

#: What a client of S3 throws, in S3A and in the platforms' own file systems; its message is the rest of the line.
_THROWN: Final = re.compile(
    r"(?P<kind>(?:com\.amazonaws|software\.amazon\.awssdk|com\.amazon\.ws\.emr|org\.apache\.hadoop\.fs\.s3a|"
    r"java\.nio\.file\.AccessDenied)[\w.$]*Exception): (?P<message>.*)"
)
_STATUS: Final = re.compile(r"Status Code: (\d+)")
_CODE: Final = re.compile(r"Error Code: ([\w.]+)")
_REFUSED: Final = ("401", "403")
_EXPIRED: Final = ("ExpiredToken", "TokenRefreshRequired", "InvalidToken")
_SERVER_ERROR: Final = "5"
#: Answers that say something of an object rather than of S3: a service's exception without a status is none of these.
_SERVICE: Final = ("AmazonS3Exception", "AmazonServiceException", "S3Exception", "AwsServiceException")


def find_unreachable(error: BaseException) -> UnreachableError | None:
    """Find the exception of an S3 client in what Spark says; None if there is none, or if S3 did answer.

    The error's sentence holds what the client says, and nothing else of Spark's text, which may quote rows.
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - py4j asks the JVM for the text, and that may be gone
        return None
    for thrown in _THROWN.finditer(text):
        kind, message = thrown["kind"], thrown["message"].strip()
        if "AccessDenied" in kind and not message.startswith("s3"):  # a local file
            continue
        status, code = _STATUS.search(message), _CODE.search(message)
        if "AccessDenied" in kind or (status and status[1] in _REFUSED) or (code and code[1] in _EXPIRED):
            advice = advice_on_refusal(code[1] if code else "403") or advice_on_refusal("403")
            return AccessDeniedError(f"S3 refused what Spark asked for: {_short(message)}; {advice}")
        is_service = kind.rpartition(".")[2] in _SERVICE
        if (status and status[1].startswith(_SERVER_ERROR)) or (not status and not is_service):
            return UnreachableError(f"Spark could not reach S3: {_short(message)}; run again once it answers")
    return None


def _short(message: str) -> str:
    return message.split("; Request ID:", maxsplit=1)[0].rstrip(". ")


def jvm_error(error: BaseException, stage: str) -> JvmEndedError | None:
    """Give the error to end a run with, if what went wrong is that Spark's JVM ended; None if it is something else.

    Args:
        error: What was raised.
        stage: What the run was about to do.
    """
    if isinstance(error, LakewrightError) and error.exit_code != LakewrightError.exit_code:
        return None  # what was found about data or sources holds, whatever became of the JVM
    if any(_has_not_started(cause) for cause in causes(error)):
        return JvmEndedError("")
    return JvmEndedError(stage) if _has_exited() or any(map(_is_of_no_answer, causes(error))) else None


def _has_exited() -> bool:
    """Tell whether the JVM that this process started has exited; of one that others started (Glue) it is unknown."""
    pyspark = sys.modules.get("pyspark")
    gateway = pyspark.SparkContext._gateway if pyspark else None
    process = getattr(gateway, "proc", None)
    return process is not None and process.poll() is not None


def _has_not_started(error: BaseException) -> bool:
    get_class = getattr(error, "getErrorClass", None)  # of pyspark's exceptions
    return get_class is not None and get_class() == "JAVA_GATEWAY_EXITED"


def _is_of_no_answer(error: BaseException) -> bool:
    """Tell whether an error is one of py4j's for a JVM that does not answer."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "py4j.protocol"]
    if "Py4JNetworkError" in names:
        return True
    # py4j's own words for a call that got no answer, whose exception could not be asked for either.
    return "Py4JError" in names and "Py4JJavaError" not in names and "None.None" in str(error)
