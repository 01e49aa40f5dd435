"""What a run used: time, memory, bytes, and requests to S3."""

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """What a run used, as far as it could be measured.

    Attributes:
        seconds: Wall-clock time.
        cpu_seconds: CPU time of driver and workers; zero if unknown.
        bytes_read: Size of the objects that were read.
        bytes_written: Size of the files that were written, and of the objects that were replaced.
        objects_read: The number of objects that were read.
        files_written: The number of files that were written, and of objects that were replaced.
        driver_peak_memory: The driver's highest resident memory in bytes.
        worker_peak_memory: The highest resident memory of one worker in bytes.
        workers: The number of workers that ran tasks.
        requests: The number of S3 requests by operation, of driver and workers, with retries.
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
