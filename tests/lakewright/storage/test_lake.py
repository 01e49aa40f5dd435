"""The contract of a lake, tested with a folder and with an S3 server."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.s3_server import BUCKET


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "folder":
        return open_lake(str(tmp_path))
    request.getfixturevalue("bucket")
    return open_lake(f"s3a://{BUCKET}/pre fix/")


def paths(lake: Lake, prefix: str, **options: Any) -> list[str]:
    return [entry.path for entry in lake.list(prefix, **options)]


def test_create_is_idempotent_and_never_overwrites(lake: Lake) -> None:
    assert lake.create("a/b", b"one")
    assert lake.create("a/b", b"one"), "a retry after a lost response"
    assert not lake.create("a/b", b"two")
    assert lake.read("a/b") == b"one"


def test_concurrent_creates_have_one_winner(lake: Lake) -> None:
    won: list[int] = []
    barrier = threading.Barrier(6)

    def create(number: int) -> None:
        barrier.wait()
        if lake.create("race", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lake.read("race")] == [str(number).encode() for number in won]


def test_replace_needs_the_current_etag(lake: Lake) -> None:
    lake.create("a", b"one")
    seen = lake.stat("a")
    assert seen is not None
    assert lake.replace("a", b"second", etag=seen.etag)
    assert not lake.replace("a", b"third", etag=seen.etag)
    assert not lake.replace("gone", b"x", etag=seen.etag)
    assert lake.read("a") == b"second"


def test_read_ranges(lake: Lake) -> None:
    lake.create("a", b"0123456789")
    assert lake.read("a", start=2, length=3) == b"234"
    assert lake.read("a", start=8) == b"89"
    assert lake.read("a", start=10, length=5) == b""
    with pytest.raises(FileNotFoundError):
        lake.read("b")
    assert lake.stat("b") is None


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25])
def test_pieces_add_up_to_the_object(lake: Lake, size: int) -> None:
    lake.create("a", body := bytes(range(size)))
    pieces = list(lake.pieces("a", length=10))
    assert b"".join(pieces) == body
    assert all(pieces)
    assert {len(piece) for piece in pieces[:-1]} <= {10}


def test_pieces_of_a_missing_or_replaced_object(lake: Lake) -> None:
    with pytest.raises(FileNotFoundError):
        list(lake.pieces("b", length=10))
    lake.create("a", b"x" * 25)
    pieces = lake.pieces("a", length=10)
    assert next(pieces) == b"x" * 10
    seen = lake.stat("a")
    assert seen is not None
    assert lake.replace("a", b"y" * 25, etag=seen.etag)
    if not lake.uri.startswith("s3"):  # an open file stays readable after it is replaced
        assert list(pieces) == [b"x" * 10, b"x" * 5]
        return
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        list(pieces)


def test_list_move_and_delete(lake: Lake) -> None:
    for path in ("x/1", "x/2", "x/sub/3", "xy/4"):
        lake.create(path, b"")
    assert paths(lake, "x/") == ["x/1", "x/2", "x/sub/3"]
    assert paths(lake, "x/", after="x/1") == ["x/2", "x/sub/3"]
    assert paths(lake, "none/") == []
    assert lake.move_all({"x/1": "y/new/1"}) == []
    assert lake.move_all({"x/1": "y/new/1"}) == []
    lake.delete("x/2")
    lake.delete("x/2")
    assert paths(lake, "") == ["x/sub/3", "xy/4", "y/new/1"]
    lake.delete_folder("x/")
    lake.delete_folder("x/")
    assert paths(lake, "") == ["xy/4", "y/new/1"]


def test_deleting_a_folder_that_does_not_exist_leaves_its_parent(tmp_path: Path) -> None:
    """Hadoop, which may have created the parent for another table, fails if it vanishes."""
    (tmp_path / "refined").mkdir()
    open_lake(str(tmp_path)).delete_folder("refined/none/")
    assert (tmp_path / "refined").is_dir()


def test_moves_of_missing_objects_are_returned(lake: Lake) -> None:
    for path in ("s/1", "s/2", "s/3", "t/moved before", "t/2"):
        lake.create(path, path.encode())
    moves = {f"s/{name}": f"t/{name}" for name in ("gone", "1", "2", "3", "moved before", "gone too")}
    for _ in range(2):
        assert lake.move_all(moves) == ["t/gone", "t/gone too"]
        assert paths(lake, "") == ["t/1", "t/2", "t/3", "t/moved before"]
    assert lake.read("t/2") == b"s/2", "an existing destination is overwritten"
    assert lake.move_all({}) == []


#: Names that break in URLs, XML documents or shells; XML cannot represent \x01 and \ufffe.
ODD_NAMES = [
    *(
        "a b",
        " ahead",
        "behind ",
        " ",
        "\"'`$",
        "a&b<c>d",
        "&amp;",
        "&#13;",
        "]]>",
        "%41+b",
        "?c=d#e",
        "ünï/日本",
        "😀",
    ),
    *("e\u0301", "x\ry", "x\ty", "x\x7fy", "x\x85y", "x\u2028y", "\ufeffy", "x\x01y", "x\x1fy", "x\ufffey", "x\uffffy"),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_can_be_moved_and_deleted(lake: Lake, name: str) -> None:
    lake.create(f"s/{name}", b"1")
    lake.create("s/other", b"2")
    assert paths(lake, "s/") == sorted([f"s/{name}", "s/other"])
    assert lake.move_all({f"s/{name}": f"t/{name}", "s/other": "t/other"}) == []
    assert (lake.read(f"t/{name}"), paths(lake, "s/")) == (b"1", [])
    lake.delete_all([f"t/{name}", "t/other"])
    assert paths(lake, "") == []


@pytest.mark.slow
def test_deletes_are_split_into_requests(lake: Lake) -> None:
    names = [f"x/{number:04}{ODD_NAMES[number % len(ODD_NAMES)]}" for number in range(1_200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: lake.create(name, b""), [*names, "xy"]))
    assert len(paths(lake, "x/")) == len(names)
    lake.delete_all(iter(["x/never there", *names[:1_100]]))
    assert paths(lake, "x/") == sorted(names[1_100:])
    lake.delete_folder("x/")
    assert paths(lake, "") == ["xy"]


def test_a_range_is_read_only_from_the_requested_version(lake: Lake) -> None:
    lake.create("a", b"0123456789")
    seen = lake.stat("a")
    assert seen is not None
    assert lake.read("a", start=2, length=3, etag=seen.etag) == b"234"
    assert lake.replace("a", b"another, longer", etag=seen.etag)
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        lake.read("a", start=2, length=3, etag=seen.etag)


def test_local_lake_leaves_no_empty_folders(tmp_path: Path) -> None:
    lake = open_lake(str(tmp_path))
    lake.create("a/b/c", b"")
    lake.move_all({"a/b/c": "d/c"})
    lake.delete("d/c")
    assert list(tmp_path.iterdir()) == []


def test_a_rewritten_file_has_another_etag(tmp_path: Path) -> None:
    lake = open_lake(f"file://{tmp_path}")
    (tmp_path / "a").write_text("1")
    before = lake.stat("a")
    time.sleep(0.01)
    (tmp_path / "a").write_text("2")
    assert before != lake.stat("a")
