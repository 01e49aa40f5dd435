"""Every path, version and command of the docker files exists in the tree and agrees with the lane glue-5.0."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lanes.lane import lane_named
from tests.conftest import ROOT
from tests.lanes.test_declarations import RUNTIME, pins

LANE = lane_named("glue-5.0")
IMAGE = "public.ecr.aws/glue/aws-glue-libs:5"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed, as in the docker image")


def instructions() -> dict[str, str]:
    text = (ROOT / "docker/Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    assert len({name for name, _ in lines}) == len(lines), "one of each instruction"
    return {name: " ".join(rest.split()) for name, rest in lines}


def test_the_image_installs_as_the_lane_does() -> None:
    found = instructions()
    assert found["FROM"] == IMAGE
    assert found["RUN"] == f"lanes/install.sh {LANE.name}"
    assert found["CMD"] == '["python3 -m pytest"]'
    assert os.access(ROOT / "lanes/install.sh", os.X_OK)
    # lanes.prepare runs the same script with the Python of the lane's venv.
    assert '["lanes/install.sh", lane.name, ' in (ROOT / "lanes/prepare.py").read_text()


def test_the_script_installs_none_of_the_runtimes_packages() -> None:
    script = (ROOT / "lanes/install.sh").read_text()
    commands = [line for line in script.replace("\\\n", " ").splitlines() if "pip install" in line]
    assert len(commands) == 2
    assert all(" --no-deps " in command for command in commands)
    files = re.findall(r"\$lane/([a-z.]+)", script)
    assert files == ["constraints.txt", "project.txt"]
    assert all((ROOT / str(LANE.packages) / name).exists() for name in files)
    assert not RUNTIME & set(pins(ROOT / str(LANE.packages) / "project.txt"))


def test_the_environment_is_the_lanes() -> None:
    variables = dict(pair.split("=", 1) for pair in instructions()["ENV"].split())
    assert variables["LAKEWRIGHT_LANE"] == LANE.name
    home = instructions()["WORKDIR"].rsplit("/", 1)[0]
    assert variables["LAKEWRIGHT_JARS"] == f"{home}/no-jars"
    assert f"`{variables['LAKEWRIGHT_JARS']}`" in (ROOT / "docs/runtimes.md").read_text()


def test_the_services_build_this_image_from_this_tree() -> None:
    for name in ("tests", "shell"):
        service = COMPOSE["services"][name]
        context = (ROOT / "docker" / service["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / service["build"]["dockerfile"]).read_text() == (ROOT / "docker/Dockerfile").read_text()
        assert service["image"] == f"lakewright-{LANE.name}"
    assert COMPOSE["services"]["shell"]["volumes"] == [f"..:{instructions()['WORKDIR']}"]
    assert set(COMPOSE["services"]["shell"]["depends_on"]) <= set(COMPOSE["services"])


def test_the_aws_server_is_the_moto_that_the_tests_use() -> None:
    assert COMPOSE["services"]["aws"]["image"] == f"motoserver/moto:{pins(ROOT / 'locks/dev.txt')['moto']}"
    port = COMPOSE["services"]["shell"]["environment"]["AWS_ENDPOINT_URL"]
    assert port == "http://aws:5000"  # moto_server's port in its image


def test_the_docs_name_the_image_and_that_it_was_not_run() -> None:
    text = " ".join((ROOT / "docs/runtimes.md").read_text().split())
    assert IMAGE in text
    assert "The image itself was not run" in text


def test_what_git_ignores_is_not_copied_into_the_image() -> None:
    ignored = set((ROOT / ".dockerignore").read_text().split("\n"))
    for line in (ROOT / ".gitignore").read_text().split():
        assert {line, f"**/{line}"} & ignored, line
    assert ".git" in ignored


@needs_make
@pytest.mark.parametrize("target", ["docker-test", "docker-shell"])
def test_the_targets_start_services_that_exist(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
    command = re.search(r"docker compose -f (\S+) run --rm --build (\S+)", done.stdout)
    assert command is not None
    assert (ROOT / command[1]) == ROOT / "docker/compose.yaml"
    assert command[2] in COMPOSE["services"]


@needs_make
@pytest.mark.parametrize("docker", [None, "#!/bin/sh\necho Cannot connect >&2\nexit 1\n"], ids=["absent", "no-engine"])
def test_without_docker_the_targets_say_so_on_one_line(tmp_path: Path, docker: str | None) -> None:
    for tool in ("make", "sh"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    if docker:
        (tmp_path / "docker").write_text(docker)
        (tmp_path / "docker").chmod(0o755)
    env = {"PATH": str(tmp_path)}
    done = subprocess.run(["make", "docker-test"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert (done.returncode, done.stdout) == (2, "")
    assert lines == ["error: no docker engine answers; 'make test-lane LANE=glue-5.0' needs none"]


def test_hadolint_and_the_schemas_are_checked_by_make_lint() -> None:
    text = (ROOT / "Makefile").read_text()
    for command in (
        "hadolint docker/Dockerfile",
        "vendor.compose-spec docker/compose.yaml",
        "vendor.github-workflows .github/workflows/ci.yml",
    ):
        assert f"{command}\n" in text
