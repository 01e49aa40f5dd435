"""Scrubs of objects in a bucket: one by one in this process, and through the command line."""

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
import yaml

from lakewright.errors import AccessDeniedError, AccountingError, ObjectRefusedError, OvertakenError
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage import s3_in_place
from lakewright.storage.in_place import Opened
from lakewright.storage.s3_in_place import S3InPlace
from tests.conftest import command
from tests.jobs.test_json_scrub import Broken
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow

RECORD = b'{"id": 1.00, "file_contents": "x"}\n'
SCRUBBED = b'{"id": 1.00, "file_contents": ""}\n'
RULES = ScrubRules(("file_contents",))
KEY = "up/a b+c?#%2Fé.json"


@pytest.fixture
def s3(bucket: Any) -> Iterator[Any]:
    yield boto3.client("s3")
    bucket.object_versions.all().delete()


def content(s3: Any, key: str = KEY) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def tags(s3: Any, key: str = KEY) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]}


def test_everything_but_the_field_is_preserved(s3: Any, requests: Counter[str]) -> None:
    properties = {
        "ContentType": "application/x-ndjson",
        "ContentEncoding": "identity",
        "CacheControl": "no-store",
        "ContentDisposition": 'attachment; filename="a.json"',
        "ContentLanguage": "de",
        "Metadata": {"owner": "team a"},
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "AES256",
    }
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD, Tagging="team=a%20b&PROCESSED=no", **properties)
    requests.clear()
    scrubbed = scrub_object(S3InPlace(BUCKET), KEY, RULES)
    assert requests == {"GetObject": 1, "GetObjectTagging": 1, "PutObject": 1}
    assert scrubbed.status == "rewritten"
    sizes = {"bytes_in": len(RECORD), "bytes_out": len(SCRUBBED)}
    assert scrubbed.numbers == {"records": 1, "records_out": 1, "blanked": 1, **sizes}
    head = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert {name: head[name] for name in properties} == properties
    assert head["ETag"].strip('"') == scrubbed.etag
    assert content(s3) == SCRUBBED
    assert tags(s3) == {"team": "a b", "PROCESSED": "True"}

    requests.clear()
    assert scrub_object(S3InPlace(BUCKET), KEY, RULES).status == "already"
    assert requests == {"GetObject": 1, "GetObjectTagging": 1}
    assert scrub_object(S3InPlace(BUCKET), KEY, RULES, again=True).numbers["blanked"] == 0


def test_an_object_without_the_field_is_tagged_too(s3: Any, requests: Counter[str]) -> None:
    s3.put_object(Bucket=BUCKET, Key="up/a", Body=b'{"x": 1}')
    requests.clear()
    assert scrub_object(S3InPlace(BUCKET, "up"), "a", RULES).numbers["blanked"] == 0
    assert requests == {"GetObject": 1, "PutObject": 1}
    assert tags(s3, "up/a") == {"PROCESSED": "True"}
    assert scrub_object(S3InPlace(BUCKET, "up"), "gone", RULES).status == "gone"


class Racing(S3InPlace):
    """Others upload or delete the object between its read and its replacement."""

    uploads: tuple[bytes | None, ...] = ()

    def replace(self, path: str, opened: Opened, *arguments: Any, **options: Any) -> Any:
        if self.uploads:
            body, *rest = self.uploads
            self.uploads = tuple(rest)
            if body is None:
                self._s3.delete_object(Bucket=self.bucket, Key=path)
            else:
                self._s3.put_object(Bucket=self.bucket, Key=path, Body=body)
        return super().replace(path, opened, *arguments, **options)


