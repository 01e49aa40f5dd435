"""The job json_scrub through the command line, on a local folder."""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from jobs.feeds.json_scrub import JsonScrubFeed
from lakewright.errors import AccountingError
from lakewright.in_place.rewrite import Rewritten
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_proof import verify_scrub
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.local import etag_of
from lakewright.storage.local_in_place import LocalInPlace
from tests.conftest import Answer, command
from tests.lakewright.storage.test_temporary_files import half_written, kill_writer
from tests.workers import start_processes

RECORD = b'{"id": 1.00, "file_contents" : {"deep": ["x"]} ,"name":"a"}'
SCRUBBED = b'{"id": 1.00, "file_contents" : "" ,"name":"a"}'


@dataclass
class Uploads:
    """A lake with a folder of uploads, and a feed that scrubs them."""

    root: Path
    engine: str = "auto"

    def feed(self, source: dict[str, Any] | None = None, **scrub: Any) -> None:
        feed = {
            "job": "json_scrub",
            "source": {"path": "landing/uploads/", **(source or {})},
            "scrub": {"fields": ["file_contents"], **scrub},
            "lease_seconds": 2,
        }
        path = self.root / "conf/feeds/uploads.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(feed))

    def path(self, name: str) -> Path:
        return self.root / "lake/landing/uploads" / name

    def put(self, name: str, content: bytes) -> Path:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_bytes(content)
        return self.path(name)

    def command(self, verb: str, *arguments: str) -> Answer:
        where = ("--lake", str(self.root / "lake"), "--config", str(self.root / "conf"))
        engine = ("--engine", self.engine) if self.engine != "auto" and verb in ("run", "rebuild") else ()
        return command(verb, "uploads", *where, *engine, *arguments)

    def run(self, *arguments: str, verb: str = "run") -> dict[str, Any]:
        answer = self.command(verb, "--json", *arguments)
        assert answer.stdout, answer.stderr
        (receipt,) = answer.data
        assert receipt["exit_code"] == answer.exit_code
        return receipt


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    uploads = Uploads(tmp_path)
    uploads.path("").mkdir(parents=True)
    uploads.feed()
    yield uploads
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(params=["local", "spark"])
def on_both(request: pytest.FixtureRequest, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    """Runs tasks on each engine: in worker processes, and on Spark."""
    if request.param == "spark":
        request.getfixturevalue("spark")
    start_processes(monkeypatch)
    uploads.engine = request.param
    return uploads


def test_the_next_run_deletes_temporary_files_of_a_killed_scrub(uploads: Uploads) -> None:
    uploads.put("deep/a.json", RECORD)
    uploads.put("deep/gone.json", RECORD)
    uploads.run()
    kill_writer(uploads.path("deep"))
    uploads.path("deep/gone.json").unlink()
    for verb in ("plan", "status"):
        uploads.command(verb)
    assert len(half_written(uploads.root)) == 1
    uploads.put("b.json", RECORD)
    assert uploads.run()["exit_code"] == 0
    assert half_written(uploads.root) == []


def numbers(receipt: dict[str, Any]) -> dict[str, dict[str, int]]:
    by_object: dict[str, dict[str, int]] = {}
    for batch in receipt["batches"]:
        by_object |= {path.removeprefix("landing/uploads/"): each for path, each in batch.get("numbers", {}).items()}
    return by_object


def test_objects_of_every_kind_are_scrubbed(on_both: Uploads) -> None:
    kinds = {
        "plain.json": (RECORD + b"\n", SCRUBBED + b"\n"),
        "crlf.json": (RECORD + b"\r\n\r\n" + RECORD, SCRUBBED + b"\r\n\r\n" + SCRUBBED),
        "bom.json": (b"\xef\xbb\xbf" + RECORD, b"\xef\xbb\xbf" + SCRUBBED),
        "deep/er/odd name+%2F?#é.json": (RECORD, SCRUBBED),
        "_hidden.json": (RECORD, SCRUBBED),
        "blank.json": (b"\n \n", b"\n \n"),
        "without.json": (b'{"other": 1}\n', b'{"other": 1}\n'),
    }
    for name, (content, _) in kinds.items():
        on_both.put(name, content)
    on_both.put("empty.json", b"")
    on_both.put("compressed.json", gzip.compress(RECORD + b"\n") + gzip.compress(RECORD + b"\n"))
    on_both.path("plain.json").chmod(0o640)
    untouched = on_both.path("without.json").stat().st_mtime_ns

    receipt = on_both.run()
    assert (receipt["status"], receipt["exit_code"]) == ("committed", 0)
    for name, (_, content) in kinds.items():
        assert on_both.path(name).read_bytes() == content, name
    assert gzip.decompress(on_both.path("compressed.json").read_bytes()) == (SCRUBBED + b"\n") * 2
    assert on_both.path("plain.json").stat().st_mode & 0o777 == 0o640
    assert on_both.path("without.json").stat().st_mtime_ns == untouched
    assert (receipt["counts"]["read"], receipt["counts"]["written"]) == (9, 9)
    numbers_by_object = numbers(receipt)
    assert numbers_by_object["crlf.json"] == {
        "records": 2,
        "records_out": 2,
        "blanked": 2,
        "bytes_in": len(kinds["crlf.json"][0]),
        "bytes_out": len(kinds["crlf.json"][1]),
    }
    assert numbers_by_object["without.json"]["blanked"] == numbers_by_object["blank.json"]["records"] == 0
    assert receipt["ignored"] == {"landing/uploads/empty.json": "empty"}
    assert not list(on_both.root.rglob("*lakewright-tmp"))

    assert on_both.run()["status"] == "nothing_new"
    on_both.put("plain.json", RECORD)
    assert list(numbers(on_both.run())) == ["plain.json"]
    assert on_both.path("plain.json").read_bytes() == SCRUBBED


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param("max_record_bytes", id="limit"),
        pytest.param("max_line_bytes", id="deprecated-name", marks=pytest.mark.slow),
    ],
)
def test_an_object_with_an_invalid_line_is_refused_and_left_unchanged(uploads: Uploads, limit: str) -> None:
    uploads.put("good.json", RECORD)
    bad = {
        "bad.json": (RECORD + b"\nsecret, not JSON\n" + RECORD, "line 2 is not a JSON record"),
        "truncated.json": (RECORD + b"\n" + RECORD[:20], "line 2 is not a JSON record"),
        "truncated.json.gz": (gzip.compress(RECORD * 50)[:-4], "damaged gzip: it is truncated"),
        "latin.json": (RECORD + b'\n{"a": "\xe9"}', "line 2 is not a JSON record: not UTF-8"),
        "long.json": (RECORD + b"\n" + b" " * 5000 + RECORD, "line 2 is longer than 4096 bytes"),
    }
    for name, (content, _) in bad.items():
        uploads.put(name, content)
    uploads.feed(**{limit: 4096})
    answer = uploads.command("run", "--json")
    assert answer.exit_code == 3
    assert "secret" not in answer.stdout + answer.stderr
    (receipt,) = answer.data
    assert receipt["status"] == "committed"
    assert uploads.path("good.json").read_bytes() == SCRUBBED
    for name, (content, reason) in bad.items():
        assert uploads.path(name).read_bytes() == content
        assert reason in receipt["refused"][f"landing/uploads/{name}"]

    again = uploads.run()
    assert (again["status"], again["exit_code"], numbers(again)) == ("refused", 3, {})
    for name in bad:
        uploads.put(name, RECORD)
    assert uploads.run()["exit_code"] == 0
    assert {uploads.path(name).read_bytes() for name in bad} == {SCRUBBED}


