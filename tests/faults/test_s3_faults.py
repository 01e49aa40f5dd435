"""Faults of S3 and the network, request by request: lost responses, interrupted bodies, errors, silence."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lakewright.errors import AccessDeniedError, OvertakenError, UnreachableError
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_rules import ScrubRules
from lakewright.log.log import FORMAT, Append, Log, Plan
from lakewright.log.state import Outcome, TableState
from lakewright.runs.lease import Lease
from lakewright.storage.lake import Lake
from lakewright.storage.s3_in_place import S3InPlace
from lakewright.storage.uris import open_lake
from tests.faults.conftest import BUCKET, direct
from tests.faults.fault_proxy import Fault, FaultProxy

BODY = bytes(range(256)) * 4096
RECORD = b'{"id": 1.00, "file_contents": "x"}\n'
RULES = ScrubRules(("file_contents",))


@pytest.fixture
def lake(proxy: FaultProxy) -> Lake:
    return open_lake(f"s3://{BUCKET}/lake")


def put(proxy: FaultProxy, path: str, body: bytes) -> None:
    direct(proxy).put_object(Bucket=BUCKET, Key=f"lake/{path}", Body=body)


def put_processed(proxy: FaultProxy, path: str, body: bytes) -> None:
    direct(proxy).put_object(Bucket=BUCKET, Key=f"lake/{path}", Body=body, Tagging="PROCESSED=True")


def test_a_replacement_with_a_lost_response_is_recognized(proxy: FaultProxy, lake: Lake) -> None:
    lake.create("a", b"one")
    seen = lake.stat("a")
    assert seen is not None
    proxy.reset(Fault("lost", "^PUT", times=1))
    assert lake.replace("a", b"two", etag=seen.etag)
    assert not lake.replace("a", b"three", etag=seen.etag), "a replacement by another writer is not"
    assert lake.read("a") == b"two"


def test_an_outcome_written_again_after_a_pause_is_refused_although_its_response_is_lost(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine was suspended while the run was: only the responses of S3 tell how long."""
    for name, value in {"SNAPSHOT_EVERY": 2, "KEPT_BATCHES": 1, "_SHORT_SECONDS": 1, "monotonic": lambda: 0.0}.items():
        monkeypatch.setattr(f"lakewright.log.log.{name}", value)
    lake.create("s/lease", b"{}")
    suspended, log, state = Log(lake, "s/"), Log(open_lake(f"s3://{BUCKET}/lake"), "s/"), TableState()
    assert suspended.read() == (TableState(), None)
    for number in (1, 2):
        written = Outcome(FORMAT, number, "committed", "other")
        log.write_outcome(written)
        state.apply(written)
        log.write_snapshot(state)
    time.sleep(2)  # dates have no fractions of a second
    proxy.reset(Fault("lost", "^PUT.*outcome", times=1))
    with pytest.raises(OvertakenError):
        suspended.write_outcome(Outcome(FORMAT, 1, "committed", "suspended"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault("lost", "^PUT.*/lease", after=1, times=1)], id="one-response-lost"),
        pytest.param(
            [Fault("lost", "^PUT.*/lease", after=1, times=9)],
            id="responses-lost-until-the-renewal-fails",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [
                Fault("lost", "^PUT.*/lease", after=1, times=9),
                Fault("status", "^HEAD.*/lease", times=2, status=500),
            ],
            id="lookups-after-a-lost-renewal-fail",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_lease_survives_lost_responses(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch, faults: list[Fault]
) -> None:
    patience(monkeypatch, 0.5)
    monkeypatch.setattr("lakewright.aws.outages.COOLDOWN_SECONDS", 0)
    proxy.reset(*faults)
    with Lease(lake, "s/", run="one", seconds=1.2) as lease:
        time.sleep(2.5)
        proxy.faults.clear()
        time.sleep(0.5)
        lease.check()
        assert sum(fault.hits for fault in faults) > 0
    assert lake.stat("s/lease") is None


def test_a_failed_release_of_the_lease_does_not_hide_the_error(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 0.3)

    def work() -> None:
        with Lease(lake, "s/", run="one", seconds=60):
            proxy.reset(Fault("status", "lease", status=403, code="AccessDenied"))
            raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        work()


def test_conflicting_conditional_writes_are_retried(proxy: FaultProxy, lake: Lake) -> None:
    conflict = Fault("status", "^PUT", times=1, status=409, code="ConditionalRequestConflict")
    proxy.reset(conflict)
    assert lake.create("a", b"one")
    seen = lake.stat("a")
    assert seen is not None
    conflict.hits = 0
    assert lake.replace("a", b"two", etag=seen.etag)
    assert lake.read("a") == b"two"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["broken", "status", "lost"])
