"""The generated reference and schemas of feeds and receipts are current; shipped feeds refer to their schemas."""

import json
from pathlib import Path

import pytest
import yaml

from jobs.cli.reference import feed_reference
from jobs.cli.registry import feed_model, job_names
from lakewright.runs.receipts.schema import receipt_schema, schema_file
from tests.conftest import ROOT

FEEDS = sorted((ROOT / "conf/feeds").glob("*.yaml"))


def test_the_feed_reference_is_current() -> None:
    assert (ROOT / "docs/feeds.md").read_text() == feed_reference(), "run `make schemas`"


@pytest.mark.parametrize("job", job_names())
def test_the_json_schema_is_current(job: str) -> None:
    committed = json.loads((ROOT / f"conf/schemas/{job}.schema.json").read_text())
    assert committed == feed_model(job).model_json_schema(), "run `make schemas`"


def test_the_schema_of_receipts_is_current() -> None:
    assert (ROOT / "docs/receipt.schema.json").read_text() == schema_file(), "run `make schemas`"


def test_every_field_of_a_receipt_is_described() -> None:
    fields = [
        (f"{name}.{field}", described.get("description"))
        for name, definition in receipt_schema()["$defs"].items()
        for field, described in definition["properties"].items()
    ]
    assert [name for name, description in fields if not description] == []


@pytest.mark.parametrize("job", job_names())
def test_every_key_is_described(job: str) -> None:
    section = feed_reference().split(f"## {job}\n")[1].split("\n## ")[0]
    undescribed = [line for line in section.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert not undescribed


@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.stem)
def test_a_shipped_feed_names_its_schema_for_editors(path: Path) -> None:
    first_line = path.read_text().splitlines()[0]
    job = yaml.safe_load(path.read_text())["job"]
    assert first_line == f"# yaml-language-server: $schema=../schemas/{job}.schema.json"
