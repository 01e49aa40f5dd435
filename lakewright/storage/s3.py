"""A lake in an S3 bucket or prefix. boto3 resolves credentials, region and ``AWS_ENDPOINT_URL``."""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError
from s3transfer.manager import TransferConfig, TransferManager

from lakewright.aws.clients import S3_CONNECTIONS, error_about, s3_client
from lakewright.aws.s3_calls import code_of, is_passing, listed_pages, patient
from lakewright.concurrency import ThreadPool
from lakewright.errors import ConfigError, ObjectRefusedError
from lakewright.measuring.work import Done, advance
from lakewright.storage.in_place import ARCHIVED
from lakewright.storage.lake import StoredObject

_GONE: Final = ("NoSuchKey", "404")
_NEXT_PAGE: Final = {"ContinuationToken": "NextContinuationToken"}
#: Maximum number of keys of a bulk delete. Its XML cannot represent every character of a key.
_DELETED_AT_ONCE: Final = 1000
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: Larger objects are copied in parts of this size; a failed part is retried alone.
_PART_BYTES: Final = 64 << 20
_ATTEMPTS_AT_A_PART: Final = 3


class S3Lake:
    """See ``lakewright.storage.lake.Lake``."""

    has_empty_folders = False

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{self.prefix}".rstrip("/")
        self._s3: Any = s3_client(bucket)
        self._answered, self._lock = 0.0, threading.Lock()

    @patient
    def check(self) -> None:
        """See ``Lake.check``."""
        try:
            self._s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                raise ConfigError(f"no such lake: bucket {self.bucket} does not exist") from error
            raise

    def clock(self) -> float | None:
        """See ``Lake.clock``."""
        return self._answered or None

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """See ``Lake.list``."""
        begin = {"StartAfter": self.prefix + after} if after else {}
        for page in self._pages(prefix, begin):
            for entry in page.get("Contents", ()):
                path = entry["Key"][len(self.prefix) :]
                yield StoredObject(path, entry["Size"], _etag_of(entry), entry["LastModified"])

    def folders(self, prefix: str) -> Sequence[str]:
        """See ``Lake.folders``."""
        pages = self._pages(prefix, {"Delimiter": "/"})
        folders = (entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ()))
        return sorted(folder.rstrip("/").rsplit("/", 1)[-1] for folder in folders)

    def _pages(self, prefix: str, more: Mapping[str, str]) -> Iterator[Any]:
        listing = {"Bucket": self.bucket, "Prefix": self.prefix + prefix, **more}
        return listed_pages(self, "list_objects_v2", _NEXT_PAGE, **listing)

    def read(self, path: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """See ``Lake.read``."""
        return self._get(path, start, length, etag)[0]

    def pieces(self, path: str, *, length: int, etag: str = "") -> Iterator[bytes]:
        """See ``Lake.pieces``; each piece is a separate request with ``If-Match``."""
        start = 0
        while True:
            piece, etag = self._get(path, start, length, etag)
            if piece:
                yield piece
            if len(piece) < length:
                return
            start += len(piece)

    @patient
    def _get(self, path: str, start: int, length: int | None, etag: str = "") -> tuple[bytes, str]:
        """Read a range; also return the object's ETag. With ``etag``, read only that version."""
        end = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        if etag:
            wanted["IfMatch"] = f'"{etag}"'
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + path, **wanted)
            return bytes(answer["Body"].read()), _etag_of(answer)
        except ClientError as error:
            if code_of(error) in _GONE:
                raise FileNotFoundError(f"{self.uri}/{path}") from error
            if code_of(error) == "PreconditionFailed":
                raise FileNotFoundError(f"{self.uri}/{path} was rewritten while it was read") from error
            if code_of(error) == "InvalidRange":
                # An empty object has no range; without one, S3 only compares the version.
                return self._get(path, 0, None, etag) if etag and not start else (b"", etag)
            if code_of(error) == "InvalidObjectState":
                raise ObjectRefusedError({path: ARCHIVED}) from error
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
        return StoredObject(path, head["ContentLength"], _etag_of(head), head["LastModified"])

    def create(self, path: str, body: bytes) -> str:
        """See ``Lake.create``; if the response to a first try was lost, the retry recognizes its body."""
        while not (etag := self._put(path, body, {"IfNoneMatch": "*"})):
            try:
                return self._etag_if_same(path, body)
            except FileNotFoundError:  # deleted since
                continue
        return etag

    def replace(self, path: str, body: bytes, *, etag: str) -> str:
        """See ``Lake.replace``; if the response to a first try was lost, the retry recognizes its body."""
        if written := self._put(path, body, {"IfMatch": etag}):
            return written
        try:
            return self._etag_if_same(path, body)
        except FileNotFoundError:
            return ""

    def _etag_if_same(self, path: str, body: bytes) -> str:
        stored, etag = self._get(path, 0, None)
        return etag if stored == body else ""

    @patient
    def _put(self, path: str, body: bytes, condition: Mapping[str, str]) -> str:
        """Write an object, and return its ETag.

        It is empty if the condition fails, which an earlier try with a lost response may have caused.
        """
        try:
            answer = self._s3.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=body, **condition)
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", *_GONE):
                raise
            self._note_time(error.response)
            return ""
        self._note_time(answer)
        return _etag_of(answer)

    def _note_time(self, answer: Mapping[str, Any]) -> None:
        with self._lock:
            self._answered = max(self._answered, _time_of(answer))

    def move_all(
        self,
        moves: Mapping[str, str],
        *,
        sizes: Mapping[str, int] | None = None,
        undeleted: MutableSequence[str] | None = None,
    ) -> Sequence[str]:
        """See ``Lake.move_all``; S3 copies all objects, then the sources are deleted."""
        if not moves:
            return []
        known = sizes or {}
        client = s3_client(self.bucket, attempts=_ATTEMPTS_AT_A_PART)
        config = TransferConfig(
            multipart_threshold=_PART_BYTES,
            multipart_chunksize=_PART_BYTES,
            max_request_concurrency=S3_CONNECTIONS,
            max_submission_concurrency=S3_CONNECTIONS,  # HEAD requests for sizes
        )
        with TransferManager(client, config, executor_cls=ThreadPool) as copier, ThreadPool(S3_CONNECTIONS) as pool:
            copied = list(pool.map(lambda path: self._copy(copier, path, moves[path], known.get(path)), moves))
            not_copied = [end for end, is_copied in zip(moves.values(), copied, strict=True) if not is_copied]
            moved_before = list(pool.map(lambda end: self.stat(end) is not None, not_copied))
        sources = [source for source, is_copied in zip(moves, copied, strict=True) if is_copied]
        if undeleted is None:
            self.delete_all(sources)
        else:
            undeleted.extend(sources)
        return [end for end, is_moved in zip(not_copied, moved_before, strict=True) if not is_moved]

    @patient
    def _copy(self, copier: Any, source: str, destination: str, size: int | None) -> bool:
        """Copy an object; False if it does not exist. A small one takes one request if its size is known."""
        copy_source = {"Bucket": self.bucket, "Key": self.prefix + source}
        try:
            if size is not None and size < _PART_BYTES:
                self._s3.copy_object(CopySource=copy_source, Bucket=self.bucket, Key=self.prefix + destination)
            else:
                copier.copy(copy_source, self.bucket, self.prefix + destination).result()
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            return False
        advance(Done(files=1))
        return True

    @patient
    def delete(self, path: str) -> None:
        """See ``Lake.delete``."""
        self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + path)

    def delete_all(self, paths: Iterable[str]) -> None:
        """See ``Lake.delete_all``."""
        remaining = iter(paths)
        while batch := list(islice(remaining, _DELETED_AT_ONCE)):
            self._delete_keys({self.prefix + path for path in batch if not _NOT_IN_XML.search(path)})
            for path in filter(_NOT_IN_XML.search, batch):
                self.delete(path)

    @patient
    def _delete_keys(self, keys: set[str]) -> None:
        """Delete objects in one request; deleted ones leave ``keys``, so that a retry names only the rest."""
        if not keys:
            return
        objects = [{"Key": key} for key in sorted(keys)]
        answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
        failures = [failure for failure in answer.get("Errors", ()) if failure["Code"] not in _GONE]
        failed = {failure["Key"] for failure in failures}
        if failed <= keys:
            keys &= failed
        places = [f"s3://{self.bucket}/{failure['Key']}" for failure in failures]
        errors = [error_about(place, failure, "DeleteObjects") for place, failure in zip(places, failures, strict=True)]
        if errors:
            raise min(errors, key=is_passing)  # permanent errors first: they are not retried

    def delete_folder(self, folder: str) -> None:
        """See ``Lake.delete_folder``."""
        self.delete_all(entry.path for entry in self.list(folder))

    def remove_abandoned(self, folder: str) -> None:
        """See ``Lake.remove_abandoned``; S3 never shows unfinished objects."""

    def spark_uri(self, path: str) -> str:
        """See ``Lake.spark_uri``."""
        return f"s3a://{self.bucket}/{self.prefix}{path}".rstrip("/")


def _etag_of(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _time_of(answer: Mapping[str, Any]) -> float:
    """Return when S3 responded, in seconds; 0 if the response does not say."""
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    except (KeyError, ValueError):
        return 0.0
