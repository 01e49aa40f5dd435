"""Objects of a bucket, rewritten in place; see ``lakewright.storage.in_place.ObjectsInPlace``."""

import contextlib
from collections.abc import Generator, Iterator, Mapping
from typing import Any, BinaryIO, Final
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lakewright.aws.clients import s3_client
from lakewright.aws.outages import Patience, outage_of
from lakewright.aws.s3_calls import PROPERTIES, code_of, endpoint_of, is_passing, listed_pages, patient
from lakewright.errors import ObjectRefusedError, OvertakenError, UnreachableError
from lakewright.storage.in_place import ARCHIVED, PIECE_BYTES, PROCESSED, Opened, Replaced

#: Maximum size of one PUT; larger objects need a multipart upload.
LARGEST_PUT: Final = 5 << 30
_PART_BYTES: Final = 64 << 20
_MOST_PARTS: Final = 10_000
_MOST_TAGS: Final = 10
_GONE: Final = ("NoSuchKey", "404", "NoSuchVersion", "MethodNotAllowed")
#: The object or multipart upload has changed: by another writer, or by an earlier try.
_CHANGED: Final = ("PreconditionFailed", "412", "NoSuchUpload", *_GONE)

_NEXT_PAGE: Final = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}

#: Properties that a replaced object keeps.
_KEPT: Final = (*PROPERTIES, "Metadata", "StorageClass", "ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")


