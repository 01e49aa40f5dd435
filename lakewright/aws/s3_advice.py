"""Advice for users on error codes of S3."""

from typing import Final

NO_CREDENTIALS: Final = "no AWS credentials found: sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
_SIGN_IN: Final = "the credentials have expired; sign in again"
_CREDENTIALS: Final = "check the credentials"
_POLICIES: Final = (
    "check the credentials, the policies of role and bucket, and the right to use its KMS key; a bucket that is "
    "Requester Pays or demands an encryption header needs an entry in conf/lake.yaml"
)
_REGION: Final = "the bucket is in another region; set its region in conf/lake.yaml, or AWS_REGION"

#: Codes with which S3 denies a request, and what to do.
REFUSALS: Final = {
    "400": "mostly an expired token; sign in again",  # responses to HEAD have no body with details
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
#: Codes for requests to the wrong region.
ELSEWHERE: Final = {
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
}
_OF_KMS: Final = "check that its KMS key exists, is enabled, and is in the bucket's region"


def advice_on_refusal(code: str) -> str:
    """Return what to do about a denied request; empty for other codes."""
    return _OF_KMS if code.startswith("KMS.") else REFUSALS.get(code, "")
