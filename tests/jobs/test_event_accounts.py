"""Row counts that flatten_events verifies, and listings that it makes once; tasks run in this process."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.kafka import rewrites
from lakewright.parquet import arrow
from lakewright.quarantine import files
from lakewright.storage.lake import StoredObject
from lakewright.storage.local import LocalLake
from tests.jobs.event_bench import EventBench
from tests.workers import InProcessWorkers, use_workers


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventBench:
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    bench = EventBench(tmp_path, without_spark)
    bench.feed()
    return bench


def without_first(rows: pa.Table) -> pa.Table:
    return rows.slice(1)


def with_first_twice(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows.slice(0, 1), rows])


@pytest.mark.parametrize("changed", [without_first, with_first_twice])
@pytest.mark.parametrize(
    ("module", "zone"),
    [
        pytest.param(arrow, "refined/", id="file-of-new-rows"),
        pytest.param(files, "quarantine/", id="file-of-rejected-rows"),
        pytest.param(rewrites, "refined/", id="rewritten-file-of-remaining-rows"),
    ],
)
def test_nothing_is_published_if_row_counts_do_not_add_up(
    events: EventBench,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    zone: str,
    changed: Callable[[pa.Table], pa.Table],
) -> None:
    events.put_events(0, {"n": 0}, {"n": 1}, "dirty")
    events.put_events(10, {"n": 10}, {"n": 11})
    events.run()
    table, rejects = events.table(), events.rejects()
    events.put_events(0, {"n": 5}, {"n": 6}, "dirty")
    write = module.write_file

    def write_wrongly(lake: Any, place: Any, partition: str, rows: pa.Table) -> Any:
        return write(lake, place, partition, changed(rows) if place.destination.startswith(zone) else rows)

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_file", write_wrongly)
        receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (1, "failed")
    assert receipt["error"].startswith("3 rows read, but ")
    assert receipt["error"].endswith("; nothing was published")
    assert (events.table(), events.rejects()) == (table, rejects)
    assert events.run()["status"] == "committed"
    assert [row["n"] for row in events.table()] == [5, 6, 10, 11]
    assert events.strays() == []


def test_nothing_is_published_if_a_file_of_the_table_lost_rows(events: EventBench) -> None:
    events.put_events(0, {"n": 0})
    events.put_events(10, {"n": 10}, {"n": 11})
    events.run()
    (path,) = events.state().files
    whole, rows = (events.lake / path).read_bytes(), pq.read_table(events.lake / path, partitioning=None)
    pq.write_table(rows.slice(0, rows.num_rows - 1), events.lake / path)
    events.put_events(0, {"n": 5})
    receipt = events.run()
    assert receipt["error"] == "1 rows read, but 0 for the table, 0 in quarantine and 0 skipped; nothing was published"
    (events.lake / path).write_bytes(whole)
    assert events.run()["status"] == "committed"
    assert [row["n"] for row in events.table()] == [5, 10, 11]


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the listings of each folder of the source."""
    counted: Counter[str] = Counter()
    list_objects = LocalLake.list

    def counting(self: LocalLake, prefix: str, **options: Any) -> Iterator[StoredObject]:
        if prefix.startswith("raw/"):
            counted[prefix] += 1
        return list_objects(self, prefix, **options)

    monkeypatch.setattr(LocalLake, "list", counting)
    return counted


def test_the_source_is_listed_once_for_all_topics(events: EventBench, listings: Counter[str]) -> None:
    topics = ["t", "u", "v"]
    for topic in topics:
        events.put_events(0, {"n": 1}, topic=topic)
    assert events.command("run", "--json").exit_code == 0
    # Each topic is listed after its batch is read, to detect changed objects.
    assert listings == {"raw/topics/": 1} | {f"raw/topics/{topic}/": 1 for topic in topics}
    listings.clear()
    assert [receipt["status"] for receipt in events.command("run", "--json").data] == ["nothing_new"] * 3
    assert listings == {"raw/topics/": 1}


def test_a_topic_is_listed_again_after_its_batch_was_dropped(events: EventBench, listings: Counter[str]) -> None:
    events.put_events(0, {"n": 1})
    damaged = events.put_events(10, {"n": 10})
    (events.lake / damaged).write_bytes((events.lake / damaged).read_bytes()[:-9])
    receipt = events.run()
    assert [batch["status"] for batch in receipt["batches"]] == ["dropped", "committed"]
    # After each of the two batches, and for the choice of the second.
    assert listings == {"raw/topics/": 1, "raw/topics/t/": 2 + 1}


def test_an_object_that_changes_while_it_is_read_is_read_again(
    events: EventBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.put_events(0, {"n": 1})

    class Disturbed(InProcessWorkers):
        def run(self, work: Any, tasks: Any) -> Any:
            if not self.done:
                events.put_events(0, {"n": 2}, {"n": 3})
            return super().run(work, tasks)

    workers = Disturbed(1)
    use_workers(monkeypatch, workers)
    receipt = events.run()
    assert [(batch["status"], batch["reason"][:18]) for batch in receipt["batches"]] == [
        ("dropped", "changed while read"),
        ("committed", ""),
    ]
    assert [row["n"] for row in events.table()] == [2, 3]


@pytest.mark.parametrize(
    ("changes", "layout"),
    [
        pytest.param({}, "refined/t/ by the day of the path, names with '_'", id="day-by-path"),
        pytest.param(
            {"source__day": {"path_format": "year={year}/month={month}/day={day}"}, "target__separator": "__"},
            "refined/t/ by the day of the path year={year}/month={month}/day={day}, names with '__'",
            id="day-by-path-format-and-another-separator",
        ),
        pytest.param(
            {"source__day": {"from": "object"}},
            "refined/t/ by the day of the object, names with '_'",
            id="day-by-object",
        ),
        pytest.param(
            {"source__day": {"from": "field", "field": "a.ts"}, "source__timestamps": {"a.ts": "iso"}},
            "refined/t/ by the day of the field a.ts, names with '_'",
            id="day-by-field",
        ),
    ],
)
def test_the_text_of_the_layout_is_stable(events: EventBench, changes: dict[str, Any], layout: str) -> None:
    events.feed(**changes)
    events.put_events(0, {"n": 1, "a": {"ts": "2026-08-01T00:00:00Z"}})
    assert events.run()["exit_code"] == 0
    assert events.state().layout == layout
    events.feed(**changes | {"target__separator": "_x_"})
    receipt = events.run()
    assert receipt["exit_code"] == 2
    assert f"the table's layout is {layout}, the feed's is refined/t/ by the day of" in receipt["error"]
