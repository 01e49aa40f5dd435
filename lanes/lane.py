"""The lanes that ``lanes.toml`` declares."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DECLARATIONS: Final = Path(__file__).parent / "lanes.toml"
DEFAULT: Final = "glue-5.1"
DEFAULT_VENV: Final = Path(".venv")


class LaneError(Exception):
    """Raised when a lane cannot run here; the text is one line that says what is missing."""


@dataclass(frozen=True)
class Lane:
    """One lane; paths are relative to the checkout.

    Attributes:
        name: As in ``LANE=…``.
        runtimes: The runtimes whose versions it has.
        python: Version of Python, such as 3.11.
        constraints: The versions of the runtime's Python packages.
        packages: Folder of ``runtime.txt`` and ``project.txt``, locked; None if the lane shares the default's packages.
        hudi: Version of Hudi; None without it.
        jar_list: Folder of ``packages.txt`` and ``SHA256SUMS``; None if the lane has no jars.
        only: The marker of the tests that it runs; None if it runs all.
        lacks: Reasons by marker of the tests that cannot run in the lane.
    """

    name: str
    runtimes: str
    python: str
    constraints: str
    packages: str | None = None
    hudi: str | None = None
    jar_list: str | None = None
    only: str | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the lane's venv, jars and reports."""
        return Path(".lanes") / self.name

    @property
    def venv(self) -> Path:
        """The lane's venv."""
        return self.folder / "venv" if self.packages else DEFAULT_VENV

    @property
    def jars(self) -> Path:
        """The lane's jars; empty if it has none."""
        return Path("jars") if self.jar_list == "jars" else self.folder / "jars"

    def versions(self) -> dict[str, str]:
        """Return the versions of the runtime's Python packages, by name in lower case."""
        lines = (ROOT / self.constraints).read_text(encoding="utf-8").splitlines()
        pins = (line.split("==") for line in lines if line and not line.startswith("#"))
        return {name.lower(): version for name, version in pins}


def lanes() -> dict[str, Lane]:
    """Return all lanes by name, in the order of their declaration."""
    tables = tomllib.loads(DECLARATIONS.read_text(encoding="utf-8"))
    return {name: Lane(name, **table) for name, table in tables.items()}


def lane_named(name: str) -> Lane:
    """Return a lane.

    Raises:
        LaneError: If there is no such lane.
    """
    known = lanes()
    if name not in known:
        raise LaneError(f"there is no lane {name!r}; the lanes are {', '.join(known)}")
    return known[name]
