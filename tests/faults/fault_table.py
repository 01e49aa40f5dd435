"""Run every job through every fault and write the table into docs/operations.md: ``fault_table [JOB or FAULT]...``."""

import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer

from tests.conftest import ROOT
from tests.faults.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.faults.faulty_runs import CASES, Faulty

BUCKET: Final = "lakewright-faults"
DOCUMENT: Final = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- fault table -->", "<!-- end of fault table -->"
HEAD: Final = ("| job | fault | exit code | seconds | rerun equals a clean run |", "|---|---|---|---|---|")

#: Faults, given the number of requests of a clean run: single faults occur in the middle of the run.
FAULTS: Final[dict[str, Callable[[int], Fault]]] = {
    "none": lambda _: Fault("slow", "^NONE"),
    "every 4th response to a write lost": lambda _: Fault("lost", "^(PUT|COPY|POST|DELETE)", after=1, every=4),
    "every 4th body truncated": lambda _: Fault("broken", "^GET", every=4),
    "every 5th request: 503 SlowDown": lambda _: Fault("status", every=5),
    "first 3 copies and bulk deletes: 200 with an error": lambda _: Fault(
        "error_body", "^(COPY|POST /.)", times=3, code="InternalError"
    ),
    "AccessDenied for the data": lambda _: Fault("status", "/lake/(refined|landing)/", status=403, code="AccessDenied"),
    "token expires": lambda n: Fault("status", after=n // 2, status=400, code="ExpiredToken"),
    "S3 down for 10 s": lambda n: Fault("gone", after=n // 2, times=1, seconds=10),
    "S3 down permanently": lambda n: Fault("gone", after=n // 2),
    "S3 silent permanently": lambda n: Fault("silent", after=n // 2),
}


@contextmanager
def server() -> Iterator[tuple[FaultProxy, Any]]:
    """An S3 server behind a proxy, and a client that bypasses the proxy."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    upstream = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    upstream.start()
    _, port = upstream.get_host_and_port()
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    s3.create_bucket(Bucket=BUCKET)
    with fault_proxy(("127.0.0.1", port)) as proxy:
        yield proxy, s3
    upstream.stop()


def lines_of(job: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Run one job with each wanted fault; return the name and table line of each fault."""
    with server() as (proxy, s3), tempfile.TemporaryDirectory() as folder:
        faulty = Faulty(CASES[job], proxy, s3, BUCKET, Path(folder))
        faulty.deliver(faulty.case.first)
        assert faulty.run().exit_code == 0
        faulty.deliver(faulty.case.second)
        before = faulty.objects()
        proxy.reset()
        clean = faulty.run()
        assert clean.exit_code == 0, clean.stderr
        requests = len(proxy.requests)
        assert faulty.is_right()
        for name, make in FAULTS.items():
            if not wanted(name):
                continue
            faulty.restore(before)
            fault = make(requests)
            proxy.reset(fault)
            ended = faulty.run()
            proxy.reset()
            rerun = faulty.run()
            is_right = rerun.exit_code == 0 and faulty.is_right()
            verdict = "yes" if is_right else f"NO (exit code {rerun.exit_code})"
            if not fault.hits and name != "none":
                verdict = "no such request"
            print(
                f"{job}, {name} ({fault.hits} times): {ended.exit_code}, {ended.seconds:.0f} s, {verdict}", flush=True
            )
            print(f"    {ended.last_line}", flush=True)
            yield name, f"| `{job}` | {name} | {ended.exit_code} | {ended.seconds:.0f} | {verdict} |"


def write(document: Path, job: str, fault: str, line: str) -> None:
    """Write one line into the table, replacing that of the same job and fault."""
    text = document.read_text()
    before, rest = text.split(BEGIN, 1)
    table, after = rest.split(END, 1)
    lines = {tuple(re.split(r" \| ", row.strip("| "))[:2]): row for row in table.splitlines() if row.startswith("| `")}
    lines[(f"`{job}`", fault)] = line
    ordered = [lines[(f"`{name}`", known)] for name in CASES for known in FAULTS if (f"`{name}`", known) in lines]
    document.write_text(before + "\n".join((BEGIN, *HEAD, *ordered, END)) + after)


def main(named: list[str]) -> int:
    """Run the named jobs and faults, or all; return 1 if a rerun did not repair the data."""
    unknown = [name for name in named if name not in (*CASES, *FAULTS)]
    if unknown:
        print(f"error: no job or fault {unknown[0]!r}; known are {', '.join((*CASES, *FAULTS))}", file=sys.stderr)
        return 2
    faults = [name for name in named if name in FAULTS] or list(FAULTS)
    wrong = 0
    for job in [name for name in named if name in CASES] or CASES:
        for fault, line in lines_of(job, lambda name: name in faults):
            write(DOCUMENT, job, fault, line)
            wrong += " NO " in line
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
