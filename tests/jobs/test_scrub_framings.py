"""Scrubs of objects in other framings than lines: their bytes afterwards, or the reason for a refusal."""

import gzip
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.errors import AccountingError, ObjectRefusedError
from lakewright.in_place.rewrite import Rewritten, ToRewrite, rewrite_objects
from lakewright.json import scrubbed
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_proof import verify_scrub
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.local import etag_of
from lakewright.storage.local_in_place import LocalInPlace
from tests.conftest import examples
from tests.jobs.test_scrub_laws import uncompressed
from tests.transforms.json.test_framing import chunked, streams, values
from tests.transforms.json.test_strings import Maker
from transforms.json.framing import FramedBlock, Framing, Records, framed_blocks
from transforms.json.proof import DECODER

FRAMINGS: tuple[Records, ...] = ("concatenated", "array", "document")
BOM = b"\xef\xbb\xbf"
RECORD = b'{"id": 1.00, "file_contents" : {"deep": ["}"]} ,"name":"a"}'
SCRUBBED = b'{"id": 1.00, "file_contents" : "" ,"name":"a"}'
ESCAPED = b'{"\\u0066ile_contents": [1],\n\t"file_contents":1e400, "x": "\\"file_contents\\": 1"}'
ESCAPED_SCRUBBED = b'{"\\u0066ile_contents": "",\n\t"file_contents":"", "x": "\\"file_contents\\": 1"}'


def rules(records: Records, **more: Any) -> ScrubRules:
    return ScrubRules(("file_contents",), records=records, **{"verify": True, **more})


def scrub(folder: Path, content: bytes, by: ScrubRules, *, again: bool = False) -> tuple[bytes, Rewritten]:
    path = folder / "object"
    if not again:
        path.write_bytes(content)
    done = scrub_object(LocalInPlace(folder), "object", by, again=again)
    return path.read_bytes(), done


def in_members(content: bytes) -> bytes:
    return b"".join(gzip.compress(content[start : start + 50]) for start in range(0, len(content), 50))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, in_members], ids=["plain", "gzip", "many-members"])
@pytest.mark.parametrize(
    ("records", "template", "count"),
    [
        pytest.param("concatenated", b"%s%s", 2, id="firehose"),
        pytest.param("concatenated", b"%s\n%s\r\n", 2, id="lines-are-valid-as-concatenated"),
        pytest.param("concatenated", b" %s \n\n\t%s", 2, id="whitespace-between-records"),
        pytest.param("concatenated", BOM + b"%s" + BOM + b"%s", 2, id="concatenated-files-with-bom"),
        pytest.param("array", b"[%s,%s]", 2, id="array"),
        pytest.param("array", BOM + b"\n[\n  %s ,\r\n  %s\n]\n", 2, id="array-pretty-printed"),
        pytest.param("document", b"%s\n", 1, id="document"),
        pytest.param("document", BOM + b"\n %s", 1, id="document-with-bom"),
    ],
)
def test_only_values_of_the_fields_change(
    tmp_path: Path, compress: Callable[[bytes], bytes], records: Records, template: bytes, count: int
) -> None:
    before, after = [RECORD, ESCAPED][:count], [SCRUBBED, ESCAPED_SCRUBBED][:count]
    content, expected = (compress(template % tuple(texts)) for texts in (before, after))
    content_after, done = scrub(tmp_path, content, rules(records))
    assert uncompressed(content_after) == uncompressed(expected)
    assert content_after.startswith(b"\x1f\x8b") == content.startswith(b"\x1f\x8b")
    assert done.numbers == {
        "records": count,
        "records_out": count,
        "blanked": 1 if count == 1 else 3,
        "hidden": 1 if count == 2 else 0,
        "bytes_in": len(content),
        "bytes_out": len(content_after),
    }
    again, done = scrub(tmp_path, b"", rules(records), again=True)
    assert again == content_after
    assert done.numbers["blanked"] == 0


