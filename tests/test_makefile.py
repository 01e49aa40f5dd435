"""The set-up prints a line for each step; what pip and Spark print goes to a log, and is shown if the step fails."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def make(folder: Path, python: str) -> "subprocess.CompletedProcess[str]":
    """Make the step of the jars with a Python of the test's own, as a user would: not as a part of `make test`."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").write_text(f"#!/bin/sh\n{python}\n")
    (folder / "bin/python").chmod(0o755)
    command = ["make", f"VENV={folder}", "-o", f"{folder}/.local", f"{folder}/.jars"]
    return run(command)


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_step_prints_one_line(tmp_path: Path) -> None:
    done = make(tmp_path, "echo noise; echo more noise >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Fetching jars (log: {tmp_path}/setup.log)\n", "")
    assert (tmp_path / "setup.log").read_text() == "noise\nmore noise\n"


def test_a_step_that_fails_shows_why(tmp_path: Path) -> None:
    done = make(tmp_path, "seq 100; echo error: no Maven repository; exit 5")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[11] == "error: no Maven repository"
    assert lines[12] == f"error: this step failed; the whole log is {tmp_path}/setup.log"
    assert not (tmp_path / ".jars").exists()


def test_the_demo_fetches_spark_after_the_jobs_that_do_without(tmp_path: Path) -> None:
    done = run(["make", "--dry-run", f"VENV={tmp_path}/venv", "demo"])
    assert done.returncode == 0, done.stderr
    steps = ["locks/core.txt", "demo.py core", "locks/local.txt", "-m jobs jars", "demo.py hudi"]
    steps_run = re.findall("|".join(map(re.escape, steps)), done.stdout)
    assert list(dict.fromkeys(steps_run)) == steps  # a dry run makes nothing, so setup begins anew


def test_core_is_a_part_of_local() -> None:
    core, local = ((ROOT / f"locks/{name}.txt").read_text().splitlines() for name in ("core", "local"))
    assert set(core) < set(local)


@pytest.mark.parametrize("target", ["demo", "walkthrough", "test", "test-pages", "test-lane", "docker-test", "help"])
def test_help_lists_the_targets(target: str) -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"\n{target} " in f"\n{done.stdout}"