def test_depth_paths_replacement_and_verification(uploads: Uploads) -> None:
    line = b'{"file_contents": null, "meta": [{"body": "x", "more": {"file_contents": "y"}}]}'
    uploads.put("a.json", line)
    uploads.feed(fields=["file_contents", "meta.body"], replacement=None, verify=True)
    assert numbers(uploads.run())["a.json"]["blanked"] == 1
    assert uploads.path("a.json").read_bytes() == line.replace(b'"x"', b"null")

    uploads.feed(fields=["file_contents", "body"], depth="any", replacement="gone", verify=True)
    (plan,) = uploads.command("plan", "--json").data
    assert plan["schema_changes"] == ["1 objects may have been scrubbed by other rules and are scrubbed again"]
    assert numbers(uploads.run())["a.json"]["blanked"] == 3
    content = b'{"file_contents": "gone", "meta": [{"body": "gone", "more": {"file_contents": "gone"}}]}'
    assert uploads.path("a.json").read_bytes() == content
    assert uploads.run()["status"] == "nothing_new"
    assert numbers(uploads.run(verb="rebuild"))["a.json"]["blanked"] == 0


def test_only_selected_objects_are_scrubbed(uploads: Uploads) -> None:
    uploads.put("a.json", RECORD)
    uploads.put("b.json", RECORD)
    receipt = uploads.run("--set", "source.objects=[b.json, nowhere.json]")
    assert receipt["exit_code"] == 3
    assert receipt["refused"] == {"landing/uploads/nowhere.json": "the object does not exist"}
    assert [uploads.path(name).read_bytes() for name in ("a.json", "b.json")] == [RECORD, SCRUBBED]
    assert numbers(uploads.run("--set", "source.objects=[b.json]", verb="rebuild"))["b.json"]["blanked"] == 0
    assert "a scrub has no dates" in uploads.command("run", "--date", "2026-08-01").last_line


