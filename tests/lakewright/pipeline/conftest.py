"""A lake in a bucket, and S3's conditions on copies, which moto ignores."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from lakewright.aws.clients import s3_client
from lakewright.pipeline.execution import Execution, read_execution

BUCKET = "lakewright-test"
_CHECKED = ("CompleteMultipartUpload", "CopyObject", "DeleteObject", "UploadPartCopy")
_CONDITIONS = ("CopySourceIfMatch", "IfMatch", "IfNoneMatch")
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
    """The calls of this process to S3, with what moto lacks.

    Attributes:
        calls: Calls by operation.
        before: Called with the parameters before a call, and may raise.
        after: Called after it, and may raise.
        has_kms: Whether ETags are no hashes of the content, and differ between an object and its copy.
        left: The number of calls after which the process is killed, before or after its last call.
    """

    calls: Counter[str] = field(default_factory=Counter)
    before: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    after: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    has_kms: bool = False
    left: int | None = None
    dies_after_call: bool = False

    def answer(self, call: Any, operation: str, parameters: dict[str, Any]) -> Any:
        """Make a call, if its conditions hold."""
        if operation in _CHECKED:
            there = self._etag(call, parameters["Key"])
            original = self._etag(call, parameters["CopySource"]["Key"]) if "CopySource" in parameters else None
            if (
                ("IfNoneMatch" in parameters and there is not None)
                or parameters.get("IfMatch", there) != there
                or parameters.get("CopySourceIfMatch", original) != original
            ):
                code = "NoSuchKey" if operation == "DeleteObject" and there is None else "PreconditionFailed"
                raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)
            parameters = {name: value for name, value in parameters.items() if name not in _CONDITIONS}
        answer = call(operation, parameters)
        if operation == "HeadObject" and self.has_kms:
            answer |= {"ETag": self._scrambled(parameters["Key"], answer["ETag"]), "ServerSideEncryption": "aws:kms"}
        return answer

    def _etag(self, call: Any, key: str) -> str | None:
        try:
            etag = call("HeadObject", {"Bucket": BUCKET, "Key": key})["ETag"]
        except ClientError:
            return None
        return (self._scrambled(key, etag) if self.has_kms else str(etag)).strip('"')

    def _scrambled(self, key: str, etag: str) -> str:
        return f'"{hashlib.md5(f"{key} {etag}".encode()).hexdigest()}"'


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket of moto in this process, where keys may have line ends."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for module in ("lakewright.pipeline.s3_copies", "lakewright.storage.s3"):
        monkeypatch.setattr(f"{module}.s3_client", lambda _, **__: _client())
    with mock_aws():
        bucket = _resource().Bucket(BUCKET)
        bucket.create()
        yield bucket


@cache
def _client() -> Any:
    """Return one client for all tests, since creating them takes longer than most tests."""
    return s3_client()


@cache
def _resource() -> Any:
    return boto3.resource("s3")


class Killed(BaseException):
    """The end of the process."""


@pytest.fixture
def strict(bucket: Any) -> Iterator[StrictS3]:
    """Check conditions before each call, as S3 does within it."""
    strict, lock = StrictS3(), threading.Lock()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def strictly(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        with lock:
            strict.calls[operation] += 1
            dies = strict.left == strict.calls.total()
        if dies and not strict.dies_after_call:
            raise Killed
        _let(strict.before.get(operation), parameters)
        try:
            with lock:
                answer = strict.answer(partial(call, client), operation, dict(parameters))
            _let(strict.after.get(operation), parameters)
        finally:
            if dies:
                raise Killed
        return answer

    with mock.patch.object(BaseClient, "_make_api_call", strictly):
        yield strict


def _let(fault: Callable[[dict[str, Any]], object] | None, parameters: dict[str, Any]) -> None:
    if fault is not None:
        fault(parameters)


def put(bucket: Any, key: str, body: bytes = b"id\n1\n", **more: Any) -> dict[str, Any]:
    """Put an object; return it as the input of an execution names it."""
    written = bucket.put_object(Key=key, Body=body, **more)
    return {"key": key, "etag": written.e_tag.strip('"'), "size": len(body)}


def execution_of(*listed: dict[str, Any], **more: Any) -> Execution:
    state = {
        "feed": "customers",
        "bucket": BUCKET,
        "lake": f"s3://{BUCKET}",
        "year": "2019",
        "month": "08",
        "day": "21",
        "objects": list(listed),
        "execution": "e",
        **more,
    }
    return read_execution(state)


def keys_in(bucket: Any) -> list[str]:
    return sorted(entry.key for entry in bucket.objects.all())
