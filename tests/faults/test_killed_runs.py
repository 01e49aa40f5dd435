"""A run is killed with SIGKILL in a separate process, run again, and compared with an undisturbed run."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.conftest import JARS, ROOT, Bench

pytestmark = pytest.mark.slow

STAGES = [
    pytest.param("plan", 1, id="while-holding-the-lease"),
    pytest.param("read", 1, id="after-the-plan"),
    pytest.param("worker starts", 1, id="when-the-first-worker-starts"),
    pytest.param("a file is staged", 1, id="while-workers-write"),
    pytest.param("check", 1, id="between-stage-and-outcome"),
    pytest.param("committed", 1, id="after-the-outcome"),
    pytest.param("move", 2, id="in-the-middle-of-publish"),
    pytest.param("remove", 1, id="before-the-old-files-are-removed"),
    pytest.param("clean up", 1, id="before-staging-is-deleted"),
    pytest.param("receipt", 1, id="before-the-receipt"),
]


def killed(signal_name: str, stage: str, nth: int, *arguments: str) -> "subprocess.Popen[bytes]":
    script = str(Path(__file__).with_name("killed_run.py"))
    return subprocess.Popen(
        [sys.executable, script, signal_name, stage, str(nth), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def first_delivery(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\nx,dirty\n")
    bench.put("b.csv", "id,name\n2,b\n")
    bench.put("z.csv", "id,name\n26,untouched\n", day="09")


def second_delivery(bench: Bench) -> None:
    bench.put("b.csv", "id,name\n3,rewritten\n4\n")
    bench.put("c.csv", "id,name\n5,c\n6,d\n", day="02")
    bench.put("e.csv", "id,name\ny,dirty\n7,e\n", day="03")


def third_delivery(bench: Bench) -> None:
    bench.put("f.csv", "id,name\n8,f\n", day="03")


def outcome_of(bench: Bench) -> dict[str, Any]:
    """Everything that must be equal: the table, the quarantine, and the counts of each batch."""
    receipts = sorted((bench.lake / "state/people/people/receipts").glob("*.json"))
    import json

    batches = {
        batch["number"]: (batch["status"], batch["counts"], batch["rules"])
        for path in receipts
        for batch in json.loads(path.read_text())["batches"]
    }
    return {
        "rows": bench.rows("id", "name", "year", "month", "day"),
        "quarantine": bench.quarantine(),
        "batches": batches,
        "files": sorted(file.parent.name for file in bench.lake.rglob("refined/**/*.parquet")),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> tuple[Bench, dict[str, Any]]:
    """A lake after the first delivery, and the outcome of all three without disturbance."""
    bench = Bench(tmp_path_factory.mktemp("undisturbed"), spark)
    bench.feed()
    first_delivery(bench)
    bench.run()
    before = Bench(tmp_path_factory.mktemp("before"), spark)
    shutil.copytree(bench.root, before.root, dirs_exist_ok=True)
    second_delivery(bench)
    bench.run()
    third_delivery(bench)
    bench.run()
    return before, outcome_of(bench)


@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_killed_and_run_again(bench: Bench, undisturbed: tuple[Bench, dict[str, Any]], stage: str, nth: int) -> None:
    before, expected = undisturbed
    shutil.copytree(before.root, bench.root, dirs_exist_ok=True)
    second_delivery(bench)
    process = killed(
        "SIGKILL", stage, nth, "run", "people", "--lake", str(bench.lake), "--config", str(bench.root / "conf")
    )
    assert process.wait(120) == -signal.SIGKILL
    if stage != "plan":
        third_delivery(bench)  # new objects do not change the open batch
    assert bench.run()["exit_code"] == 0
    if stage == "plan":
        third_delivery(bench)
        bench.run()
    assert outcome_of(bench) == expected
    assert bench.strays() == []


def test_a_run_that_is_suspended_past_its_lease_does_no_harm(
    bench: Bench, undisturbed: tuple[Bench, dict[str, Any]]
) -> None:
    before, expected = undisturbed
    shutil.copytree(before.root, bench.root, dirs_exist_ok=True)
    second_delivery(bench)
    suspended = killed(
        "SIGSTOP", "check", 1, "run", "people", "--lake", str(bench.lake), "--config", str(bench.root / "conf")
    )
    os.waitpid(suspended.pid, os.WUNTRACED)
    try:
        third_delivery(bench)
        assert bench.run()["exit_code"] == 0
        assert outcome_of(bench) == expected
    finally:
        os.kill(suspended.pid, signal.SIGCONT)
    assert suspended.wait(60) == 4
    assert outcome_of(bench)["rows"] == expected["rows"]
    assert bench.quarantine() == expected["quarantine"]
    assert bench.run()["status"] == "nothing_new"
    assert bench.strays() == []


def test_a_run_that_resumes_in_the_middle_of_publishing_does_no_harm(
    bench: Bench, undisturbed: tuple[Bench, dict[str, Any]]
) -> None:
    before, expected = undisturbed
    shutil.copytree(before.root, bench.root, dirs_exist_ok=True)
    second_delivery(bench)
    suspended = killed(
        "SIGSTOP", "move", 2, "run", "people", "--lake", str(bench.lake), "--config", str(bench.root / "conf")
    )
    os.waitpid(suspended.pid, os.WUNTRACED)
    try:
        third_delivery(bench)
        assert bench.run()["exit_code"] == 0
    finally:
        os.kill(suspended.pid, signal.SIGCONT)
    assert suspended.wait(60) in (0, 4)
    assert outcome_of(bench) == expected
    assert bench.run()["status"] == "nothing_new"
    assert bench.strays() == []


def test_two_concurrent_runs(bench: Bench) -> None:
    first_delivery(bench)
    where = ["--lake", str(bench.lake), "--config", str(bench.root / "conf")]
    # Spark takes seconds to start, so that this run holds the target for longer than the next one waits.
    other = killed("SIGSTOP", "nothing", 1, "run", "people", "--engine", "spark", *where)
    while not (bench.lake / "state/people/people/lease").exists():
        assert other.poll() is None
    receipt = bench.run("--set", "lease_seconds=1.5")
    assert receipt["exit_code"] == 4
    assert receipt["status"] == "overtaken"
    assert "another run holds the target" in receipt["error"]
    assert other.wait(120) == 0
    assert bench.rows("id") == [(1,), (2,), (26,)]
    assert bench.strays() == []
