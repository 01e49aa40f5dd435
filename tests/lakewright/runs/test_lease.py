import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lakewright.errors import LeaseHeldError, OvertakenError
from lakewright.runs.lease import Lease, find_holder
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(str(tmp_path))


def test_a_lease_is_held_renewed_and_released(lake: Lake) -> None:
    with Lease(lake, "s/", run="one", seconds=1) as lease:
        first = lake.stat("s/lease")
        time.sleep(0.7)
        assert lake.stat("s/lease") != first, "renewed"
        lease.check()
        began = time.monotonic()
        with pytest.raises(LeaseHeldError, match=f"another run holds the target .run one, process {os.getpid()}"):
            Lease(lake, "s/", run="two", seconds=1).__enter__()
        assert time.monotonic() - began >= 1
    assert lake.stat("s/lease") is None
    with Lease(lake, "s/", run="two", seconds=1):
        pass


def test_expiry_is_measured_by_the_waiting_process(lake: Lake) -> None:
    lake.create("s/lease", b'{"run": "far away", "host": "elsewhere", "pid": 1}')
    began = time.monotonic()
    with Lease(lake, "s/", run="two", seconds=0.3) as lease:
        assert time.monotonic() - began >= 0.3
        lease.check()


def test_the_lease_of_a_dead_local_process_is_taken_over_at_once(lake: Lake) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = {"run": "dead", "host": socket.gethostname(), "pid": int(child.stdout), "born": "then"}
    lake.create("s/lease", json.dumps(dead).encode())
    began = time.monotonic()
    with Lease(lake, "s/", run="two", seconds=30):
        assert time.monotonic() - began < 5


def test_a_reused_process_id_is_not_the_holder(lake: Lake) -> None:
    reused = {"run": "dead", "host": socket.gethostname(), "pid": os.getpid(), "born": "before the last boot"}
    lake.create("s/lease", json.dumps(reused).encode())
    with Lease(lake, "s/", run="two", seconds=30) as lease:
        lease.check()


def test_a_paused_holder_notices_the_takeover_and_keeps_the_new_lease(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Lease, "_keep", lambda self: None)
        paused = Lease(lake, "s/", run="paused", seconds=0.2).__enter__()
    with Lease(lake, "s/", run="other", seconds=0.2) as other:
        with pytest.raises(OvertakenError, match="another run took over the target"):
            paused.check()
        paused.__exit__(None, None, None)
        other.check()


def test_objects_are_deleted_together_with_a_lease_that_is_still_held(lake: Lake) -> None:
    for path in ("staged/1", "staged/2", "other"):
        lake.create(path, b"")
    staged = ["staged/1"]
    with Lease(lake, "s/", run="one", seconds=30, undeleted=staged):
        assert lake.stat("staged/1") is not None
    assert staged == []
    assert [each.path for each in lake.list("")] == ["other", "staged/2"]
    staged.append("staged/2")
    lost = Lease(lake, "s/", run="one", seconds=30, undeleted=staged).__enter__()
    lost._lost.set()
    lost.__exit__(None, None, None)
    assert (staged, lake.stat("staged/2") is None) == (["staged/2"], False)


@pytest.mark.slow
def test_at_most_one_process_holds_the_lease(lake: Lake) -> None:
    lake.create("s/lease", b"{}")
    inside: list[str] = []
    holders: list[int] = []

    def work(name: str) -> None:
        try:
            with Lease(lake, "s/", run=name, seconds=2):
                inside.append(name)
                holders.append(len(inside))
                time.sleep(5)
                inside.remove(name)
        except LeaseHeldError:
            pass

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert holders == [1]


def test_a_lease_that_was_just_written_is_not_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(lake, "s/", run="one", seconds=30) as lease:
        with monkeypatch.context() as patched:
            patched.setattr(Lease, "_is_ours", lambda self: pytest.fail("the lease was read"))
            lease.check(reads=False)
        monkeypatch.setattr(lease, "_written", time.monotonic() - 16)
        lake.delete("s/lease")
        with pytest.raises(OvertakenError):
            lease.check(reads=False)


@pytest.mark.parametrize(
    ("body", "run", "is_dead"),
    [
        pytest.param({"run": "one", "host": "elsewhere", "pid": 1, "born": "then"}, "one", False, id="another machine"),
        pytest.param({"run": "one", "host": "", "pid": os.getpid(), "born": "then"}, "one", True, id="a dead process"),
        pytest.param([], "", False, id="a damaged lease"),
    ],
)
def test_who_holds_a_lease(lake: Lake, body: Any, run: str, is_dead: bool) -> None:
    assert find_holder(lake, "s/") is None
    if body and not body["host"]:
        body = body | {"host": socket.gethostname()}
    lake.create("s/lease", json.dumps(body).encode())
    holder = find_holder(lake, "s/")
    assert holder is not None
    assert (holder.run, holder.is_dead) == (run, is_dead)


def test_a_run_in_progress_holds_its_lease(lake: Lake) -> None:
    with Lease(lake, "s/", run="one", seconds=30):
        holder = find_holder(lake, "s/")
        assert holder is not None
        assert (holder.run, holder.host, holder.is_dead) == ("one", socket.gethostname(), False)
