"""Build what AWS needs into ``dist/``: the wheel, the Lambdas, an environment for clusters, scripts, config, checksums.

``python deploy/package.py`` builds everything (``make package``), ``python deploy/package.py wheel`` only the wheel.
Wheel and Lambdas are reproducible: their bytes depend on the sources, the name of their commit, the locks and
SOURCE_DATE_EPOCH alone.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LAMBDAS: Final = tuple(sorted(path.parent.name for path in (ROOT / "deploy/lambdas").glob("*/handler.py")))
#: Where Glue 5, EMR 7 and Amazon Linux 2023 have Python 3.11, to which the environment links.
PYTHON_ON_CLUSTERS: Final = "/usr/bin/python3.11"

_SOURCES: Final = ("README.md", "jars", "jobs", "lakewright", "pyproject.toml", "setup.py", "transforms")
_OTHERS: Final = shutil.ignore_patterns("__pycache__", "*.jar", "*.egg-info")
#: The AWS services that the Lambdas call; botocore describes four hundred, which are most of its size.
_SERVICES: Final = ("dynamodb", "glue", "s3", "stepfunctions")
_OF_NO_USE_IN_LAMBDAS: Final = re.compile(
    # what pip would install elsewhere, such as scripts; descriptions of other services; examples
    rf".*\.data/|botocore/data/(?!({'|'.join(_SERVICES)})/)[^/]+/|boto3/(data|examples)/"
)
_FIRST_TIME_IN_ZIP: Final = 315532800  # 1980-01-01
_FILE_MODE: Final = 0o100644


def build_wheel(dist: Path) -> Path:
    """Build the wheel from a copy of the sources, since setuptools packs what an earlier build left in ``build/``."""
    dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "sources")
        sources.mkdir()
        for name in _SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, sources / name, ignore=_OTHERS)
            else:
                shutil.copy(ROOT / name, sources / name)
        (sources / "lakewright/commit.txt").write_text(_commit())
        _pip("wheel", "--no-deps", "--wheel-dir", folder, str(sources))
        (built,) = Path(folder).glob("*.whl")
        write_zip(dist / built.name, read_zip(built))
        return dist / built.name


def _commit() -> str:
    """Return the commit of the sources, for receipts: with ``-dirty`` if they have changed, empty without git."""
    command = ("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def build_lambda(dist: Path, function: str, wheel: Path, dependencies: Path) -> Path:
    """Build the zip of a Lambda: its handler, the wheel, and the wheels that it needs."""
    path = dist / f"lambdas/{function}.zip"
    files = {"handler.py": (ROOT / f"deploy/lambdas/{function}/handler.py").read_bytes()}
    for each in [wheel, *sorted(dependencies.glob("*.whl"))]:
        files |= {name: data for name, data in read_zip(each).items() if not _OF_NO_USE_IN_LAMBDAS.match(name)}
    write_zip(path, files)
    return path


def download_lambda_dependencies(folder: Path) -> None:
    """Download the locked wheels for Lambda's platform."""
    platform = ("--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux2014_x86_64")
    lock = str(ROOT / "locks/lambda.txt")
    _pip("download", "--no-deps", "--require-hashes", *platform, "--dest", str(folder), "-r", lock)


def build_environment(dist: Path, wheel: Path) -> Path:
    """Build the archive of a venv for clusters, with everything but pyspark, which they have."""
    import venv_pack

    archive = dist / f"{'-'.join(wheel.name.split('-')[:2])}-environment.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder, "environment")
        _run(sys.executable, "-m", "venv", str(venv))
        python = venv / "bin/python"
        lock = str(ROOT / "locks/cluster.txt")
        _pip("install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lock, python=python)
        _pip("install", "--no-deps", str(wheel), python=python)
        _link_to(PYTHON_ON_CLUSTERS, venv)
        venv_pack.pack(prefix=str(venv), output=str(archive), force=True)
    return archive


def _link_to(python: str, venv: Path) -> None:
    """Let a venv use another Python; the option of venv-pack appends to the names of links' targets."""
    for link in venv.glob("bin/python*"):
        link.unlink()
        link.symlink_to(python)
    settings = venv / "pyvenv.cfg"
    lines = [line for line in settings.read_text().splitlines() if line.startswith(("include-", "version"))]
    settings.write_text("\n".join([f"home = {Path(python).parent}", *lines, ""]))


def copy_files(dist: Path) -> None:
    """Copy what needs no build: job scripts, config, the list of jars."""
    scripts = [path for path in (ROOT / "jobs").glob("*.py") if not path.name.startswith("_")]
    for source in [*scripts, ROOT / "jars/packages.txt", ROOT / "jars/SHA256SUMS"]:
        target = dist / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    shutil.copytree(ROOT / "conf", dist / "conf")


def write_manifest(dist: Path) -> None:
    """Write the checksums of all files, which ``sha256sum --check SHA256SUMS`` compares."""
    files = sorted(path for path in dist.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(dist).as_posix()}\n" for path in files
    ]
    (dist / "SHA256SUMS").write_text("".join(lines))


def read_zip(path: Path) -> dict[str, bytes]:
    """Read the files of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on its files alone: sorted, with fixed times and modes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), _FIRST_TIME_IN_ZIP)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        # By custom, the metadata of a wheel comes last.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            entry.external_attr = _FILE_MODE << 16
            entry.create_system = 3  # Unix, as the modes are
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)


def _pip(*arguments: str, python: Path | str = sys.executable) -> None:
    _run(str(python), "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:])


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def main() -> None:
    """Build everything, after which ``dist/`` has nothing else; or only the wheel."""
    dist = ROOT / "dist"
    if sys.argv[1:] == ["wheel"]:
        build_wheel(dist)
        return
    shutil.rmtree(dist, ignore_errors=True)
    wheel = build_wheel(dist)
    with tempfile.TemporaryDirectory() as folder:
        download_lambda_dependencies(Path(folder))
        for function in LAMBDAS:
            build_lambda(dist, function, wheel, Path(folder))
    build_environment(dist, wheel)
    copy_files(dist)
    write_manifest(dist)


if __name__ == "__main__":
    main()
