"""The demo runs to its end, in a process and a lake of its own, and fits a few screens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_LINES = 120
SET_UP_LINES = 3


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_the_demo_runs_every_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/demo.py"), str(tmp_path / "lake")],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= MOST_LINES - SET_UP_LINES
    assert max(map(len, (line for line in lines if not line.startswith("       ")))) <= 100
    assert "  then 6 read = 4 written + 1 deleted + 1 superseded" in lines
    assert "WARN" not in done.stdout
    tables = {path.name for path in (tmp_path / "lake/refined").iterdir()}
    assert tables >= {"birdstrikes", "customers", "retail_sales", "human_resources", "dev", "events"}