def test_an_interrupted_read_is_retried(proxy: FaultProxy, lake: Lake, kind: Any) -> None:
    put(proxy, "a", BODY)
    for start, length in ((0, None), (100, 1000), (100, None)):
        proxy.reset(Fault(kind, "^GET", times=2))
        assert lake.read("a", start=start, length=length) == BODY[start : None if length is None else start + length]


@pytest.mark.slow
def test_pieces_are_all_of_one_version(proxy: FaultProxy, lake: Lake) -> None:
    put(proxy, "a", BODY)
    proxy.reset(Fault("broken", "^GET", after=1, times=2))
    assert b"".join(lake.pieces("a", length=100_000)) == BODY
    pieces = lake.pieces("a", length=100_000)
    next(pieces)
    put(proxy, "a", BODY[::-1])
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        list(pieces)


@pytest.mark.slow
def test_an_interrupted_body_continues_at_its_position(proxy: FaultProxy, lake: Lake) -> None:
    put(proxy, "a", BODY * 4)
    proxy.reset(Fault("broken", "^GET", times=3))
    opened = S3InPlace(BUCKET, "lake").open("a")
    assert opened is not None
    assert b"".join(opened.pieces) == BODY * 4


def test_bodies_of_two_versions_are_not_mixed(proxy: FaultProxy, lake: Lake) -> None:
    put(proxy, "a", BODY * 4)
    proxy.reset(Fault("broken", "^GET", times=1))
    opened = S3InPlace(BUCKET, "lake").open("a")
    assert opened is not None
    next(opened.pieces)
    put(proxy, "a", BODY[::-1] * 4)
    with pytest.raises(OvertakenError, match="was rewritten while it was read"):
        list(opened.pieces)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("lost", "^PUT", times=1), id="response-lost"),
        pytest.param(Fault("broken", "^GET", times=2), id="body-interrupted"),
        pytest.param(Fault("status", "", times=3), id="slow-down"),
        pytest.param(Fault("status", "^PUT", times=1, status=409, code="ConditionalRequestConflict"), id="conflict"),
    ],
)
def test_a_scrub_is_correct_after_each_fault(proxy: FaultProxy, lake: Lake, fault: Fault) -> None:
    put(proxy, "a", RECORD * 1000)
    proxy.reset(fault)
    scrubbed = scrub_object(S3InPlace(BUCKET, "lake"), "a", RULES)
    assert (scrubbed.status, scrubbed.numbers["blanked"]) == ("rewritten", 1000)
    assert lake.read("a") == RECORD.replace(b'"x"', b'""') * 1000
    assert fault.hits == fault.times


@pytest.mark.parametrize(
    ("body", "number"),
    [
        pytest.param(RECORD.replace(b'"x"', b'""').replace(b"1.00", b"2.00"), "2.00", id="scrubbed-by-another"),
        pytest.param(RECORD.replace(b"1.00", b"3.00"), "3.00", id="uploaded-again"),
    ],
)
def test_an_object_rewritten_meanwhile_is_scrubbed_again(
    proxy: FaultProxy, lake: Lake, body: bytes, number: str
) -> None:
    class Raced(S3InPlace):
        is_first = True

        def replace(self, *arguments: Any, **options: Any) -> Any:
            if self.is_first:
                put_processed(proxy, "a", body)
                self.is_first = False
            return super().replace(*arguments, **options)

    put(proxy, "a", RECORD)
    assert scrub_object(Raced(BUCKET, "lake"), "a", RULES, again=True).numbers["blanked"] == (b'"x"' in body)
    assert lake.read("a") == RECORD.replace(b'"x"', b'""').replace(b"1.00", number.encode())


def test_an_object_that_is_replaced_during_an_interrupted_read_is_scrubbed_again(proxy: FaultProxy, lake: Lake) -> None:
    class Raced(S3InPlace):
        def _rest(self, path: str, etag: str, start: int) -> Any:
            put(proxy, "a", RECORD * 70_000)
            return super()._rest(path, etag, start)

    put(proxy, "a", RECORD * 60_000)
    proxy.reset(Fault("broken", "^GET", times=1))
    assert scrub_object(Raced(BUCKET, "lake"), "a", RULES).numbers["records"] == 70_000
    assert lake.read("a") == RECORD.replace(b'"x"', b'""') * 70_000


