"""The package: wheel and Lambdas are reproducible, and the manifest has every file."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.installed import PACKAGE


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
        zips = [
            PACKAGE["build_lambda"](tmp_path / name, each, wheel, tmp_path / "dependencies")
            for each in PACKAGE["LAMBDAS"]
        ]
        built.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, *zips)])
    assert built[0] == built[1]
    files = PACKAGE["read_zip"](wheel)
    assert {"lakewright/jars/packages.txt", "lakewright/jars/SHA256SUMS"} < set(files)
    assert not [name for name in files if name.startswith(("tests/", "bench/", "deploy/"))]
    for function, path in zip(PACKAGE["LAMBDAS"], zips, strict=True):
        files = PACKAGE["read_zip"](path)
        assert files["handler.py"] == (ROOT / f"deploy/lambdas/{function}/handler.py").read_bytes()
        assert {"boto3/__init__.py", "lakewright/json/scrub_timer.py", "msgspec/__init__.py"} < set(files)
