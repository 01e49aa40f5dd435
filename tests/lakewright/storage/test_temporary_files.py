"""Temporary files of killed writers are removed by the next writer; those of running writers are kept."""

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
from tests.conftest import ROOT, Bench

WRITER = """
import sys
from contextlib import ExitStack
from pathlib import Path
from lakewright.storage.temporary_files import temporary_file
with ExitStack() as stack:
    for folder in sys.argv[1:]:
        _, file = stack.enter_context(temporary_file(Path(folder)))
        file.write(b"half")
        file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def writer(*folders: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, *map(str, folders)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    return process


def kill_writer(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with writer(*folders) as process:
        process.kill()


def half_written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(".*.lakewright-tmp"))


@pytest.mark.parametrize("write", ["create", "replace", "move_all", "remove_abandoned"])
def test_only_abandoned_files_are_removed(tmp_path: Path, write: str) -> None:
    open_lake(str(tmp_path)).create("a/b", b"1")

    def do(time: int) -> None:
        lake = open_lake(str(tmp_path))  # as each run and task does
        if write == "create":
            assert lake.create(f"a/{time}", b"")
        elif write == "replace":
            seen = lake.stat("a/b")
            assert seen is not None
            assert lake.replace("a/b", b"2" * time, etag=seen.etag)
        elif write == "move_all":
            lake.create("source", b"")
            assert lake.move_all({"source": f"a/{time}"}) == []
        else:
            lake.remove_abandoned("")

    with writer(tmp_path / "a") as process:
        (half,) = half_written(tmp_path)
        os.kill(process.pid, signal.SIGSTOP)
        do(1)
        assert (tmp_path / half).read_bytes() == b"half"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert half_written(tmp_path) == [half]
        do(2)
        assert half_written(tmp_path) == []


def test_listings_neither_show_nor_remove_temporary_files(tmp_path: Path) -> None:
    lake = open_lake(str(tmp_path))
    lake.create("a/b", b"")
    kill_writer(tmp_path / "a")
    before = tree(tmp_path)
    assert [entry.path for entry in lake.list("")] == ["a/b"]
    assert list(lake.folders("")) == ["a"]
    assert tree(tmp_path) == before


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The modification time and content of a folder and everything below it."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.slow
def test_plan_and_status_write_nothing_and_the_next_run_removes_abandoned_files(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\nx,dirty\n")
    assert bench.run()["exit_code"] == 0
    quarantine = next((bench.lake / "quarantine").rglob("*.parquet")).parent
    state = bench.lake / "state/people/people"
    staging = bench.lake / "refined/_staging/people/people"
    kill_writer(
        state,
        state / "log",
        state / "receipts",
        staging / "000001-dead",
        staging / "000002-dead/table/year=2026",
        bench.lake / "refined/people/year=2026/month=08/day=01",
        quarantine,
    )
    (state / "log/head.json.gz").unlink()  # a killed run has not written it
    bench.put("a.csv", "id,name\n2,b\ny,dirty\n")
    before = tree(bench.lake)
    for verb in ("plan", "status"):
        assert bench.command(verb).exit_code == 0
    assert tree(bench.lake) == before
    assert len(half_written(bench.lake)) == 7
    assert bench.run()["exit_code"] == 0
    assert half_written(bench.lake) == []
    assert bench.strays() == []


def test_a_run_without_new_objects_removes_abandoned_files_of_its_state(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    state = bench.lake / "state/people/people"
    kill_writer(state, state / "log", state / "receipts")
    assert bench.run()["status"] == "nothing_new"
    assert half_written(bench.lake) == []


def test_similar_names_of_other_programs_are_kept_and_listed(tmp_path: Path) -> None:
    for name in ("report.lakewright-tmp", ".lakewright-tmp", ".note.lakewright-tmp"):
        (tmp_path / name).write_text("theirs")
    lake = open_lake(str(tmp_path))
    assert lake.create("b", b"")
    assert len(list(lake.list(""))) == len(list(tmp_path.iterdir())) == 4


def test_abandoned_files_in_the_target_folder_of_a_link_are_removed(tmp_path: Path) -> None:
    for folder in ("lake", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "elsewhere/a").write_bytes(b"old")
    (tmp_path / "lake/a").symlink_to(tmp_path / "elsewhere/a")
    kill_writer(tmp_path / "elsewhere")
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2
    objects = LocalInPlace(tmp_path / "lake")
    opened = objects.open("a")
    assert opened is not None
    assert objects.replace("a", opened, BytesIO(b"new"), 3, is_same=False)
    opened.pieces.close()
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "elsewhere").iterdir()] == [("a", b"new")]
    assert (tmp_path / "lake/a").is_symlink()


def test_without_file_locks_files_are_written_and_none_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    kill_writer(tmp_path)
    monkeypatch.setattr("fcntl.flock", no_locks)
    lake = open_lake(str(tmp_path))
    assert lake.create("a", b"whole")
    assert [entry.path for entry in lake.list("")] == ["a"]
    assert len(list(tmp_path.iterdir())) == 2


def test_files_of_running_writers_are_never_removed(tmp_path: Path) -> None:
    """Threads look for abandoned files all the time; if one wins the race for a new file, the writer opens another."""
    done = threading.Event()
    cleaners = [
        threading.Thread(target=lambda: [remove_abandoned_in(tmp_path) for _ in iter(done.is_set, True)])
        for _ in range(2)
    ]
    for cleaner in cleaners:
        cleaner.start()
    try:
        for number in range(300):
            with temporary_file(tmp_path) as (path, file):
                file.write(b"whole")
                file.flush()
                path.replace(tmp_path / str(number))
    finally:
        done.set()
        for cleaner in cleaners:
            cleaner.join()
    assert {path.name for path in tmp_path.iterdir()} == {str(number) for number in range(300)}


def test_waiting_for_a_locked_folder_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = open_lake(str(tmp_path))
    lake.create("a", b"1")
    etag = next(iter(lake.list(""))).etag
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    monkeypatch.setattr(temporary_files, "_LOCK_SECONDS", 0.2)
    with pytest.raises(UnreachableError, match=r"another process has locked .* for 0\.2 s; check whether one is"):
        lake.replace("a", b"2", etag=etag)
    opened = open_in_place(str(tmp_path)).open("a")
    assert opened is not None
    with pytest.raises(UnreachableError, match="another process has locked"):
        open_in_place(str(tmp_path)).replace("a", opened, BytesIO(b"2"), 1, is_same=False)
    opened.pieces.close()
    threading.Timer(0.1, os.close, [other]).start()
    monkeypatch.setattr(temporary_files, "_LOCK_SECONDS", 20.0)
    assert lake.replace("a", b"2", etag=etag)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_looked_through_once_however_many_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    monkeypatch.setattr("lakewright.storage.local.remove_abandoned_in", looked.append)
    lake = open_lake(str(tmp_path))
    for number in range(20):
        lake.create(f"some/{number}", b"")
        lake.create(f"other/{number}", b"")
    assert sorted(looked) == [tmp_path / "other", tmp_path / "some"]
