"""What a person can do about an answer of S3, by its code."""

from typing import Final

_SIGN_IN: Final = "the credentials have expired; sign in again"
_CREDENTIALS: Final = "check the credentials"
_POLICIES: Final = "check the credentials, the policies of role and bucket, and the right to use its KMS key"
_REGION: Final = "the bucket is in another region; set its region in conf/lake.yaml, or AWS_REGION"

#: Codes by which S3 refuses a request, and what to do.
REFUSALS: Final = {
    "400": "mostly an expired token; sign in again",  # the answer to HEAD has no body that could say more
    "403": _POLICIES,
    "AccessDenied": _POLICIES,
    "ExpiredToken": _SIGN_IN,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidObjectState": "it is archived; restore it first",
    "InvalidToken": _CREDENTIALS,
    "RequestExpired": "the clock of this machine is wrong; set it",
    "RequestTimeTooSkewed": "the clock of this machine is wrong; set it",
    "SignatureDoesNotMatch": _CREDENTIALS,
    "TokenRefreshRequired": _SIGN_IN,
}
#: Codes of a request that went to the wrong region.
ELSEWHERE: Final = {
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
}
_OF_KMS: Final = "check that its KMS key is there, enabled, and of the bucket's region"


def advice_on_refusal(code: str) -> str:
    """Say what to do about a refusal; empty if the code is none."""
    return _OF_KMS if code.startswith("KMS.") else REFUSALS.get(code, "")
