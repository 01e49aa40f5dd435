"""The law of flatten_events: no record is lost or duplicated, whatever a sink wrote and in any order of arrival.

A sink is simulated with partitioners, rotation, redelivery from an earlier offset, topics that are deleted and created
again, and copies of objects. The oracle reads the objects in plain Python. The tasks of a batch run in this process;
other tests run them on Spark.
"""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lakewright.kafka import batches as event_batches
from tests.jobs.event_bench import EventBench
from tests.transforms.events.event_oracle import normal_record
from tests.workers import InProcessWorkers, use_workers

EXAMPLES = 6 * int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))
PARTITIONERS = ("default", "field", "wall_clock", "record_time")
DIRTY = ("not json", "{", "[1]", '{"n":1,"n":2}')
FIRST_DAY = 1_785_542_400  # 2026-08-01


@dataclass
class Sink:
    """A simulated sink of one topic; ``written`` are its objects, in order."""

    rng: random.Random
    partitioner: str
    written: list[tuple[str, bytes]] = field(default_factory=list)
    hour: int = 0

    def deliver(self, kafka_partition: int, lines: Sequence[tuple[int, dict[str, Any], str]], start: int) -> None:
        """Write the records of a Kafka partition from a position on, each to its folder, in files of random length."""
        open_files: dict[str, tuple[int, list[str]]] = {}
        for offset, routing, line in lines[start:]:
            folder = self.folder(kafka_partition, routing)
            open_files.setdefault(folder, (offset, []))[1].append(line)
            if self.rng.random() < 0.25:
                self.close(kafka_partition, folder, *open_files.pop(folder))
            if self.rng.random() < 0.1:
                self.hour += 1
        for folder, (first, buffered) in open_files.items():
            if self.rng.random() < 0.8 or not self.written:  # otherwise the sink exits before it closes the file
                self.close(kafka_partition, folder, first, buffered)

    def close(self, kafka_partition: int, folder: str, first: int, lines: list[str]) -> None:
        body = "".join(line + "\n" for line in lines).encode()
        self.written.append((f"t/{folder}/t+{kafka_partition}+{first:010}.json.gz", gzip.compress(body, 1)))

    def folder(self, kafka_partition: int, routing: dict[str, Any]) -> str:
        if self.partitioner == "default":
            return f"partition={kafka_partition}"
        if self.partitioner == "field":
            return f"region={routing['region']}"
        if self.partitioner == "wall_clock":
            return f"hour={self.hour}"
        return f"day={routing['ts'] // 86_400}"


def topic(rng: random.Random, length: int, generation: int, *, carried: bool) -> list[tuple[int, dict[str, Any], str]]:
    """Generate the records of a Kafka partition: offset, routing attributes, and line.

    Some lines are invalid. Some records (heartbeats) are equal, also across folders.
    """
    lines = []
    offset = 0
    for number in range(length):
        routing = {"ts": FIRST_DAY + rng.randrange(3) * 86_400 + number, "region": rng.choice(["eu", "us"])}
        record: dict[str, Any] = {**routing, "of": f"{generation}", "n": number}
        if rng.random() < 0.3:
            record = {"ts": FIRST_DAY, "of": "heartbeat"}
        elif rng.random() < 0.5:
            record["more"] = rng.choice([[], {}, [1], "x", 1.5, 10**40, {"a": []}, None])
        if carried:
            record["o"] = offset
        line = rng.choice(DIRTY) if rng.random() < 0.05 else json.dumps(record)
        lines.append((offset, routing, line))
        offset += 1 if rng.random() < 0.9 else rng.randrange(2, 4)  # compacted, or a transaction marker
    return lines


def sink_of(rng: random.Random, partitioner: str, *, carried: bool) -> Sink:
    """Let a sink write a topic, with redelivery and recreation."""
    sink = Sink(rng, partitioner)
    for generation in range(rng.choice([1, 1, 2])):
        for kafka_partition in range(rng.randrange(1, 3)):
            lines = topic(rng, rng.randrange(1, 25), generation, carried=carried)
            sink.deliver(kafka_partition, lines, 0)
            for _ in range(rng.choice([0, 0, 1, 2])):
                sink.hour += rng.choice([0, 0, 1])
                sink.deliver(kafka_partition, lines, rng.randrange(len(lines)))
        sink.hour += rng.choice([0, 1])
    return sink


