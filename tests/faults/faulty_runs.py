"""Every job on S3, small enough to run in a separate process with any fault, and its expected rows."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.conftest import JARS, ROOT
from tests.faults.fault_proxy import FaultProxy

LAKE: Final = "lake"
_LONGEST_RUN_SECONDS: Final = 240

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Ended:
    """The result of a run."""

    exit_code: int
    seconds: float
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        return (self.stderr.strip().splitlines() or [""])[-1]

    @property
    def receipt(self) -> dict[str, Any]:
        (receipt,) = json.loads(self.stdout)
        return dict(receipt)


@dataclass(frozen=True)
class JobCase:
    """A job with a feed, two deliveries, and an independent reader of its output.

    The first delivery is committed before the fault, and the second is processed by the run with the fault.
    ``expected`` is the result of ``read`` after both, by the rules of the job in plain Python.
    """

    job: str
    feed: dict[str, Any]
    first: dict[str, bytes]
    second: dict[str, bytes]
    read: Callable[[dict[str, bytes]], Rows]
    expected: Rows


def csv_case() -> JobCase:
    day = "raw/people/year=2026/month=08/day=0"
    lines = "".join(f"{number},name {number}\n" for number in range(2000))
    return JobCase(
        "csv_to_parquet",
        {
            "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
            "target": {
                "path": "refined/people/",
                "partition_by": ["year", "month", "day"],
                "catalog": {"database": "refined", "table": "people"},
            },
            "max_rejected": 1.0,
        },
        {f"{day}1/a.csv": b"id,name\n-1,a\n-2,b\n"},
        {f"{day}1/b.csv": f"id,name\n{lines}x,dirty\n".encode(), f"{day}2/c.csv": b"id,name\n-3,c\n"},
        lambda objects: _parquet_rows(objects, "refined/people/", ("id", "name")),
        [(-1, "a"), (-2, "b"), (-3, "c"), *((number, f"name {number}") for number in range(2000))],
    )


def events_case() -> JobCase:
    def events(partition: int, offset: int, count: int) -> dict[str, bytes]:
        path = f"raw/topics/t/year=2026/month=08/day=01/t+{partition}+{offset:010}.json"
        lines = [json.dumps({"n": offset + step, "user": {"name": f"u{step}"}}) for step in range(count)]
        return {path: "\n".join(lines).encode() + b"\n"}

    return JobCase(
        "flatten_events",
        {
            "source": {"path": "raw/topics/", "topics": ["*"]},
            "target": {"path": "refined/", "catalog": {"database": "events"}},
        },
        events(0, 0, 10),
        events(0, 10, 2000) | events(1, 0, 5),
        lambda objects: _parquet_rows(objects, "refined/t/", ("_partition", "_offset", "n")),
        [*((0, number, number) for number in range(2010)), *((1, number, number) for number in range(5))],
    )


def scrub_case() -> JobCase:
    def records(name: str, count: int, content: str = "secret " * 20) -> dict[str, bytes]:
        record = json.dumps({"id": name, "file_contents": content}) + "\n"
        return {f"landing/{name}.json": (record * count).encode()}

    def read(objects: dict[str, bytes]) -> Rows:
        return sorted((item for item in objects.items() if item[0].startswith("landing/")), key=repr)

    counts = {"a": 3, "b": 500, "c": 1, "d": 20}
    return JobCase(
        "json_scrub",
        {"source": {"path": "landing/"}, "scrub": {"fields": ["file_contents"]}},
        records("a", 3),
        records("b", 500) | records("c", 1) | records("d", 20),
        read,
        [item for name, count in counts.items() for item in records(name, count, "").items()],
    )


def cdc_case() -> JobCase:
    schema = pa.schema([("emp_no", pa.int32()), ("name", pa.string()), ("department", pa.string())])

    def file(name: str, rows: Rows) -> dict[str, bytes]:
        of = schema if name.startswith("LOAD") else pa.schema([("Op", pa.string()), ("ts", pa.string()), *schema])
        columns = list(zip(*rows, strict=True))
        body = io.BytesIO()
        pq.write_table(
            pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(columns, of, strict=True)], schema=of), body
        )
        return {f"raw/hr/employees/{name}": body.getvalue()}

    def loaded(without: tuple[int, ...] = ()) -> Rows:
        return [(n, f"n{n}", ("IT", "HR")[n % 2]) for n in range(100) if n not in without]

    def at(second: int) -> str:
        return f"2026-08-01 10:00:{second:02}.000000"

    changes = [("U", at(1), 1, "Anne", "HR"), ("D", at(2), 2, None, None), ("I", at(3), 200, "New", "IT")]
    return JobCase(
        "cdc_to_hudi",
        {
            "source": {"path": "raw/hr/", "time_column": "ts", "replication_columns": ["ts"]},
            "target": {"path": "refined/hr/", "parallelism": 2},
            "tables": {"employees": {"key": "emp_no", "partition_by": "department"}},
        },
        file("LOAD00000001.parquet", loaded()),
        file("2026/08/01/20260801-101500000.parquet", changes),
        lambda objects: _hudi_rows(objects, "refined/hr/employees/", ("emp_no", "name", "department")),
        [(1, "Anne", "HR"), (200, "New", "IT"), *loaded(without=(1, 2))],
    )


CASES: Final = {case.job: case for case in (csv_case(), events_case(), scrub_case(), cdc_case())}


def _parquet_rows(objects: dict[str, bytes], folder: str, columns: tuple[str, ...]) -> Rows:
    """Read all rows that a reader by path sees, including duplicates."""
    rows: Rows = []
    for path, body in objects.items():
        if path.startswith(folder) and path.endswith(".parquet"):
            table = pq.ParquetFile(io.BytesIO(body)).read(columns=list(columns))
            rows += zip(*(table[name].to_pylist() for name in columns), strict=True)
    return sorted(rows, key=repr)


def _hudi_rows(objects: dict[str, bytes], folder: str, columns: tuple[str, ...]) -> Rows:
    """Read a copy-on-write table without Spark."""
    from hudi import HudiTableBuilder

    with tempfile.TemporaryDirectory() as copy:
        for path, body in objects.items():
            if path.startswith(folder):
                file = Path(copy, path.removeprefix(folder))
                file.parent.mkdir(parents=True, exist_ok=True)
                if not path.endswith("/"):
                    file.write_bytes(body)
        if not Path(copy, ".hoodie").exists():
            return []
        batches = HudiTableBuilder.from_base_uri(copy).build().read()
        rows = [row for batch in batches for row in zip(*(batch[name].to_pylist() for name in columns), strict=True)]
    return sorted(rows, key=repr)


class Faulty:
    """A bucket behind the proxy, and runs of one job over it."""

    def __init__(self, case: JobCase, proxy: FaultProxy, s3: Any, bucket: str, folder: Path) -> None:
        self.case, self.proxy, self._s3, self._bucket, self._folder = case, proxy, s3, bucket, folder
        feeds = folder / "conf" / "feeds"
        feeds.mkdir(parents=True, exist_ok=True)
        (feeds / "faulty.yaml").write_text(yaml.safe_dump({"job": case.job, "lease_seconds": 20, **case.feed}))

    def deliver(self, objects: dict[str, bytes]) -> None:
        for path, body in objects.items():
            self._s3.put_object(Bucket=self._bucket, Key=f"{LAKE}/{path}", Body=body)

    def objects(self) -> dict[str, bytes]:
        """Read all objects of the lake, bypassing the faults."""
        objects = {}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{LAKE}/"):
            for entry in page.get("Contents", ()):
                body = self._s3.get_object(Bucket=self._bucket, Key=entry["Key"])["Body"].read()
                objects[entry["Key"].removeprefix(f"{LAKE}/")] = body
        return objects

    def restore(self, objects: dict[str, bytes]) -> None:
        """Restore the lake to these objects; equal ones are not rewritten."""
        now = self.objects()
        for path in now.keys() - objects.keys():
            self._s3.delete_object(Bucket=self._bucket, Key=f"{LAKE}/{path}")
        self.deliver({path: body for path, body in objects.items() if now.get(path) != body})

    def rows(self) -> Rows:
        return self.case.read(self.objects())

    def is_right(self) -> bool:
        """Return whether the lake has the expected rows of both deliveries, and no leftovers."""
        return self.rows() == sorted(self.case.expected, key=repr) and not self.leftovers()

    def leftovers(self) -> list[str]:
        """Return objects that a run should have deleted."""
        return [path for path in self.objects() if "_staging/" in path or path.endswith("/lease")]

    def arguments(self, verb: str = "run") -> list[str]:
        uri = f"s3://{self._bucket}/{LAKE}"
        return [verb, "faulty", "--lake", uri, "--config", str(self._folder / "conf"), "--json"]

    @contextmanager
    def started(self, verb: str = "run") -> Iterator["subprocess.Popen[str]"]:
        """Start a run in a new process group, and kill the remaining processes at the end."""
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs", *self.arguments(verb)],
            cwd=self._folder,
            env=os.environ
            | {
                "AWS_ENDPOINT_URL": self.proxy.url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "PYTHONPATH": str(ROOT),
                "LAKEWRIGHT_JARS": JARS,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, verb: str = "run") -> Ended:
        """Run the job to its end, which must come in time."""
        began = time.monotonic()
        with self.started(verb) as process:
            stdout, stderr = process.communicate(timeout=_LONGEST_RUN_SECONDS)
            return Ended(process.returncode, time.monotonic() - began, stdout, stderr)
