"""Run a command in a separate process, and measure time and memory of its process tree."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

_POLL_SECONDS: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """The cost of a command.

    ``cpu_seconds`` are those of all its processes, user and system; ``driver_mb`` is the peak memory of the command's
    own process, and ``workers_mb`` the peak of the sum of the processes below it, such as workers and Spark's JVM.
    """

    seconds: float
    cpu_seconds: float
    driver_mb: int
    workers_mb: int


def measure(command: Sequence[str], *, cwd: Path, exit_codes: Sequence[int] = (0,)) -> Cost:
    """Run a command until it ends.

    Raises:
        SystemExit: If it ends with another exit code than expected.
    """
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would fill up
        code, cost = _run(command, cwd, errors)
        if code not in exit_codes:
            errors.seek(0)
            text = errors.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} ended with exit code {code}:\n{text[-3000:]}")
    return cost


def jobs_command(*arguments: str) -> list[str]:
    """Return the command of a verb of the command line."""
    return [sys.executable, "-m", "jobs", *arguments]


def _run(command: Sequence[str], cwd: Path, errors: IO[bytes]) -> tuple[int, Cost]:
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=errors)
    driver_kb, workers_kb = 0, 0
    ticks: dict[int, int] = {}
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        below = list(_descendants(process.pid))
        driver_kb = max(driver_kb, _kilobytes(process.pid, "VmHWM:"))
        workers_kb = max(workers_kb, sum(_kilobytes(child, "VmRSS:") for child in below))
        ticks |= {each: spent for each in (process.pid, *below) if (spent := _ticks(each))}
        time.sleep(_POLL_SECONDS)
    seconds, code = time.monotonic() - began, os.waitstatus_to_exitcode(status)
    process.returncode = code
    # The usage lacks processes that nobody waited for, such as Spark's JVM; the samples lack short-lived ones.
    cpu_seconds = max(usage.ru_utime + usage.ru_stime, sum(ticks.values()) / _TICKS)
    return code, Cost(round(seconds, 2), round(cpu_seconds, 2), driver_kb >> 10, workers_kb >> 10)


def _descendants(pid: int) -> Iterator[int]:
    try:
        texts = [children.read_text() for children in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # the process has ended
        return
    for child in (int(number) for text in texts for number in text.split()):
        yield child
        yield from _descendants(child)


def _kilobytes(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _ticks(pid: int) -> int:
    """Return the CPU time of a process, without that of its children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
