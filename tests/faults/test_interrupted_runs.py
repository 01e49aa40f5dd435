"""A run in a separate process is ended with Ctrl-C or SIGTERM: it commits nothing, reports that, and leaves nothing behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench
from tests.conftest import JARS, ROOT, Bench
from tests.jobs.event_bench import EventBench

pytestmark = pytest.mark.slow

MESSAGE = "interrupted; run again to process what was not committed"


def interrupted(signal_name: str, stage: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    script = str(Path(__file__).with_name("killed_run.py"))
    return subprocess.run(
        [sys.executable, script, signal_name, stage, "1", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("stage", ["worker starts", "check"])
def test_nothing_is_committed_after_ctrl_c(bench: Bench, stage: str) -> None:
    bench.put("a.csv", "id,name\n1,a\nx,dirty\n")
    bench.put("b.csv", "id,name\n2,b\n")
    ended = interrupted(
        "SIGINT", stage, "run", "people", "--lake", str(bench.lake), "--config", str(bench.root / "conf")
    )
    assert ended.returncode == 130, ended.stderr
    assert f"error: {MESSAGE}" in ended.stderr.splitlines()
    assert "press Ctrl-C again to end it at once" in ended.stderr
    assert bench.rows() == []
    assert not (bench.lake / "state/people/people/lease").exists()
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["counts"]["written"]) == (0, 2)
    assert bench.rows() == [(1, "a"), (2, "b")]
    assert bench.strays() == []


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_worker_processes_end_with_an_interrupted_run(tmp_path: Path, signal_name: str) -> None:
    without_spark: Any = None
    events = EventBench(tmp_path, without_spark)
    events.feed()
    for topic in "ab":
        events.put_events(0, {"n": 0}, {"n": 1}, topic=topic)
    where = ("--lake", str(events.lake), "--config", str(events.root / "conf"))
    ended = interrupted(signal_name, "worker starts", "run", "events", *where)
    assert ended.returncode == 130, ended.stderr
    assert f"error: a: {MESSAGE}" in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr
    assert not list(events.lake.rglob("lease"))
    answer = events.command("run", "--json")
    assert (answer.exit_code, [receipt["counts"]["written"] for receipt in answer.data]) == (0, [2, 2])
    assert events.strays() == []


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed()
    yield bench
    bench.remove()


def test_ctrl_c_while_hudi_writes(cdc: CdcBench) -> None:
    cdc.put("LOAD00000001.parquet", [(n, f"name {n}", "ABC"[n % 3]) for n in range(30)])
    cdc.run()
    before = cdc.rows()
    changes = [("U", f"2026-08-01 10:00:{n:02}.000000", n, "changed", "A") for n in range(30)]
    cdc.put("20260801-101500000.parquet", changes)
    ended = interrupted(
        "SIGINT", "hudi writes", "run", "hr", "--lake", str(cdc.lake), "--config", str(cdc.root / "conf")
    )
    assert ended.returncode == 130, ended.stderr
    # Hudi's commit may have been too far advanced to be cancelled; then it is complete.
    changed = [(n, "changed", "A") for n in range(30)]
    assert cdc.rows() in (before, sorted(changed, key=repr))
    assert cdc.run()["exit_code"] == 0
    assert cdc.rows() == sorted(changed, key=repr)
    assert cdc.batches() == [1, 2]
    assert cdc.strays() == []
