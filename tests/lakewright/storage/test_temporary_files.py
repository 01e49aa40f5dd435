"""What a killed writer leaves half written is removed by the next one that comes by, what a living one writes is not."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest

from lakewright.errors import UnreachableError
from lakewright.storage import temporary_files
from lakewright.storage.local_in_place import LocalInPlace
from lakewright.storage.temporary_files import remove_abandoned_in, temporary_file
from lakewright.storage.uris import open_in_place, open_lake
from tests.conftest import ROOT

WRITER = """
import sys
from pathlib import Path
from lakewright.storage.temporary_files import temporary_file
with temporary_file(Path(sys.argv[1])) as (path, file):
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def writer(folder: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    return process


@pytest.mark.parametrize("come_by", ["list", "create"])
def test_only_what_is_abandoned_is_removed(tmp_path: Path, come_by: str) -> None:
    lake = open_lake(str(tmp_path))
    (tmp_path / "a").mkdir()

    def look() -> None:
        if come_by == "create":
            assert lake.create("a/b", b"")
        assert {found.path for found in lake.list("")} <= {"a/b"}

    with writer(tmp_path / "a") as process:
        (half,) = (tmp_path / "a").iterdir()
        os.kill(process.pid, signal.SIGSTOP)
        look()
        assert half.read_bytes() == b"half"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert half.exists()
        look()
        assert not half.exists()


def test_what_others_call_so_is_theirs(tmp_path: Path) -> None:
    for name in ("report.lakewright-tmp", ".lakewright-tmp", ".note.lakewright-tmp"):
        (tmp_path / name).write_text("theirs")
    lake = open_lake(str(tmp_path))
    assert lake.create("b", b"")
    assert len(list(lake.list(""))) == len(list(tmp_path.iterdir())) == 4


def test_what_is_abandoned_beside_the_target_of_a_link_is_removed(tmp_path: Path) -> None:
    for folder in ("lake", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "elsewhere/a").write_bytes(b"old")
    (tmp_path / "lake/a").symlink_to(tmp_path / "elsewhere/a")
    with writer(tmp_path / "elsewhere") as process:
        process.kill()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2
    objects = LocalInPlace(tmp_path / "lake")
    opened = objects.open("a")
    assert opened is not None
    assert objects.replace("a", opened, BytesIO(b"new"), 3, is_same=False)
    opened.pieces.close()
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "elsewhere").iterdir()] == [("a", b"new")]
    assert (tmp_path / "lake/a").is_symlink()


def test_where_nothing_can_be_locked_all_is_written_and_nothing_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    with writer(tmp_path) as process:
        process.kill()
    monkeypatch.setattr("fcntl.flock", no_locks)
    lake = open_lake(str(tmp_path))
    assert lake.create("a", b"whole")
    assert [found.path for found in lake.list("")] == ["a"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_writer_is_never_robbed(tmp_path: Path) -> None:
    """Others look for abandoned files all the time; a file is either never theirs, or made again under another name."""
    done = threading.Event()
    lookers = [
        threading.Thread(target=lambda: [remove_abandoned_in(tmp_path) for _ in iter(done.is_set, True)])
        for _ in range(2)
    ]
    for looker in lookers:
        looker.start()
    try:
        for number in range(300):
            with temporary_file(tmp_path) as (path, file):
                file.write(b"whole")
                file.flush()
                path.replace(tmp_path / str(number))
    finally:
        done.set()
        for looker in lookers:
            looker.join()
    assert {path.name for path in tmp_path.iterdir()} == {str(number) for number in range(300)}


def test_a_folder_that_stays_locked_is_waited_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = open_lake(str(tmp_path))
    lake.create("a", b"1")
    etag = next(iter(lake.list(""))).etag
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    monkeypatch.setattr(temporary_files, "_LOCK_SECONDS", 0.2)
    with pytest.raises(UnreachableError, match=r"another process has kept .* locked for 0.2 s; is one stopped\?"):
        lake.replace("a", b"2", etag=etag)
    opened = open_in_place(str(tmp_path)).open("a")
    assert opened is not None
    with pytest.raises(UnreachableError, match="locked for"):
        open_in_place(str(tmp_path)).replace("a", opened, BytesIO(b"2"), 1, is_same=False)
    opened.pieces.close()
    threading.Timer(0.1, os.close, [other]).start()
    monkeypatch.setattr(temporary_files, "_LOCK_SECONDS", 20.0)
    assert lake.replace("a", b"2", etag=etag)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
