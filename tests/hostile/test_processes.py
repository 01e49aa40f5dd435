"""Hostile cases that need a separate process: locales, stdout, memory, and concurrent runs.

Memory is the proportional set size of all processes of the run's session (driver, JVM and Python workers), read from
``/proc`` ten times a second; the maximum counts.
"""

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from pyspark.sql import SparkSession

from tests.conftest import JARS, ROOT
from tests.faults.kill_cases import CASES as KILL_CASES
from tests.faults.random_kills import copy_of, differences
from tests.hostile.cases import Files, report
from tests.hostile.cdc_cases import feed_of, load, pa
from tests.hostile.csv_cases import LINES, feed
from tests.hostile.event_cases import ONE, events_feed, name_of
from tests.hostile.scrub_cases import scrub_feed

pytestmark = pytest.mark.slow

_LONGEST_SECONDS: Final = 300
_LONG: Final = 64_000_000


@dataclass(frozen=True)
class ProcessCase:
    """A run in a separate process, and its expected results.

    Attributes:
        rows: Number of rows written; None: any.
        script: A job module to run as a script instead of the command line.
        megabytes: Maximum memory of its processes together.
    """

    feed: Mapping[str, Any]
    files: Callable[[], Files]
    exit_codes: tuple[int, ...] = (0,)
    mentions: tuple[str, ...] = ()
    rows: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    script: str = ""
    megabytes: int | None = None


def _csv_line() -> Files:
    return {"raw/a/long.csv": b"id,name\n1," + b"x" * _LONG + b"\n", "raw/a/x.csv": LINES}


def _csv_bomb() -> Files:
    return {"raw/a/bomb.csv.gz": gzip.compress(b"id,name\n1," + b"x" * _LONG, 1), "raw/a/x.csv": LINES}


def _event_line() -> Files:
    return {name_of(0): ONE, name_of(7): b'{"id":1,"n":"' + b"x" * _LONG + b'"}\n'}


def _scrub_line() -> Files:
    return {"landing/u/long.json": b'{"email":"' + b"x" * _LONG + b'"}\n', "landing/u/a.json": b'{"email":"x"}\n'}


