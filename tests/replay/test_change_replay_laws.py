"""The law of replay for change data: changes corrected and replayed at any time equal one run over corrected files."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench
from tests.replay.test_change_replay import edit

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))
STEPS = 8
SCHEMA = pa.schema([("id", pa.int32()), ("name", pa.string())])
Change = tuple[str | None, str, int | None, str]


class History:
    """A random history of one table: files of changes, some of them wrong, and replays."""

    def __init__(self, cdc: CdcBench, seed: int) -> None:
        self.cdc, self.random, self.count = cdc, Random(seed), 0
        self.files: dict[str, list[Change]] = {}
        self.corrected: dict[str, Change] = {}

    def put(self) -> None:
        """Write a file; its changes may be older than those of earlier files."""
        changes = []
        for _ in range(self.random.randint(1, 5)):
            self.count += 1
            kind = self.random.choice(["I", "U", "U", "D", "X"])
            key = self.random.choice([None, 1, 2, 3, 4])
            changes.append((kind, f"2026-08-01 10:00:{self.random.randint(0, 59):02}", key, f"c{self.count}"))
        name = f"20260801-1015{len(self.files):02}000.parquet"
        self.files[name] = changes
        self.cdc.put(name, changes, SCHEMA, table="t")

    def replay(self) -> None:
        if not self.files:
            return

        def change(row: dict[str, Any]) -> dict[str, str] | None:
            if self.random.random() < 0.4:
                return None
            if self.random.random() < 0.2:
                return {}
            time = next(each[1] for file in self.files.values() for each in file if each[3] == row["name"])
            fixed = (self.random.choice(["U", "D"]), time, self.random.randint(1, 4), row["name"])
            self.corrected[row["name"]] = fixed
            return {"Op": fixed[0], "id": str(fixed[2])}

        before = dict(self.corrected)
        waiting = {name for _, name in self.rejected()} & before.keys()
        receipt = self.run("replay", *edit(self.cdc, change))
        self.corrected |= {name: before[name] for name in waiting}  # corrected by an earlier replay
        assert "void" not in receipt["replayed"]

    def run(self, verb: str, *arguments: str) -> dict[str, Any]:
        receipt = self.cdc.run(*arguments, verb=verb)
        assert receipt["exit_code"] in (0, 3), receipt["error"]
        assert receipt["checks"]["every row accounted for"], receipt
        return receipt

    def rejected(self) -> Counter[tuple[str, str]]:
        answer = self.cdc.command("quarantine", "--json", "--limit", "1000")
        rows = answer.data[0]["rows"] if answer.stdout else []
        return Counter((row["fields"]["Op"], row["fields"]["name"]) for row in rows)

    def step(self) -> None:
        actions = [self.put] * 4 + [lambda: self.run("run")] * 2 + [self.replay] * 4 + [lambda: self.run("rebuild")]
        self.random.choice(actions)()


@pytest.fixture
def benches(tmp_path: Path, spark: SparkSession) -> Iterator[tuple[CdcBench, CdcBench]]:
    made = CdcBench(tmp_path / "replayed", spark), CdcBench(tmp_path / "clean", spark)
    for bench in made:
        bench.lake.mkdir(parents=True)
        bench.feed(tables={"t": {"key": "id"}}, max_rejected=1.0)
    yield made
    for bench in made:
        bench.remove()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_replayed_changes_take_their_own_place(benches: tuple[CdcBench, CdcBench], seed: int) -> None:
    bench, clean = benches
    history = History(bench, seed)
    bench.put("LOAD00000001.parquet", [(1, "one"), (2, "two")], SCHEMA, table="t")
    clean.put("LOAD00000001.parquet", [(1, "one"), (2, "two")], SCHEMA, table="t")
    history.run("run")
    for _ in range(STEPS):
        history.step()
    history.run("run")
    history.run("replay")
    for name, changes in history.files.items():
        clean.put(name, [history.corrected.get(each[3], each) for each in changes], SCHEMA, table="t")
    clean.run()
    for _ in range(2):
        assert bench.rows("id", "name", table="t") == clean.rows("id", "name", table="t")
        assert history.rejected() == History(clean, 0).rejected()
        history.run("rebuild")
