"""The transcripts and the table of keys in docs/plan.md."""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, command

PAGE = (ROOT / "docs/plan.md").read_text()
CUSTOMERS = ROOT / "examples/raw/customers/year=2019/month=08/day=21/customers_20190821.csv"


class Shown:
    """A lake with the feeds of the project, and what plans of it print."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "conf", root / "conf")
        self.where = ("--lake", str(root / "lake"), "--config", str(root / "conf"))

    def put_customers(self, name: str) -> None:
        path = self.root / f"lake/raw/customers/year=2019/month=08/day={name[6:8]}/customers_{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CUSTOMERS, path)

    def put_event(self, topic: str, start: int) -> None:
        path = self.root / f"lake/raw/topics/{topic}/partition=0/{topic}+0+{start:010}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"id": number, "ts": 1_785_542_400_000}) for number in range(start, start + 10)]
        path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))

    def run(self, feed: str) -> None:
        command("run", feed, *self.where)

    def plan(self, feed: str) -> str:
        answer = command("plan", feed, *self.where)
        return f"$ lakewright plan {feed}\n{answer.stdout}{answer.stderr}".strip()


def transcripts(root: Path) -> Iterator[str]:
    """Show an ordinary batch, several targets, nothing to do, and a feed that does not fit its table."""
    shown = Shown(root)
    for name in ("20190820", "20190821", "20190822"):
        shown.put_customers(name)
        shown.run("customers")
    yield shown.plan("customers")
    shown.put_customers("20190822_late")
    shown.put_customers("20190823")
    yield shown.plan("customers")
    feed = root / "conf/feeds/customers.yaml"
    feed.write_text(feed.read_text().replace("units_purchased: long", "units_purchased: double"))
    yield shown.plan("customers")
    shutil.copytree(ROOT / "examples/raw/topics/geo.quakes", root / "lake/raw/topics/geo.quakes")
    for topic in ("orders", "payments"):
        shown.put_event(topic, 0)
    shown.run("events")
    shown.put_event("orders", 10)
    yield shown.plan("events")


def masked(text: str) -> str:
    """Replace what differs between machines and runs."""
    text = re.sub(r"Python [\d.]+", "Python", text)
    return re.sub(r"(?m)^(  estimate| +\$).*[\d.]+ s|\$[\d.]+", "#", text)


def test_the_transcripts_are_true(tmp_path: Path) -> None:
    page = masked(PAGE)
    for transcript in transcripts(tmp_path):
        assert masked(transcript) in page


@pytest.mark.parametrize("key", ["source", "table", "schema", "config", "estimate"])
def test_every_key_is_documented(tmp_path: Path, key: str) -> None:
    shown = Shown(tmp_path)
    shown.put_customers("20190820")
    (plan,) = json.loads(command("plan", "customers", *shown.where, "--json").stdout)
    section = PAGE.split("## JSON", 1)[1]
    (row,) = (line for line in section.splitlines() if line.startswith(f"| `{key}` |"))
    assert [name for name in plan[key] if f"`{name}`" not in row] == []
    assert [name for name in plan if f"`{name}`" not in section] == []