_POSIX: Final = {"LC_ALL": "POSIX", "LANG": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

PROCESSES: Final = [
    pytest.param(
        ProcessCase(
            feed(), lambda: {"raw/a/é ü.csv": LINES, "raw/a/x.csv": LINES}, rows=4, environment={"LC_ALL": "POSIX"}
        ),
        id="a-csv-object-with-an-accent-is-read-in-the-POSIX-locale",
    ),
    pytest.param(
        ProcessCase(feed(), lambda: {"raw/a/é.csv": "id,name\n1,ü\n".encode()}, rows=1, environment={"LC_ALL": "C"}),
        id="a-csv-object-with-an-accent-is-read-in-the-C-locale",
    ),
    pytest.param(
        ProcessCase(
            feed(), lambda: {"raw/a/é.csv": LINES}, (3,), ("é.csv: its name is not UTF-8",), environment=_POSIX
        ),
        id="a-csv-object-with-an-accent-is-refused-by-name-without-Python-UTF-8-mode",
    ),
    pytest.param(
        ProcessCase(events_feed(), lambda: {name_of(0, topic="grün"): ONE}, rows=2, environment={"LC_ALL": "POSIX"}),
        id="a-topic-with-an-umlaut-is-read-in-the-POSIX-locale",
    ),
    pytest.param(
        ProcessCase(
            scrub_feed(), lambda: {"landing/u/é.json": b'{"email":"x"}\n'}, rows=1, environment={"LC_ALL": "POSIX"}
        ),
        id="an-upload-with-an-accent-is-scrubbed-in-the-POSIX-locale",
    ),
    pytest.param(
        ProcessCase(
            feed_of({"größe": {}}),
            lambda: load("größe", pa.string(), "ü"),
            rows=1,
            environment={"LC_ALL": "POSIX"},
        ),
        id="a-table-with-an-umlaut-is-loaded-in-the-POSIX-locale",
    ),
    pytest.param(
        ProcessCase(feed(), lambda: {"raw/a/x.csv": LINES}, rows=2, script="csv_to_parquet"),
        id="stdout-of-a-script-is-one-receipt-per-line",
    ),
    pytest.param(
        ProcessCase(feed(), lambda: {"raw/a/x.csv": b"no header\n"}, (3,), ("x.csv",), script="csv_to_parquet"),
        id="stdout-of-a-script-that-refuses-is-one-receipt-per-line",
    ),
    pytest.param(
        ProcessCase(feed(), _csv_line, (3,), ("long.csv", "line 2 is longer than"), megabytes=400),
        id="a-csv-line-of-64-MB-is-refused-in-bounded-memory",
    ),
    pytest.param(
        ProcessCase(feed(), _csv_bomb, (3,), ("bomb.csv.gz", "line 2 is longer than"), megabytes=400),
        id="a-gzip-that-decompresses-to-one-line-of-64-MB-is-refused-in-bounded-memory",
    ),
    pytest.param(
        ProcessCase(events_feed(), _event_line, (3,), ("line 1 is longer than",), megabytes=400),
        id="an-event-of-64-MB-is-refused-in-bounded-memory",
    ),
    pytest.param(
        ProcessCase(scrub_feed(), _scrub_line, (3,), ("long.json",), megabytes=400),
        id="an-upload-with-a-line-of-64-MB-is-refused-in-bounded-memory",
    ),
]


@pytest.mark.parametrize("case", PROCESSES)
def test_case_in_a_process(case: ProcessCase, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for path, body in case.files().items():
        assert isinstance(body, bytes)
        (lake / path).parent.mkdir(parents=True, exist_ok=True)
        (lake / path).write_bytes(body)
    (tmp_path / "conf/feeds").mkdir(parents=True)
    (tmp_path / "conf/feeds/f.yaml").write_text(yaml.safe_dump(dict(case.feed)))
    where = ["--lake", str(lake), "--config", str(tmp_path / "conf")]
    verb = ["-m", f"jobs.{case.script}", "--feed", "f"] if case.script else ["-m", "jobs", "run", "f", "--json"]
    completed, megabytes = run_and_measure([sys.executable, *verb, *where], case.environment)
    report("expected", f"exit code {case.exit_codes}, {case.rows} rows, at most {case.megabytes} MB")
    report("actual", f"exit code {completed.returncode}, {megabytes} MB: {(completed.stderr.splitlines() or [''])[-1]}")
    assert completed.returncode in case.exit_codes, completed.stderr[-3000:]
    assert all(word in completed.stderr for word in case.mentions), completed.stderr[-3000:]
    lines = completed.stdout.splitlines() if case.script else [completed.stdout]
    entries = [json.loads(line) for line in lines]
    receipts = entries if case.script else entries[0]
    if case.rows is not None:
        assert sum(receipt["counts"]["written"] for receipt in receipts) == case.rows
    if case.megabytes is not None:
        assert megabytes <= case.megabytes


def run_and_measure(
    arguments: list[str], environment: Mapping[str, str]
) -> tuple["subprocess.CompletedProcess[str]", int]:
    """Run a command in a separate session; return its result, and the peak memory of its processes in MB."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        start_new_session=True,
    )
    peak, deadline = 0, time.monotonic() + _LONGEST_SECONDS
    with process:
        while process.poll() is None and time.monotonic() < deadline:
            peak = max(peak, used_kilobytes(process.pid))
            time.sleep(0.1)
        process.kill()
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr), peak // 1024


def used_kilobytes(session: int) -> int:
    """Sum the memory of a session's processes; shared pages count once."""
    used = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if int((process / "stat").read_text().rsplit(") ", 1)[1].split()[3]) == session:
                lines = (process / "smaps_rollup").read_text().splitlines()
                used += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return used


@pytest.mark.parametrize("job", ["flatten_events", "cdc_to_hudi"])
def test_concurrent_runs_leave_the_same_state_as_one(job: str, spark: SparkSession, tmp_path: Path) -> None:
    case, before = KILL_CASES[job][0], tmp_path / "before"
    case.first(before)
    assert case.command(before).exit_code == 0
    case.second(before)
    alone, both = copy_of(before, tmp_path / "alone"), copy_of(before, tmp_path / "both")
    assert case.command(alone).exit_code == 0
    command = [sys.executable, "-m", "jobs", *case.arguments(both)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS}
    runs = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        codes = [run.wait(_LONGEST_SECONDS) for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.communicate()
    assert sorted(codes)[0] == 0
    assert set(codes) <= {0, 4}
    assert case.command(both).exit_code == 0
    assert differences(case.outcome(alone), case.outcome(both)) == []
