"""The examples of docs/coming-from.md, each run on the local engine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, command

EXAMPLE = re.compile(
    r"^## (?P<name>.+?)\n.*?^`(?P<path>\S+)`(?:, (?:in (?P<encoding>\S+) )?with (?P<ends>CR LF))?:\n"
    r"```text\n(?P<text>.*?)```\n```yaml\n(?P<feed>.*?)```\n```json\n(?P<rows>.*?)```",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Example:
    """A section of the page."""

    path: str
    body: bytes
    feed: str
    rows: list[dict[str, Any]]


def examples() -> dict[str, Example]:
    page = (ROOT / "docs/coming-from.md").read_text()
    found = {}
    for section in EXAMPLE.finditer(page):
        text = section["text"].replace("⇥", "\t")
        body = (text.replace("\n", "\r\n") if section["ends"] else text).encode(section["encoding"] or "UTF-8")
        rows = [json.loads(line) for line in section["rows"].splitlines()]
        found[section["name"]] = Example(section["path"], body, section["feed"], rows)
    assert len(found) == page.count("\n## ")
    return found


def table(lake: Path) -> list[dict[str, Any]]:
    """Read all rows of the only table."""
    files = sorted((lake / "refined").rglob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


@pytest.mark.parametrize("example", [pytest.param(each, id=name) for name, each in examples().items()])
def test_a_feed_reads_what_its_source_writes(tmp_path: Path, example: Example) -> None:
    source = tmp_path / "lake" / example.path
    source.parent.mkdir(parents=True)
    source.write_bytes(example.body)
    feeds = tmp_path / "conf/feeds"
    feeds.mkdir(parents=True)
    (feeds / "orders.yaml").write_text(example.feed)
    answer = command("run", "orders", "--lake", str(tmp_path / "lake"), "--config", str(tmp_path / "conf"), "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.data[0]["counts"]["rejected"] == 0
    shown = [json.loads(json.dumps(row, default=str)) for row in table(tmp_path / "lake")]
    found = [{name: row[name] for name in expected} for row, expected in zip(shown, example.rows, strict=True)]
    assert found == example.rows
