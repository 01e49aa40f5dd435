"""Options for requests to buckets in this process: region, requester pays, encryption."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: Operations that set the encryption of an object; parts of a multipart upload inherit it.
_ENCRYPTING: Final = ("CopyObject", "CreateMultipartUpload", "PutObject")
_ENCRYPTION: Final = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")


class BucketOptions(BaseModel):
    """Options of one bucket; empty values leave S3's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = Field(default="", description="Region of the bucket, such as eu-central-1.")
    requester_pays: bool = Field(
        default=False,
        description="Whether the bucket is Requester Pays; requests then confirm that the requester pays.",
    )
    encryption: Literal["", "AES256", "aws:kms"] = Field(
        default="", description="Server-side encryption that every write requests: AES256 or aws:kms."
    )
    kms_key_id: str = Field(default="", description="KMS key for aws:kms, by ARN or ID.")
    bucket_key: bool | None = Field(default=None, description="Whether writes use an S3 Bucket Key.")

    @model_validator(mode="after")
    def _fits(self) -> "BucketOptions":
        if (self.kms_key_id or self.bucket_key is not None) and not self.encryption == "aws:kms":
            raise ValueError("kms_key_id and bucket_key need encryption: aws:kms")
        return self

    def complete(self, parameters: dict[str, Any], operation: str, known: Mapping[str, Any]) -> None:
        """Add the bucket's options to the parameters of an operation, if the operation supports them."""
        if self.requester_pays and "RequestPayer" in known:
            parameters["RequestPayer"] = "requester"
        if self.encryption and operation in _ENCRYPTING:
            for name, value in zip(_ENCRYPTION, (self.encryption, self.kms_key_id, self.bucket_key), strict=True):
                parameters.pop(name, None)
                if value not in ("", None):
                    parameters[name] = value


_NO_OPTIONS: Final = BucketOptions()
_OPTIONS: Final[dict[str, BucketOptions]] = {}


def use_bucket_options(options: Mapping[str, BucketOptions]) -> None:
    """Set the options, by bucket name, of all later requests in this process."""
    _OPTIONS.clear()
    _OPTIONS.update(options)


def bucket_options() -> dict[str, BucketOptions]:
    """Return the options of all buckets that have any."""
    return dict(_OPTIONS)


def options_of(bucket: str) -> BucketOptions:
    """Return the options of a bucket."""
    return _OPTIONS.get(bucket, _NO_OPTIONS)