class S3InPlace:
    """See ``lakewright.storage.in_place.ObjectsInPlace``."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self.bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._s3: Any = s3_client(bucket)

    @patient
    def open(self, path: str) -> Opened | None:
        """See ``ObjectsInPlace.open``: one request, or two if the object has tags."""
        here = self._here(path)
        try:
            answer = self._s3.get_object(**here)
            tags = self._tags(here, answer)
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            if code_of(error) == "InvalidObjectState":
                raise ObjectRefusedError({path: ARCHIVED}) from error
            if code_of(error) in ("InvalidRequest", "400"):
                raise ObjectRefusedError({path: "it is encrypted with a customer-provided key (SSE-C)"}) from error
            raise
        if len(tags | dict([PROCESSED])) > _MOST_TAGS:
            raise ObjectRefusedError({path: f"it has {_MOST_TAGS} tags, which leaves no room for {PROCESSED[0]}"})
        kept = {name: answer[name] for name in _KEPT if answer.get(name)}
        return Opened(
            etag=answer["ETag"].strip('"'),
            size=answer["ContentLength"],
            pieces=self._pieces(path, answer),
            is_processed=tags.get(PROCESSED[0]) == PROCESSED[1],
            version=_version(answer),
            properties=kept | {"Tagging": urlencode(tags | dict([PROCESSED]))},
        )

    def replace(
        self,
        path: str,
        opened: Opened,
        body: BinaryIO,
        size: int,
        *,
        is_same: bool,  # noqa: ARG002 - S3 cannot set a tag on condition that the object is unchanged
    ) -> Replaced | None:
        """See ``ObjectsInPlace.replace``: content, properties and tag in one PUT with ``If-Match``."""
        return self._put(path, opened, body, size) or self._replaced_before(path, opened, body, size)

    @patient
    def _put(self, path: str, opened: Opened, body: BinaryIO, size: int) -> Replaced | None:
        """Overwrite an object; None if it has changed, which an earlier try with a lost response may have caused."""
        put = self._here(path) | dict(opened.properties)
        body.seek(0)
        try:
            if size > LARGEST_PUT:
                answer = self._put_in_parts(put, opened.etag, body, size)
            else:
                answer = self._s3.put_object(**put, Body=body, ContentLength=size, IfMatch=opened.etag)
        except ClientError as error:
            if code_of(error) in _CHANGED:
                return None
            raise
        except ParamValidationError as error:
            # Its text quotes the metadata.
            reason = "its metadata or tags cannot be rewritten: S3 accepts only ASCII text"
            raise ObjectRefusedError({path: reason}) from error
        return Replaced(answer["ETag"].strip('"'), size, _version(answer))

    def _replaced_before(self, path: str, opened: Opened, body: BinaryIO, size: int) -> Replaced | None:
        """Return the object if it equals ``body`` byte for byte: an earlier try succeeded."""
        current = self.open(path)
        if current is None:
            return None
        try:
            if not current.is_processed or current.etag == opened.etag or current.size != size:
                return None
            body.seek(0)
            if any(piece != body.read(len(piece)) for piece in current.pieces):
                return None
        except OvertakenError:
            return None
        finally:
            current.pieces.close()
        return Replaced(current.etag, current.size, current.version)

    def _pieces(self, path: str, answer: Mapping[str, Any]) -> Generator[bytes]:
        """Read an object as a stream; after a broken connection, continue in the same version of the object."""
        body, at, size = answer["Body"], 0, answer["ContentLength"]
        patience = Patience(outage_of(endpoint_of(self), self.bucket))
        try:
            while True:
                try:
                    for piece in body.iter_chunks(PIECE_BYTES):
                        at += len(piece)
                        yield piece
                        patience.renew()
                except BotoCoreError as error:
                    if not is_passing(error) or at >= size:
                        raise UnreachableError(f"the download of {path} was interrupted: {error}") from error
                    patience.wait(error)
                else:
                    return
                body.close()
                body = self._rest(path, answer["ETag"], at)
        finally:
            body.close()

    @patient
    def _rest(self, path: str, etag: str, start: int) -> Any:
        try:
            return self._s3.get_object(**self._here(path), Range=f"bytes={start}-", IfMatch=etag)["Body"]
        except ClientError as error:
            if code_of(error) in _CHANGED:
                raise OvertakenError(f"{path} was rewritten while it was read; run again") from error
            raise

    def older_versions(self, path: str, version: str) -> list[str]:
        """See ``ObjectsInPlace.older_versions``."""
        if not version:
            return []
        versions = [str(entry["VersionId"]) for entry in self._versions(path)]
        return versions[versions.index(version) + 1 :] if version in versions else []

    @patient
    def delete_versions(self, path: str, newest: Replaced, versions: list[str]) -> None:
        """See ``ObjectsInPlace.delete_versions``."""
        here = self._here(path)
        head = self._s3.head_object(**here, VersionId=newest.version)
        if (head["ETag"].strip('"'), head["ContentLength"]) != (newest.etag, newest.size):
            raise UnreachableError(
                f"{path}: version {newest.version} differs from what was written; older versions are kept"
            )
        for version in versions:
            self._s3.delete_object(**here, VersionId=version)

    def _here(self, path: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self._prefix + path}

    def _tags(self, here: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, str]:
        if not answer.get("TagCount"):
            return {}
        version = {"VersionId": answer["VersionId"]} if _version(answer) else {}
        tags = self._s3.get_object_tagging(**here, **version)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def _put_in_parts(self, put: Mapping[str, Any], etag: str, body: BinaryIO, size: int) -> Any:
        here = {name: put[name] for name in ("Bucket", "Key")}
        upload = here | {"UploadId": self._s3.create_multipart_upload(**put)["UploadId"]}
        part_bytes = max(_PART_BYTES, -(-size // _MOST_PARTS))
        parts: list[dict[str, Any]] = []
        try:
            while piece := body.read(part_bytes):
                number = len(parts) + 1
                done = self._s3.upload_part(**upload, PartNumber=number, Body=piece)
                parts.append({"PartNumber": number, "ETag": done["ETag"]})
            return self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfMatch=etag)
        except BaseException:
            with contextlib.suppress(ClientError, BotoCoreError):  # the first error is raised
                self._s3.abort_multipart_upload(**upload)
            raise

    def _versions(self, path: str) -> Iterator[Mapping[str, Any]]:
        """List the versions of one key, newest first; longer keys with the same prefix sort after it."""
        key = self._prefix + path
        for page in listed_pages(self, "list_object_versions", _NEXT_PAGE, Bucket=self.bucket, Prefix=key):
            for entry in page.get("Versions", ()):
                if entry["Key"] != key:
                    return
                yield entry


def _version(answer: Mapping[str, Any]) -> str:
    return str(answer.get("VersionId") or "")
