"""What buckets ask of the requests of this process: their region, who pays, how objects are encrypted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: The operations that write an object's encryption down; UploadPart and CompleteMultipartUpload follow from the first.
_ENCRYPTING: Final = ("CopyObject", "CreateMultipartUpload", "PutObject")
_ENCRYPTION: Final = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")


@dataclass(frozen=True)
class BucketOptions:
    """What one bucket asks for; empty is what S3 does by itself.

    Attributes:
        region: Where the bucket is, if not where this process works.
        requester_pays: Whether requests must say that the requester pays.
        encryption: AES256 or aws:kms: the header that each write carries.
        kms_key_id: The key of aws:kms, by ARN or id.
        bucket_key: Whether to use an S3 Bucket Key; None leaves it to the bucket.
    """

    region: str = ""
    requester_pays: bool = False
    encryption: str = ""
    kms_key_id: str = ""
    bucket_key: bool | None = None

    def complete(self, parameters: dict[str, Any], operation: str, known: Mapping[str, Any]) -> None:
        """Add to the parameters of an operation what the bucket asks for, as far as the operation knows it."""
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
    """Use these options, by the names of buckets, for all requests of this process from now on."""
    _OPTIONS.clear()
    _OPTIONS.update(options)


def bucket_options() -> dict[str, BucketOptions]:
    """Give the options of all buckets that have some."""
    return dict(_OPTIONS)


def options_of(bucket: str) -> BucketOptions:
    """Give the options of a bucket."""
    return _OPTIONS.get(bucket, _NO_OPTIONS)
