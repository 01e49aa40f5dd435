"""The package: wheel and Lambdas are reproducible, and the manifest has every file."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lakewright.runs.receipts.versions import commit_of
from tests.conftest import ROOT
from tests.installed import PACKAGE

#: Imports all handlers with nothing but what a Lambda has, and prints their names.
HANDLERS = """
import pathlib, runpy, sys
sys.path.insert(0, sys.argv[1])
import boto3
for path in sorted(pathlib.Path(sys.argv[2]).glob("*/handler.py")):
    assert callable(runpy.run_path(str(path))["handler"])
    print(path.parent.name)
for service in ("dynamodb", "glue", "s3", "stepfunctions"):
    boto3.client(service)
"""


def test_a_zip_depends_on_its_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"b.py": b"b", "a.dist-info/RECORD": b"", "a/__init__.py": b""}
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    PACKAGE["write_zip"](tmp_path / "one.zip", files)
    os.umask(os.umask(0o077))
    PACKAGE["write_zip"](tmp_path / "two.zip", dict(reversed(files.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    PACKAGE["write_zip"](tmp_path / "three.zip", files)
    with zipfile.ZipFile(tmp_path / "three.zip") as archive:
        assert archive.namelist() == ["a/__init__.py", "b.py", "a.dist-info/RECORD"]
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2026, 9, 21)}
        assert PACKAGE["read_zip"](tmp_path / "three.zip") == files


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    PACKAGE["copy_files"](tmp_path)
    PACKAGE["write_manifest"](tmp_path)
    lines = [line.split("  ") for line in (tmp_path / "SHA256SUMS").read_text().splitlines()]
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for _, name in lines} == files - {"SHA256SUMS"}
    assert {"jobs/compact.py", "jobs/rebuild.py", "jars/packages.txt", "conf/feeds/customers.yaml"} < files
    assert all(digest == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for digest, name in lines)


@pytest.mark.slow
def test_wheel_and_lambdas_are_reproducible(tmp_path: Path) -> None:
    PACKAGE["download_lambda_dependencies"](tmp_path / "dependencies")
    built = []
    for name, mask in (("one", 0o022), ("two", 0o077)):
        before = os.umask(mask)
        try:
            wheel = PACKAGE["build_wheel"](tmp_path / name)
        finally:
            os.umask(before)
        path = PACKAGE["build_lambda"](tmp_path / name, "start_pipeline", wheel, tmp_path / "dependencies")
        built.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, path)])
    assert built[0] == built[1]
    files = PACKAGE["read_zip"](wheel)
    assert {"lakewright/jars/packages.txt", "lakewright/jars/SHA256SUMS"} < set(files)
    assert files["lakewright/commit.txt"].decode().removesuffix("-dirty") == commit_of(ROOT)
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lakewright/pages/templates").iterdir()}
    assert templates <= set(files)
    assert not [name for name in files if name.startswith(("tests/", "bench/", "deploy/"))]
    assert PACKAGE["read_zip"](path)["handler.py"] == (ROOT / "deploy/lambdas/start_pipeline/handler.py").read_bytes()
    assert path.stat().st_size < 10 << 20
    # The zips of all functions differ in handler.py alone.
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "lambda")
    run = [sys.executable, "-I", "-S", "-c", HANDLERS, str(tmp_path / "lambda"), str(ROOT / "deploy/lambdas")]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env={"AWS_DEFAULT_REGION": "us-east-1"})
    assert (done.returncode, done.stdout.split()) == (0, list(PACKAGE["LAMBDAS"])), done.stderr