def test_a_concurrent_upload_is_not_lost(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    racing = Racing(BUCKET)
    racing.uploads = (RECORD * 2, RECORD * 3)
    assert scrub_object(racing, KEY, RULES).numbers["records"] == 3
    assert content(s3) == SCRUBBED * 3
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    racing.uploads = (None,)
    assert scrub_object(racing, KEY, RULES).status == "gone"
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    racing.uploads = tuple(RECORD * number for number in range(2, 9))
    with pytest.raises(OvertakenError, match="rewritten 5 times"):
        scrub_object(racing, KEY, RULES)
    assert content(s3) == RECORD * 6
    assert tags(s3) == {}


def test_a_put_whose_response_was_lost_is_recognized(s3: Any) -> None:
    class Lossy(S3InPlace):
        def _put(self, *arguments: Any) -> Any:
            super()._put(*arguments)

    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    scrubbed = scrub_object(Lossy(BUCKET), KEY, RULES)
    assert (scrubbed.status, scrubbed.numbers["blanked"]) == ("rewritten", 1)


def test_gzip_is_detected_by_content(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="plain.gz", Body=RECORD, ContentEncoding="gzip")
    s3.put_object(Bucket=BUCKET, Key="gzip.json", Body=gzip.compress(RECORD) * 2, ContentType="application/json")
    for key in ("plain.gz", "gzip.json"):
        scrub_object(S3InPlace(BUCKET), key, RULES)
    assert content(s3, "plain.gz") == SCRUBBED
    assert gzip.decompress(content(s3, "gzip.json")) == SCRUBBED * 2
    assert s3.head_object(Bucket=BUCKET, Key="plain.gz")["ContentEncoding"] == "gzip"


def test_objects_that_cannot_be_rewritten_are_refused(s3: Any) -> None:
    ten = "&".join(f"tag{number}=x" for number in range(10))
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD, Tagging=ten)
    with pytest.raises(ObjectRefusedError, match="it has 10 tags"):
        scrub_object(S3InPlace(BUCKET), KEY, RULES)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD, StorageClass="GLACIER")
    with pytest.raises(ObjectRefusedError, match="it is archived"):
        scrub_object(S3InPlace(BUCKET), KEY, RULES)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD + b"[]\n")
    with pytest.raises(ObjectRefusedError, match="line 2 is not a JSON record: not a JSON object"):
        scrub_object(S3InPlace(BUCKET), KEY, RULES)
    assert tags(s3) == {}


def test_an_object_that_would_lose_a_record_is_neither_replaced_nor_tagged(s3: Any, requests: Counter[str]) -> None:
    body = RECORD + RECORD.replace(b'"x"', b'"lose"') + RECORD
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)
    requests.clear()
    with pytest.raises(AccountingError, match=r"^3 records read, but 2 in its replacement"):
        scrub_object(S3InPlace(BUCKET), KEY, Broken(("file_contents",)))
    assert requests == {"GetObject": 1}
    assert content(s3) == body
    assert tags(s3) == {}


def test_older_versions_are_counted_or_deleted(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)  # before versioning was enabled
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD * 2)
    s3.put_object(Bucket=BUCKET, Key=KEY + "x", Body=RECORD)
    assert scrub_object(S3InPlace(BUCKET), KEY, RULES).numbers["older_versions"] == 2
    assert scrub_object(S3InPlace(BUCKET), KEY, RULES).numbers == {"already": 1, "older_versions": 2}
    rules = ScrubRules(("file_contents",), old_versions="delete", verify=True)
    deleted = scrub_object(S3InPlace(BUCKET), KEY, rules)
    assert deleted.status == "already"
    assert deleted.numbers == {"already": 1, "older_versions": 0, "deleted_versions": 2}
    versions = s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert Counter(version["Key"] for version in versions) == {KEY: 1, KEY + "x": 1}
    assert content(s3) == SCRUBBED * 2


def test_deleting_older_versions_keeps_newer_uploads(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)

    class UploadedRightAfter(S3InPlace):
        def older_versions(self, path: str, version: str) -> list[str]:
            self._s3.put_object(Bucket=BUCKET, Key=path, Body=RECORD * 3)
            return super().older_versions(path, version)

    rules = ScrubRules(("file_contents",), old_versions="delete")
    assert scrub_object(UploadedRightAfter(BUCKET), KEY, rules).numbers["deleted_versions"] == 1
    assert content(s3) == RECORD * 3
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 2


def test_multipart_uploads_carry_the_same_condition(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_in_place, "LARGEST_PUT", 1 << 20)
    monkeypatch.setattr(s3_in_place, "_PART_BYTES", 5 << 20)
    body = (b'{"pad": "' + b"p" * 4000 + b'", "file_contents": "x"}\n') * 3000
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body, Metadata={"owner": "a"}, Tagging="team=a")
    objects = S3InPlace(BUCKET)
    etag = s3.head_object(Bucket=BUCKET, Key=KEY)["ETag"].strip('"')
    with mock.patch.object(
        objects._s3, "complete_multipart_upload", wraps=objects._s3.complete_multipart_upload
    ) as completed:
        assert scrub_object(objects, KEY, RULES).numbers["blanked"] == 3000
    # The local server ignores this condition; only the request can be checked.
    assert completed.call_args.kwargs["IfMatch"] == etag
    assert len(completed.call_args.kwargs["MultipartUpload"]["Parts"]) == 3
    assert content(s3) == body.replace(b'"x"', b'""')
    assert tags(s3) == {"team": "a", "PROCESSED": "True"}
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["Metadata"] == {"owner": "a"}


