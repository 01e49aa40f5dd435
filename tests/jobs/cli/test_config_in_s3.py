"""Feeds in a bucket, read by every verb and script."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from jobs.cli.entrypoint import run_as_script
from lakewright.storage.s3 import S3Lake
from tests.conftest import ROOT, command

CONFIG = "s3://configs/of/lakewright"


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="configs")
        for path in (ROOT / "conf/feeds").glob("*.yaml"):
            put(path.name, path.read_bytes())
        for path in (ROOT / "conf/quality").glob("*.json"):
            put(f"../quality/{path.name}", path.read_bytes())
        yield


def put(name: str, text: bytes) -> None:
    boto3.client("s3").put_object(
        Bucket="configs", Key=f"of/lakewright/feeds/{name}".replace("feeds/../", ""), Body=text
    )


def test_check_reads_only_the_feeds_in_the_folder() -> None:
    put("former/customers.yaml", b"job: gone")
    put("notes.txt", b"")
    names = sorted(path.stem for path in (ROOT / "conf/feeds").glob("*.yaml"))
    for uri in (CONFIG, f"{CONFIG}/", CONFIG.replace("s3://", "s3a://")):
        answer = command("check", "--config", uri, "--json")
        assert answer.data == {"feeds": names, "problems": [], "renamed_columns": {}}


def test_suites_are_read_from_the_bucket() -> None:
    put("../quality/customers.json", b'{"name": "customers", "expectations": [{"type": "expect"}, {"kwargs": {}}]}')
    problems = command("check", "customers", "--config", CONFIG, "--json").data["problems"]
    assert problems == [f"{CONFIG}/quality/customers.json: expectation 2: the key type is missing"]


def test_problems_name_object_line_and_key() -> None:
    put("people.yaml", b"job: csv_to_parquet\nsorce: {}\n")
    put("copy.yaml", (ROOT / "conf/feeds/customers.yaml").read_bytes())
    problems = command("check", "--config", CONFIG, "--json").data["problems"]
    assert f"{CONFIG}/feeds/people.yaml:2: unknown key sorce; did you mean 'source'?" in problems
    assert (
        f"{CONFIG}/feeds/customers.yaml:13: target.path: feed customers fills refined/customers/, and feed copy "
        in ("\n".join(problems))
    )


@pytest.mark.parametrize("verb", ["run", "plan", "rebuild", "status", "receipt", "schema", "compact"])
def test_every_verb_reads_feeds_from_a_bucket(tmp_path: Path, verb: str) -> None:
    answer = command(verb, "custmers", "--config", CONFIG, "--lake", str(tmp_path))
    assert answer.exit_code == 2
    assert answer.last_line == f"error: unknown feed 'custmers' in {CONFIG}; did you mean 'customers'?"


def test_a_script_reads_feeds_from_a_bucket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", ["--feed", "uploads", "--config", CONFIG, "--lake", str(tmp_path)])
    assert ended.value.code == 2
    assert "feed uploads is a json_scrub feed" in capsys.readouterr().err


def refuse(lake: S3Lake, path: str, *_: object, **__: object) -> None:
    from lakewright.aws.s3_calls import as_lakewright_error

    error = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")
    raise as_lakewright_error(error, lake.bucket)


@pytest.mark.parametrize(
    ("config", "exit_code", "line"),
    [
        pytest.param("s3://nowhere/conf", 2, "s3://nowhere/conf/lake.yaml: no such lake", id="no-such-bucket"),
        pytest.param("gs://b/conf", 2, "gs://b/conf/lake.yaml: ", id="another-scheme"),
        pytest.param("s3://configs/none", 2, "unknown feed 'customers' in s3://configs/none", id="no-such-folder"),
    ],
)
def test_errors_name_missing_files(tmp_path: Path, config: str, exit_code: int, line: str) -> None:
    answer = command("status", "customers", "--config", config, "--lake", str(tmp_path))
    assert answer.exit_code == exit_code
    assert answer.last_line.startswith(f"error: {line}")


def test_errors_name_files_with_denied_access(tmp_path: Path) -> None:
    with mock.patch.object(S3Lake, "read", refuse):
        answer = command("status", "customers", "--config", CONFIG, "--lake", str(tmp_path))
    assert answer.exit_code == 5
    assert answer.last_line.startswith(f"error: {CONFIG}/feeds/customers.yaml: S3 refused GetObject of s3://configs/")


def test_errors_name_files_that_are_not_text(tmp_path: Path) -> None:
    put("customers.yaml", b"\xff\xfe")
    answer = command("status", "customers", "--config", CONFIG, "--lake", str(tmp_path))
    assert answer.exit_code == 2
    assert answer.last_line.startswith(f"error: {CONFIG}/feeds/customers.yaml: cannot be read as UTF-8 text: ")
