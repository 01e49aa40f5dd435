"""Symbolic links in a local lake: what is listed, what is only named."""

from pathlib import Path

import pytest

from lakewright.storage.links import LEADS_OUT
from lakewright.storage.local import LocalLake

LEADS_BACK = "a symbolic link leads back to this folder, which is listed already"


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    for folder in ("lake/raw/c", "lake/archive", "outside/folder"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("lake/raw/c/a.csv", "lake/archive/b.csv", "outside/secret", "outside/folder/d.csv"):
        (tmp_path / file).write_bytes(b"x")
    return LocalLake(str(tmp_path / "lake"))


def listed(lake: LocalLake, prefix: str = "raw/c/") -> dict[str, str]:
    return {found.path.removeprefix("raw/c/"): found.problem for found in lake.list(prefix)}


@pytest.mark.parametrize(
    ("target", "entries"),
    [
        pytest.param("../../../outside/secret", {"link": LEADS_OUT}, id="a-file-outside-is-named"),
        pytest.param("../../../outside/folder", {"link": LEADS_OUT}, id="a-folder-outside-is-not-descended"),
        pytest.param("/nowhere", {"link": LEADS_OUT}, id="what-is-not-there-is-outside-all-the-same"),
        pytest.param("/", {"link": LEADS_OUT}, id="the-root-of-the-machine"),
        pytest.param("a.csv", {"link": ""}, id="a-file-of-the-lake-is-data"),
        pytest.param("../../archive", {"link/b.csv": ""}, id="a-folder-of-the-lake-is-followed"),
        pytest.param(".", {"link": LEADS_BACK}, id="a-loop-ends"),
        pytest.param("..", {"link/c": LEADS_BACK}, id="a-loop-through-what-lies-above-ends-too"),
        pytest.param("link", {}, id="a-link-to-itself-is-nothing"),
        pytest.param("gone.csv", {}, id="a-link-to-nothing-is-nothing"),
    ],
)
def test_links(lake: LocalLake, target: str, entries: dict[str, str]) -> None:
    (lake.root / "raw/c/link").symlink_to(target)
    assert listed(lake) == {"a.csv": "", **entries}


def test_loops_over_two_links_end(lake: LocalLake) -> None:
    (lake.root / "raw/c/one").symlink_to("../../archive")
    (lake.root / "archive/two").symlink_to("../raw/c")
    assert listed(lake) == {"a.csv": "", "one/b.csv": "", "one/two": LEADS_BACK}


def test_a_folder_that_a_feed_names_may_itself_lie_elsewhere(lake: LocalLake) -> None:
    (lake.root / "raw/linked").symlink_to(lake.root.parent / "outside/folder")
    (lake.root.parent / "outside/folder/more").symlink_to("../secret")
    (lake.root.parent / "outside/folder/same").symlink_to("d.csv")
    problems = {"raw/linked/d.csv": "", "raw/linked/more": LEADS_OUT, "raw/linked/same": ""}
    assert listed(lake, "raw/linked/") == problems


def test_an_object_that_is_named_is_looked_at_alike(lake: LocalLake) -> None:
    (lake.root / "raw/c/file").symlink_to(lake.root.parent / "outside/secret")
    (lake.root / "raw/c/folder").symlink_to(lake.root.parent / "outside/folder")
    stats = [lake.stat(f"raw/c/{path}") for path in ("a.csv", "file", "folder/d.csv")]
    assert [stat and stat.problem for stat in stats] == ["", LEADS_OUT, LEADS_OUT]
