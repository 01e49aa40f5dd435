"""The wheel as a user installs it: in a venv of its own, outside a checkout."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

PACKAGE: Mapping[str, Any] = runpy.run_path(str(ROOT / "deploy/package.py"))


@dataclass(frozen=True)
class Installed:
    """An installation, and an empty folder in which its commands run."""

    venv: Path
    folder: Path

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run ``lakewright``; nothing of this process's environment leads it to the checkout."""
        ours = ("LAKEWRIGHT_", "PYTHON", "SPARK_", "JAVA_HOME", "XDG_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.run(
            [self.venv / "bin/lakewright", *arguments],
            cwd=self.folder,
            env=inherited | {"XDG_CACHE_HOME": str(self.venv / "cache")},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )


def install(root: Path, extra: str) -> Installed:
    """Install the wheel with an extra, in the versions of the lock."""
    wheel = PACKAGE["build_wheel"](root / "dist")
    pins = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "locks/local.txt").read_text(), re.MULTILINE)
    constraints = root / "constraints.txt"
    constraints.write_text("\n".join(pins))
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    pip = [root / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # With the checkout on its path, pip takes an egg-info there for an installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, "--no-compile", "-c", constraints, f"{wheel}[{extra}]"], env=environment, check=True)
    (root / "empty").mkdir()
    return Installed(root / "venv", root / "empty")
