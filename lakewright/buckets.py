"""The options of buckets in ``conf/lake.yaml``."""

import logging
import re
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from lakewright.aws.buckets import BucketOptions, use_bucket_options
from lakewright.config import Model
from lakewright.config_files import Conf, Document
from lakewright.errors import AccessDeniedError

LOGGER = logging.getLogger("lakewright")

_FILE: Final = "lake.yaml"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class BucketSpec(Model):
    """The options of one bucket."""

    region: str = Field(default="", description="Region of the bucket, such as eu-central-1.")
    requester_pays: bool = Field(
        default=False,
        description="Whether the bucket is Requester Pays; requests then confirm that the requester pays.",
    )
    encryption: Literal["", "AES256", "aws:kms"] = Field(
        default="", description="Server-side encryption that every write requests: AES256 or aws:kms."
    )
    kms_key_id: str = Field(default="", description="KMS key for aws:kms, by ARN or ID.")
    bucket_key: bool | None = Field(default=None, description="Whether writes use an S3 Bucket Key.")

    @model_validator(mode="after")
    def _fits(self) -> "BucketSpec":
        if (self.kms_key_id or self.bucket_key is not None) and not self.encryption == "aws:kms":
            raise ValueError("kms_key_id and bucket_key need encryption: aws:kms")
        return self


class LakeSpec(Model):
    """The model of ``lake.yaml``."""

    buckets: dict[str, BucketSpec] = Field(default={}, description="Buckets of the lake and of sources, by name.")

    @field_validator("buckets")
    @classmethod
    def _are_names(cls, buckets: dict[str, BucketSpec]) -> dict[str, BucketSpec]:
        """Refuse a URI, whose options would be used for no request."""
        if others := [name for name in buckets if not _BUCKET.fullmatch(name)]:
            raise ValueError(f"{others[0]!r} is no bucket's name; write my-bucket, without s3:// and slashes")
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
    use_bucket_options({name: BucketOptions(**spec.model_dump()) for name, spec in lake.buckets.items()})