@pytest.mark.parametrize(
    ("records", "content"),
    [
        pytest.param("array", b"[]", id="no-elements"),
        pytest.param("array", b" [ {}, {} ]", id="empty-records"),
        pytest.param("array", b" \n", id="array-of-whitespace"),
        pytest.param("concatenated", b"{}{}", id="empty-records-concatenated"),
        pytest.param("concatenated", b"\n", id="whitespace-only"),
        pytest.param("document", b"{ }", id="empty-document"),
        pytest.param("document", BOM, id="bom-only"),
        pytest.param("document", b'{"x": {"file_contents": 1}}', id="field-below-the-top"),
    ],
)
def test_objects_without_the_field_are_unchanged(tmp_path: Path, records: Records, content: bytes) -> None:
    content_after, done = scrub(tmp_path, content, rules(records))
    assert (content_after, done.numbers["blanked"]) == (content, 0)
    assert done.numbers["records"] == content.count(b"{}") + content.count(b"{ }") + content.count(b'{"x"')


LEFT = "; the object was left unchanged"


@pytest.mark.parametrize(
    ("records", "content", "reason"),
    [
        pytest.param(
            "lines",
            RECORD + RECORD,
            "line 1 is not a JSON record: JSON is malformed: trailing characters (byte 60); "
            "the object looks like source.records: concatenated",
            id="firehose-as-lines",
        ),
        pytest.param(
            "lines",
            b"[\n" + RECORD + b"]",
            "line 1 is not a JSON record: not a JSON object; the object looks like source.records: array",
            id="array-as-lines",
        ),
        pytest.param(
            "lines",
            b'{\n  "file_contents": 1\n}\n',
            "line 1 is not a JSON record: Input data was truncated; the object looks like source.records: document",
            id="document-as-lines",
        ),
        pytest.param(
            "lines",
            b'{"a": 1,\n "b": 2}',
            "line 1 is not a JSON record: Input data was truncated; the object looks like source.records: document",
            id="document-of-two-lines-as-lines",
        ),
        pytest.param(
            "lines",
            RECORD + b'\n{"a": 1\n' + RECORD,
            "line 2 is not a JSON record: Input data was truncated",
            id="truncated-line-gives-no-hint",
        ),
        pytest.param(
            "lines",
            RECORD + b'\n{"a": 1,',
            "line 2 is not a JSON record: Input data was truncated",
            id="truncated-last-line-gives-no-hint",
        ),
        pytest.param(
            "lines",
            RECORD + b"\n" + RECORD + RECORD + b"\n",
            "line 2 is not a JSON record: JSON is malformed: trailing characters (byte 60); "
            "the object looks like source.records: concatenated",
            id="two-records-on-some-line",
        ),
        pytest.param(
            "lines",
            RECORD * 100,
            "line 1 is longer than 1024 bytes; raise max_record_bytes if this is intended; "
            "the object looks like source.records: concatenated",
            id="firehose-above-the-limit-as-lines",
        ),
        pytest.param(
            "array",
            RECORD + b"\n" + RECORD,
            "at offset 0: an array was expected; the object looks like source.records: lines",
            id="lines-as-array",
        ),
        pytest.param(
            "document",
            b"[" + RECORD + b"]",
            "at offset 0: a record was expected; the object looks like source.records: array",
            id="array-as-document",
        ),
        pytest.param(
            "document",
            RECORD + RECORD,
            "at offset 59: the end of the object was expected; the object looks like source.records: concatenated",
            id="firehose-as-document",
        ),
        pytest.param(
            "concatenated",
            RECORD + b'{"a" 1}' + RECORD,
            "record 2, at offset 59, is not a JSON record: JSON is malformed: expected ':' (byte 5)",
            id="syntax-error",
        ),
        pytest.param(
            "array",
            b"[" + RECORD + b', {"a": "\xff"}]',
            "record 2, at offset 62, is not a JSON record: not UTF-8 (byte 8 of the record)",
            id="not-utf-8",
        ),
        pytest.param(
            "array",
            b"[" + RECORD + b',{"a": "\x00"}]',
            "record 2, at offset 61, is not a JSON record: JSON is malformed: invalid character (byte 7)",
            id="nul",
        ),
        pytest.param("array", b"[" + RECORD + b",]", "at offset 61: a record was expected", id="trailing-comma"),
        pytest.param(
            "array", b"[" + RECORD, "at offset 60: the object ends where a comma or the array's end", id="truncated"
        ),
        pytest.param(
            "concatenated",
            RECORD + RECORD[:-1],
            "at offset 59: the object ends within the record",
            id="truncated-record",
        ),
        pytest.param(
            "document",
            b'{"file_contents":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
            "record 1, at offset 0, is not a JSON record: nested too deeply",
            id="10000-levels",
        ),
        pytest.param(
            "document",
            b'{"a": "' + b"x" * 2000 + b'"}',
            "at offset 0: the record is longer than 1024 bytes; raise max_record_bytes if this is intended",
            id="document-above-the-limit",
        ),
        pytest.param("document", RECORD.decode().encode("utf-16"), "at offset 0: the object is UTF-16", id="utf-16"),
        pytest.param("array", "é".encode("latin-1"), "at offset 0: an array was expected", id="latin-1"),
    ],
)
def test_objects_of_another_framing_are_refused_and_left_unchanged(
    tmp_path: Path, records: Records, content: bytes, reason: str
) -> None:
    limit = 1 << 20 if b"[" * 100 in content else 1024
    others = [tmp_path / "a.json", tmp_path / "z.json"]
    for other in others:
        other.write_bytes(b"[" + RECORD + b"]" if records == "array" else RECORD)
    (tmp_path / "object").write_bytes(content)
    tasks = [ToRewrite(name, again=False) for name in ("a.json", "object", "z.json")]
    work = partial(scrub_object, rules=rules(records, max_record_bytes=limit))
    first, refused, last = rewrite_objects(str(tmp_path), tasks, work=work)
    assert (first.status, refused.status, last.status) == ("rewritten", "refused", "rewritten")
    assert refused.reason.startswith(reason)
    assert refused.reason.endswith(LEFT)
    assert "looks like" in reason or "looks like" not in refused.reason
    assert (tmp_path / "object").read_bytes() == content
    assert all(b'"deep"' not in other.read_bytes() for other in others)


