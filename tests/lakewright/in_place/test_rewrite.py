"""Rewriting in place leaves an object unchanged or complete: no record is lost or added."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import pytest

from lakewright.errors import AccountingError, UnreachableError
from lakewright.in_place.rewrite import Content, Rewritten, ToRewrite, rewrite_object, rewrite_objects
from lakewright.json.lines import count_records
from lakewright.log.records import Counts
from lakewright.storage.in_place import ObjectsInPlace, Opened
from lakewright.storage.local_in_place import LocalInPlace

THREE = b"1\n2\n3\n"
WRITTEN = Counts(read=3, written=3)


def writes(content: bytes, counts: Counts = WRITTEN) -> Callable[[Opened, BinaryIO], Content]:
    """Return a ``write`` with constant output."""

    def write(opened: Opened, body: BinaryIO) -> Content:
        opened.pieces.close()
        body.write(content)
        return Content(counts, is_same=False)

    return write


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        pytest.param(b"a\nb\nc\n", WRITTEN, id="same-count"),
        pytest.param(b"\n a\r\nb\n\n\nc", WRITTEN, id="blank-lines-do-not-count"),
        pytest.param(gzip.compress(b"a\nb\n") + gzip.compress(b"c"), WRITTEN, id="gzip"),
        pytest.param(b"a\nc\n", Counts(read=3, written=2, deleted=1), id="one-deleted"),
    ],
)
def test_a_replacement_with_matching_counts_is_put_in_place(tmp_path: Path, content: bytes, counts: Counts) -> None:
    (tmp_path / "object").write_bytes(THREE)
    write = writes(content, counts)
    done = rewrite_object(LocalInPlace(tmp_path), "object", again=False, write=write, count=count_records)
    assert (tmp_path / "object").read_bytes() == content
    assert (done.status, done.counts, done.in_place) == ("rewritten", counts, counts.written)
    assert done.numbers == {
        "records": 3,
        "records_out": counts.written,
        "bytes_in": len(THREE),
        "bytes_out": len(content),
    }


@pytest.mark.parametrize(
    ("content", "counts", "error"),
    [
        pytest.param(b"a\nc\n", WRITTEN, "^3 records read, but 2 in its replacement; it was left", id="lost"),
        pytest.param(b"a\nb\nb\nc\n", WRITTEN, "^3 records read, but 4 in its replacement", id="added"),
        pytest.param(b"a\nbc\n", WRITTEN, "^3 records read, but 2 in its replacement", id="two-on-one-line"),
        pytest.param(b"", WRITTEN, "^3 records read, but 0 in its replacement", id="nothing-written"),
        pytest.param(gzip.compress(b"a\nb"), WRITTEN, "^3 records read, but 2 in its replacement", id="lost-in-gzip"),
        pytest.param(
            gzip.compress(THREE)[:-4],
            WRITTEN,
            "^its replacement cannot be read: damaged gzip: it is",
            id="truncated-gzip",
        ),
        pytest.param(
            b"a\n",
            Counts(read=3, written=2, deleted=1),
            "^3 records read, 1 of them to remove, but 1 in its replacement",
            id="one-lost-and-one-deleted",
        ),
        pytest.param(
            b"a\nb\n",
            Counts(read=3, written=2),
            "^3 records read, but 2 in its replacement",
            id="inconsistent-counts",
        ),
    ],
)
def test_a_replacement_with_other_counts_is_never_put_in_place(
    tmp_path: Path, content: bytes, counts: Counts, error: str
) -> None:
    (tmp_path / "object").write_bytes(THREE)
    with (
        mock.patch.object(LocalInPlace, "replace") as replace,
        pytest.raises(AccountingError, match=error),
    ):
        rewrite_object(
            LocalInPlace(tmp_path), "object", again=False, write=writes(content, counts), count=count_records
        )
    assert not replace.called
    assert (tmp_path / "object").read_bytes() == THREE


def test_a_replacement_spooled_to_disk_is_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakewright.in_place.rewrite._IN_MEMORY", 1)
    (tmp_path / "object").write_bytes(THREE)
    with pytest.raises(AccountingError):
        rewrite_object(LocalInPlace(tmp_path), "object", again=False, write=writes(b"a"), count=count_records)


def test_failures_of_single_objects_do_not_stop_others(tmp_path: Path) -> None:
    def work(objects: ObjectsInPlace, path: str, *, again: bool) -> Rewritten:
        errors = {"lost": AccountingError("lost"), "away": UnreachableError("away"), "odd": ValueError("odd")}
        if path in errors:
            raise errors[path]
        return Rewritten(path, "already")

    tasks = [ToRewrite(path, again=False) for path in ("a", "lost", "away", "odd", "b")]
    where = r" at lakewright/in_place/rewrite\.py:\d+ \(its text may quote data; see show_values\)"
    reports = rewrite_objects(str(tmp_path), tasks, work=work)
    assert [(report.path, report.status, re.sub(where, "", report.reason)) for report in reports] == [
        ("a", "already", ""),
        ("lost", "miscounted", "lost"),
        ("away", "unreached", "away"),
        ("odd", "unreached", "unexpected ValueError"),
        ("b", "already", ""),
    ]
    shown = rewrite_objects(str(tmp_path), tasks, work=work, shows_values=True)
    assert shown[3].reason == "unexpected ValueError: odd"
