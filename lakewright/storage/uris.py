"""Open the storage that a URI names."""

from pathlib import Path

from lakewright.errors import ConfigError
from lakewright.storage.in_place import ObjectsInPlace
from lakewright.storage.lake import Lake


def open_lake(uri: str) -> Lake:
    """Open the lake at a URI: ``s3://bucket/prefix``, ``s3a://…`` (the same), or a local folder.

    Raises:
        ConfigError: If the scheme is not supported, or a URI begins or ends with a blank, as pasted ones do: S3
            accepts it as part of a key.
    """
    if "://" in uri and uri != uri.strip():
        raise ConfigError(f"{uri!r} begins or ends with a blank; remove it")
    scheme, separator, rest = uri.partition("://")
    if separator and scheme in ("s3", "s3a"):
        from lakewright.storage.s3 import S3Lake  # importing boto3 takes half a second, and local lakes do not need it

        bucket, _, prefix = rest.partition("/")
        return S3Lake(bucket, prefix.strip("/"))
    if separator and scheme != "file":
        raise ConfigError(f"a lake is s3://bucket/prefix or a folder, not {scheme}:// ({uri})")
    from lakewright.storage.local import LocalLake

    return LocalLake(str(Path(rest if separator else uri).resolve()))


def open_in_place(uri: str) -> ObjectsInPlace:
    """Open the objects below ``s3://bucket/prefix`` or in a local folder; see ``open_lake``."""
    if uri.startswith("s3://"):
        from lakewright.storage.s3_in_place import S3InPlace

        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        return S3InPlace(bucket, prefix)
    from lakewright.storage.local_in_place import LocalInPlace

    return LocalInPlace(Path(uri))
