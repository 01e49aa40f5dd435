"""CPU time and memory of this process, and of the processes that work for it: on Linux, from ``/proc``."""

import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Final

_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_KILO: Final = 1024
#: The fields of /proc/<pid>/stat after the name of the command in which user and system time are.
_CPU_FIELDS: Final = slice(11, 13)
#: Processes that work for this one and are not workers: Spark's JVM.
_HELPERS: Final[set[int]] = set()


def add_helper_process(pid: int) -> None:
    """Count the CPU time and memory of a process with those of this one."""
    _HELPERS.add(pid)


def has_helper_process() -> bool:
    """Return whether this process has helpers."""
    return bool(_HELPERS)


def driver_cpu_seconds() -> float:
    """Return the CPU time of this process and of its helpers so far."""
    return time.process_time() + sum(map(_cpu_seconds_of, list(_HELPERS)))


def driver_peak_memory() -> int:
    """Return the highest resident memory of this process so far and of its helpers, in bytes; zero if unknown."""
    return peak_memory() + sum(map(_peak_memory_of, list(_HELPERS)))


def peak_memory() -> int:
    """Return the highest resident memory of this process so far, in bytes; zero if unknown.

    On Linux, the figure of ``getrusage`` is no less than the parent's memory when it started this process.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _peak_memory_of(os.getpid())


def _peak_memory_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = _PEAK.search(status)
    return int(line[1]) * _KILO if line else 0


def _cpu_seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[_CPU_FIELDS])) / os.sysconf("SC_CLK_TCK")
