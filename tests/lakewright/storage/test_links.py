"""Symbolic links in a local lake: those that are followed, and those that are listed with a problem."""

from pathlib import Path

import pytest

from lakewright.storage.links import LEADS_OUT
from lakewright.storage.local import LocalLake

LEADS_BACK = "a symbolic link leads back to this folder, which is listed already"
LEADS_NOWHERE = "a symbolic link to nothing, or to itself"


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    for folder in ("lake/raw/c", "lake/archive", "outside/folder"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("lake/raw/c/a.csv", "lake/archive/b.csv", "outside/secret", "outside/folder/d.csv"):
        (tmp_path / file).write_bytes(b"x")
    return LocalLake(str(tmp_path / "lake"))


def listed(lake: LocalLake, prefix: str = "raw/c/") -> dict[str, str]:
    return {entry.path.removeprefix("raw/c/"): entry.problem for entry in lake.list(prefix)}


@pytest.mark.parametrize(
    ("target", "entries"),
    [
        pytest.param("../../../outside/secret", {"link": LEADS_OUT}, id="a-file-outside-is-listed-with-a-problem"),
        pytest.param("../../../outside/folder", {"link": LEADS_OUT}, id="a-folder-outside-is-not-followed"),
        pytest.param("/nowhere", {"link": LEADS_OUT}, id="a-missing-target-outside"),
        pytest.param("/", {"link": LEADS_OUT}, id="the-root-of-the-file-system"),
        pytest.param("a.csv", {"link": ""}, id="a-file-of-the-lake-is-data"),
        pytest.param("../../archive", {"link/b.csv": ""}, id="a-folder-of-the-lake-is-followed"),
        pytest.param(".", {"link": LEADS_BACK}, id="a-link-to-its-own-folder-is-not-followed"),
        pytest.param("..", {"link/c": LEADS_BACK}, id="a-link-to-a-parent-folder-is-not-followed-twice"),
        pytest.param("link", {"link": LEADS_NOWHERE}, id="a-link-to-itself-is-listed-with-the-reason"),
        pytest.param("gone.csv", {"link": LEADS_NOWHERE}, id="a-link-to-a-missing-file-is-listed-with-the-reason"),
    ],
)
def test_links(lake: LocalLake, target: str, entries: dict[str, str]) -> None:
    (lake.root / "raw/c/link").symlink_to(target)
    assert listed(lake) == {"a.csv": "", **entries}


def test_a_cycle_of_two_links_is_cut(lake: LocalLake) -> None:
    (lake.root / "raw/c/one").symlink_to("../../archive")
    (lake.root / "archive/two").symlink_to("../raw/c")
    assert listed(lake) == {"a.csv": "", "one/b.csv": "", "one/two": LEADS_BACK}


def test_the_folder_of_a_feed_may_be_a_link_out_of_the_lake(lake: LocalLake) -> None:
    (lake.root / "raw/linked").symlink_to(lake.root.parent / "outside/folder")
    (lake.root.parent / "outside/folder/more").symlink_to("../secret")
    (lake.root.parent / "outside/folder/same").symlink_to("d.csv")
    problems = {"raw/linked/d.csv": "", "raw/linked/more": LEADS_OUT, "raw/linked/same": ""}
    assert listed(lake, "raw/linked/") == problems


def test_stat_checks_links_like_a_listing(lake: LocalLake) -> None:
    (lake.root / "raw/c/file").symlink_to(lake.root.parent / "outside/secret")
    (lake.root / "raw/c/folder").symlink_to(lake.root.parent / "outside/folder")
    stats = [lake.stat(f"raw/c/{path}") for path in ("a.csv", "file", "folder/d.csv")]
    assert [stat and stat.problem for stat in stats] == ["", LEADS_OUT, LEADS_OUT]
