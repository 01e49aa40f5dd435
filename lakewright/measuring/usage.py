"""What a run used: time, memory, bytes, and requests to S3."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import msgspec

from lakewright.measuring.meters import Meter
from lakewright.measuring.processes import driver_peak_memory, has_helper_process

_S3A: Final = "S3 requests of Spark itself (S3A)"
_OF_CLUSTER: Final = "CPU time and memory of Spark's JVMs"
_IN_SPARK: Final = "CPU time and memory of Python functions that Spark itself calls"
_SHARED: Final = "CPU time of the driver's other threads, which several targets shared"
_LOST: Final = "what workers used that ended during a task"


class Usage(msgspec.Struct, frozen=True):
    """What a run used, as far as it could be measured.

    Attributes:
        seconds: Wall-clock time.
        cpu_seconds: CPU time of driver and workers; zero if unknown.
        bytes_read: Size of the objects and files that its batches read, each counted once per batch.
        bytes_written: Size of the files that its batches published, and of the objects that they replaced.
        objects_read: Number of objects and files that its batches read.
        files_written: Number of files that its batches published, and of objects that they replaced.
        driver_peak_memory: Highest resident memory of the driver process so far, in bytes; with Spark's JVM if
            this process has started it.
        worker_peak_memory: Highest resident memory of one worker process so far, in bytes.
        workers: Number of worker processes that ran tasks.
        requests: Number of S3 requests by operation, of driver and workers, with retries.
        uncounted: What could not be counted.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes_read: int = 0
    bytes_written: int = 0
    objects_read: int = 0
    files_written: int = 0
    driver_peak_memory: int = 0
    worker_peak_memory: int = 0
    workers: int = 0
    requests: dict[str, int] = {}
    uncounted: list[str] = []


@dataclass
class Volume:
    """What the batches of a run read and write, and whether that needed Spark."""

    objects_read: int = 0
    bytes_read: int = 0
    files_written: int = 0
    bytes_written: int = 0
    uses_spark: bool = False


def measure(meter: Meter, volume: Volume, *, on_s3: bool, to_come: int) -> Usage:
    """Return what a run has used.

    Args:
        meter: The meter of the run; the calling thread must be the run's.
        volume: What its batches read and wrote.
        on_s3: Whether the lake is in S3.
        to_come: Number of objects that the run still writes: its receipt, and the head of the log.
    """
    requests = meter.requests + Counter(PutObject=to_come if on_s3 else 0)
    return Usage(
        seconds=round(meter.seconds(), 3),
        cpu_seconds=round(meter.driver_cpu_seconds() + meter.task_seconds, 3),
        bytes_read=volume.bytes_read,
        bytes_written=volume.bytes_written,
        objects_read=volume.objects_read,
        files_written=volume.files_written,
        driver_peak_memory=driver_peak_memory(),
        worker_peak_memory=meter.worker_peak_memory,
        workers=len(meter.workers),
        requests=dict(sorted(requests.items())),
        uncounted=_uncounted(meter, volume, on_s3=on_s3),
    )


def _uncounted(meter: Meter, volume: Volume, *, on_s3: bool) -> list[str]:
    reasons = {
        _S3A: volume.uses_spark and on_s3,
        _OF_CLUSTER: volume.uses_spark and not has_helper_process(),
        _IN_SPARK: volume.uses_spark,
        _SHARED: meter.is_shared,
        _LOST: meter.lost_workers > 0,
    }
    return [what for what, applies in reasons.items() if applies]
