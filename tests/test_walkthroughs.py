"""The worked examples of the source systems come out as they say, and a difference is an error."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def walk_through(*names: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "examples/walkthrough.py"), *names],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "110"},
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )


@pytest.mark.needs_hudi
def test_every_walkthrough_is_as_expected() -> None:
    done = walk_through()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-3000:]
    assert done.stdout.splitlines()[-1] == "6 of 6 walkthroughs match what is expected"


def test_a_difference_is_shown_and_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/walkthroughs/uploads", tmp_path / "uploads")
    expected = tmp_path / "uploads/scrubbed.json"
    expected.write_bytes(expected.read_bytes().replace(b"1.00", b"1.0"))
    done = walk_through(str(tmp_path / "uploads"))
    assert done.returncode == 1
    assert '  - {"id": 1, "name": "report.txt", "size": 1.0, "file_contents": ""}␍␊' in done.stdout.splitlines()
    assert '  + {"id": 1, "name": "report.txt", "size": 1.00, "file_contents": ""}␍␊' in done.stdout.splitlines()
    assert done.stdout.splitlines()[-2:] == ["0 of 1 walkthroughs match what is expected", "differs: uploads"]