def test_plan_and_status_write_nothing(uploads: Uploads) -> None:
    uploads.put("a.json", RECORD)
    (plan,) = uploads.command("plan", "--json").data
    assert [planned["path"] for planned in plan["objects"]] == ["landing/uploads/a.json"]
    (status,) = uploads.command("status", "--json").data
    assert status["waiting_objects"] == 1
    assert uploads.path("a.json").read_bytes() == RECORD
    assert not (uploads.root / "lake/state").exists()


def test_a_scrub_has_no_quarantine(uploads: Uploads) -> None:
    uploads.feed()
    answer = uploads.command("plan", "--set", "quarantine_days=30")
    assert answer.exit_code == 2
    assert "quarantine_days: json_scrub has no quarantine" in answer.stderr


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"source": {"path": "state/x/"}}, "state/ and quarantine/ of the project cannot be scrubbed"),
        ({"source": {"path": "https://x/y"}}, "or a URI (s3://bucket/prefix/), not 'https://x/y'"),
        ({"source": {"path": "file:///y"}}, "or a URI (s3://bucket/prefix/), not 'file:///y'"),
        ({"replacement": float("nan")}, "not JSON compliant"),
        ({"replacement": "\ud800"}, "half of a surrogate pair, which is not a character"),
        ({"fields": ["a..b"]}, "'a..b' has an empty name"),
        ({"source": {"path": "/landing/x"}}, "not '/landing/x': write landing/x/ for the folder in the lake\n"),
        ({"source": {"path": "landing//x"}}, "a source must be a folder in the lake"),
        ({"fields": []}, "scrub.fields: tuple should have at least 1 item"),
        ({"fields": [""]}, "an empty string is not a field name"),
        ({"max_record_bytes": 3}, "scrub.max_record_bytes: input should be greater than or equal to 1024"),
        ({"max_line_bytes": 3}, "scrub.max_line_bytes: input should be greater than or equal to 1024"),
        (
            {"max_record_bytes": 4096, "max_line_bytes": 4096},
            "scrub: max_line_bytes is the deprecated name of max_record_bytes: set only max_record_bytes",
        ),
        ({"max_record_byte": 4096}, "unknown key scrub.max_record_byte; did you mean 'max_record_bytes'?"),
        ({"old_versions": "burn"}, "input should be 'keep' or 'delete'"),
        ({"field": ["a"]}, "unknown key scrub.field; did you mean 'fields'?"),
        ({"inside_strings": "Message"}, "must be a list of fields, such as [Message], or any, not 'Message'"),
        ({"inside_strings": ["a..b"]}, "'a..b' has an empty name"),
        ({"inside_strings": [""]}, "an empty string is not a field name"),
        ({"replacement": '{"file_contents": 1}'}, "the replacement itself contains a field to scrub"),
        ({"on_hidden": "skip"}, "input should be 'warn' or 'refuse'"),
        ({"source": {"records": "ndjson"}}, "input should be 'lines', 'concatenated', 'array' or 'document'"),
    ],
)
def test_invalid_feeds_are_refused(uploads: Uploads, changes: dict[str, Any], error: str) -> None:
    uploads.feed(**changes)
    answer = uploads.command("plan")
    assert answer.exit_code == 2
    assert error in answer.stderr


