"""The JVM of a run is killed, as when memory runs out: the error is one line, and the next run succeeds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench
from tests.conftest import JARS, ROOT, Bench
from tests.jobs.event_bench import EventBench

pytestmark = pytest.mark.slow


def killed(stage: str, feed: str, bench: Bench | CdcBench) -> "subprocess.CompletedProcess[str]":
    script = str(Path(__file__).with_name("killed_run.py"))
    return subprocess.run(
        [
            *(sys.executable, script, "JVM", stage, "1"),
            *("run", feed, "--json", "--lake", str(bench.lake), "--config", str(bench.root / "conf")),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def make(job: str, root: Path, spark: SparkSession) -> tuple[str, str, Any]:
    (root / "lake").mkdir()
    if job == "cdc_to_hudi":
        cdc = CdcBench(root, spark)
        cdc.feed()
        cdc.put("LOAD00000001.parquet", [(n, f"name {n}", "ABC"[n % 3]) for n in range(30)])
        return "hr", "employees", cdc
    if job == "flatten_events":
        events = EventBench(root, spark)
        events.feed()
        events.put_events(0, {"n": 0}, {"n": 1}, "dirty")
        events.put_events(1, {"n": 1}, {"n": 2})
        return "events", "t", events
    bench = Bench(root, spark)
    bench.feed()
    bench.put("a.csv", "id,name\n1,a\nx,dirty\n")
    return "people", "people", bench


@pytest.mark.parametrize(
    ("job", "stage", "at"),
    [
        pytest.param("csv_to_parquet", "spark works", "read", id="csv-while-spark-reads"),
        pytest.param("flatten_events", "spark works", "read", id="events-while-spark-reads"),
        pytest.param("flatten_events", "settle", "read", id="events-between-spark-jobs"),
        pytest.param("cdc_to_hudi", "spark works", "read", id="changes-while-spark-reads"),
        pytest.param("cdc_to_hudi", "hudi writes", "apply", id="changes-while-hudi-writes"),
    ],
)
def test_an_ended_jvm_is_reported_on_one_line(
    tmp_path: Path, spark: SparkSession, job: str, stage: str, at: str
) -> None:
    feed, target, bench = make(job, tmp_path, spark)
    ended = killed(stage, feed, bench)
    message = f"the JVM exited during stage {at!r}; it probably ran out of memory "
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.strip().splitlines()[-1].startswith(f"error: {message}")
    assert "Exception while sending command" not in ended.stderr
    (receipt,) = json.loads(ended.stdout)
    assert (receipt["status"], receipt["exit_code"]) == ("failed", 1)
    assert receipt["error"].startswith(message)
    (receipt_file,) = (bench.lake / f"state/{feed}/{target}/receipts").glob("*.json")
    assert json.loads(receipt_file.read_text()) == receipt
    assert not (bench.lake / f"state/{feed}/{target}/lease").exists()
    receipt = bench.run("--set", "max_rejected=1.0")
    assert (receipt["exit_code"], receipt["batches"][-1]["status"]) == (0, "committed")
    assert bench.strays() == []


def test_a_jvm_that_does_not_start(tmp_path: Path, spark: SparkSession) -> None:
    feed, target, bench = make("flatten_events", tmp_path, spark)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "jobs", "run", feed, "--lake", str(bench.lake)),
            *("--config", str(bench.root / "conf")),
        ],
        cwd=ROOT,
        env=os.environ | {"PYSPARK_SUBMIT_ARGS": "--driver-memory 1k pyspark-shell"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    message = "error: the JVM exited during start-up; its output is above"
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (1, message)
    assert not (bench.lake / f"state/{feed}/{target}/lease").exists()
    assert bench.run()["exit_code"] == 0
