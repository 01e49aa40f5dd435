"""Benchmark an idle run after many batches, whose cost is reading the log.

The log contains one object and one file per batch; the source is empty, as after archiving. The peer is the same run
after one batch: the cost of any run, regardless of the length of the log.
``python bench/idle_run.py --batches 100000``
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
RUNS: Final = 3
sys.path.insert(0, str(ROOT))

from lakewright.log.actions.files import AddFiles  # noqa: E402
from lakewright.log.actions.objects import TakeObjects  # noqa: E402
from lakewright.log.actions.tables import SetColumns  # noqa: E402
from lakewright.log.log import FORMAT, SNAPSHOT_EVERY, Log, Outcome, OverwritePartitions, Plan  # noqa: E402
from lakewright.log.records import DataFile, SourceObject  # noqa: E402
from lakewright.log.state import TableState  # noqa: E402
from lakewright.storage.uris import open_lake  # noqa: E402


def outcome(number: int) -> Outcome:
    """Return the outcome of a batch with one object and one file."""
    day = f"{number // 288:05d}"
    name = f"{number:09d}-part-00000-2f1b7a52-5b0e-4a43-9f4e-3f6f0d5b1c7e.c000.snappy.parquet"
    source_object = SourceObject(f"raw/people/{day}/{number}.csv", 1000, f"{number:032x}", {"day": day})
    path = f"refined/people/day={day}/{name}"
    file = DataFile(path, f"refined/_staging/people/people/{number:06d}-0a1b2c3d/table/{name}", f"day={day}", 10, 1000)
    columns = [SetColumns({"id": "bigint"})] if number == 1 else []
    return Outcome(FORMAT, number, "committed", "r", actions=[TakeObjects([source_object]), AddFiles([file]), *columns])


def write_log(root: Path, batches: int) -> float:
    """Write a log of so many batches, with the maximum of entries after the last snapshot; return its seconds."""
    lake, state = open_lake(str(root)), TableState()
    log = Log(lake, "state/people/people/")
    for number in range(1, batches + 1):
        state.apply(outcome(number))
    began = time.monotonic()
    log.write_snapshot(state)
    seconds = time.monotonic() - began
    for number in range(batches + 1, batches + (SNAPSHOT_EVERY if batches > 1 else 1)):
        log.write_plan(Plan(FORMAT, number, "r", "csv_to_parquet", "2026-08-01", "", [], OverwritePartitions([])))
        log.write_outcome(outcome(number))
    if batches == 1:
        log.write_outcome(outcome(1))
    return seconds


def run(root: Path) -> float:
    """Run the feed in a separate process, and return the seconds."""
    options = ["--lake", str(root), "--config", str(root / "conf")]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "run", "people", *options, "--json"], cwd=ROOT, capture_output=True, check=True
    )
    seconds = time.monotonic() - began
    if json.loads(done.stdout)[0]["status"] != "nothing_new":
        raise SystemExit(f"the run was not idle: {done.stdout.decode()}")
    return seconds


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=100_000)
    batches = parser.parse_args().batches
    feed: dict[str, Any] = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long"}},
        "target": {"path": "refined/people/", "partition_by": ["day"]},
        "on_empty_source": "ok",
    }
    with tempfile.TemporaryDirectory() as folder:
        roots = {count: Path(folder, str(count)) for count in (1, batches)}
        snapshot_seconds = {}
        for count, root in roots.items():
            (root / "conf/feeds").mkdir(parents=True)
            (root / "conf/feeds/people.yaml").write_text(yaml.safe_dump(feed))
            snapshot_seconds[count] = write_log(root, count)
        bytes_of_log = sum(path.stat().st_size for path in roots[batches].rglob("log/**/*") if path.is_file())
        began = time.monotonic()
        Log(open_lake(str(roots[batches])), "state/people/people/").read()
        read_seconds = time.monotonic() - began
        seconds: dict[int, list[float]] = {count: [] for count in roots}
        for _ in range(RUNS):
            for count, root in roots.items():
                seconds[count].append(run(root))
    ours, peer = statistics.median(seconds[batches]), statistics.median(seconds[1])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    result = {
        "name": "idle_run",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "memory_gib": memory >> 30},
        "input": {"batches": batches, "log_bytes": bytes_of_log, "entries_behind_the_snapshot": SNAPSHOT_EVERY - 1},
        "ours": {
            "seconds": round(ours, 2),
            "all": [round(each, 2) for each in seconds[batches]],
            "read_log_seconds": round(read_seconds, 2),
            "write_snapshot_seconds": round(snapshot_seconds[batches], 2),
        },
        "peers": {"after_one_batch": {"seconds": round(peer, 2), "ratio": round(ours / peer, 2)}},
    }
    print(json.dumps(result, indent=2))
    (RESULTS / "idle_run.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
