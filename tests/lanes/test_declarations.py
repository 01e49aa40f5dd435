"""The declared lanes agree with each other, with setup.py and with the default's locks and jars."""

import re
from pathlib import Path

import pytest

from lakewright.engine.spark.java import VECTOR_MODULE
from lanes.lane import DEFAULT, Lane, lane_named, lanes
from tests.conftest import ROOT

LANES = list(lanes().values())
INSTALLED = [lane for lane in LANES if lane.packages]
WITH_JARS = [lane for lane in LANES if lane.jar_list]
#: These differ between the lanes' runtimes; py4j comes with pyspark.
RUNTIME = {"awsgluedataplanepython", "numpy", "pandas", "py4j", "pyarrow", "pyspark"}


def pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\\n;]+)", file.read_text(), re.MULTILINE))


def by_name(lane: Lane) -> str:
    return lane.name


def test_the_default_lane_has_the_versions_of_the_lock_and_lacks_nothing() -> None:
    default = lane_named(DEFAULT)
    locked = pins(ROOT / "locks/dev.txt")
    assert default.versions() == {name: locked[name] for name in default.versions()}
    assert (default.lacks, default.packages, default.jar_list) == ({}, None, "jars")


@pytest.mark.parametrize("lane", INSTALLED, ids=by_name)
def test_a_lane_installs_its_runtimes_versions_and_beside_them_those_of_the_default_lane(lane: Lane) -> None:
    runtime = pins(ROOT / str(lane.packages) / "runtime.txt")
    project = pins(ROOT / str(lane.packages) / "project.txt")
    default = pins(ROOT / "locks/dev.txt")
    assert {name: runtime[name] for name in lane.versions()} == lane.versions()
    assert not RUNTIME & set(project)
    assert project.items() <= default.items()
    assert set(runtime) >= RUNTIME
    assert set(default) <= set(runtime) | set(project)


@pytest.mark.parametrize("lane", WITH_JARS, ids=by_name)
def test_a_lanes_jars_are_those_of_the_default_lane_but_for_hudi(lane: Lane) -> None:
    folder = ROOT / str(lane.jar_list)
    packages, sums = (folder / "packages.txt").read_text(), (folder / "SHA256SUMS").read_text()
    assert f"org.apache.hudi:hudi-spark3.5-bundle_2.12:{lane.hudi}\n" in packages
    assert f"  hudi-spark3.5-bundle_2.12-{lane.hudi}.jar\n" in sums
    others = {line for line in sums.splitlines() if "hudi" not in line}
    assert others == {line for line in (ROOT / "jars/SHA256SUMS").read_text().splitlines() if "hudi" not in line}


@pytest.mark.parametrize("lane", INSTALLED, ids=by_name)
def test_locks_have_hashes_and_name_no_index(lane: Lane) -> None:
    for name in ("runtime.txt", "project.txt"):
        text = (ROOT / str(lane.packages) / name).read_text()
        assert "http" not in text
        lines = text.splitlines()
        packages = [number for number, line in enumerate(lines) if "==" in line and not line.startswith(" ")]
        assert packages
        assert all(lines[number + 1].startswith("    --hash=sha256:") for number in packages)


def test_every_marker_that_a_lane_lacks_is_registered() -> None:
    registered = (ROOT / "pyproject.toml").read_text()
    for lane in LANES:
        for marker, reason in lane.lacks.items():
            assert f'"{marker}: ' in registered
            assert reason


def test_the_docs_describe_every_lane_and_how_to_install_what_it_needs() -> None:
    text = (ROOT / "docs/runtimes.md").read_text()
    for lane in LANES:
        assert f"| `{lane.name}` |" in text
    assert "PYTHON_3_13=" in text
    assert f"`{VECTOR_MODULE}`" in text
