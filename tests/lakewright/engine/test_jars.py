"""Jars: where they are, and that only whole jars with the right checksum get there."""

import hashlib
from pathlib import Path

import pytest

from lakewright.engine.spark import jars
from lakewright.engine.spark.jars import JarList, fetch_jars, jar_folder, lock_jars, setup_command
from tests.conftest import ROOT
from transforms.errors import LakewrightError

SUM = hashlib.sha256(b"right").hexdigest()
OWN = JarList(("org:a:1",), {"a-1.jar": SUM, "b-1.jar": SUM})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Replace Ivy: the contents of the jars that the packages resolve to."""
    contents = {"a-1.jar": b"right", "b-1.jar": b"right"}

    def resolve(packages: tuple[str, ...], ivy: str) -> dict[str, Path]:
        assert packages == OWN.packages
        for name, content in contents.items():
            Path(ivy, name).write_bytes(content)
        return {name: Path(ivy, name) for name in contents}

    monkeypatch.setattr(jars, "_resolve", resolve)
    return contents


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process look like an installation of the wheel; returns the cache of the user."""
    monkeypatch.setattr(jars, "_OF_CHECKOUT", tmp_path / "site-packages/jars")
    monkeypatch.setattr("importlib.resources.files", lambda package: ROOT)
    monkeypatch.delenv("LAKEWRIGHT_JARS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_checkout_has_its_jars_beside_their_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEWRIGHT_JARS", raising=False)
    assert (jar_folder(), setup_command()) == (ROOT / "jars", "`make setup`")
    assert "org.apache.hudi:hudi-spark3.5-bundle_2.12:1.0.2" in JarList.own().packages


def test_an_installation_has_its_jars_in_the_cache(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256((ROOT / "jars/SHA256SUMS").read_bytes()).hexdigest()[:12]
    assert (jar_folder(), setup_command()) == (wheel / "lakewright/jars" / digest, "`lakewright jars`")
    assert len(JarList.own().sums) == 10
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(wheel.parent))
    assert jar_folder() == wheel.parent / ".cache/lakewright/jars" / digest


def test_a_variable_names_another_folder(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEWRIGHT_JARS", "/opt/jars")
    assert jar_folder() == Path("/opt/jars")


@pytest.mark.usefixtures("repository")
def test_only_missing_and_damaged_jars_are_downloaded(tmp_path: Path) -> None:
    folder = tmp_path / "new/jars"
    assert fetch_jars(OWN, folder) == ["a-1.jar", "b-1.jar"]
    (folder / "b-1.jar").write_bytes(b"damaged")
    assert fetch_jars(OWN, folder) == ["b-1.jar"]
    assert fetch_jars(OWN, folder) == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a-1.jar": b"right", "b-1.jar": b"right"}


def test_a_jar_with_another_checksum_is_refused(tmp_path: Path, repository: dict[str, bytes]) -> None:
    repository["b-1.jar"] = b"wrong"
    with pytest.raises(LakewrightError, match=r"^b-1\.jar, as the Maven repository has it, does not have the checksum"):
        fetch_jars(OWN, tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


@pytest.mark.usefixtures("repository")
def test_a_list_of_packages_is_locked(tmp_path: Path) -> None:
    packages, sums = tmp_path / "packages.txt", tmp_path / "SHA256SUMS"
    packages.write_text("# a comment\n\norg:a:1\n")
    lock_jars(packages, sums)
    assert JarList.read(packages, sums) == OWN
