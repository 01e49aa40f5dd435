"""``compact`` on tables of events: later batches treat a merged file like those that it replaced."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from lakewright.log.history import changes_since
from lakewright.log.log import Log
from lakewright.parquet import small_files
from lakewright.storage.uris import open_lake
from tests.jobs.event_bench import EventBench, expected_records

OTHER_DAY = "year=2026/month=08/day=02"


def make_bench(root: Path) -> EventBench:
    without_spark: Any = None
    (root / "lake").mkdir(parents=True)
    bench = EventBench(root, without_spark)
    bench.feed()
    return bench


@pytest.fixture
def merges_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merge files whatever their sizes are, so that small tests merge often."""
    monkeypatch.setattr(small_files, "_MOST_TIMES", 1000)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventBench]:
    bench = make_bench(tmp_path)
    yield bench
    assert [path for path in bench.strays() if not path.startswith("corrections/")] == []
    shutil.rmtree(tmp_path, ignore_errors=True)


def compact(events: EventBench, *arguments: str) -> list[dict[str, Any]]:
    answer = events.command("compact", "--json", *arguments)
    assert answer.exit_code == 0, answer.stderr
    (entry,) = answer.data
    return list(entry["compactions"])


def test_a_merged_file_has_the_objects_offsets_and_columns_of_all(events: EventBench) -> None:
    first = events.put_events(0, {"n": 0, "tags": ["a"], "who": [{"name": "Ada", "price": 1.5}]})
    events.run()
    second = events.put_events(10, {"n": 10}, partition=1)
    events.run()
    third = events.put_events(20, {"n": "text", "at": {"x": 10**30}}, {"n": 21})
    events.run()
    rows = events.table()
    assert [(each["files"], each["into"], each["rows"]) for each in compact(events)] == [(3, 1, 4)]
    state = events.state()
    (file,) = state.files.values()
    assert file.objects == sorted([first, second, third])
    assert file.offsets == {"t/0": (0, 21), "t/1": (10, 10)}
    assert events.table() == rows
    content = pq.read_schema(events.lake / file.path)
    assert content.names == [name for name in state.columns if name not in ("year", "month", "day")]
    assert compact(events) == []


def test_columns_that_were_learned_on_other_days_are_null(events: EventBench) -> None:
    for start in (0, 10):
        events.put_events(start, {"n": start})
        events.run()
    events.put_events(0, {"m": [{"x": 1.5}], "t": "x"}, folder=OTHER_DAY)
    events.run()
    compact(events)
    (file,) = [file for path, file in events.state().files.items() if "day=01" in path]
    content = pq.read_table(events.lake / file.path, partitioning=None)
    assert content.select(["n", "m", "t"]).to_pylist() == [{"n": n, "m": None, "t": None} for n in (0, 10)]
    assert compact(events) == []


def test_rows_are_sorted_together_as_the_feed_says(events: EventBench) -> None:
    events.feed(target__sort_by=["n"])
    for start, values in ((0, (3, 1)), (10, (2, 4))):
        events.put_events(start, *({"n": n} for n in values))
        events.run()
    compact(events)
    (path,) = events.state().files
    assert pq.read_table(events.lake / path, partitioning=None)["n"].to_pylist() == [1, 2, 3, 4]
    log = Log(open_lake(str(events.lake)), "state/events/t/")
    assert (list(changes_since(log, 1).added), len(changes_since(log, 1).removed)) == ([path], 1)
    assert (changes_since(log, 2).added, changes_since(log, 2).removed) == ({}, [])


def test_a_run_compacts_each_topic_by_itself(events: EventBench) -> None:
    events.feed(compact_above=2)
    for start in (0, 10, 20):
        events.put_events(start, {"n": start})
        events.put_events(start, {"n": start}, topic="u", folder=f"year=2026/month=08/day={start + 1:02}")
        assert events.command("run").exit_code == 0
    assert (len(events.state("t").files), len(events.state("u").files)) == (1, 3)


Delivery = Callable[[EventBench], None]


def first_delivery(bench: EventBench) -> None:
    bench.put_events(0, {"n": 0}, {"n": 1}, "dirty", {"n": 3})
    bench.put_events(2, {"n": 2}, {"n": 3}, {"n": 4})
    bench.put_events(100, {"n": 100}, folder=OTHER_DAY)


def second_delivery(bench: EventBench) -> None:
    bench.put_events(50, {"n": 50, "new": {"a": 1}}, {"n": 51})
    bench.put_events(101, {"n": 101}, {"n": []}, folder=OTHER_DAY)


def rewritten_object(bench: EventBench) -> None:
    bench.put_events(0, {"n": "rewritten"}, {"n": 1, "new": {"a": 1}})


def redelivered_records(bench: EventBench) -> None:
    bench.put_events(4, {"n": 4}, {"n": 5}, "dirty")
    bench.put_events(49, {"n": 49}, {"n": 50, "new": {"a": 1}}, {"n": 51}, {"n": 52})
    bench.put_events(3, {"n": 3}, {"n": 4}, folder=OTHER_DAY)


def deleted_object(bench: EventBench) -> None:
    (bench.lake / "raw/topics/t" / OTHER_DAY / "t+0+0000000101.json.gz").unlink()
    bench.put_events(300, {"n": 300})


DELIVERIES = (first_delivery, second_delivery, rewritten_object, redelivered_records, deleted_object)


