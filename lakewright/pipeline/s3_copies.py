"""Verified copies of single versions of objects within a bucket, and their conditional deletion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, Literal
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from lakewright.aws.clients import s3_client
from lakewright.aws.s3_calls import PROPERTIES, code_of, patient
from lakewright.errors import CopyDiffersError, ObjectRefusedError, UnreachableError
from lakewright.pipeline.s3_parts import PartCopier, refusing_copies
from lakewright.storage.s3 import S3Lake
from transforms.object_names import one_line

#: User metadata of a copy: the ETag of its original, which its own ETag need not equal (KMS, parts).
SOURCE_ETAG: Final = "lakewright-source-etag"
#: Maximum size of one CopyObject request.
_LARGEST_COPY: Final = 5 << 30
#: S3 may need this long for a copy of the maximum size.
_COPY_SECONDS: Final = 120
_LONGEST_KEY: Final = 1024
_TRIES: Final = 5
_PIECE_BYTES: Final = 8 << 20
_GONE: Final = ("NoSuchKey", "404")
#: Another writer changed the original or the copy, or an earlier try succeeded and its response was lost.
_CHANGED: Final = ("PreconditionFailed", "412", *_GONE)
_MD5: Final = re.compile("[0-9a-f]{32}")
Copied = Literal["copied", "exists", "gone", "occupied"]


@dataclass(frozen=True)
class StoredVersion:
    """The current version of an object.

    Attributes:
        source_etag: If it is a copy, the ETag of its original.
        checksums: Checksums of its content, by algorithm.
        properties: What its copies keep.
    """

    key: str
    etag: str
    size: int
    modified: datetime
    source_etag: str
    has_md5: bool
    checksums: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    def is_copy_of(self, etag: str) -> bool:
        """Return whether this is a copy of the version with this ETag."""
        return etag in (self.etag, self.source_etag)


class S3Copies:
    """Copies within one bucket, by keys."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self._s3: Any = s3_client(bucket, read_seconds=_COPY_SECONDS)
        self._parts = PartCopier(bucket, self._s3)

    @patient
    def stat(self, key: str) -> StoredVersion | None:
        """Look up an object; None if it does not exist."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise
        etag, metadata = head["ETag"].strip('"'), head.get("Metadata", {})
        return StoredVersion(
            key=key,
            etag=etag,
            size=head["ContentLength"],
            modified=head["LastModified"],
            source_etag=metadata.get(SOURCE_ETAG, ""),
            has_md5=bool(_MD5.fullmatch(etag)) and not head.get("ServerSideEncryption", "").startswith("aws:kms"),
            checksums={
                name: value
                for name, value in head.items()
                if name.startswith("Checksum") and name != "ChecksumType" and "-" not in value
            },
            # encryption and storage class are those of the destination
            properties={name: head[name] for name in PROPERTIES if head.get(name)} | {"Metadata": metadata},
        )

    def copy(self, source: str, etag: str, destination: str, *, overwrites: bool) -> Copied:
        """Copy one version of an object, with its metadata and tags, and compare the copy with it.

        Returns:
            ``copied`` or ``exists``: the copy is there; ``gone``: there is none, and the original was deleted or
            overwritten; ``occupied``: the destination has other content.

        Raises:
            CopyDiffersError: If the content of the copy differs.
            ObjectRefusedError: If S3 cannot represent the copy.
        """
        if len(destination.encode()) > _LONGEST_KEY:  # of which S3 says only that the request is bad
            reason = f"its copy's key would be longer than {_LONGEST_KEY} bytes; rename it"
            raise ObjectRefusedError({one_line(source): reason})
        for _ in range(_TRIES):
            original, there = self.stat(source), self.stat(destination)
            is_copy = there is not None and there.is_copy_of(etag)
            if original is None or original.etag != etag:
                return "exists" if is_copy else "gone"
            if there is not None:
                is_same = self._have_same_content(original, there)
                if is_same and (is_copy or not overwrites):
                    return "exists"
                if not is_same and not overwrites:
                    return "occupied"
            if self._copy(original, destination, there) and self._is_verified(original, destination):
                return "copied"
        raise UnreachableError(
            f"s3://{self.bucket}/{one_line(destination)} kept changing while it was written; try again"
        )

    @patient
    def delete(self, key: str, etag: str) -> bool:
        """Delete an object only if it still has ``etag``; False if it was overwritten, True if it is gone."""
        try:
            self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if code_of(error) not in _CHANGED:
                raise
            return code_of(error) in _GONE
        return True

    def _copy(self, original: StoredVersion, destination: str, there: StoredVersion | None) -> bool:
        """Copy unless original or destination have changed; an object uploaded in parts is copied in the same ones.

        Its ETag, a hash over its parts, thereby stays the same.
        """
        condition = {"IfMatch": there.etag} if there else {"IfNoneMatch": "*"}
        metadata = {**original.properties["Metadata"], SOURCE_ETAG: original.etag}
        properties = {**original.properties, "Metadata": metadata}
        if not original.size or ("-" not in original.etag and original.size <= _LARGEST_COPY):
            return self._copy_whole(original, destination, properties | condition)
        tags = self._tags(original.key)
        if tags is None:
            return False
        properties |= {"Tagging": tags} if tags else {}
        place = (original.key, original.etag, original.size, destination)
        return self._parts.copy(*place, properties=properties, condition=condition)

    @patient
    def _copy_whole(self, original: StoredVersion, destination: str, more: Mapping[str, Any]) -> bool:
        try:
            with refusing_copies(destination):
                self._s3.copy_object(
                    Bucket=self.bucket,
                    Key=destination,
                    CopySource={"Bucket": self.bucket, "Key": original.key},
                    CopySourceIfMatch=original.etag,
                    MetadataDirective="REPLACE",  # the only way to add to it; tags are copied
                    **more,
                )
        except ClientError as error:
            if code_of(error) not in _CHANGED:
                raise
            return False
        return True

    @patient
    def _tags(self, key: str) -> str | None:
        """Return the tags of an object, URL-encoded; None if it does not exist."""
        try:
            tags = self._s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise
        return urlencode({tag["Key"]: tag["Value"] for tag in tags})

    def _is_verified(self, original: StoredVersion, destination: str) -> bool:
        """Compare a copy with its original; False if it was overwritten since.

        Raises:
            CopyDiffersError: If they differ.
        """
        there = self.stat(destination)
        if there is None or not there.is_copy_of(original.etag):
            return False
        if not self._have_same_content(original, there):
            raise CopyDiffersError(
                f"s3://{self.bucket}/{one_line(destination)} differs from {one_line(original.key)}, of which it is a "
                "copy; nothing was deleted"
            )
        return True

    def _have_same_content(self, original: StoredVersion, there: StoredVersion) -> bool:
        """Compare two objects by size and ETag, else by checksum, else byte by byte."""
        if original.size != there.size or original.etag == there.etag:
            return original.size == there.size
        if common := original.checksums.keys() & there.checksums.keys():
            return all(original.checksums[name] == there.checksums[name] for name in common)
        if original.has_md5 and there.has_md5:
            return False
        lake = S3Lake(self.bucket, "")
        pieces = (lake.pieces(each.key, length=_PIECE_BYTES) for each in (original, there))
        try:
            return all(one == other for one, other in zip_longest(*pieces))
        except FileNotFoundError:  # changed since
            return False
