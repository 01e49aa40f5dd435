"""A lake in an S3 bucket, or below a prefix of one. boto3 resolves credentials, region and ``AWS_ENDPOINT_URL``."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import ClientError

from lakewright.aws.clients import s3_client
from lakewright.aws.s3_calls import code_of, patient
from lakewright.errors import ConfigError
from lakewright.storage.lake import StoredObject

_GONE: Final = ("NoSuchKey", "404")
_ATTEMPTS_AT_A_PART: Final = 3


class S3Lake:
    """See ``lakewright.storage.lake.Lake``."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{self.prefix}".rstrip("/")
        self._s3: Any = s3_client()

    @patient
    def check(self) -> None:
        """See ``Lake.check``."""
        try:
            self._s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                raise ConfigError(f"no such lake: bucket {self.bucket} does not exist") from error
            raise

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """See ``Lake.list``."""
        listing: dict[str, str] = {"Bucket": self.bucket, "Prefix": self.prefix + prefix}
        if after:
            listing["StartAfter"] = self.prefix + after
        while True:
            page = self._page(listing)
            for entry in page.get("Contents", ()):
                path = entry["Key"][len(self.prefix) :]
                yield StoredObject(path, entry["Size"], entry["ETag"].strip('"'), entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            listing["ContinuationToken"] = page["NextContinuationToken"]

    def folders(self, prefix: str) -> Sequence[str]:
        """See ``Lake.folders``."""
        listing: dict[str, str] = {"Bucket": self.bucket, "Prefix": self.prefix + prefix, "Delimiter": "/"}
        found = []
        while True:
            page = self._page(listing)
            found += [entry["Prefix"].rstrip("/").rsplit("/", 1)[-1] for entry in page.get("CommonPrefixes", ())]
            if not page.get("IsTruncated"):
                return sorted(found)
            listing["ContinuationToken"] = page["NextContinuationToken"]

    @patient
    def _page(self, listing: dict[str, str]) -> Any:
        return self._s3.list_objects_v2(**listing)

    def read(self, path: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See ``Lake.read``."""
        return self._get(path, start, length)[0]

    def pieces(self, path: str, *, length: int) -> Iterator[bytes]:
        """See ``Lake.pieces``; each is a request of its own, on condition that the object is still the same."""
        start, etag = 0, ""
        while True:
            piece, etag = self._get(path, start, length, etag)
            if piece:
                yield piece
            if len(piece) < length:
                return
            start += len(piece)

    @patient
    def _get(self, path: str, start: int, length: int | None, etag: str = "") -> tuple[bytes, str]:
        """Read a range to its end, and tell the object's ETag; with ``etag``, only of that version."""
        end = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        if etag:
            wanted["IfMatch"] = etag
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + path, **wanted)
            return bytes(answer["Body"].read()), str(answer["ETag"])
        except ClientError as error:
            if code_of(error) in _GONE:
                raise FileNotFoundError(f"{self.uri}/{path}") from error
            if code_of(error) == "PreconditionFailed":
                raise FileNotFoundError(f"{self.uri}/{path} was written again while it was read") from error
            if code_of(error) == "InvalidRange":
                return b"", etag
            raise

    @patient
    def stat(self, path: str) -> StoredObject | None:
        """See ``Lake.stat``."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=self.prefix + path)
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise
        return StoredObject(path, head["ContentLength"], head["ETag"].strip('"'), head["LastModified"])

    def create(self, path: str, body: bytes) -> bool:
        """See ``Lake.create``; a retry that meets its own first try finds its own body."""
        while not self._put(path, body, {"IfNoneMatch": "*"}):
            try:
                return self.read(path) == body
            except FileNotFoundError:  # deleted since
                continue
        return True

    def replace(self, path: str, body: bytes, *, etag: str) -> bool:
        """See ``Lake.replace``; a retry that meets its own first try finds its own body."""
        if self._put(path, body, {"IfMatch": etag}):
            return True
        try:
            return self.read(path) == body
        except FileNotFoundError:
            return False

    @patient
    def _put(self, path: str, body: bytes, condition: Mapping[str, str]) -> bool:
        """Write an object; False if the condition does not hold, which may be because of a try before this one."""
        try:
            self._s3.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=body, **condition)
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", *_GONE):
                raise
            return False
        return True

    def move(self, source: str, destination: str) -> bool:
        """See ``Lake.move``; S3 copies, in parts where the object is large, and the source is deleted afterwards."""
        if not self._copy(source, destination):
            return self.stat(destination) is not None
        self.delete(source)
        return True

    @patient
    def _copy(self, source: str, destination: str) -> bool:
        """Copy an object; False if it is not there."""
        place = {"Bucket": self.bucket, "Key": self.prefix + source}
        try:
            self._copier.copy(place, self.bucket, self.prefix + destination)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            return False
        return True

    @cached_property
    def _copier(self) -> Any:
        """A client that repeats requests by itself, so that a large copy need not begin anew for each that fails."""
        return s3_client(attempts=_ATTEMPTS_AT_A_PART)

    @patient
    def delete(self, path: str) -> None:
        """See ``Lake.delete``."""
        self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + path)

    def delete_folder(self, folder: str) -> None:
        """See ``Lake.delete_folder``."""
        for entry in list(self.list(folder)):
            self.delete(entry.path)

    def spark_uri(self, path: str) -> str:
        """See ``Lake.spark_uri``."""
        return f"s3a://{self.bucket}/{self.prefix}{path}".rstrip("/")
