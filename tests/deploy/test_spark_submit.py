"""Through spark-submit, with a driver and an executor as separate processes, outside the checkout."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyspark
import pytest

from lakewright.engine.spark.jvm import java_home
from tests.conftest import ROOT
from tests.installed import PACKAGE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(PACKAGE["build_wheel"](tmp_path_factory.mktemp("dist")))


def submit(folder: Path, *options: str, driver: str, executor: str) -> dict[str, Any]:
    """Run the events of the examples, and return the receipt."""
    shutil.copytree(ROOT / "examples/raw/topics", folder / "lake/raw/topics")
    shutil.copy(ROOT / "jobs/flatten_events.py", folder)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LAKEWRIGHT_"))}
    loopback = ("--conf", "spark.driver.bindAddress=127.0.0.1", "--conf", "spark.driver.host=127.0.0.1")
    done = subprocess.run(
        [
            f"{Path(pyspark.__file__).parent}/bin/spark-submit",
            *("--master", "local-cluster[1,1,1024]", "--conf", "spark.ui.enabled=false", *loopback, *options),
            "flatten_events.py",
            *("--feed", "events", "--lake", "lake", "--config", str(ROOT / "conf")),
        ],
        cwd=folder,
        env=inherited | {"JAVA_HOME": java_home() or "", "PYSPARK_DRIVER_PYTHON": driver, "PYSPARK_PYTHON": executor},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (receipt,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    result: dict[str, Any] = json.loads(receipt)
    return result


def test_the_wheel_as_py_files(tmp_path: Path, wheel: Path) -> None:
    receipt = submit(tmp_path, "--py-files", str(wheel), driver=sys.executable, executor=sys.executable)
    assert receipt["status"] == "committed"


def test_the_environment_as_an_archive(tmp_path: Path, wheel: Path) -> None:
    """Driver and executor have copies of it in different places."""
    if Path(PACKAGE["PYTHON_ON_CLUSTERS"]).name != f"python3.{sys.version_info.minor}":
        pytest.skip("the environment is for clusters with Python 3.11, and this is another one")
    if not Path(PACKAGE["PYTHON_ON_CLUSTERS"]).exists():
        pytest.skip(f"this machine has no {PACKAGE['PYTHON_ON_CLUSTERS']}, to which the environment links")
    archive = PACKAGE["build_environment"](wheel.parent, wheel)
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "driver", filter="fully_trusted")
    pythons = {str(path.readlink()) for path in (tmp_path / "driver/bin").glob("python*")}
    assert pythons == {PACKAGE["PYTHON_ON_CLUSTERS"]}
    receipt = submit(
        tmp_path,
        *("--archives", f"{archive}#environment"),
        driver=str(tmp_path / "driver/bin/python"),
        executor="./environment/bin/python",
    )
    assert receipt["status"] == "committed"
