"""The examples of docs/transforms.md run, and print what stands below them, with the package transforms alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import transforms
from lakewright.engine.spark.jvm import java_home
from tests.conftest import ROOT

DOCS = (ROOT / "docs/transforms.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", DOCS, re.DOTALL)

RUN = """
import contextlib, io, json, sys
from pyspark.sql import SparkSession

settings = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "Asia/Tokyo",
    "spark.sql.shuffle.partitions": "2",
}
SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
printed = []
for example in json.load(open(sys.argv[1])):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(example, {})
    printed.append(out.getvalue())
modules = sorted({name.split(".")[0] for name in sys.modules})
json.dump({"printed": printed, "modules": modules}, open(sys.argv[2], "w"))
"""

IMPORT_ALL = """
import importlib, pkgutil, sys
import transforms
def import_all(package):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name != "transforms.spark":
            imported = importlib.import_module(module.name)
            if module.ispkg:
                import_all(imported)
import_all(transforms)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has the package transforms on its path, and no other of this project."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/transforms").symlink_to(ROOT / "transforms")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    java = {"JAVA_HOME": java_home() or "", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return os.environ | java | {"PYTHONPATH": str(tmp_path / "site")}


def run(code: str, *arguments: str, folder: Path, environment: dict[str, str]) -> str:
    (folder / "run.py").write_text(code)
    command = [sys.executable, str(folder / "run.py"), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_function_has_an_example() -> None:
    assert [re.findall(r"^from transforms import (\w+)$", code, re.MULTILINE) for code, _ in EXAMPLES] == [
        ["with_typed_values"],
        ["scrub_lines"],
        ["keep_last_changes"],
        ["flatten_events"],
    ]
    assert DOCS.count("```python") == len(EXAMPLES)


@pytest.mark.slow
def test_examples_print_what_the_page_says(tmp_path: Path, alone: dict[str, str]) -> None:
    (tmp_path / "code.json").write_text(json.dumps([code for code, _ in EXAMPLES]))
    run(RUN, "code.json", "out.json", folder=tmp_path, environment=alone)
    found = json.loads((tmp_path / "out.json").read_text())
    assert [re.sub(r"\n{2,}", "\n", text) for text in found["printed"]] == [text for _, text in EXAMPLES]
    assert {"transforms", "pyspark"} <= set(found["modules"])
    assert not {"lakewright", "jobs", "boto3", "pydantic"} & set(found["modules"])


def test_what_works_on_text_imports_no_pyspark(tmp_path: Path, alone: dict[str, str]) -> None:
    modules = run(IMPORT_ALL, folder=tmp_path, environment=alone).split()
    assert "transforms" in modules
    assert not {"pyspark", "lakewright", "jobs"} & set(modules)


def test_the_functions_are_there_by_name() -> None:
    assert set(transforms.__all__) <= set(dir(transforms))
    for name in transforms.__all__:
        assert getattr(transforms, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'transforms' has no attribute 'scrub'"):
        _ = transforms.scrub
