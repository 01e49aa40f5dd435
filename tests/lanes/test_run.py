"""What a lane says when it cannot run here, and what becomes of its results."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lanes import prepare, results, run
from lanes.lane import DEFAULT, LaneError, lane_named
from lanes.results import Result, read_junit

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="6" time="12.6"
timestamp="2026-11-26T20:00:00+00:00">
<properties><property name="python" value="3.13.0"/><property name="pyspark" value="4.1.1"/>
<property name="hypothesis-statistics-of-a-test" value="…"/></properties>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure message="assert 1 == 2"/></testcase>
<testcase name="d"><error message="fixture"/></testcase>
<testcase name="e"><skipped type="pytest.skip" message="no Hudi"/></testcase>
<testcase name="f"><skipped type="pytest.skip" message="no Hudi"/></testcase>
</testsuite></testsuites>"""


def result(lane: str = "glue-6.0", **changes: object) -> Result:
    versions = {"python": "3.13.0", "pyspark": "4.1.1", "hudi": "none", "pyarrow": "22", "pandas": "2", "numpy": "3"}
    return replace(Result(lane, "2026-11-26", 12, versions, 5, 0, {"no Hudi": 2}), **changes)  # type: ignore[arg-type]


def test_an_unknown_lane_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["glue-4.0"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no lane 'glue-4.0'; the lanes are glue-5.0, glue-5.1, hudi-1.1, glue-6.0\n"
    )


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(None, id="not-installed"),
        pytest.param("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n", id="a-shim-without-it"),
        pytest.param("#!/bin/sh\necho 3.12\n", id="another-version"),
    ],
)
def test_a_missing_python_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYTHON_3_13", raising=False)
    if script:
        (tmp_path / "python3.13").write_text(script)
        (tmp_path / "python3.13").chmod(0o755)
    assert run.main(["glue-6.0"]) == 2
    assert capsys.readouterr().err == (
        "error: lane glue-6.0 needs Python 3.13 with venv, and 'python3.13' is not one: "
        "install it, or name it with PYTHON_3_13=…\n"
    )


def test_a_java_without_the_module_that_spark_needs_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").write_text("#!/bin/sh\n")
    (tmp_path / "bin/java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    lane = lane_named("glue-6.0")
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.9"\nMODULES="java.base"\n')
    with pytest.raises(LaneError, match=r"needs a Java 17 with the module jdk\.incubator\.vector: install one"):
        prepare._java(lane)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.9"\nMODULES="java.base jdk.incubator.vector"\n')
    assert prepare._java(lane) == {"JAVA_HOME": str(tmp_path)}
    assert prepare._java(lane_named(DEFAULT)) == {}


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    command = [sys.executable, "-c", "print('no network'); raise SystemExit(1)"]
    with pytest.raises(LaneError, match=r"this step failed: Fetching jars; the whole log is setup\.log"):
        prepare._step("Fetching jars", command, tmp_path / "setup.log")
    assert (tmp_path / "setup.log").read_text() == "no network\n"


def test_a_report_is_counted(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    counted = read_junit(tmp_path / "report.xml", "glue-6.0")
    assert (counted.passed, counted.failed, counted.skipped) == (2, 2, {"no Hudi": 2})
    assert (counted.date, counted.seconds) == ("2026-11-26", 13)
    assert (counted.versions["python"], counted.versions["pyspark"]) == ("3.13.0", "4.1.1")
    assert counted.versions["hudi"] == "unknown"


def test_results_are_written_to_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "runtimes.md"
    document.write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results, "DOCUMENT", document)
    result().write()
    result("glue-5.0", failed=1, skipped={}).write()
    results.write_table()
    assert document.read_text().splitlines() == [
        "before",
        results.BEGIN,
        *results.HEAD,
        "| glue-5.0 | 3.13.0 | 4.1.1 | none | 22 / 2 / 3 | 5 | 1 | none | 2026-11-26 |",
        "| glue-6.0 | 3.13.0 | 4.1.1 | none | 22 / 2 / 3 | 5 | 0 | 2: no Hudi | 2026-11-26 |",
        results.END,
        "after",
    ]


def test_the_table_in_the_docs_is_that_of_the_kept_results() -> None:
    assert results.table() in results.DOCUMENT.read_text()


def fake_lane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, exit_code: int, skipped: int) -> list[str]:
    """Let a lane's pytest be a script that writes a report; returns the results that are kept."""
    kept: list[str] = []
    lane = lane_named(name)
    python = tmp_path / lane.venv / "bin/python"
    python.parent.mkdir(parents=True)
    tests = "<testcase name='a'/>" + "<testcase name='b'><skipped message='no'/></testcase>" * skipped
    report = f"<testsuites><testsuite time='1' timestamp='2026-11-26T00:00:00'>{tests}</testsuite></testsuites>"
    (tmp_path / lane.folder).mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\necho "{report}" > "{tmp_path / lane.folder}/report.xml"\nexit {exit_code}\n')
    python.chmod(0o755)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "prepare", lambda lane: {"LAKEWRIGHT_LANE": lane.name})
    monkeypatch.setattr(run, "write_table", lambda: None)
    monkeypatch.setattr(Result, "write", lambda result: kept.append(result.lane))
    monkeypatch.chdir(tmp_path)
    return kept


@pytest.mark.parametrize(
    ("name", "exit_code", "skipped", "arguments", "expected"),
    [
        pytest.param("glue-6.0", 0, 1, [], (0, ["glue-6.0"]), id="a-lane-may-skip"),
        pytest.param("glue-6.0", 1, 0, [], (1, ["glue-6.0"]), id="a-failed-test"),
        pytest.param("glue-6.0", 0, 0, ["--only", "list"], (0, []), id="chosen-tests-are-not-kept"),
        pytest.param(DEFAULT, 0, 0, [], (0, [DEFAULT]), id="the-default-lane"),
        pytest.param(DEFAULT, 0, 1, [], (1, [DEFAULT]), id="the-default-lane-may-not-skip"),
    ],
)
def test_the_exit_code_and_what_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    exit_code: int,
    skipped: int,
    arguments: list[str],
    expected: tuple[int, list[str]],
) -> None:
    kept = fake_lane(monkeypatch, tmp_path, name, exit_code, skipped)
    assert (run.main([name, *arguments]), kept) == expected


@pytest.mark.slow
def test_the_representatives_exist() -> None:
    chosen = (run.ROOT / "lanes/representatives.txt").read_text().split()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=run.ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_kept_results_are_those_of_declared_lanes() -> None:
    for file in results.RESULTS.glob("*.json"):
        assert lane_named(json.loads(file.read_text())["lane"]).name == file.stem