def test_a_multipart_upload_with_a_lost_response_is_recognized(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakewright.storage.s3_in_place.LARGEST_PUT", 10)
    put(proxy, "a", RECORD)
    proxy.reset(Fault("lost", "^POST.*uploadId", times=1))
    assert scrub_object(S3InPlace(BUCKET, "lake"), "a", RULES).status == "rewritten"
    assert lake.read("a") == RECORD.replace(b'"x"', b'""')


@pytest.mark.slow
@pytest.mark.parametrize("size", [pytest.param(10, id="copied-at-once"), pytest.param(9 << 20, id="copied-in-parts")])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("lost", "^(PUT|COPY|POST)", times=2), id="responses-lost"),
        pytest.param(Fault("error_body", "^(PUT|COPY|POST)", times=2, code="InternalError"), id="200-with-an-error"),
        pytest.param(Fault("lost", r"^POST.*\?delete", times=2), id="response-to-the-delete-lost"),
        pytest.param(
            Fault("error_body", r"^POST.*\?delete", times=2, code="InternalError"), id="delete-200-with-an-error"
        ),
        pytest.param(Fault("lost", "^POST.*uploadId", times=1), id="response-to-the-completion-lost"),
    ],
)
def test_a_move_succeeds_despite_faults(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch, fault: Fault, size: int
) -> None:
    monkeypatch.setattr("lakewright.storage.s3._PART_BYTES", 8 << 20)
    body = BODY[:10] if size == 10 else BODY * 9
    put(proxy, "a", body)
    unused = replace(fault, hits=0, seen=0)
    proxy.reset(unused)
    assert lake.move_all({"a": "b"}) == []
    assert lake.stat("a") is None
    assert lake.read("b") == body
    assert unused.hits == unused.times or (size == 10 and "uploadId" in unused.match)


@pytest.mark.slow
def test_a_move_with_a_failed_copy_deletes_no_source(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 0.5)
    paths = [f"s/{number:03}" for number in range(100)]
    for path in paths:
        lake.create(path, b"")
    proxy.reset(Fault("status", "^COPY.*/t/007", status=403, code="AccessDenied"))
    with pytest.raises(AccessDeniedError, match="CopyObject"):
        lake.move_all({path: path.replace("s/", "t/") for path in paths})
    assert [entry.path for entry in lake.list("s/")] == paths
    proxy.reset()
    assert lake.move_all({path: path.replace("s/", "t/") for path in paths}) == []
    assert len(list(lake.list("t/"))) == 100
    assert list(lake.list("s/")) == []


@pytest.mark.slow
def test_moves_are_concurrent_and_deletes_are_bulk_requests(proxy: FaultProxy, lake: Lake) -> None:
    paths = [f"s/{number:03}" for number in range(50)]
    for path in paths:
        lake.create(path, b"")
    proxy.reset(Fault("slow", seconds=0.1))
    began = time.monotonic()
    assert lake.move_all({path: path.replace("s/", "t/") for path in paths}) == []
    lake.delete_folder("t/")
    assert time.monotonic() - began < 50 * 2 * 0.1 / 3, "sequential requests would take three times as long"
    methods = Counter(request.split(" ", 1)[0] for request in proxy.requests)
    assert methods == {"HEAD": 50, "COPY": 50, "POST": 2, "GET": 1}


class Refusals:
    """Responses to bulk deletes in which some keys fail for some time, with status 200 as from S3."""

    def __init__(self, lake: Lake, **codes: str) -> None:
        self._client = lake._s3  # type: ignore[attr-defined]
        self._delete = self._client.delete_objects
        self._codes = {f"lake/{name}": code for name, code in codes.items()}
        self.requests: list[list[str]] = []
        self.times = 2

    def __call__(self, *, Bucket: str, Delete: Any) -> Any:  # noqa: N803 - S3's own names
        keys = [each["Key"] for each in Delete["Objects"]]
        self.requests.append(keys)
        failing = [key for key in keys if key in self._codes and len(self.requests) <= self.times]
        if done := [{"Key": key} for key in keys if key not in failing]:
            self._delete(Bucket=Bucket, Delete={"Objects": done, "Quiet": True})
        return {"Errors": [{"Key": key, "Code": self._codes[key], "Message": "injected"} for key in failing]}


