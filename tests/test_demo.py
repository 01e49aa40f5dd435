"""The demo runs to its end, in a process and a lake of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("demo", sys.argv[1])
demo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo)
demo.LAKE = pathlib.Path(sys.argv[2])
sys.exit(demo.main())
"""


@pytest.mark.slow
def test_the_demo_runs_every_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT / "examples/demo.py"), str(tmp_path / "lake")],
        cwd=ROOT,
        env=os.environ | {"LAKEWRIGHT_JARS": str(ROOT / "jars")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "failed" not in done.stdout
    tables = {path.name for path in (tmp_path / "lake/refined").iterdir()}
    assert tables >= {"birdstrikes", "customers", "retail_sales", "human_resources", "dev", "events"}
