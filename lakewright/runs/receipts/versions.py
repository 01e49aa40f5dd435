"""The versions of the code that runs: of lakewright with its commit, of Python, and of packages."""

import importlib.metadata
import importlib.resources
import importlib.util
import platform
import re
from functools import cache
from pathlib import Path
from typing import Final

from lakewright import __version__

_PACKAGES: Final = ("pyspark", "pydantic", "boto3")
#: Written into the wheel by ``deploy/package.py``.
_STAMP: Final = "commit.txt"
_COMMIT: Final = re.compile("[0-9a-f]{40,64}")


def versions() -> dict[str, str]:
    """Return the versions, by name; ``commit`` only if it is known."""
    code = {"lakewright": __version__, "python": platform.python_version()}
    if commit := _commit():
        code["commit"] = commit
    return code | _packages()


@cache
def _packages() -> dict[str, str]:
    """Return the versions of packages, whose metadata takes milliseconds to read."""
    packages = {}
    for package in filter(importlib.util.find_spec, _PACKAGES):
        try:
            packages[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            packages[package] = "from the platform"
    return packages


@cache
def _commit() -> str:
    """Return the commit that is noted in the wheel, or else that of the checkout; empty if there is neither."""
    package = importlib.resources.files("lakewright")
    try:
        return (package / _STAMP).read_text(encoding="utf-8").strip()
    except OSError:
        return commit_of(Path(str(package)).parent)


def commit_of(checkout: Path) -> str:
    """Return the commit of a git checkout, without changes since; empty if there is none. Git itself may be missing."""
    git = checkout / ".git"
    try:
        if git.is_file():  # a worktree
            git = checkout / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        commit = _commit_of_branch(git, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    except (OSError, UnicodeDecodeError):
        return ""
    return commit if _COMMIT.fullmatch(commit) else ""


def _commit_of_branch(git: Path, branch: str) -> str:
    shared = git / (git / "commondir").read_text().strip() if (git / "commondir").exists() else git
    if (shared / branch).exists():
        return (shared / branch).read_text().strip()
    lines = (shared / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {branch}")), "")
