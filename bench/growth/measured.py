"""Run a command in a separate process, and measure its time and memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

_POLL_SECONDS: Final = 0.05


class Measured(NamedTuple):
    """The cost of a command: wall clock, CPU (user and system, all its processes), and peak memory in MB.

    ``workers_mb`` is the peak of the sum of its child processes; memory shared with the driver counts in both.
    """

    seconds: float
    cpu_seconds: float
    driver_mb: int
    workers_mb: int
    exit_code: int


def measure(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run a command until it ends."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(env or os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    driver = workers = 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        driver = max(driver, _resident_kb(process.pid, "VmHWM:"))
        workers = max(workers, sum(_resident_kb(child, "VmRSS:") for child in _children(process.pid)))
        time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Measured(round(seconds, 2), round(cpu_seconds, 2), driver >> 10, workers >> 10, process.returncode)


def _children(pid: int) -> list[int]:
    """Return the child processes of all threads of a process."""
    try:
        files = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for file in files for child in file.read_text().split()]
    except OSError:  # it has ended
        return []


def _resident_kb(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
