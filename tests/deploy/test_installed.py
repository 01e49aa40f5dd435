"""Installed from the wheel outside a checkout, every job runs; the network is needed for package registries only."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.installed import install

pytestmark = pytest.mark.slow


def test_each_job_runs_where_only_the_wheel_is_installed(tmp_path: Path) -> None:
    installed = install(tmp_path, "local")
    shutil.copytree(ROOT / "conf", installed.folder / "conf")
    for folder in ("raw", "dataset"):
        shutil.copytree(ROOT / "examples" / folder, installed.folder / "lake" / folder)

    refused = installed.command("run", "human_resources")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == "error: Hudi's jar is missing: run `lakewright jars`"
    jars = installed.command("jars", "--json")
    assert jars.returncode == 0, jars.stderr
    answer = json.loads(jars.stdout)
    assert Path(answer["folder"]).parent == tmp_path / "venv/cache/lakewright/jars"
    assert sorted(answer["downloaded"]) == sorted(path.name for path in Path(answer["folder"]).iterdir())
    again = installed.command("jars")
    assert again.stdout == f"10 jars are in {answer['folder']} (all were there)\n"

    for feed in ("customers", "events", "uploads", "human_resources"):
        done = installed.command("run", feed, "--json")
        assert done.returncode == 0, f"{feed}: {done.stderr}"
        assert {receipt["status"] for receipt in json.loads(done.stdout)} == {"committed"}