def test_only_failed_keys_of_a_bulk_delete_are_retried(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        lake.create(name, b"")
    refusals = Refusals(lake, b="InternalError", d="SlowDown")
    monkeypatch.setattr(lake._s3, "delete_objects", refusals)  # type: ignore[attr-defined]
    lake.delete_all("abcd")
    assert refusals.requests == [["lake/a", "lake/b", "lake/c", "lake/d"], ["lake/b", "lake/d"], ["lake/b", "lake/d"]]
    assert list(lake.list("")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("AccessDenied", AccessDeniedError, f"DeleteObjects of s3://{BUCKET}/lake/b: AccessDenied"),
        ("SlowDown", UnreachableError, f"bucket {BUCKET} has not answered for .* the DeleteObjects operation"),
        ("Odd", UnreachableError, f"DeleteObjects of s3://{BUCKET}/lake/b with Odd"),
    ],
)
def test_keys_that_cannot_be_deleted_are_an_error(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception], message: str
) -> None:
    patience(monkeypatch, 0.5)
    monkeypatch.setattr("lakewright.aws.outages.COOLDOWN_SECONDS", 0)
    for name in "abc":
        lake.create(name, b"")
    refusals = Refusals(lake, b=code)
    refusals.times = 99
    monkeypatch.setattr(lake._s3, "delete_objects", refusals)  # type: ignore[attr-defined]
    with pytest.raises(error, match=message):
        lake.delete_all("abc")
    assert [entry.path for entry in lake.list("")] == ["b"]
    assert (len(refusals.requests) > 1) == (code == "SlowDown"), "only transient errors are retried"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["status", "broken", "lost"])
def test_a_listing_continues_at_the_failed_page(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    client = lake._s3  # type: ignore[attr-defined]
    whole = client.list_objects_v2
    monkeypatch.setattr(client, "list_objects_v2", lambda **listing: whole(**listing, MaxKeys=2))
    paths = [f"{folder}/{number}" for folder in "abc" for number in range(3)]
    for path in paths:
        lake.create(path, b"")
    proxy.reset(Fault(kind, "list-type=2", after=2, times=3))
    assert [entry.path for entry in lake.list("", after="a/0")] == paths[1:]
    assert len(proxy.requests) == 4 + 3
    proxy.reset(Fault(kind, "list-type=2", after=1, times=2))
    assert lake.folders("") == ["a", "b", "c"]
    assert len(proxy.requests) == 2 + 2


def test_a_listing_of_versions_continues_at_the_failed_page(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct(proxy).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for number in range(5):
        put(proxy, "a", b"%d" % number)
    put(proxy, "ab", b"")
    objects = S3InPlace(BUCKET, "lake")
    whole = objects._s3.list_object_versions
    monkeypatch.setattr(objects._s3, "list_object_versions", lambda **listing: whole(**listing, MaxKeys=2))
    newest = objects.open("a")
    assert newest is not None
    proxy.reset(Fault("status", "versions", after=1, times=2))
    assert len(objects.older_versions("a", newest.version)) == 4


def test_a_log_entry_with_a_lost_response_is_recognized(proxy: FaultProxy, lake: Lake) -> None:
    log = Log(lake, "s/")
    proxy.reset(Fault("lost", "^PUT", times=1))
    plan = Plan(FORMAT, 1, "r", "csv_to_parquet", "2026-08-01", "", [], Append())
    log.write_plan(plan)
    assert log.read()[1] == plan


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        pytest.param(Fault("gone"), UnreachableError, "has not answered", id="gone", marks=pytest.mark.slow),
        pytest.param(Fault("silent"), UnreachableError, "has not answered", id="silent", marks=pytest.mark.slow),
        pytest.param(Fault("status"), UnreachableError, "SlowDown", id="throttled", marks=pytest.mark.slow),
        pytest.param(
            Fault("status", status=403, code="AccessDenied"),
            AccessDeniedError,
            "AccessDenied|403",
            id="denied",
        ),
        pytest.param(
            Fault("status", status=400, code="ExpiredToken"),
            AccessDeniedError,
            "ExpiredToken|expired token",
            id="token-expired",
        ),
    ],
)
def test_a_lasting_fault_is_one_error_in_time(
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    error: type[Exception],
    message: str,
) -> None:
    patience(monkeypatch, 1.5, tell=0.4, read=1)
    lake = open_lake(f"s3://{BUCKET}/lake")
    proxy.reset(fault)
    began = time.monotonic()
    calls: list[Callable[[], Any]] = [
        lambda: lake.read("a"),
        lambda: lake.create("a", b""),
        lambda: list(lake.list("a/")),
        lambda: lake.move_all({"a": "b", "c": "d"}),
        lambda: lake.delete_all(["a", "b"]),
        lambda: S3InPlace(BUCKET, "lake").open("a"),
    ]
    for call in calls:
        with pytest.raises(error, match=f"(?s)(?=.*{BUCKET})(?=.*({message}))"):
            call()
    assert time.monotonic() - began < 4, "a bucket that was given up is not waited for again"
    if error is UnreachableError:
        assert "giving up after" in caplog.text
    proxy.reset()
    monkeypatch.setattr("lakewright.aws.outages.COOLDOWN_SECONDS", 0)
    assert lake.create("a", b"back")


