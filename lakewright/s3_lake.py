"""A lake in an S3 bucket, or below a prefix of one. boto3 resolves credentials, region and ``AWS_ENDPOINT_URL``."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lakewright.errors import AccessDeniedError, ConfigError, UnreachableError
from lakewright.lake import StoredObject

_P = ParamSpec("_P")
_R = TypeVar("_R")


def with_named_errors(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn what S3 says into this project's errors."""

    @wraps(method)
    def named(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return method(*args, **kwargs)
        except ClientError as error:
            raise _as_lakewright_error(error) from error
        except BotoCoreError as error:
            raise UnreachableError(f"S3 could not be reached: {error}") from error

    return named


def code_of(error: ClientError) -> str:
    """Give the code of an answer that is an error: ``NoSuchKey``, or ``404`` where S3 says no more."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _as_lakewright_error(error: ClientError) -> Exception:
    code = code_of(error)
    operation = error.operation_name
    if code in ("NoSuchBucket",):
        return ConfigError(f"no such lake: the bucket does not exist ({operation})")
    if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
        return AccessDeniedError(f"S3 refused {operation}: {code}; check the credentials and the bucket's policy")
    return UnreachableError(f"S3 answered {operation} with {code}: {error}")


class S3Lake:
    """See ``lakewright.lake.Lake``."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{self.prefix}".rstrip("/")
        self._s3: Any = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))

    @with_named_errors
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

    @with_named_errors
    def _page(self, listing: dict[str, str]) -> Any:
        return self._s3.list_objects_v2(**listing)

    @with_named_errors
    def read(self, path: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See ``Lake.read``."""
        end = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + path, **wanted)
            return bytes(answer["Body"].read())
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                raise FileNotFoundError(f"{self.uri}/{path}") from error
            if code_of(error) == "InvalidRange":
                return b""
            raise

    @with_named_errors
    def stat(self, path: str) -> StoredObject | None:
        """See ``Lake.stat``."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=self.prefix + path)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return None
            raise
        return StoredObject(path, head["ContentLength"], head["ETag"].strip('"'), head["LastModified"])

    @with_named_errors
    def create(self, path: str, body: bytes) -> bool:
        """See ``Lake.create``; a retry that meets its own first try finds its own body."""
        try:
            self._s3.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            return self.read(path) == body
        return True

    @with_named_errors
    def replace(self, path: str, body: bytes, *, etag: str) -> bool:
        """See ``Lake.replace``."""
        try:
            self._s3.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=body, IfMatch=etag)
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"):
                raise
            return False
        return True

    @with_named_errors
    def move(self, source: str, destination: str) -> bool:
        """See ``Lake.move``; S3 copies, in parts where the object is large, and the source is deleted afterwards."""
        try:
            self._s3.copy({"Bucket": self.bucket, "Key": self.prefix + source}, self.bucket, self.prefix + destination)
        except ClientError as error:
            if code_of(error) not in ("NoSuchKey", "404"):
                raise
            return self.stat(destination) is not None
        self.delete(source)
        return True

    @with_named_errors
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
