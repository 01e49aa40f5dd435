"""Landing → raw → archive: what is copied, what is deleted, and what stays."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakewright.errors import ConfigError, CopyDiffersError, ObjectRefusedError
from lakewright.pipeline.archive import archive_objects, check_landing
from lakewright.pipeline.execution import Execution
from lakewright.pipeline.raw import check_copy, copy_objects
from lakewright.pipeline.s3_copies import SOURCE_ETAG
from tests.lakewright.pipeline.conftest import (
    ARCHIVE,
    BUCKET,
    KEY,
    NAME,
    RAW,
    SOURCE,
    Killed,
    StrictS3,
    always,
    execution_of,
    keys_in,
    put,
)

DONE = {"copied": 1, "next_page": None}
NOT_DONE = {"copied": 0, "next_page": None}
COMPLETE = {"complete": True, "objects": 1, "bytes": 5, "missing": 0, "replaced": 0}
PART_BYTES = 10
OLD, NEW = b"id\n1\n", b"id\n2\n"


def copy(execution: Execution, page: int = 0) -> dict[str, Any]:
    return copy_objects(execution, SOURCE, page=page, has_time=always)


def archive(execution: Execution, page: int = 0) -> dict[str, Any]:
    return archive_objects(execution, "archive/", page=page, has_time=always)


def body(bucket: Any, key: str) -> bytes:
    return bytes(bucket.Object(key).get()["Body"].read())


def once(work: Any) -> Any:
    """Return a fault that happens once."""
    remaining = iter([work])

    def fault(_: Any) -> None:
        for each in remaining:
            each()

    return fault


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART_BYTES)


@pytest.fixture(params=[pytest.param(False, id="ETags are MD5"), pytest.param(True, id="ETags of KMS")])
def any_etags(request: pytest.FixtureRequest, strict: StrictS3) -> None:
    strict.has_kms = request.param


def landed(bucket: Any, content: bytes = OLD, **more: Any) -> Execution:
    """Put an object into landing; return its execution."""
    put(bucket, KEY, content, **more)
    etag = bucket.meta.client.head_object(Bucket=BUCKET, Key=KEY)["ETag"].strip('"')
    return execution_of({"key": KEY, "etag": etag, "size": len(content)}, event_time="2019-08-21T01:02:03.000Z")


def test_an_object_moves_from_landing_to_raw_and_the_archive(bucket: Any, strict: StrictS3, any_etags: None) -> None:
    execution = landed(bucket)
    assert check_copy(execution, SOURCE) == {"complete": False, "objects": 0, "bytes": 0, "missing": 1, "replaced": 0}
    for _ in range(2):
        assert copy(execution) == DONE
        assert check_copy(execution, SOURCE) == COMPLETE
        assert check_landing(execution) == {"clear": False, "left": 1}
    assert strict.calls["CopyObject"] == 1
    for _ in range(2):
        assert archive(execution) == DONE
        assert check_landing(execution) == {"clear": True, "left": 0}
        assert copy(execution) == DONE, "an execution that is started again"
        assert check_copy(execution, SOURCE) == COMPLETE
    assert keys_in(bucket) == [f"{ARCHIVE}{NAME}", f"{RAW}{NAME}"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("customers 1+1 100%_20190821.csv", id="blank, plus, percent"),
        pytest.param("a%2Fb_20190821.csv", id="an encoded slash"),
        pytest.param("…ü_20190821.csv", id="Unicode"),
        pytest.param("a\nb_20190821.csv", id="line end"),
        pytest.param("a?b#c&d=e_20190821.csv", id="parts of URLs"),
        pytest.param("..", id="a parent folder's name"),
        pytest.param("n" * (1024 - len(RAW)), id="as long as the copy's key may be"),
    ],
)
def test_hostile_names(bucket: Any, strict: StrictS3, name: str) -> None:
    execution = execution_of(put(bucket, f"landing/{name}"))
    assert copy(execution) == archive(execution) == DONE
    assert keys_in(bucket) == sorted([f"{ARCHIVE}{name}", f"{RAW}{name}"])


def test_a_name_too_long_for_raw_is_refused(bucket: Any, strict: StrictS3) -> None:
    execution = execution_of(put(bucket, f"landing/{'n' * 1000}"))
    with pytest.raises(ObjectRefusedError, match="key would be longer than 1024 bytes; rename it"):
        copy(execution)


def test_other_objects_of_landing_stay(bucket: Any, strict: StrictS3) -> None:
    execution = landed(bucket)
    others = [f"{KEY}.bak", "landing/customers_20190822.csv", f"{KEY}/x", "landing/"]
    for key in others:
        put(bucket, key)
    assert copy(execution) == archive(execution) == DONE
    assert check_landing(execution) == {"clear": True, "left": 0}
    assert keys_in(bucket) == sorted([f"{ARCHIVE}{NAME}", f"{RAW}{NAME}", *others])


@pytest.mark.parametrize(("dies_after_call", "parts"), [(False, 0), (True, 0), (True, 2)])
def test_killed_at_any_call_and_started_again(bucket: Any, strict: StrictS3, dies_after_call: bool, parts: int) -> None:
    strict.dies_after_call = dies_after_call
    for last in range(1, 100):
        bucket.objects.all().delete()
        execution = in_parts(bucket, parts) if parts else landed(bucket)
        whole = body(bucket, KEY)
        strict.calls.clear()
        strict.left = last
        try:
            copy(execution)
            archive(execution)
        except Killed:
            strict.left = None
            assert any(body(bucket, key) == whole for key in keys_in(bucket)), "nothing is lost"
            assert copy(execution) == archive(execution) == DONE
            assert check_landing(execution)["clear"]
            assert [body(bucket, key) for key in keys_in(bucket)] == [whole, whole]
        else:
            assert last > 8
            return
    pytest.fail("the calls never end")


def in_parts(bucket: Any, parts: int, **more: Any) -> Execution:
    """Upload an object in parts, the last of one byte; return its execution."""
    target = bucket.Object(KEY)
    upload = target.initiate_multipart_upload(**more)
    pieces = [bytes([number]) * (PART_BYTES if number < parts else 1) for number in range(1, parts + 1)]
    done = [
        {"PartNumber": number, "ETag": upload.Part(number).upload(Body=piece)["ETag"]}
        for number, piece in enumerate(pieces, start=1)
    ]
    upload.complete(MultipartUpload={"Parts": done})
    target.reload()
    return execution_of({"key": KEY, "etag": target.e_tag.strip('"'), "size": target.content_length})


@pytest.mark.parametrize("parts", [1, 3])
def test_an_object_uploaded_in_parts_keeps_its_etag(bucket: Any, strict: StrictS3, parts: int) -> None:
    execution = in_parts(bucket, parts)
    assert copy(execution) == archive(execution) == DONE
    etag = execution.objects[0].etag
    assert etag.endswith(f"-{parts}")
    assert [entry.e_tag.strip('"') for entry in bucket.objects.all()] == [etag, etag]
    assert not strict.calls["CopyObject"]


def test_an_object_above_the_limit_of_one_request_is_copied_in_parts(
    bucket: Any, strict: StrictS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakewright.pipeline.s3_copies._LARGEST_COPY", PART_BYTES)
    monkeypatch.setattr("lakewright.pipeline.s3_parts._PART_BYTES", PART_BYTES)
    content = bytes(range(2 * PART_BYTES + 1))
    execution = landed(bucket, content)
    assert copy(execution) == archive(execution) == DONE
    assert (strict.calls["CopyObject"], strict.calls["UploadPartCopy"]) == (0, 6)
    assert body(bucket, f"{RAW}{NAME}") == content, "compared byte by byte, since ETags differ"


@pytest.mark.parametrize("parts", [0, 2])
def test_metadata_and_tags_are_kept(bucket: Any, strict: StrictS3, parts: int) -> None:
    kept = {
        "ContentType": "text/csv",
        "CacheControl": "no-store",
        "Metadata": {"from": "crm"},
        "Tagging": "a=1&b=x%20y",
    }
    execution = in_parts(bucket, parts, **kept) if parts else landed(bucket, **kept)
    assert copy(execution) == archive(execution) == DONE
    for key in keys_in(bucket):
        there = bucket.Object(key)
        assert (there.content_type, there.cache_control) == ("text/csv", "no-store")
        assert there.metadata == {"from": "crm", SOURCE_ETAG: execution.objects[0].etag}
        tags = bucket.meta.client.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "x y"}


def test_metadata_without_room_is_refused(bucket: Any, strict: StrictS3) -> None:
    execution = landed(bucket)

    def refuse(_: Any) -> None:
        raise ClientError({"Error": {"Code": "MetadataTooLarge"}}, "CopyObject")

    strict.before["CopyObject"] = refuse
    with pytest.raises(ObjectRefusedError, match=r"2 KB of user metadata"):
        copy(execution)


@pytest.mark.parametrize("operation", ["HeadObject", "CopyObject", "DeleteObject"])
def test_throttled_requests_are_repeated(bucket: Any, strict: StrictS3, operation: str) -> None:
    execution = landed(bucket)
    remaining = [1, 1, 1]

    def slow_down(_: Any) -> None:
        if remaining:
            remaining.pop()
            raise ClientError({"Error": {"Code": "SlowDown"}}, operation)

    strict.before[operation] = slow_down
    assert copy(execution) == archive(execution) == DONE
    assert not remaining


def test_an_object_deleted_before_its_copy_is_missing(bucket: Any, strict: StrictS3) -> None:
    execution = landed(bucket)
    strict.before["CopyObject"] = once(lambda: bucket.Object(KEY).delete())
    assert copy(execution) == NOT_DONE
    assert check_copy(execution, SOURCE) == {"complete": False, "objects": 0, "bytes": 0, "missing": 1, "replaced": 0}


def test_an_object_overwritten_before_its_copy_is_replaced(bucket: Any, strict: StrictS3, any_etags: None) -> None:
    older = landed(bucket)
    strict.before["CopyObject"] = once(lambda: put(bucket, KEY, NEW))
    assert copy(older) == NOT_DONE
    replaced = {"complete": False, "objects": 0, "bytes": 0, "missing": 0, "replaced": 1}
    assert check_copy(older, SOURCE) == replaced
    assert archive(older) == NOT_DONE
    assert keys_in(bucket) == [KEY], "the newer upload has an execution of its own"
    newer = landed(bucket, NEW)
    assert copy(newer) == archive(newer) == DONE
    assert copy(older) == NOT_DONE
    assert check_copy(older, SOURCE) == replaced, "also after the newer upload left landing"
    assert [body(bucket, key) for key in keys_in(bucket)] == [NEW, NEW]


def test_an_older_copy_never_replaces_a_newer_one(bucket: Any, strict: StrictS3) -> None:
    older = landed(bucket)

    def overtake() -> None:
        assert copy(landed(bucket, NEW)) == DONE

    strict.before["CopyObject"] = once(overtake)
    assert copy(older) == NOT_DONE
    assert body(bucket, f"{RAW}{NAME}") == NEW


def test_a_newer_upload_replaces_raw_and_is_archived_beside_the_older(
    bucket: Any, strict: StrictS3, any_etags: None
) -> None:
    older = landed(bucket)
    assert copy(older) == archive(older) == DONE
    newer = landed(bucket, NEW)
    for _ in range(2):
        assert copy(newer) == archive(newer) == DONE
    etag = newer.objects[0].etag
    assert {key: body(bucket, key) for key in keys_in(bucket)} == {
        f"{ARCHIVE}{NAME}": OLD,
        f"{ARCHIVE}customers_20190821-{etag}.csv": NEW,
        f"{RAW}{NAME}": NEW,
    }


def test_an_upload_during_archiving_stays_in_landing(bucket: Any, strict: StrictS3, any_etags: None) -> None:
    execution = landed(bucket)
    copy(execution)
    strict.before["DeleteObject"] = once(lambda: put(bucket, KEY, NEW))
    assert archive(execution) == DONE
    assert check_landing(execution) == {"clear": True, "left": 0}
    assert body(bucket, KEY) == NEW
    assert body(bucket, f"{ARCHIVE}{NAME}") == OLD


def test_the_same_file_again_is_moved_again(bucket: Any, strict: StrictS3) -> None:
    for _ in range(2):
        execution = landed(bucket)
        assert copy(execution) == archive(execution) == DONE
    assert keys_in(bucket) == [f"{ARCHIVE}{NAME}", f"{RAW}{NAME}"]


@pytest.mark.parametrize("step", [copy, archive])
def test_a_copy_with_other_content_deletes_nothing(bucket: Any, strict: StrictS3, step: Any, any_etags: None) -> None:
    execution = landed(bucket)

    def damage(parameters: dict[str, Any]) -> None:
        put(bucket, parameters["Key"], NEW, Metadata={SOURCE_ETAG: execution.objects[0].etag})

    strict.after["CopyObject"] = damage
    with pytest.raises(CopyDiffersError, match=r"differs from landing/customers_20190821.csv, of which it is a copy"):
        step(execution)
    assert body(bucket, KEY) == OLD


def test_a_manifest_names_objects_in_pages(bucket: Any, strict: StrictS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakewright.pipeline.pages.PAGE_OBJECTS", 20)
    objects = [put(bucket, f"landing/{number:03d}.csv", str(number).encode()) for number in range(45)]
    manifest = "state/customers/manifests/all.json"
    put(bucket, manifest, json.dumps(objects).encode())
    execution = execution_of(manifest=manifest)
    times = iter([True, False, True])
    steps = (
        (lambda page: copy_objects(execution, SOURCE, page=page, has_time=lambda: next(times, False)), [0, 20, 36]),
        (lambda page: archive(execution, page), [0, 20, 40]),
    )
    for step, begins in steps:
        page, pages = 0, []
        while page is not None:
            pages.append(page)
            page = step(page)["next_page"]
        assert pages == begins
    assert check_copy(execution, SOURCE)["complete"]
    assert check_landing(execution)["clear"]
    assert len(keys_in(bucket)) == 91
    with pytest.raises(ConfigError, match="no page of the execution begins with object 45: it has 45 objects"):
        copy(execution, 45)