def outcome_of(bench: EventBench) -> dict[str, Any]:
    """Return everything that must not depend on compactions: rows, rejected rows, schema, and what the log has of objects."""
    state = bench.state()
    return {
        "rows": bench.table(),
        "rejects": bench.rejects(),
        "columns": state.columns,
        "objects": {path: source.notes for path, source in state.objects.items()},
    }


@pytest.mark.usefixtures("merges_all")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="offsets-from-names"),
        pytest.param({"source__record": {"offset": "n"}, "target__dedupe_days": 1}, id="offsets-of-records"),
        pytest.param({"target__sort_by": ["n"]}, id="sorted"),
    ],
)
def test_later_batches_do_the_same_whether_the_table_was_compacted(tmp_path: Path, changes: dict[str, Any]) -> None:
    plain, compacted = (make_bench(tmp_path / name) for name in ("plain", "compacted"))
    for bench in (plain, compacted):
        bench.feed(**changes)
    files = 0
    for deliver in DELIVERIES:
        counts = []
        for bench in (plain, compacted):
            deliver(bench)
            receipt = bench.run()
            counts.append((receipt["counts"], receipt["rules"], receipt["warnings"]))
        assert counts[0] == counts[1]
        files += sum(each["files"] for each in compact(compacted))
        assert outcome_of(compacted) == outcome_of(plain)
    assert files >= 8
    assert compacted.strays() == []


def test_rejected_lines_are_replayed_into_a_compacted_table(events: EventBench) -> None:
    events.put_events(0, {"n": 0}, '{"n": 1', {"n": 2})
    events.run()
    events.put_events(10, {"n": 10})
    events.run()
    compact(events)
    sheet = events.root / "rows.csv"
    assert events.command("quarantine", "--csv", str(sheet)).exit_code == 0
    sheet.write_text(sheet.read_text().replace('""n"": 1', '""n"": 1}'))
    assert events.command("replay", "--csv", str(sheet)).exit_code == 0
    assert [(row["_offset"], row["n"]) for row in events.table()] == [(0, 0), (1, 1), (2, 2), (10, 10)]
    compact(events)
    rewritten = events.put_events(0, {"n": 5})  # with the original, its correction is void
    assert events.run()["exit_code"] == 0
    assert [(row["_offset"], row["n"]) for row in events.table()] == [(0, 5), (10, 10)]
    assert rewritten in events.state().objects


@pytest.mark.slow
def test_a_table_is_compacted_on_spark(events: EventBench, spark: SparkSession) -> None:
    for start in (0, 10, 20):
        events.put_events(start, {"n": start, "a": [1.5]})
        events.run()
    rows = events.table()
    assert [each["files"] for each in compact(events, "--engine", "spark")] == [3]
    assert events.table() == rows
    assert spark.read.parquet(str(events.lake / "refined/t")).select("n").count() == 3


def test_an_array_cannot_be_sorted_by(events: EventBench) -> None:
    for start in (0, 10):
        events.put_events(start, {"n": [start]})
        events.run()
    events.feed(target__sort_by=["n"])
    answer = events.command("compact")
    assert answer.exit_code == 3
    assert answer.last_line == "error: rows cannot be sorted by n, a column of arrays; remove it from target.sort_by"
    assert events.run()["status"] == "nothing_new"


@pytest.mark.usefixtures("merges_all")
@pytest.mark.parametrize("seed", range(2))
def test_incremental_readers_get_each_record_once(events: EventBench, seed: int) -> None:
    random, log = Random(seed), Log(open_lake(str(events.lake)), "state/events/t/")
    readers: list[tuple[int, list[int]]] = [(0, []) for _ in range(3)]
    offset = 0
    for step in range(12):
        events.put_events(offset, *({"n": offset + line} for line in range(3)))
        offset += 3
        events.run()
        if random.random() < 0.5:
            compact(events)
        for number, (since, rows) in enumerate(readers):
            if random.random() < 0.4 or step == 11:
                changes = changes_since(log, since)
                assert changes.removed == []
                readers[number] = (
                    changes.until,
                    rows + [n for path in changes.added for n in read(events, changes, path)],
                )
    assert [sorted(rows) for _, rows in readers] == [list(range(offset))] * 3


def read(events: EventBench, changes: Any, path: str) -> list[int]:
    """Read the rows of an added file, from the file in which they are now."""
    place = changes.compacted.get(path)
    rows = pq.read_table(events.lake / (place.path if place else path), partitioning=None)["n"].to_pylist()
    return rows[place.start : place.start + place.rows] if place else rows


@pytest.mark.usefixtures("merges_all")
def test_random_histories_with_compactions(events: EventBench) -> None:
    random = Random(7)
    offset = 0
    for _ in range(10):
        folder = random.choice(["year=2026/month=08/day=01", OTHER_DAY])
        events.put_events(offset, *(random_event(random) for _ in range(random.randrange(1, 4))), folder=folder)
        offset += 10
        assert events.run()["exit_code"] == 0
        if random.random() < 0.4:
            compact(events)
        assert events.records() == expected_records(events)


def random_event(random: Random) -> dict[str, Any]:
    values = [1, 1.5, "text", None, [1, 2], [{"x": 1}], {"y": "z"}, 10**25, True]
    return {key: random.choice(values) for key in random.sample("abcd", 2)}
