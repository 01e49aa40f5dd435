"""What runs report of their targets while they run."""

import bz2
import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.cli.registry import load_feed
from lakewright.config_files import Conf
from lakewright.engine.choice import EngineChoice
from lakewright.measuring.work import NOTHING, Done
from lakewright.runs.job.request import Request
from lakewright.runs.lifecycle.targets import run_targets
from lakewright.runs.progress import SilentProgress
from lakewright.runs.receipts import Receipt
from lakewright.storage.local import LocalLake


@dataclass
class Kept(SilentProgress):
    """Keeps what is reported, by target; amounts by stage."""

    waited: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    expected: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    done: dict[tuple[str, str], Done] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)

    def wait(self, targets: Iterable[str]) -> None:
        self.waited += targets

    def stage(self, target: str, stage: str, detail: str = "") -> None:
        self.stages[target] = stage

    def expect(self, target: str, total: int, unit: str = "bytes", done: Done = NOTHING) -> None:
        self.expected[target, self.stages[target]] = total, unit

    def advance(self, target: str, done: Done) -> None:
        key = target, self.stages[target]
        self.done[key] = self.done.get(key, NOTHING).plus(done)

    def finish(self, target: str) -> None:
        self.finished.append(target)


def zipped(body: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("1.csv", body)
    return archive.getvalue()


def run(root: Path, feed: Mapping[str, Any], objects: Mapping[str, bytes]) -> tuple[Kept, list[Receipt]]:
    """Run a feed on these objects, in this process."""
    (root / "conf/feeds").mkdir(parents=True, exist_ok=True)
    (root / "conf/feeds/feed.yaml").write_text(yaml.safe_dump(feed))
    for path, body in objects.items():
        file = root / "lake" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    lake, kept = LocalLake(str(root / "lake")), Kept()
    jobs = load_feed(Conf(str(root / "conf")), "feed", ()).targets(lake, ())
    with EngineChoice() as engines:
        receipts = run_targets(lake, jobs, Request(), kept, engines)
    assert [receipt.error for receipt in receipts] == [""] * len(jobs)
    return kept, receipts


CSV = {"job": "csv_to_parquet", "source": {"path": "raw/", "columns": {"id": "long"}}, "target": {"path": "t/"}}
EVENTS = {"job": "flatten_events", "source": {"path": "raw/"}, "target": {"path": "refined/"}}
SCRUB = {"job": "json_scrub", "source": {"path": "raw/"}, "scrub": {"fields": ["secret"]}}
ROWS = b"id\n1\nx\n3\n"
DAY = "year=2026/month=08/day=01"


@pytest.mark.parametrize(
    ("feed", "objects"),
    [
        pytest.param(CSV, {"raw/1.csv": ROWS, "raw/2.csv": ROWS}, id="csv"),
        pytest.param(CSV, {"raw/1.csv.gz": gzip.compress(ROWS), "raw/1.csv.bz2": bz2.compress(ROWS)}, id="packed"),
        pytest.param(CSV, {"raw/1.csv.zip": zipped(ROWS)}, id="zip"),
        pytest.param(EVENTS, {f"raw/t/{DAY}/t+0+0.json": b'{"n": 1}\n{broken\n{"n": 2}\n'}, id="events"),
        pytest.param(EVENTS, {f"raw/t/{DAY}/t+0+0.json.gz": gzip.compress(b'{"n": 1}\n' * 9)}, id="packed-events"),
        pytest.param(SCRUB, {"raw/a.json": b'{"secret": 1}\n{"n": 2}\n', "raw/b.json": b'{"n": 3}'}, id="scrub"),
    ],
)
def test_bytes_and_rows_of_reading_add_up_to_those_of_the_batch(
    feed: Mapping[str, Any], objects: Mapping[str, bytes], tmp_path: Path
) -> None:
    kept, (receipt,) = run(tmp_path, {**feed, "max_rejected": 1.0}, objects)
    size, counts = sum(map(len, objects.values())), receipt.counts
    assert kept.expected[receipt.target, "read"] == (size, "bytes")
    done = kept.done[receipt.target, "read"]
    assert (done.bytes, done.rows) == (size, counts.read)
    assert done.rejected == counts.rejected
    assert kept.finished == [receipt.target]


def test_objects_with_new_columns_are_read_again_in_a_stage_of_their_own(tmp_path: Path) -> None:
    body = b'{"n": 1}\n'
    kept, _ = run(tmp_path, EVENTS, {f"raw/t/{DAY}/t+0+0.json": body})
    assert kept.expected["t", "read again"] == (len(body), "bytes")
    assert kept.done["t", "read again"][0] == len(body)


def test_a_compaction_counts_the_bytes_of_the_files_that_it_merges(tmp_path: Path) -> None:
    feed, body = {**EVENTS, "compact_above": 2}, b'{"n": 1}\n'
    for number in range(2):
        run(tmp_path, feed, {f"raw/t/{DAY}/t+0+{number}.json": body})
    kept, _ = run(tmp_path, feed, {f"raw/t/{DAY}/t+0+2.json": body})
    size, unit = kept.expected["t", "read"]
    assert (unit, size > 3 * len(body)) == ("bytes", True), "of the compaction, which comes last"
    assert kept.done["t", "read"].bytes == size + len(body)
    assert kept.done["t", "read"].rows == 1 + 3
    assert kept.finished == ["t", "t"]


def test_files_are_counted_as_they_are_published(tmp_path: Path) -> None:
    feed = {**CSV, "target": {"path": "t/", "partition_by": ["year", "month", "day"]}}
    kept, _ = run(tmp_path, feed, {f"raw/year=2026/month=08/day={day:02}/1.csv": b"id\n1\n" for day in range(1, 4)})
    assert kept.expected["t", "publish"] == (3, "files")
    assert kept.done["t", "publish"].files == 3


def test_targets_beyond_those_at_once_wait(tmp_path: Path) -> None:
    topics = ["a", "b", "c"]
    feed = {**EVENTS, "targets_at_once": 2}
    kept, _ = run(tmp_path, feed, {f"raw/{topic}/{DAY}/{topic}+0+0.json": b'{"n": 1}\n' for topic in topics})
    assert kept.waited == ["c"]
    assert sorted(kept.finished) == topics
