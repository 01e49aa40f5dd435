"""The tables of docs/events.md, run row by row on the local engine."""

import json
import re
from collections import Counter
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
from tests.docs.tables import outcomes_of, read_tables, text_of, with_prefix
from tests.jobs.event_bench import EventBench
from transforms.events.sink_names import SinkName

PAGE = (ROOT / "docs/events.md").read_text()
EXAMPLES, NAMES = read_tables(PAGE, "Options by example")


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
    ("option", "text", "rows"), [pytest.param(*row, id=f"{row[0]} {row[1][:40]}") for row in EXAMPLES]
)
def test_an_option_does_what_its_example_shows(events: EventBench, option: str, text: str, rows: str) -> None:
    source = yaml.safe_load(text_of(option))
    events.feed(**{f"source__{key}": value for key, value in source.items()})
    events.put_events(0, text_of(text), end=".json")
    answer = events.command("run", "--json")
    expected = outcomes_of(rows)
    if refused := with_prefix(expected, "refused: "):
        (receipt,) = answer.data
        assert answer.exit_code == 3
        assert refused[0] in receipt["error"]
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
    assert reasons(events) == with_prefix(expected, "rejected: ")
    assert receipt["skipped"] == Counter(with_prefix(expected, "skipped: "))


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


FEEDS = re.findall(r"```yaml\n(# .*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", [pytest.param(text, id=text.split("\n")[0]) for text in FEEDS])
def test_feeds_of_common_sinks_are_valid(text: str) -> None:
    feed = {"job": "flatten_events", "target": {"path": "refined/"}, **yaml.safe_load(text)}
    FlattenEventsFeed.model_validate(feed).rules()


@pytest.mark.parametrize(("option", "path", "parts"), [pytest.param(*row, id=row[1]) for row in NAMES])
def test_an_option_reads_objects_of_such_names(option: str, path: str, parts: str) -> None:
    source = EventSource.model_validate({"path": "raw/", **yaml.safe_load(text_of(option))})
    name = ObjectNames(source.delimiter, source.endings, source.object_name).read(text_of(path))
    assert isinstance(name, SinkName), name
    assert f"{name.topic}, {name.partition}, {name.start}" == parts