@pytest.mark.slow
def test_a_short_outage_is_waited_for(proxy: FaultProxy, lake: Lake) -> None:
    proxy.reset(Fault("gone", times=1, seconds=1.5))
    assert lake.create("a", b"one")
    assert lake.read("a") == b"one"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_random_faults_do_not_change_results(proxy: FaultProxy, lake: Lake, seed: int) -> None:
    """Random operations with random transient faults, compared with a dict as the model."""
    chance = random.Random(seed)
    s3, expected = direct(proxy), {}
    kinds: list[Any] = ["lost", "broken", "status", "error_body"]

    class Random(Fault):
        def hit(self, request: str) -> bool:
            self.kind = chance.choice(kinds if request.startswith(("PUT", "COPY", "POST")) else kinds[:3])
            self.status, self.code = chance.choice([(503, "SlowDown"), (500, "InternalError")])
            return chance.random() < 0.3

    proxy.reset(Random("lost"))
    for _ in range(25):
        path, other = chance.sample("abc", 2)
        body = chance.randbytes(50)
        match chance.choice(["create", "replace", "move", "delete", "delete_all", "read"]):
            case "create":
                assert bool(lake.create(path, body)) == (path not in expected)
                expected.setdefault(path, body)
            case "replace":
                current = lake.stat(path)
                assert (current is None) == (path not in expected)
                if current is not None:
                    assert lake.replace(path, body, etag=current.etag)
                    assert not lake.replace(path, body + b"2", etag=current.etag)
                    expected[path] = body
            case "move" if path in expected:
                assert lake.move_all({path: other}) == []
                expected[other] = expected.pop(path)
            case "delete":
                lake.delete(path)
                expected.pop(path, None)
            case "delete_all":
                lake.delete_all([path, other])
                expected.pop(path, None)
                expected.pop(other, None)
            case "read" if path in expected:
                assert lake.read(path, start=7, length=20) == expected[path][7:27]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/").get("Contents", ())
    bodies = {entry["Key"]: s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listed}
    assert bodies == {f"lake/{path}": body for path, body in expected.items()}


@pytest.mark.slow
def test_two_leases_are_never_held_at_once_despite_faults(
    proxy: FaultProxy, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 2)
    proxy.reset(Fault("lost", "^PUT.*/lease", after=1, times=3), Fault("status", "^GET.*/lease", after=4, times=3))
    inside, inside_counts, holders = set(), [], []

    def work(name: str) -> None:
        with Lease(open_lake(f"s3://{BUCKET}/lake"), "s/", run=name, seconds=8):
            inside.add(name)
            inside_counts.append(len(inside))
            holders.append(json.loads(lake.read("s/lease"))["run"])
            time.sleep(0.5)
            inside.remove(name)

    threads = [threading.Thread(target=work, args=[str(number)]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside_counts == [1, 1, 1]
    assert sorted(holders) == ["0", "1", "2"]


def patience(monkeypatch: pytest.MonkeyPatch, seconds: float, *, tell: float = 0.1, read: float = 20) -> None:
    monkeypatch.setattr("lakewright.aws.outages.PATIENCE_SECONDS", seconds)
    monkeypatch.setattr("lakewright.aws.outages.TELL_SECONDS", tell)
    monkeypatch.setattr("lakewright.aws.clients.READ_SECONDS", read)