def test_failures_of_single_objects_do_not_stop_others(uploads: Uploads) -> None:
    uploads.feed(verify=True, replacement=1)
    many = b'{"n": ' + b"1" * 5000 + b', "file_contents": true}'
    uploads.put("digits.json", many)
    uploads.put("marks.json", b"\xef\xbb\xbf" * 2000 + RECORD)
    uploads.put("sound.json", RECORD)
    uploads.put("folder.json", RECORD).rename(uploads.path("marker"))
    (uploads.path("loop")).symlink_to(uploads.path("loop"))
    odd = os.fsencode(uploads.path("odd-")) + b"\xff"
    Path(os.fsdecode(odd)).write_bytes(RECORD)
    receipt = uploads.run()
    assert receipt["exit_code"] == 3
    assert set(receipt["refused"]) == {"landing/uploads/marks.json", "landing/uploads/odd-\\xff"}
    assert uploads.path("digits.json").read_bytes() == many.replace(b"true", b"1")
    assert uploads.path("sound.json").read_bytes() == SCRUBBED.replace(b'""', b"1")


def test_object_names_cannot_leave_the_source(uploads: Uploads) -> None:
    other = uploads.root / "lake/state/other.json"
    other.parent.mkdir()
    other.write_bytes(RECORD)
    receipt = uploads.run("--set", 'source.objects=["../../state/other.json"]')
    assert receipt["refused"] == {"landing/uploads/../../state/other.json": "it is not below source.path"}
    assert other.read_bytes() == RECORD


def test_an_upload_right_after_the_replacement_is_not_recorded_as_scrubbed(uploads: Uploads) -> None:
    path = uploads.put("a.json", RECORD)
    replace = Path.replace

    def replace_and_upload(source: Path, target: Path) -> Path:
        done = replace(source, target)
        target.write_bytes(RECORD * 2)
        return done

    with mock.patch.object(Path, "replace", replace_and_upload):
        scrubbed = scrub_object(LocalInPlace(path.parent), "a.json", ScrubRules(("file_contents",)))
    assert scrubbed.etag != etag_of(path.stat())


def test_receipts_and_logs_contain_no_values(uploads: Uploads) -> None:
    uploads.put("a.json", b'{"file_contents": "personal", "name": "private"}')
    uploads.run()
    written = "".join(path.read_text() for path in (uploads.root / "lake/state").rglob("*.json"))
    assert "personal" not in written
    assert "private" not in written
    assert json.loads(next((uploads.root / "lake/state").rglob("receipts/*.json")).read_text())["checks"] == {
        "every row accounted for": True
    }


class Broken(ScrubRules):
    """Rules whose scrubber loses, duplicates or blanks records that ask for it."""

    def scrubber(self) -> Any:
        return self

    def scrub(self, line: bytes) -> tuple[bytes, int]:
        scrubbed, changed = super().scrubber().scrub(line)
        for fault, becomes in (("lose", b""), ("double", scrubbed + b"\n" + scrubbed), ("blank", b" \t ")):
            if fault.encode() in line:
                return becomes, 1
        return scrubbed, changed


