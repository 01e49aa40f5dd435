"""What of the tree's shape import-linter does not check."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_MODULES = 12
WITHOUT_SPARK = (
    "jobs.cli.verbs",
    "jobs.csv_to_parquet",
    "jobs.flatten_events",
    "jobs.json_scrub",
    "lakewright.dms.files",
    "lakewright.in_place.sink",
    "lakewright.json.scrub_timer",
    "lakewright.kafka.rows",
    "lakewright.log.log",
    "lakewright.parquet.sink",
    "lakewright.runs.lifecycle.targets",
    "lakewright.storage.uris",
    "transforms.csv.quotes",
    "transforms.events.schema",
    "transforms.json.text",
)


def folders() -> list[Path]:
    packages = [
        path.parent for name in ("jobs", "lakewright", "transforms") for path in (ROOT / name).rglob("__init__.py")
    ]
    return [folder for folder in packages if folder != ROOT / "jobs"]  # a module a job


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_holds_about_a_dozen_modules(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, f"{folder.relative_to(ROOT)}: {sorted(modules)}"


def test_the_map_lists_the_runtime_in_the_order_of_its_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (runtime,) = (contract for contract in contracts if contract.get("containers") == ["lakewright"])
    layers = {name: number for number, layer in enumerate(runtime["layers"]) for name in layer.split(" | ")}
    shown = (ROOT / "ARCHITECTURE.md").read_text().split("\nlakewright/ ")[1].split("\ntransforms/ ")[0]
    names = re.findall(r"(?<!\S)(\w+)(?:/|\.py)(?!\S)", "\n".join(line.split("    ")[0] for line in lines_of(shown)))
    assert sorted(names) == sorted(layers)
    assert [layers[name] for name in names] == sorted(layers.values())


def lines_of(shown: str) -> list[str]:
    """Return the lines below the root of a tree, without their indentation."""
    return [line.strip() for line in shown.splitlines()[1:]]


def test_what_does_without_spark_does_not_import_it() -> None:
    script = (
        "import importlib, sys\n"
        f"for name in {WITHOUT_SPARK!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert not {'pyspark', 'py4j'} & set(sys.modules), name\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_decoders_are_built_on_import() -> None:
    """msgspec 0.22 crashes the process if threads decode a type for the first time at once."""
    trees = {path: ast.parse(path.read_text()) for path in (ROOT / "lakewright").rglob("*.py")}
    calls = [(path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    late = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, call in calls
        if ast.unparse(call.func) == "msgspec.json.decode" and any(argument.arg == "type" for argument in call.keywords)
    ]
    assert late == []
