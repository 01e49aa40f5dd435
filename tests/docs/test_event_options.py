"""The tables of docs/events.md, run row by row on the local engine."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from jobs.feeds.flatten_events import FlattenEventsFeed
from jobs.feeds.parts.event_source import EventSource
from lakewright.kafka.sink import ObjectNames
from tests.conftest import ROOT
from tests.jobs.event_bench import EventBench
from transforms.events.sink_names import SinkName

PAGE = (ROOT / "docs/events.md").read_text().split("## Options by example", 1)[1].split("\n## ", 1)[0]
CELL = re.compile(r"(?<!\\)\|")


def table(number: int) -> list[list[str]]:
    """Return the cells of a table of the section, without its header."""
    tables = [part for part in PAGE.split("\n\n") if part.startswith("| ")]
    rows = [CELL.split(line)[1:-1] for line in tables[number].strip().splitlines()[2:]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]


def text_of(cell: str) -> str:
    return cell.removeprefix("`").removesuffix("`").replace("⏎", "\n").replace("⇥", "\t")


def shown(value: Any) -> Any:
    """Show a value of the table as JSON does."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return str(value) if isinstance(value, Decimal) else value


@pytest.fixture
def events(tmp_path: Path) -> EventBench:
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    return EventBench(tmp_path, without_spark)


@pytest.mark.parametrize(
    ("option", "text", "rows"), [pytest.param(*row, id=f"{row[0]} {row[1][:40]}") for row in table(0)]
)
def test_an_option_does_what_its_example_shows(events: EventBench, option: str, text: str, rows: str) -> None:
    source = yaml.safe_load(text_of(option))
    events.feed(**{f"source__{key}": value for key, value in source.items()})
    events.put_events(0, text_of(text), end=".json")
    answer = events.command("run", "--json")
    expected = [cell.strip().removeprefix("`").removesuffix("`") for cell in rows.split("<br>")]
    if expected[0].startswith("refused: "):
        (receipt,) = answer.data
        assert expected[0].removeprefix("refused: ") in receipt["error"]
        return
    assert answer.exit_code == 0, answer.stderr
    (receipt,) = answer.data
    found = [
        json.dumps(
            {name: shown(value) for name, value in row.items() if name[:1] != "_" or name[:2] == "__"}, sort_keys=True
        )
        for row in ({name: value for name, value in row.items() if value is not None} for row in events.table())
    ]
    listed = [json.dumps(json.loads(row), sort_keys=True) for row in expected if row.startswith("{")]
    assert found == listed
    assert reasons(events) == [row.removeprefix("rejected: ") for row in expected if row.startswith("rejected: ")]
    skipped = [row.removeprefix("skipped: ") for row in expected if row.startswith("skipped: ")]
    assert receipt["skipped"] == {kind: skipped.count(kind) for kind in skipped}


def reasons(events: EventBench) -> list[str]:
    """Return the reasons of rejected rows, in order."""
    rows = [
        row
        for path in events.state().quarantine
        for row in pq.read_table(events.lake / path, partitioning=None).to_pylist()
    ]
    return [
        f"{reason['column'] + ': ' if reason['column'] else ''}{reason['rule']}: {reason['words']}"
        for row in sorted(rows, key=lambda row: row["position"])
        for reason in row["reasons"]
    ]


FEEDS = re.findall(r"```yaml\n(# .*?)```", (ROOT / "docs/events.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", [pytest.param(text, id=text.split("\n")[0]) for text in FEEDS])
def test_feeds_of_common_sinks_are_valid(text: str) -> None:
    feed = {"job": "flatten_events", "target": {"path": "refined/"}, **yaml.safe_load(text)}
    FlattenEventsFeed.model_validate(feed).rules()


@pytest.mark.parametrize(("option", "path", "parts"), [pytest.param(*row, id=row[1]) for row in table(1)])
def test_an_option_reads_objects_of_such_names(option: str, path: str, parts: str) -> None:
    source = EventSource.model_validate({"path": "raw/", **yaml.safe_load(text_of(option))})
    name = ObjectNames(source.delimiter, source.endings, source.object_name).read(text_of(path))
    assert isinstance(name, SinkName), name
    assert f"{name.topic}, {name.partition}, {name.start}" == parts
