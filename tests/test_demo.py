"""The demo runs to its end, in a process and a lake of its own, and fits a few screens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_LINES = 120
SET_UP_LINES = 4


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_the_demo_runs_every_job(tmp_path: Path) -> None:
    lines = [line for part in ("core", "hudi") for line in show(part, tmp_path)]
    assert len(lines) <= MOST_LINES - SET_UP_LINES
    assert max(map(len, (line for line in lines if not line.startswith("       ")))) <= 100
    assert "  then 6 read = 4 written + 1 deleted + 1 superseded" in lines
    assert not any("WARN" in line for line in lines)
    tables = {path.name for path in (tmp_path / "lake/refined").iterdir()}
    assert tables >= {"birdstrikes", "customers", "retail_sales", "human_resources", "dev", "events"}


def show(part: str, folder: Path) -> list[str]:
    """Run a part of the demo, and return the lines it prints."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/demo.py"), part, str(folder / "lake")],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
