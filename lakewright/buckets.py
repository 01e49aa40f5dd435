"""The options of buckets in ``conf/lake.yaml``."""

import logging
import re
from typing import Final

from pydantic import Field, field_validator

from lakewright.aws.buckets import BucketOptions, use_bucket_options
from lakewright.config import Model
from lakewright.config_files import Conf, Document
from lakewright.errors import AccessDeniedError

LOGGER = logging.getLogger("lakewright")

_FILE: Final = "lake.yaml"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class LakeSpec(Model):
    """The model of ``lake.yaml``."""

    buckets: dict[str, BucketOptions] = Field(default={}, description="Buckets of the lake and of sources, by name.")

    @field_validator("buckets")
    @classmethod
    def _are_names(cls, buckets: dict[str, BucketOptions]) -> dict[str, BucketOptions]:
        """Refuse a URI, whose options would be used for no request."""
        if others := [name for name in buckets if not _BUCKET.fullmatch(name)]:
            raise ValueError(f"{others[0]!r} is not a bucket name; write my-bucket, without s3:// and slashes")
        return buckets


def use_lake_file(conf: Conf) -> None:
    """Apply the options in ``lake.yaml`` to all later requests; without the file, use S3's defaults.

    Raises:
        ConfigError: If the file is invalid.
    """
    try:
        text = conf.read(_FILE)
    except AccessDeniedError as error:  # S3 also denies access to missing objects without the right to list
        LOGGER.warning("buckets are used without options, since %s/%s could not be read: %s", conf.uri, _FILE, error)
        text = None
    document = Document(f"{conf.uri}/{_FILE}", text or "{}", what="it must be a mapping, starting with buckets:")
    lake = document.parse(LakeSpec)
    use_bucket_options(lake.buckets)
