"""Error responses of S3 become errors that name the object, the code, and what to do."""

import pytest
from botocore.exceptions import NoCredentialsError

from lakewright.aws.clients import error_about
from lakewright.aws.s3_calls import as_lakewright_error, is_passing
from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        ("AccessDenied", AccessDeniedError, "AccessDenied; check the credentials, the policies of role and bucket"),
        ("403", AccessDeniedError, "403; check the credentials, the policies of role and bucket"),
        ("403", AccessDeniedError, "a bucket that is Requester Pays or demands an encryption header needs an entry in"),
        ("ExpiredToken", AccessDeniedError, "ExpiredToken; the credentials have expired; sign in again"),
        ("InvalidObjectState", AccessDeniedError, "InvalidObjectState; it is archived; restore it first"),
        (
            "KMS.DisabledException",
            AccessDeniedError,
            "KMS.DisabledException; check that its KMS key exists, is enabled",
        ),
        ("RequestTimeTooSkewed", AccessDeniedError, "the clock of this machine is wrong; set it"),
        ("PermanentRedirect", ConfigError, "the bucket is in another region; set its region in conf/lake.yaml"),
        ("301", ConfigError, "the bucket is in another region; set its region in conf/lake.yaml"),
        ("NoSuchBucket", ConfigError, "no such lake: bucket b does not exist"),
        ("MethodNotAllowed", UnreachableError, "with MethodNotAllowed: as S3 puts it"),
    ],
)
def test_errors_name_the_object_and_what_to_do(code: str, kind: type[Exception], advice: str) -> None:
    answer = error_about("s3://b/raw/k", {"Code": code, "Message": "as S3 puts it"}, "GetObject")
    error = as_lakewright_error(answer, "b")
    assert type(error) is kind
    assert "GetObject of s3://b/raw/k" in str(error)
    assert advice in str(error)


@pytest.mark.parametrize(
    ("code", "passing"),
    [
        ("SlowDown", True),
        ("ThrottlingException", True),
        ("KMS.ThrottlingException", True),
        ("KMS.DisabledException", False),
        ("AccessDenied", False),
    ],
)
def test_throttling_passes_whatever_its_status_is(code: str, passing: bool) -> None:
    error = error_about("s3://b/raw/k", {"Code": code}, "GetObject")
    error.response["ResponseMetadata"]["HTTPStatusCode"] = 400
    assert is_passing(error) is passing


def test_missing_credentials_are_an_error_of_the_configuration() -> None:
    error = as_lakewright_error(NoCredentialsError(), "b")
    assert type(error) is ConfigError
    assert str(error) == "no AWS credentials found: sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID (bucket b)"
