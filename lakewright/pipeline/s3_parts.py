"""Copies of S3 objects in parts, on a condition for the destination, which s3transfer's copies do not have."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lakewright.aws.s3_calls import code_of, patient
from lakewright.concurrency import ThreadPool
from lakewright.errors import ObjectRefusedError
from transforms.object_names import one_line

#: S3's maximum number of parts, and the size of parts if the original has none.
_MOST_PARTS: Final = 10_000
_PART_BYTES: Final = 64 << 20
_PARTS_AT_ONCE: Final = 8
#: The original or the destination was changed, or an earlier try completed the upload and its response was lost.
_CHANGED: Final = ("PreconditionFailed", "412", "NoSuchKey", "404", "NoSuchUpload")

_REFUSALS: Final = {
    "MetadataTooLarge": "S3 allows 2 KB of user metadata, and the original leaves no room for its ETag",
}


@contextlib.contextmanager
def refusing_copies(key: str) -> Iterator[None]:
    """Convert errors about the parameters of a copy.

    Raises:
        ObjectRefusedError: If S3 cannot represent the copy.
    """
    try:
        yield
    except ClientError as error:
        if reason := _REFUSALS.get(code_of(error)):
            raise ObjectRefusedError({one_line(key): reason}) from error
        raise
    except ParamValidationError:
        # Its text quotes the metadata.
        reason = "the original's metadata or tags cannot be copied: S3 accepts only ASCII text"
        raise ObjectRefusedError({one_line(key): reason}) from None


class PartCopier:
    """Copies objects of one bucket in parts, with a client of its caller."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self.bucket, self._s3 = bucket, s3

    def copy(
        self,
        source: str,
        etag: str,
        size: int,
        destination: str,
        *,
        properties: Mapping[str, Any],
        condition: Mapping[str, str],
    ) -> bool:
        """Copy one version of an object, in the parts in which it was uploaded if these are of one size.

        Args:
            source: Key of the original.
            etag: ETag of the version to copy.
            size: Its size.
            destination: Key of the copy.
            properties: Parameters of the copy, such as metadata.
            condition: ``IfMatch`` or ``IfNoneMatch`` for the destination.

        Returns:
            Whether original and destination were unchanged.
        """
        part_bytes = self._part_bytes(source, etag, size)
        upload = self._begin(destination, properties)
        original = {"CopySource": {"Bucket": self.bucket, "Key": source}, "CopySourceIfMatch": etag}
        ranges = [f"bytes={start}-{min(start + part_bytes, size) - 1}" for start in range(0, size, part_bytes)]
        is_complete = False
        try:
            with ThreadPool(_PARTS_AT_ONCE) as pool:
                parts = list(pool.map(lambda part: self._part(upload, original, *part), enumerate(ranges, start=1)))
            is_complete = None not in parts and self._complete(upload, parts, condition)
        finally:
            if not is_complete:
                with contextlib.suppress(ClientError, BotoCoreError):  # the first error is raised
                    self._s3.abort_multipart_upload(**upload)
        return is_complete

    @patient
    def _part_bytes(self, source: str, etag: str, size: int) -> int:
        """Return the size of the original's parts; otherwise one with which S3's maximum of parts suffices."""
        default = max(_PART_BYTES, -(-size // _MOST_PARTS))
        if "-" not in etag:
            return default
        try:
            first = self._s3.head_object(Bucket=self.bucket, Key=source, PartNumber=1)
        except ClientError as error:
            if code_of(error) in _CHANGED:
                return default
            raise
        count, part_bytes = first.get("PartsCount", 0), int(first["ContentLength"])
        return part_bytes if count and -(-size // max(part_bytes, 1)) == count else default

    @patient
    def _begin(self, destination: str, properties: Mapping[str, Any]) -> dict[str, str]:
        here = {"Bucket": self.bucket, "Key": destination}
        with refusing_copies(destination):
            return here | {"UploadId": self._s3.create_multipart_upload(**here, **properties)["UploadId"]}

    @patient
    def _part(
        self, upload: Mapping[str, str], original: Mapping[str, Any], number: int, byte_range: str
    ) -> dict[str, Any] | None:
        """Copy a part; None if the original was changed."""
        try:
            answer = self._s3.upload_part_copy(**upload, **original, PartNumber=number, CopySourceRange=byte_range)
        except ClientError as error:
            if code_of(error) in _CHANGED:
                return None
            raise
        result = answer["CopyPartResult"]
        sums = {name: value for name, value in result.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": result["ETag"], **sums}

    @patient
    def _complete(self, upload: Mapping[str, str], parts: list[Any], condition: Mapping[str, str]) -> bool:
        try:
            self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
        except ClientError as error:
            if code_of(error) in _CHANGED:
                return False
            raise
        return True
