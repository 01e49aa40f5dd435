"""Options for requests to buckets in this process: region, requester pays, encryption."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Operations that set the encryption of an object; parts of a multipart upload inherit it.
_ENCRYPTING: Final = ("CopyObject", "CreateMultipartUpload", "PutObject")
_ENCRYPTION: Final = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")


@dataclass(frozen=True)
class BucketOptions:
    """Options of one bucket; empty values leave S3's defaults.

    Attributes:
        region: The bucket's region, if it differs from the region of this process.
        requester_pays: Whether requests must confirm that the requester pays.
        encryption: AES256 or aws:kms, sent as a header with every write.
        kms_key_id: ARN or ID of the key for aws:kms.
        bucket_key: Whether to use an S3 Bucket Key; None leaves the bucket's setting.
    """

    region: str = ""
    requester_pays: bool = False
    encryption: str = ""
    kms_key_id: str = ""
    bucket_key: bool | None = None

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