@pytest.mark.parametrize("size", [1, 2, 5, 17, 64, 1000])
@pytest.mark.parametrize("records", FRAMINGS)
@pytest.mark.parametrize("depth", ["top", "any"])
def test_chunk_boundaries_do_not_change_the_result(depth: Any, records: Records, size: int) -> None:
    chance = random.Random(f"{depth} {records}")
    by = ScrubRules(("email",), depth, records=records)
    for _ in range(10):
        count = 1 if records == "document" else chance.randrange(5)
        makers = [Maker(chance.randrange(10**9), depth=depth, inside=(), replacement='""') for _ in range(count)]
        made = ["".join(pieces) for maker in makers for pieces in zip(*maker.record(), strict=True)]
        between = chance.choice([",", " ,\n"]) if records == "array" else chance.choice(["", "\n", " \r\n"])
        around = "[\n{}\n]" if records == "array" else "{}"
        content, expected = (around.replace("{}", between.join(made[part::2])).encode() for part in (0, 1))
        scrubber = scrubbed.ScrubbedRecords("object", by)
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        assert b"".join(scrubber.contents(chunks)) == expected
        assert b"".join(scrubbed.ScrubbedRecords("object", by).contents([expected])) == expected
        assert scrubber.blanked == sum(maker.replaced for maker in makers)


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None)
@given(stream=streams(), size=st.integers(1, 200))
def test_values_agree_with_a_plain_parser_and_other_fields_are_unchanged(
    stream: tuple[Framing, list[bytes], list[bytes]], size: int
) -> None:
    framing, gaps, records = stream
    content = b"".join(itertools.chain.from_iterable(zip(gaps, [*records, b""], strict=True)))
    chunks = chunked(content, size)
    nowhere = scrubbed.ScrubbedRecords("object", ScrubRules(("nowhere",), records=framing))
    assert b"".join(nowhere.contents(chunks)) == content
    once = b"".join(scrubbed.ScrubbedRecords("object", rules(framing)).contents(chunks))
    expected = [
        tuple((name, "" if name == "file_contents" else value) for name, value in DECODER.decode(record.decode()))
        for record in records
    ]
    assert values([once], framing) == expected
    again = scrubbed.ScrubbedRecords("object", rules(framing))
    assert (b"".join(again.contents([once])), again.blanked) == (once, 0)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("records", FRAMINGS)
