"""A lease on a target, which keeps two runs from doing the same work. Correctness depends on the log, not on it."""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping, MutableSequence
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from lakewright.errors import LeaseHeldError, OvertakenError
from lakewright.storage.lake import Lake, StoredObject
from transforms.errors import LakewrightError

LOGGER = logging.getLogger("lakewright")

_RENEWALS_PER_LEASE: Final = 4
#: At most this long, even for longer leases: renewals also detect, while Spark works, that the lake does not answer.
_LONGEST_PAUSE_SECONDS: Final = 15


@dataclass(frozen=True)
class Holder:
    """The run that holds a lease.

    Attributes:
        renewed: When it last renewed the lease, by the clock of the lake's storage.
        is_dead: Whether it is known to have ended: a process of this machine that no longer exists.
    """

    run: str
    host: str
    renewed: datetime
    is_dead: bool


def find_holder(lake: Lake, folder: str) -> Holder | None:
    """Return the run that holds the lease of a target, or held it when it was killed; None if no run does."""
    path = f"{folder}lease"
    stored = lake.stat(path)
    if stored is None:
        return None
    body = _read_body(lake, path)
    return Holder(
        run=str(body.get("run", "")),
        host=str(body.get("host", "")),
        renewed=stored.modified,
        is_dead=_is_dead(body),
    )


class Lease:
    """Held within the context, and renewed in the background.

    A lease has expired if its ETag has not changed for its duration, by the waiting run's clock. The lease of a dead
    process on this machine is taken over at once. On release, the ``undeleted`` objects are deleted by the same
    request as the lease, and the list is emptied; if that fails, it keeps them.

    Raises:
        LeaseHeldError: If another run still renews it after one lease duration of waiting.
    """

    def __init__(
        self, lake: Lake, folder: str, *, run: str, seconds: float, undeleted: MutableSequence[str] | None = None
    ) -> None:
        self._undeleted = [] if undeleted is None else undeleted
        self._lake, self._folder, self._run, self._seconds = lake, folder, run, seconds
        self._path = f"{folder}lease"
        self._etag = ""
        self._written = float("-inf")
        self._count = 0
        self._released = threading.Event()
        self._lost = threading.Event()
        self._renewer = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"lease {folder}", daemon=True
        )

    def __enter__(self) -> "Lease":
        if not self._create():
            self._wait()
        self._renewer.start()
        # Folders are tidied when written to, but not every run writes to each folder of the state.
        self._lake.remove_abandoned(self._folder)
        return self

    def _wait(self) -> None:
        first = self._lake.stat(self._path)
        deadline = time.monotonic() + self._seconds  # the duration begins after the lease was seen
        while not self._take(first, expired=(expired := time.monotonic() >= deadline)):
            if expired:
                raise LeaseHeldError(
                    f"another run holds the target ({self._holder()}); waited {self._seconds:g} s; run again later"
                )
            time.sleep(min(0.2, self._seconds / 10))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._renewer.join()
        try:
            if not self._lost.is_set() and (self._is_fresh() or self._is_ours()):
                if self._undeleted:
                    self._lake.delete_all([self._path, *self._undeleted])
                    self._undeleted.clear()
                else:
                    self._lake.delete(self._path)
        except (LakewrightError, OSError) as failure:
            # The run's result or error matters more; the lease expires by itself.
            LOGGER.warning("the lease could not be released and expires in %g s: %s", self._seconds, failure)

    def check(self, *, reads: bool = True) -> None:
        """Verify that this run still holds the lease.

        Unless it ``reads`` the lease, one that was written recently counts as held: nobody takes it over before it
        expires, by a clock that stands still only while the whole machine does.

        Raises:
            OvertakenError: If this run was suspended too long and another run took over.
        """
        is_held = not self._lost.is_set() and ((self._is_fresh() and not reads) or self._is_ours())
        if not is_held:
            self._lost.set()
            raise OvertakenError("another run took over the target while this one was suspended; nothing is lost")

    def _take(self, first: StoredObject | None, *, expired: bool) -> bool:
        held = self._lake.stat(self._path)
        if held is None:
            return self._create()
        unchanged = first is not None and held.etag == first.etag
        return ((expired and unchanged) or _is_dead(self._read())) and self._replace(held.etag)

    def _create(self) -> bool:
        began = time.monotonic()
        return self._remember(self._lake.create(self._path, self._body()), began)

    def _replace(self, etag: str) -> bool:
        began = time.monotonic()
        return self._remember(self._lake.replace(self._path, self._body(), etag=etag), began)

    def _remember(self, etag: str, began: float) -> bool:
        """Note the lease's ETag and when writing it began; false if it was not written."""
        if etag:
            self._etag, self._written = etag, began
        return bool(etag)

    def _is_fresh(self) -> bool:
        """Whether the lease was written so recently that no other run can have taken it over, even if clocks differ."""
        return time.monotonic() - self._written < self._seconds / 2

    def _keep(self) -> None:
        while not self._released.wait(min(self._seconds / _RENEWALS_PER_LEASE, _LONGEST_PAUSE_SECONDS)):
            try:
                renewed = self._replace(self._etag) or self._replace_after_lost_response()
            except (LakewrightError, OSError) as error:
                # Renewals are retried; if they fail for long enough, the lease expires, as it should.
                LOGGER.warning("the lease could not be renewed: %s", error)
                continue
            if not renewed:
                self._lost.set()
                return

    def _replace_after_lost_response(self) -> bool:
        """Renew a lease that is still ours under another ETag: that of an earlier renewal, whose response was lost."""
        held = self._lake.stat(self._path)
        return held is not None and self._is_ours() and self._replace(held.etag)

    def _body(self) -> bytes:
        self._count += 1
        holder = {"run": self._run, "host": socket.gethostname(), "pid": os.getpid(), "renewals": self._count}
        return json.dumps(holder | {"born": _born(os.getpid())}).encode()

    def _read(self) -> dict[str, Any]:
        return _read_body(self._lake, self._path)

    def _is_ours(self) -> bool:
        return self._read().get("run") == self._run

    def _holder(self) -> str:
        holder = self._read()
        return f"run {holder.get('run')}, process {holder.get('pid')} on {holder.get('host')}"


def _read_body(lake: Lake, path: str) -> dict[str, Any]:
    """Read a lease; empty if it was released meanwhile, or is damaged."""
    try:
        body = json.loads(lake.read(path))
    except (FileNotFoundError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def _is_dead(holder: Mapping[str, Any]) -> bool:
    """Return whether the holder of a lease was a process of this machine that no longer exists."""
    pid = holder.get("pid")
    return bool(
        holder.get("host") == socket.gethostname()
        and holder.get("born")
        and isinstance(pid, int)
        and _born(pid) != holder["born"]
    )


def _born(pid: int) -> str:
    """Return the start time of a process on this machine; empty if there is none or the system does not tell."""
    try:
        with (
            Path(f"/proc/{pid}/stat").open(encoding="ascii", errors="replace") as stat,
            Path("/proc/sys/kernel/random/boot_id").open(encoding="ascii") as boot,
        ):
            return f"{boot.read().strip()}-{stat.read().rpartition(')')[2].split()[19]}"
    except OSError:
        return ""
