"""README and docs are true: their feeds parse, their verbs and paths exist, their code runs."""

import ast
import re
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from jobs.cli.registry import feed_model, job_names
from jobs.cli.verbs import app
from tests.conftest import ROOT, command
from transforms import with_typed_values
from transforms.spark.typed_rows import TypedColumn, keep_good, keep_rejected

README = (ROOT / "README.md").read_text()
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "docs").glob("*.md")}
PAGES |= {name: (ROOT / name).read_text() for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")}


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_the_feeds_of_readme_and_docs_parse() -> None:
    texts = [text for page in PAGES.values() for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    feeds = [feed for text in texts if (feed := yaml.safe_load(text)).get("job") in job_names()]
    parsed = {feed["job"]: feed_model(feed["job"]).model_validate(feed) for feed in feeds}
    assert set(parsed) == set(job_names()), "each job has a feed in the README or in docs/"


def test_the_feed_of_the_readme_is_the_shipped_one() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    shipped = yaml.safe_load((ROOT / "conf/feeds/customers.yaml").read_text())
    assert yaml.safe_load(shown) == {key: value for key, value in shipped.items() if key != "description"}


def test_the_receipt_of_the_readme_is_what_the_run_prints(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/raw/customers", tmp_path / "raw/customers")
    answer = command("run", "customers", "--lake", str(tmp_path), "--config", str(ROOT / "conf"))
    shown = README.split("$ lakewright run customers\n")[1].split("```")[0]
    assert receipt_fields(answer.stdout) == receipt_fields(shown)


def receipt_fields(receipt: str) -> str:
    """Return a receipt without what differs between runs: run id, file ids, the engine's version, times, usage."""
    receipt = re.sub(r"000001-\w+…?\.parquet", "000001-….parquet", receipt)
    receipt = re.sub(r"Python [\d.]+", "Python", receipt)
    return re.sub(r"(  (?:run|time|data|used) ).*", r"\1", receipt)


def test_the_documented_verbs_are_those_of_the_command_line() -> None:
    documented = set(re.findall(r"^\| `(\w+)` ", PAGES["docs/operations.md"].split("## Options")[0], re.MULTILINE))
    assert documented == {command.callback.__name__ for command in app.registered_commands if command.callback}


def test_the_transform_of_the_readme_is_the_projects() -> None:
    shown = ast.parse(python_blocks(README)[0]).body[0]
    assert isinstance(shown, ast.FunctionDef)
    source = ast.parse((ROOT / "transforms/spark/typed_rows.py").read_text())
    own = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == shown.name)
    own.body = own.body[1:]  # without its docstring
    assert ast.dump(shown) == ast.dump(own)


def test_the_test_of_the_readme_passes(spark: SparkSession) -> None:
    names = {
        "Decimal": Decimal,
        "Sequence": Sequence,
        "SparkSession": SparkSession,
        "TypedColumn": TypedColumn,
        "assert_df_equality": assert_df_equality,
        "keep_good": keep_good,
        "keep_rejected": keep_rejected,
        "with_typed_values": with_typed_values,
    }
    exec(python_blocks(README)[1], names)
    names["test_a_value_that_would_be_rounded_rejects_its_row"](spark)  # type: ignore[operator]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", PAGES[page]):
        assert "://" in target or (folder / target).exists(), target
    for path in re.findall(r"`((?:lakewright|transforms|jobs)/[a-z_/]+\.py)`", PAGES[page]):
        assert page == "docs/new-job.md" or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_anchors_are_headings(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", PAGES[page]):
        name = ((ROOT / page).parent / target).resolve().relative_to(ROOT).as_posix() if target else page
        headings = re.findall(r"^#+ (.+)$", PAGES[name], re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, anchor