@pytest.mark.parametrize("fault", ["lost", "duplicated"])
def test_an_object_that_would_lose_or_gain_a_record_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, records: Records, compress: Callable[[bytes], bytes]
) -> None:
    def broken(*arguments: Any, **more: Any) -> Any:
        for block in framed_blocks(*arguments, **more):
            between, record, more = block.pieces
            pieces = [between + more] if fault == "lost" else [between, record, b"", record, b"", record, more]
            yield FramedBlock(block.offset, pieces)

    monkeypatch.setattr(scrubbed, "framed_blocks", broken)
    content = compress({"array": b"[%s]"}.get(records, b"%s") % RECORD)
    (tmp_path / "object").write_bytes(content)
    with pytest.raises(AccountingError, match=r"^1 records read, but [03] in its replacement"):
        scrub_object(LocalInPlace(tmp_path), "object", rules(records))
    assert (tmp_path / "object").read_bytes() == content


@pytest.mark.parametrize(
    ("records", "content", "reason"),
    [
        pytest.param("array", b"[%s, %s]" % (SCRUBBED, RECORD), "record 2 still contains a field", id="field-remains"),
        pytest.param(
            "concatenated", SCRUBBED + RECORD, "record 2 still contains a field", id="field-remains-concatenated"
        ),
        pytest.param("document", RECORD, "record 1 still contains a field", id="field-remains-in-a-document"),
        pytest.param("array", b"[%s %s]" % (SCRUBBED, SCRUBBED), "record 2 cannot be verified", id="no-comma"),
        pytest.param("array", SCRUBBED, "record 1 cannot be verified: ValueError", id="no-array"),
        pytest.param("array", b"[%s,]" % SCRUBBED, "record 2 cannot be verified", id="trailing-comma"),
        pytest.param("array", b"[1]", "record 1 cannot be verified", id="not-an-object"),
        pytest.param("concatenated", SCRUBBED + b"}", "record 2 cannot be verified", id="surplus-bracket"),
        pytest.param("concatenated", SCRUBBED + b"{", "record 2 cannot be verified", id="truncated"),
        pytest.param("document", SCRUBBED * 2, "record 2 cannot be verified: ValueError", id="two-documents"),
        pytest.param("document", SCRUBBED + b"\xff", "record 1 cannot be verified", id="not-utf-8"),
    ],
)
def test_verification_refuses_what_the_scrubber_should_not_have_written(
    tmp_path: Path, records: Records, content: bytes, reason: str
) -> None:
    path = tmp_path / "object"
    path.write_bytes(content)
    claimed = Rewritten("object", "rewritten", etag=etag_of(path.stat()), in_place=content.count(b"name"))
    with pytest.raises(ObjectRefusedError, match=reason):
        verify_scrub(LocalInPlace(tmp_path), claimed, rules(records))


def test_verification_fails_if_the_record_count_differs(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(SCRUBBED * 2)
    claimed = Rewritten("object", "rewritten", etag=etag_of(path.stat()), in_place=3)
    with pytest.raises(AccountingError, match=r"^3 records were written, but 2 are read back"):
        verify_scrub(LocalInPlace(tmp_path), claimed, rules("concatenated"))
    assert verify_scrub(LocalInPlace(tmp_path), replace(claimed, in_place=2), rules("concatenated")).numbers == {
        "hidden": 0
    }


ENVELOPE = json.dumps({"Message": json.dumps({"file_contents": "x", "n": 1})}).encode()


@pytest.mark.parametrize("records", FRAMINGS)
def test_json_inside_strings_is_scrubbed(tmp_path: Path, records: Records) -> None:
    content = {"array": b"[%s]"}.get(records, b"%s") % ENVELOPE
    with pytest.raises(ObjectRefusedError, match="a string in record 1 hides a field to scrub in JSON"):
        scrub(tmp_path, content, rules(records, on_hidden="refuse"))
    content_after, done = scrub(tmp_path, content, rules(records, inside_strings=("Message",)))
    assert content_after == content.replace(b'\\"x\\"', b'\\"\\"')
    assert (done.numbers["blanked"], done.numbers["hidden"]) == (1, 0)


def test_the_framing_is_not_part_of_the_rules() -> None:
    assert len({rules(records).name() for records in ("lines", *FRAMINGS)}) == 1