def test_failed_multipart_uploads_are_aborted(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_in_place, "LARGEST_PUT", 1)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    objects = S3InPlace(BUCKET)
    opened = objects.open(KEY)
    assert opened is not None
    with pytest.raises(ValueError, match="failed"):
        objects.replace(KEY, opened, FailingFile(), 10, is_same=False)  # type: ignore[arg-type]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert content(s3) == RECORD


class FailingFile(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise ValueError("failed")


def test_metadata_that_cannot_be_sent_is_refused(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=RECORD)
    objects = S3InPlace(BUCKET)
    opened = objects.open(KEY)
    assert opened is not None
    odd = Opened(opened.etag, opened.size, opened.pieces, properties={"Metadata": {"owner": "Zoë"}})
    with pytest.raises(ObjectRefusedError, match="its metadata or tags cannot be rewritten"):
        objects.replace(KEY, odd, io.BytesIO(b"{}"), 2, is_same=False)


def test_denied_access_is_not_a_missing_object(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    objects = S3InPlace(BUCKET)
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
    monkeypatch.setattr(objects, "_s3", mock.Mock(get_object=mock.Mock(side_effect=denied)))
    with pytest.raises(AccessDeniedError, match="S3 refused GetObject"):
        objects.open(KEY)


@dataclass
class Prefix:
    """A feed that scrubs a prefix of the bucket."""

    root: Path

    def run(self, *arguments: str) -> Any:
        answer = command(
            "run", "uploads", "--lake", f"s3://{BUCKET}/lake", "--config", str(self.root), "--json", *arguments
        )
        assert answer.stdout, answer.stderr
        (receipt,) = answer.data
        assert receipt["exit_code"] == answer.exit_code
        return receipt


@pytest.fixture
def prefix(tmp_path: Path) -> Prefix:
    feed = {
        "job": "json_scrub",
        "source": {"path": "landing/uploads/"},
        "scrub": {"fields": ["file_contents"], "verify": True},
        "lease_seconds": 2,
    }
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/uploads.yaml").write_text(yaml.safe_dump(feed))
    return Prefix(tmp_path)


def test_all_objects_of_a_prefix_are_scrubbed(s3: Any, prefix: Prefix, requests: Counter[str]) -> None:
    folder = "lake/landing/uploads/"
    odd = ["//double", "../up", "a b+c?#%2Fé.json", "_hidden", "x=1/y.json"]
    for name in [*odd, *(f"many/{number}.json" for number in range(60))]:
        s3.put_object(Bucket=BUCKET, Key=folder + name, Body=RECORD)
    s3.put_object(Bucket=BUCKET, Key=folder + "marker/", Body=b"")
    s3.put_object(Bucket=BUCKET, Key=folder + "done", Body=RECORD, Tagging="PROCESSED=True&team=a")
    s3.put_object(Bucket=BUCKET, Key=folder + "bad", Body=RECORD + b"nope\n")
    s3.put_object(Bucket=BUCKET, Key="lake/landing/uploads2/other", Body=RECORD)
    receipt = prefix.run()
    assert receipt["exit_code"] == 3
    # Tagged by others: verification finds the field.
    assert set(receipt["refused"]) == {"landing/uploads/bad", "landing/uploads/done"}
    assert receipt["counts"]["written"] == len(odd) + 60
    for name in odd:
        assert content(s3, folder + name) == SCRUBBED
    assert content(s3, "lake/landing/uploads2/other") == RECORD
    assert content(s3, folder + "bad") == RECORD + b"nope\n"

    s3.delete_object(Bucket=BUCKET, Key=folder + "bad")
    s3.delete_object(Bucket=BUCKET, Key=folder + "done")
    requests.clear()
    assert prefix.run()["status"] == "nothing_new"
    assert +requests == {"ListObjectsV2": 1}, "one to list the source, none for objects"


def test_tags_are_trusted_only_while_the_feed_is_unchanged(s3: Any, prefix: Prefix) -> None:
    key, line = "lake/landing/uploads/a.json", b'{"file_contents": "x", "more": "y"}'
    short, long = "lake/landing/uploads/short.json", b'{"more": "' + b"y" * 2000 + b'"}'
    s3.put_object(Bucket=BUCKET, Key=key, Body=line)
    s3.put_object(Bucket=BUCKET, Key=short, Body=long)
    prefix.run("--set", "scrub.verify=false")
    assert content(s3, key) == b'{"file_contents": "", "more": "y"}'
    both = ("--set", "scrub.fields=[file_contents, more]", "--set", "scrub.verify=false")
    assert prefix.run(*both, "--set", "scrub.max_line_bytes=1024")["exit_code"] == 3
    assert content(s3, key) == b'{"file_contents": "", "more": ""}'
    assert content(s3, short) == long
    assert prefix.run(*both)["exit_code"] == 0
    assert content(s3, short) == b'{"more": ""}'
    assert prefix.run(*both)["status"] == "nothing_new"


def test_tags_of_a_dropped_batch_are_not_trusted(s3: Any, prefix: Prefix) -> None:
    key = "lake/landing/uploads/a.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"file_contents": "x", "more": "y"}')
    with mock.patch("lakewright.runs.lifecycle.committer.Committer.end", side_effect=RuntimeError("interrupted")):
        assert prefix.run()["exit_code"] == 1
    assert tags(s3, key) == {"PROCESSED": "True"}
    prefix.run("--set", "scrub.fields=[file_contents, more]", "--set", "scrub.verify=false")
    assert content(s3, key) == b'{"file_contents": "", "more": ""}'


def test_tagged_objects_are_searched_for_hidden_fields_again(s3: Any, prefix: Prefix, requests: Counter[str]) -> None:
    key, envelope = "lake/landing/uploads/a.json", b'{"Message": "{\\"file_contents\\": 1}"}\n'
    s3.put_object(Bucket=BUCKET, Key=key, Body=envelope)
    warning = (
        "fields to scrub remain in JSON inside strings of landing/uploads/a.json (1); "
        "add their fields to scrub.inside_strings"
    )
    assert prefix.run()["warnings"] == [warning]
    assert tags(s3, key) == {"PROCESSED": "True"}
    first = s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    receipt = prefix.run()
    assert (receipt["exit_code"], receipt["warnings"]) == (0, [warning])
    assert receipt["batches"][0]["numbers"]["landing/uploads/a.json"] == {"already": 1, "hidden": 1}
    refused = prefix.run("--set", "scrub.on_hidden=refuse", "--set", "scrub.verify=false")
    assert refused["exit_code"] == 3
    assert refused["error"].endswith("the object is tagged as processed")
    assert s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] == first
    assert content(s3, key) == envelope
    inside = ("--set", "scrub.inside_strings=any")
    assert prefix.run(*inside)["warnings"] == []
    assert content(s3, key) == b'{"Message": "{\\"file_contents\\": \\"\\"}"}\n'
    assert prefix.run(*inside)["status"] == "nothing_new"
    s3.put_object(Bucket=BUCKET, Key=key, Body=envelope, Tagging="PROCESSED=True")
    assert "still contains a field" in prefix.run(*inside)["error"], "objects tagged by others are verified"


def test_every_run_warns_of_fields_hidden_in_other_strings(s3: Any, prefix: Prefix) -> None:
    key = "lake/landing/uploads/a.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"Other": "{\\"file_contents\\": 1}"}\n')
    inside = ("--set", "scrub.inside_strings=[Message]", "--set", "scrub.verify=false")
    warning = (
        "fields to scrub remain in JSON inside strings of landing/uploads/a.json (1); "
        "add their fields to scrub.inside_strings"
    )
    for _ in range(3):
        assert prefix.run(*inside)["warnings"] == [warning]


def test_state_and_quarantine_are_never_scrubbed(s3: Any, prefix: Prefix) -> None:
    s3.put_object(Bucket=BUCKET, Key="elsewhere/a.json", Body=RECORD)
    everything = ("--set", f"source.path=s3://{BUCKET}", "--set", "scrub={fields: [path], depth: any}")
    for _ in range(2):
        receipt = prefix.run(*everything)
        assert receipt["exit_code"] == 0
    assert set(receipt["ignored"].values()) == {"in state/ or quarantine/ of the project"}
    answer = command("run", "uploads", "--lake", f"s3://{BUCKET}/lake", "--config", str(prefix.root), "--set",
                     f"source.path=s3a://{BUCKET}/lake/state/x")  # fmt: skip
    assert (answer.exit_code, "cannot be scrubbed" in answer.stderr) == (2, True)
