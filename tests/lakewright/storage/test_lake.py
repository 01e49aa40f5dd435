"""One behaviour, over a folder and over an S3 server."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.e2e.conftest import BUCKET, aws, bucket  # noqa: F401 - fixtures


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "folder":
        return open_lake(str(tmp_path))
    request.getfixturevalue("bucket")
    return open_lake(f"s3a://{BUCKET}/pre fix/")


def paths(lake: Lake, prefix: str, **options: Any) -> list[str]:
    return [found.path for found in lake.list(prefix, **options)]


def test_create_is_once(lake: Lake) -> None:
    assert lake.create("a/b", b"one")
    assert lake.create("a/b", b"one"), "a retry that meets its own first try"
    assert not lake.create("a/b", b"two")
    assert lake.read("a/b") == b"one"


def test_create_at_once_has_one_winner(lake: Lake) -> None:
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


def test_replace_only_what_was_seen(lake: Lake) -> None:
    lake.create("a", b"one")
    seen = lake.stat("a")
    assert seen is not None
    assert lake.replace("a", b"second", etag=seen.etag)
    assert not lake.replace("a", b"third", etag=seen.etag)
    assert not lake.replace("gone", b"x", etag=seen.etag)
    assert lake.read("a") == b"second"


def test_read_parts(lake: Lake) -> None:
    lake.create("a", b"0123456789")
    assert lake.read("a", start=2, length=3) == b"234"
    assert lake.read("a", start=8) == b"89"
    assert lake.read("a", start=10, length=5) == b""
    with pytest.raises(FileNotFoundError):
        lake.read("b")
    assert lake.stat("b") is None


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25])
def test_pieces_are_the_whole(lake: Lake, size: int) -> None:
    lake.create("a", body := bytes(range(size)))
    pieces = list(lake.pieces("a", length=10))
    assert b"".join(pieces) == body
    assert all(pieces)
    assert {len(piece) for piece in pieces[:-1]} <= {10}


def test_pieces_of_what_is_not_there_or_replaced(lake: Lake) -> None:
    with pytest.raises(FileNotFoundError):
        list(lake.pieces("b", length=10))
    lake.create("a", b"x" * 25)
    pieces = lake.pieces("a", length=10)
    assert next(pieces) == b"x" * 10
    seen = lake.stat("a")
    assert seen is not None
    assert lake.replace("a", b"y" * 25, etag=seen.etag)
    if not lake.uri.startswith("s3"):  # what is open stays the file that it was
        assert list(pieces) == [b"x" * 10, b"x" * 5]
        return
    with pytest.raises(FileNotFoundError, match="was written again while it was read"):
        list(pieces)


def test_list_move_and_delete(lake: Lake) -> None:
    for path in ("x/1", "x/2", "x/sub/3", "xy/4"):
        lake.create(path, b"")
    assert paths(lake, "x/") == ["x/1", "x/2", "x/sub/3"]
    assert paths(lake, "x/", after="x/1") == ["x/2", "x/sub/3"]
    assert paths(lake, "none/") == []
    lake.move("x/1", "y/new/1")
    lake.move("x/1", "y/new/1")
    lake.delete("x/2")
    lake.delete("x/2")
    assert paths(lake, "") == ["x/sub/3", "xy/4", "y/new/1"]
    lake.delete_folder("x/")
    lake.delete_folder("x/")
    assert paths(lake, "") == ["xy/4", "y/new/1"]


def test_local_lake_leaves_no_empty_folders(tmp_path: Path) -> None:
    lake = open_lake(str(tmp_path))
    lake.create("a/b/c", b"")
    lake.move("a/b/c", "d/c")
    lake.delete("d/c")
    assert list(tmp_path.iterdir()) == []


def test_a_rewritten_file_has_another_etag(tmp_path: Path) -> None:
    lake = open_lake(f"file://{tmp_path}")
    (tmp_path / "a").write_text("1")
    before = lake.stat("a")
    time.sleep(0.01)
    (tmp_path / "a").write_text("2")
    assert before != lake.stat("a")
