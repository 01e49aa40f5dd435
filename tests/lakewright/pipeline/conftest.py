"""A lake in a bucket, and S3's conditions on copies, which moto ignores."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from lakewright.pipeline.execution import Execution, read_execution

BUCKET = "lakewright-test"
SOURCE = "raw/customers/"
DAY = "year=2019/month=08/day=21/"
RAW = f"{SOURCE}{DAY}"
ARCHIVE = "archive/2019-08-21/"
NAME = "customers_20190821.csv"
KEY = f"landing/{NAME}"


def always() -> bool:
    return True


@dataclass
class StrictS3:
    """The calls of this process to S3, with the conditions that moto ignores, and faults before or after a call."""

    calls: Counter[str] = field(default_factory=Counter)
    before: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)
    after: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket of moto in this process, where keys may have line ends."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        bucket = boto3.resource("s3").Bucket(BUCKET)
        bucket.create()
        yield bucket


@pytest.fixture
def strict(bucket: Any) -> Iterator[StrictS3]:
    """Check conditions before each call, as S3 does within it."""
    strict = StrictS3()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def etag(client: Any, key: str) -> str | None:
        try:
            return str(call(client, "HeadObject", {"Bucket": BUCKET, "Key": key})["ETag"].strip('"'))
        except ClientError:
            return None

    def strictly(client: Any, operation: str, parameters: Any) -> Any:
        strict.calls[operation] += 1
        if fault := strict.before.get(operation):
            fault(parameters)
        if operation in ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload"):
            there = etag(client, parameters["Key"])
            source = parameters.get("CopySource", {}).get("Key")
            wrong = (
                ("IfNoneMatch" in parameters and there is not None)
                or ("IfMatch" in parameters and there != parameters["IfMatch"])
                or ("CopySourceIfMatch" in parameters and etag(client, source) != parameters["CopySourceIfMatch"])
            )
            if wrong:
                raise ClientError({"Error": {"Code": "PreconditionFailed"}}, operation)
        answer = call(client, operation, parameters)
        if fault := strict.after.get(operation):
            fault(parameters)
        return answer

    with mock.patch.object(BaseClient, "_make_api_call", strictly):
        yield strict


def put(bucket: Any, key: str, body: bytes = b"id\n1\n", **more: Any) -> dict[str, Any]:
    """Put an object; return it as the input of an execution names it."""
    written = bucket.put_object(Key=key, Body=body, **more)
    return {"key": key, "etag": written.e_tag.strip('"'), "size": len(body)}


def execution_of(*objects: dict[str, Any], **more: Any) -> Execution:
    state = {
        "feed": "customers",
        "bucket": BUCKET,
        "lake": f"s3://{BUCKET}",
        "year": "2019",
        "month": "08",
        "day": "21",
        "objects": list(objects),
        "execution": "e",
        **more,
    }
    return read_execution(state)


def keys_in(bucket: Any) -> list[str]:
    return sorted(entry.key for entry in bucket.objects.all())


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()
