"""The options of buckets in conf/lake.yaml, and their effect on requests."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from lakewright.aws.buckets import BucketOptions, bucket_options, use_bucket_options
from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf
from lakewright.errors import AccessDeniedError, ConfigError
from tests.conftest import command

KNOWN = {"RequestPayer": None, "ServerSideEncryption": None}


@pytest.fixture(autouse=True)
def reset_options() -> Iterator[None]:
    yield
    use_bucket_options({})


def conf(folder: Path, text: str) -> Conf:
    (folder / "feeds").mkdir()
    (folder / "lake.yaml").write_text(text)
    return Conf(str(folder))


def test_options_apply_until_they_are_replaced(tmp_path: Path) -> None:
    use_lake_file(conf(tmp_path, "buckets:\n  raw: {region: eu-west-1, requester_pays: true}\n  x: {}\n"))
    assert bucket_options() == {"raw": BucketOptions(region="eu-west-1", requester_pays=True), "x": BucketOptions()}
    (tmp_path / "lake.yaml").unlink()
    use_lake_file(Conf(str(tmp_path)))
    assert bucket_options() == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("bucket: {}", "lake.yaml:1: unknown key bucket; did you mean 'buckets'?", id="unknown-key"),
        pytest.param("- x", "lake.yaml: it must be a mapping, starting with buckets:", id="not-a-mapping"),
        pytest.param(
            "buckets:\n  raw:\n    encryption: SSE-KMS",
            "lake.yaml:3: buckets.raw.encryption: input should be '', 'AES256' or 'aws:kms'",
            id="unknown-encryption",
        ),
        pytest.param(
            "buckets:\n  raw: {encryption: AES256, kms_key_id: x}",
            "lake.yaml:2: buckets.raw: kms_key_id and bucket_key need encryption: aws:kms",
            id="a-key-without-kms",
        ),
        pytest.param(
            "buckets:\n  s3://raw/: {encryption: AES256}",
            "lake.yaml:1: buckets: 's3://raw/' is not a bucket name; write my-bucket, without s3:// and slashes",
            id="a-uri-for-a-name",
        ),
    ],
)
def test_errors_name_line_and_key(tmp_path: Path, text: str, error: str) -> None:
    folder = conf(tmp_path, text)
    with pytest.raises(ConfigError, match="^" + ".*" + error.replace("?", r"\?")):
        use_lake_file(folder)
    answer = command("check", "--config", str(tmp_path))
    assert (answer.exit_code, error in answer.stderr) == (2, True)


def test_without_the_right_to_list_there_are_no_options(caplog: pytest.LogCaptureFixture) -> None:
    denied = mock.Mock(spec=Conf, uri="s3://b/conf", read=mock.Mock(side_effect=AccessDeniedError("403")))
    with caplog.at_level(logging.WARNING, "lakewright"):
        use_lake_file(denied)
    assert bucket_options() == {}
    assert "buckets are used without options, since s3://b/conf/lake.yaml could not be read" in caplog.text


@pytest.mark.parametrize(
    ("options", "operation", "before", "after"),
    [
        pytest.param(BucketOptions(), "PutObject", {}, {}, id="no-options"),
        pytest.param(BucketOptions(requester_pays=True), "GetObject", {}, {"RequestPayer": "requester"}, id="payer"),
        pytest.param(
            BucketOptions(encryption="aws:kms", kms_key_id="k", bucket_key=False),
            "CopyObject",
            {},
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k", "BucketKeyEnabled": False},
            id="kms",
        ),
        pytest.param(
            BucketOptions(encryption="AES256"),
            "PutObject",
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k", "BucketKeyEnabled": True},
            {"ServerSideEncryption": "AES256"},
            id="options-override-previous-properties-of-an-object",
        ),
        pytest.param(
            BucketOptions(encryption="AES256"), "UploadPart", {}, {}, id="parts-inherit-the-options-of-their-upload"
        ),
    ],
)
def test_parameters(options: BucketOptions, operation: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    options.complete(before, operation, KNOWN)
    assert before == after
