"""Tasks for tests of workers, which import them by name."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from lakewright.aws.buckets import BucketOptions, bucket_options
from lakewright.concurrency import ThreadPool
from lakewright.measuring.meters import current_meter
from lakewright.measuring.work import Done, advance
from transforms.errors import DataError, LongRecordError


def double(number: int) -> int:
    time.sleep(0.02 * (number == 3))  # the first of several tasks ends last
    return 2 * number


def count_requests(number: int) -> None:
    """Count requests in threads, as a client would."""
    with ThreadPool(2) as pool:
        list(pool.map(lambda _: current_meter().count("GetObject"), range(number)))


def process_id(_: object) -> int:
    return os.getpid()


def wait_and_name(name: str) -> str:
    time.sleep(0.3)
    return f"{name} {os.getpid()}"


def refuse(number: int) -> int:
    if number == 0:
        raise FileNotFoundError("raw/gone.json")
    if number == 1:
        raise LongRecordError(7, 100, looks_like="array")
    raise DataError(f"{number} is refused")


def by_last_digit(number: int) -> Iterator[tuple[int, int]]:
    """Return a number, then what ``refuse`` raises if it is negative."""
    yield abs(number) % 10, number
    if number <= 0:
        refuse(-number)


def read_number(text: str) -> int:
    return int(text)


def run_out_of_memory(_: object) -> NoReturn:
    raise MemoryError


def end(how: str) -> int:
    if how == "signal":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "exit":
        sys.exit(3)
    return os.getpid()


def return_what_cannot_be_pickled(_: object) -> object:
    return lambda: None


def print_and_read(text: str) -> str:
    print(text)
    os.write(1, text.encode())
    return sys.stdin.read()


def write_for_ever(folder: str, *, without_signal: bool = False) -> NoReturn:
    """Append to a file of this process's name; ``without_signal`` is as on systems other than Linux."""
    if without_signal:
        ctypes.CDLL(None).prctl(1, 0)
    with (Path(folder) / str(os.getpid())).open("ab", buffering=0) as file:
        while True:
            file.write(b"x")
            time.sleep(0.005)


def options_of_buckets(_: object) -> dict[str, BucketOptions]:
    return bucket_options()


def variable(name: str) -> str:
    return os.environ[name]


def count_rows(rows: int) -> int:
    """Count rows in two steps, as a task that reads blocks."""
    for part in (rows // 2, rows - rows // 2):
        advance(Done(bytes=10, rows=part, rejected=part % 2))
    return rows
