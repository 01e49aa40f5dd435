"""What an error that came through Spark says of S3: that it could not be reached, or that it refused."""

import re
from typing import Final

from lakewright.errors import AccessDeniedError, UnreachableError

#: What a client of S3 throws, in S3A and in the platforms' own file systems; its message is the rest of the line.
_THROWN: Final = re.compile(
    r"(?P<kind>(?:com\.amazonaws|software\.amazon\.awssdk|com\.amazon\.ws\.emr|org\.apache\.hadoop\.fs\.s3a|"
    r"java\.nio\.file\.AccessDenied)[\w.$]*Exception): (?P<message>.*)"
)
_STATUS: Final = re.compile(r"Status Code: (\d+)")
_CODE: Final = re.compile(r"Error Code: (\w+)")
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
            return AccessDeniedError(f"S3 refused what Spark asked for: {_short(message)}; check the credentials")
        is_service = kind.rpartition(".")[2] in _SERVICE
        if (status and status[1].startswith(_SERVER_ERROR)) or (not status and not is_service):
            return UnreachableError(f"Spark could not reach S3: {_short(message)}; run again once it answers")
    return None


def _short(message: str) -> str:
    return message.split("; Request ID:", maxsplit=1)[0].rstrip(". ")