@pytest.mark.parametrize("compress", [pytest.param(bytes, id="plain"), pytest.param(gzip.compress, id="gzip")])
@pytest.mark.parametrize("fault", ["lose", "double", "blank"])
def test_an_object_that_would_lose_or_gain_a_record_is_never_replaced(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, fault: str, compress: Callable[[bytes], bytes]
) -> None:
    bad = compress(RECORD + b"\n" + b'{"file_contents": "x", "fault": "%s"}\n' % fault.encode() + RECORD)
    uploads.put("bad.json", bad)
    before = etag_of(uploads.path("bad.json").stat())
    for name in ("a.json", "b.json"):
        uploads.put(name, RECORD)
    monkeypatch.setattr(JsonScrubFeed, "rules", lambda self: Broken(self.scrub.fields))
    answer = uploads.command("run", "--json")
    assert answer.exit_code == 1
    (receipt,) = answer.data
    records_out = 4 if fault == "double" else 2
    assert receipt["error"] == answer.last_line.removeprefix("error: ")
    assert receipt["error"] == (
        f"landing/uploads/bad.json: 3 records read, but {records_out} in its replacement; it was left unchanged"
    )
    assert list(receipt["refused"]) == ["landing/uploads/bad.json"]
    assert receipt["checks"] == {"every row accounted for": False}
    assert uploads.path("bad.json").read_bytes() == bad
    assert etag_of(uploads.path("bad.json").stat()) == before
    assert [uploads.path(name).read_bytes() for name in ("a.json", "b.json")] == [SCRUBBED] * 2
    assert (receipt["status"], sorted(numbers(receipt))) == ("committed", ["a.json", "b.json"])
    assert receipt["counts"]["read"] == receipt["counts"]["written"] == 2

    again = uploads.run()
    assert (again["status"], again["exit_code"], numbers(again)) == ("failed", 1, {})
    assert uploads.path("bad.json").read_bytes() == bad
    monkeypatch.undo()
    assert list(numbers(uploads.run())) == ["bad.json"]
    assert b'"x"' not in uploads.path("bad.json").read_bytes()


def test_verification_fails_if_the_record_count_differs(uploads: Uploads) -> None:
    path = uploads.put("a.json", SCRUBBED + b"\n" + SCRUBBED)
    claimed = Rewritten("a.json", "rewritten", etag=etag_of(path.stat()), in_place=3)
    with pytest.raises(AccountingError, match=r"^3 records were written, but 2 are read back"):
        verify_scrub(LocalInPlace(path.parent), claimed, ScrubRules(("file_contents",), verify=True))


ENVELOPE = b'{"file_contents": 1, "Message": "{\\"file_contents\\": \\"x\\", \\"n\\":1.00}"}\n'
OUTSIDE = ENVELOPE.replace(b"1,", b'"",', 1)
INSIDE = OUTSIDE.replace(b'\\"x\\"', b'\\"\\"')


def test_json_inside_strings_is_scrubbed(uploads: Uploads) -> None:
    uploads.put("plain.json", ENVELOPE * 2)
    uploads.put("compressed.json.gz", gzip.compress(ENVELOPE))
    uploads.feed(inside_strings=["Message"], verify=True, on_hidden="refuse")
    numbers_by_object = numbers(uploads.run())
    assert (numbers_by_object["plain.json"]["blanked"], numbers_by_object["plain.json"]["hidden"]) == (4, 0)
    assert uploads.path("plain.json").read_bytes() == INSIDE * 2
    assert gzip.decompress(uploads.path("compressed.json.gz").read_bytes()) == INSIDE
    assert uploads.run()["status"] == "nothing_new"
    uploads.put("plain.json", ENVELOPE)
    assert numbers(uploads.run("--set", "scrub.inside_strings=any"))["plain.json"]["blanked"] == 2


