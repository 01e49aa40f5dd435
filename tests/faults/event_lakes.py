"""Lakes of events for runs that are killed: copies of one lake, and the outcome of undisturbed runs."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakewright.kafka.selection import SUPERSEDED
from tests.jobs.event_bench import EventBench

OTHER_DAY = "year=2026/month=08/day=02"
Delivery = Callable[[EventBench], None]


@dataclass(frozen=True)
class Undisturbed:
    """A lake after the first delivery, and the outcome of all deliveries."""

    before: EventBench
    outcome: dict[str, Any]


def undisturbed_runs(folders: pytest.TempPathFactory, first: Delivery, *later: Delivery) -> Undisturbed:
    """Run after each delivery."""
    bench = event_lake(folders.mktemp("undisturbed"))
    first(bench)
    assert bench.run()["exit_code"] == 0
    before = event_lake(folders.mktemp("before"))
    shutil.copytree(bench.root, before.root, dirs_exist_ok=True)
    for deliver in later:
        deliver(bench)
        assert bench.run()["exit_code"] == 0
    return Undisturbed(before, outcome_of(bench))


def event_lake(folder: Path) -> EventBench:
    """Return an empty lake whose bench reads tables without Spark."""
    without_spark: Any = None
    return EventBench(folder, without_spark)


@contextmanager
def copy_of(bench: EventBench, folder: Path, *, seconds_later: int = 0) -> Iterator[EventBench]:
    """Copy a lake; the copy is deleted in the end."""
    copy = EventBench(folder, bench.spark, bench.clock + seconds_later)
    shutil.copytree(bench.root, copy.root, dirs_exist_ok=True)
    yield copy
    shutil.rmtree(folder, ignore_errors=True)


def arguments(bench: EventBench, verb: str = "run") -> list[str]:
    """Return the command line of a verb for the feed."""
    return [verb, "events", "--lake", str(bench.lake), "--config", str(bench.root / "conf")]


def outcome_of(bench: EventBench) -> dict[str, Any]:
    """Everything that must be equal: the table, the quarantine, the schema's versions, and the counts of each batch."""
    batches = {
        batch["number"]: (batch["status"], batch["counts"], batch["rules"], batch.get("set_aside", {}))
        for path in sorted((bench.lake / "state/events/t/receipts").glob("*.json"))
        for batch in json.loads(path.read_text())["batches"]
    }
    state = bench.state()
    return {
        "rows": bench.table(),
        "rejects": bench.rejects(),
        "versions": [(version.number, version.batch, version.columns) for version in state.schema_versions],
        "superseded": {path: source.notes.get(SUPERSEDED, 0) for path, source in state.objects.items()},
        "batches": batches,
        "files": sorted(path.rsplit("/", 1)[0] for path in state.files),
    }