def copies_of(rng: random.Random, written: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Copy some objects that overlap with no other of their folder, each to new folders."""
    objects = dict(written)
    copies = []
    for number, (path, body) in enumerate(sorted(objects.items())):
        if rng.random() < 0.2 and not any(overlap(path, objects[path], other, objects[other]) for other in objects):
            name = path.rsplit("/", 1)[-1]
            uncompressed = gzip.decompress(body)
            copies += [
                (f"t/copy={number}-{each}/{name}", gzip.compress(uncompressed, 9)) for each in range(rng.choice([1, 2]))
            ]
    return copies


def overlap(path: str, body: bytes, other: str, other_body: bytes) -> bool:
    (scope, first, lines), (other_scope, other_first, others) = read(path, body), read(other, other_body)
    return (
        path != other
        and scope == other_scope
        and first < other_first + len(others)
        and other_first < first + len(lines)
    )


def read(path: str, body: bytes) -> tuple[tuple[str, str], int, list[str]]:
    """Return folder and Kafka partition, the first offset, and the lines."""
    folder, name = path.rsplit("/", 1)
    _, kafka_partition, start = name.split(".")[0].split("+")
    return (folder, kafka_partition), int(start), gzip.decompress(body).decode().splitlines()


def expected(objects: dict[str, bytes], *, carried: bool) -> tuple[Counter[str], Counter[str], int]:
    """Return the records, the rejected lines and the number of all lines of the objects."""
    records: dict[tuple[Any, ...], str] = {}
    rejected: Counter[str] = Counter()
    seen: set[tuple[str, bytes]] = set()
    total = 0
    for path, body in sorted(objects.items()):
        (folder, kafka_partition), start, lines = read(path, body)
        total += len(lines)
        copy = (path.rsplit("/", 1)[-1], gzip.decompress(body))
        if copy in seen:
            continue
        seen.add(copy)
        for number, line in enumerate(lines):
            if not line.startswith('{"ts"'):
                rejected[line] += 1
                continue
            record = json.loads(line)
            position = (kafka_partition, record["o"]) if carried else (folder, kafka_partition, start + number)
            text = as_text(normal_record(record))
            records[(*position, text)] = text
    return Counter(records.values()), rejected, total


def as_text(record: dict[str, Any]) -> str:
    """Serialize a record independently of the order of its keys."""
    return json.dumps(record, sort_keys=True, default=str)


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventBench:
    use_workers(monkeypatch, InProcessWorkers(3))
    monkeypatch.setattr(event_batches, "_SMALL_TASK_BYTES", 100)  # several tasks even for small objects
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    return EventBench(tmp_path, without_spark)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("partitioner", "carried"),
    [
        pytest.param(partitioner, carried, id=f"{partitioner}-{'carried' if carried else 'computed'}")
        for partitioner in PARTITIONERS
        for carried in (False, True)
    ],
)
def test_no_record_is_lost_or_duplicated(events: EventBench, partitioner: str, carried: bool) -> None:
    totals: Counter[str] = Counter()
    for seed in range(EXAMPLES):
        rng = random.Random(f"{partitioner} {carried} {seed}")
        root = events.root / str(seed)
        bench = EventBench(root, events.spark)
        (root / "lake/raw/topics").mkdir(parents=True)
        by_field = carried or rng.random() < 0.5
        bench.feed(
            source__day={"from": "field", "field": "ts"} if by_field else {"from": "object"},
            source__timestamps={"ts": "epoch_seconds"},
            source__record={"offset": "o"} if carried else {},
            target__dedupe_days=400 if carried else 0,
        )
        sink = sink_of(rng, partitioner, carried=carried)
        arriving = sink.written + copies_of(rng, sink.written)
        delays = {path: rng.random() for path, _ in arriving}  # versions of one key keep their order
        arriving.sort(key=lambda each: delays[each[0]])
        objects: dict[str, bytes] = {}
        while arriving:
            for path, body in arriving[: (size := rng.randrange(1, len(arriving) + 1))]:
                bench.put_object(path, body)
                objects[path] = body
            del arriving[:size]
            bench.clock += rng.choice([0, 86_400])
            check(bench, objects, bench.run(), carried=carried)
        receipt = bench.run(verb="rebuild")
        totals.update(check(bench, objects, receipt, carried=carried))
        assert bench.run()["status"] == "nothing_new"
        assert bench.strays() == []
    assert all(totals[name] for name in ("written", "superseded", "rejected"))
    assert totals["conflicts"] or partitioner == "wall_clock"  # a folder per hour: hardly any share a folder


def check(bench: EventBench, objects: dict[str, bytes], receipt: dict[str, Any], *, carried: bool) -> dict[str, int]:
    """Compare table and quarantine with the objects, and the counts of a rebuild with the totals."""
    assert receipt["exit_code"] == 0, receipt["error"]
    records, rejected, total = expected(objects, carried=carried)
    assert Counter(map(as_text, bench.records())) == records
    assert Counter(text for *_, text in bench.rejects()) == rejected
    counts: dict[str, int] = receipt["counts"]
    assert counts["read"] == counts["written"] + counts["superseded"] + counts["rejected"]
    if receipt["verb"] == "rebuild":
        assert counts["read"] == total
        assert (counts["written"], counts["rejected"]) == (records.total(), rejected.total())
    numbers = [each for batch in receipt["batches"] for each in batch.get("numbers", {}).values()]
    conflicts = sum(each["offset_conflicts"] for each in numbers)
    assert bool(conflicts) == bool(receipt["warnings"])
    return counts | {"conflicts": conflicts}