def test_every_run_warns_of_hidden_fields_until_they_are_scrubbed(uploads: Uploads) -> None:
    uploads.put("a.json", ENVELOPE + RECORD + b"\n" + ENVELOPE)
    uploads.put("b.json", RECORD + b"\n")
    uploads.put("truncated.json.gz", gzip.compress(b'{"log": "got {\\"file_contents\\": \\"x"}'))
    uploads.feed(verify=True)
    receipt = uploads.run()
    assert (receipt["status"], receipt["exit_code"]) == ("committed", 0)
    numbers_by_object = numbers(receipt)
    assert {name: each["hidden"] for name, each in numbers_by_object.items()} == {
        "a.json": 2,
        "b.json": 0,
        "truncated.json.gz": 1,
    }
    assert uploads.path("a.json").read_bytes() == OUTSIDE + SCRUBBED + b"\n" + OUTSIDE
    warning = (
        "fields to scrub remain in JSON inside strings of landing/uploads/a.json (2), "
        "landing/uploads/truncated.json.gz (1); add their fields to scrub.inside_strings"
    )
    assert receipt["warnings"] == [warning]

    answer = uploads.command("run")
    assert answer.exit_code == 0
    assert answer.last_line == f"warning: {warning}"
    (status,) = uploads.command("status", "--json").data
    assert status["waiting_objects"] == 2
    receipt = uploads.run("--set", "scrub.verify=false")
    assert receipt["status"] == "nothing_new"
    assert receipt["warnings"] == [
        "2 objects hid fields in strings when they were last checked; add their fields to scrub.inside_strings"
    ]

    receipt = uploads.run("--set", "scrub.on_hidden=refuse", "--set", "scrub.verify=false")
    assert (receipt["status"], receipt["exit_code"]) == ("refused", 3)
    reason = "hide a field to scrub in JSON; add their fields to scrub.inside_strings; the object was left unchanged"
    assert receipt["refused"]["landing/uploads/a.json"] == f"2 strings, first in line 1, {reason}"
    inside = ("--set", "scrub.inside_strings=[Message]", "--set", "scrub.verify=false")
    receipt = uploads.run(*inside)
    assert (receipt["exit_code"], numbers(receipt)["a.json"]["blanked"]) == (0, 2)
    assert uploads.path("a.json").read_bytes() == INSIDE + SCRUBBED + b"\n" + INSIDE
    assert receipt["warnings"] == [warning.replace("landing/uploads/a.json (2), ", "")]
    assert list(numbers(uploads.run(*inside))) == ["truncated.json.gz"]


def test_an_object_that_hides_fields_is_left_unchanged_with_on_hidden_refuse(uploads: Uploads) -> None:
    uploads.put("a.json", ENVELOPE)
    uploads.put("b.json", RECORD)
    uploads.feed(on_hidden="refuse")
    for _ in range(2):
        answer = uploads.command("run")
        assert answer.exit_code == 3
        assert answer.last_line == (
            "error: refused landing/uploads/a.json: a string in line 1 hides a field to scrub in JSON; "
            "add their fields to scrub.inside_strings; the object was left unchanged"
        )
        assert uploads.path("a.json").read_bytes() == ENVELOPE
        assert uploads.path("b.json").read_bytes() == SCRUBBED


def test_objects_of_other_framings_are_scrubbed(uploads: Uploads) -> None:
    array = b"[\n  %s,\n  %s\n]\n"
    uploads.put("a.json", array % (RECORD, RECORD))
    uploads.put("b.json.gz", gzip.compress(array % (RECORD, RECORD)) + gzip.compress(b"\n"))
    uploads.put("firehose.json", RECORD * 2)
    receipt = uploads.run()
    assert (receipt["status"], receipt["exit_code"]) == ("refused", 3)
    assert "; the object looks like source.records: array; " in receipt["refused"]["landing/uploads/a.json"]

    uploads.feed({"records": "array"}, verify=True)
    receipt = uploads.run()
    assert (receipt["status"], receipt["exit_code"]) == ("committed", 3)
    assert receipt["refused"] == {
        "landing/uploads/firehose.json": "at offset 0: an array was expected; "
        "the object looks like source.records: concatenated; the object was left unchanged"
    }
    assert (receipt["counts"]["read"], receipt["counts"]["written"]) == (4, 4)
    assert numbers(receipt)["a.json"]["records_out"] == numbers(receipt)["b.json.gz"]["blanked"] == 2
    assert uploads.path("a.json").read_bytes() == array % (SCRUBBED, SCRUBBED)
    assert gzip.decompress(uploads.path("b.json.gz").read_bytes()) == array % (SCRUBBED, SCRUBBED) + b"\n"
    assert uploads.path("firehose.json").read_bytes() == RECORD * 2

    uploads.feed({"records": "concatenated"}, verify=True)
    assert list(numbers(uploads.run())) == ["firehose.json"], "scrubbed objects are skipped"
    assert uploads.path("firehose.json").read_bytes() == SCRUBBED * 2
    before = uploads.path("firehose.json").stat().st_mtime_ns
    (again,) = uploads.run("--set", "source.objects=[firehose.json]", verb="rebuild")["batches"]
    assert again["numbers"]["landing/uploads/firehose.json"]["blanked"] == 0
    assert uploads.path("firehose.json").stat().st_mtime_ns == before
