"""A table that one lane wrote is continued by others: same rows as in plain Python, same table version.

Needs all lanes with Hudi, so it is not collected with the other tests: ``pytest tests/lanes/continued_tables.py``.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cdc import CdcBench, Change, rows_after
from tests.conftest import JARS, ROOT

pytestmark = pytest.mark.slow

LANES = Path(os.environ.get("LAKEWRIGHT_LANES", ROOT / ".lanes"))
#: Python and jars by lane; a lane without a venv of its own uses the default one.
PLACES = {
    "glue-5.0": (LANES / "glue-5.0/venv/bin/python", LANES / "glue-5.0/jars"),
    "default": (Path(sys.executable), Path(JARS)),
    "hudi-1.1": (Path(sys.executable), LANES / "hudi-1.1/jars"),
}
TABLES = {
    "cow": {"key": "emp_no", "partition_by": "department"},
    "mor": {"key": "emp_no", "partition_by": "department", "storage": "merge_on_read"},
    "cow_whole": {"key": ["emp_no", "name"]},
    "mor_whole": {"key": "emp_no", "storage": "merge_on_read"},
    "cow_indexed": {"key": "emp_no", "partition_by": "department", "index": "record_index"},
    "mor_indexed": {"key": "emp_no", "partition_by": "department", "index": "record_index", "storage": "merge_on_read"},
}
DEPARTMENTS = ("HR", "IT", "R&D/lab", "Zürich 100%")
Row = tuple[Any, ...]


@dataclass
class History:
    """The files of one table, and the random numbers that they come from."""

    table: str
    files: list[tuple[str, list[Change]]]
    numbers: random.Random

    def deliver(self, bench: CdcBench) -> None:
        """Write the next file: first a load, then changes, some of them older than the file before."""
        number = len(self.files)
        name = f"202608{number + 1:02}-101500000.parquet" if number else "LOAD00000001.parquet"
        changes = [self._row(key) for key in range(40)] if not number else [self._change(number) for _ in range(20)]
        self.files.append((name, changes))
        rows = [(c.kind, c.time, *c.values) if number else c.values for c in changes]
        bench.put(name, rows, table=self.table)

    def rows(self) -> list[Row]:
        return sorted(rows_after(self.files).values(), key=repr)

    def _row(self, number: int) -> Change:
        values = (number, f"name {number % 7}", self.numbers.choice(DEPARTMENTS))
        return Change("", "", self._key(values), values)

    def _change(self, file: int) -> Change:
        number, is_late = self.numbers.randrange(50), self.numbers.random() < 0.2
        kind = self.numbers.choice("UUID")
        time = (
            f"2026-08-{file + 1 - is_late:02} 10:{self.numbers.randrange(60):02}:{self.numbers.randrange(60):02}.000000"
        )
        text = f"name {number % 7}" if self.table == "cow_whole" else f"changed in {file}"
        values = (number, text, self.numbers.choice(DEPARTMENTS))
        return Change(kind, time, self._key(values), values)

    def _key(self, values: Row) -> Any:
        return values[:2] if self.table == "cow_whole" else values[0]


@dataclass
class Step:
    exit_codes: list[int]
    stderr: str
    rows: dict[str, list[Row]]


def run_step(lane: str, bench: CdcBench, *verbs: str) -> Step:
    python, jars = PLACES[lane]
    done = subprocess.run(
        [str(python), "-m", "tests.lanes.step", str(bench.root), *verbs],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": str(jars)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    rows = {table: [tuple(row) for row in of_table] for table, of_table in answer["rows"].items()}
    verbs_done = answer["verbs"]
    return Step([one["exit_code"] for one in verbs_done], "".join(one["stderr"] for one in verbs_done), rows)


def properties(bench: CdcBench, table: str) -> dict[str, str]:
    text = (bench.lake / f"refined/hr/{table}/.hoodie/hoodie.properties").read_text()
    lines = [line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line for line in lines if line[0] not in ("hoodie.table.checksum",))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def bench(tmp_path: Path) -> CdcBench:
    missing = [f"{lane} ({path})" for lane, paths in PLACES.items() for path in paths if not path.exists()]
    if missing:
        pytest.fail(f"lanes are missing: {', '.join(missing)}; `make test-lanes` sets them up")
    bench = CdcBench(tmp_path, None)  # type: ignore[arg-type]
    bench.lake.mkdir()
    return bench


@pytest.mark.parametrize(
    ("table_version", "lanes"),
    [
        pytest.param(6, ["glue-5.0", "default", "hudi-1.1"], id="version 6 from 0.15 to 1.0 to 1.1"),
        pytest.param(6, ["hudi-1.1", "default", "glue-5.0"], id="version 6 from 1.1 back to 1.0 and 0.15"),
        pytest.param(8, ["default", "hudi-1.1"], id="version 8 from 1.0 to 1.1"),
    ],
)
def test_a_table_is_continued_by_other_versions_of_hudi(bench: CdcBench, table_version: int, lanes: list[str]) -> None:
    """Each lane applies two files to tables of all kinds, and compacts; then the next lane continues them."""
    bench.feed(TABLES, target__table_version=table_version, lease_seconds=60)
    histories = [History(table, [], random.Random(seed)) for seed, table in enumerate(TABLES)]
    for lane in lanes:
        # The log files of the second run are left to the next lane.
        for verbs in (("run", "compact"), ("run",)):
            for history in histories:
                history.deliver(bench)
            step = run_step(lane, bench, *verbs)
            assert step.exit_codes == [0] * len(verbs), step.stderr
            for history in histories:
                assert step.rows[history.table] == history.rows(), (lane, history.table)
                stored = properties(bench, history.table)
                assert stored["hoodie.table.version"] == str(table_version), (lane, history.table)


@pytest.mark.parametrize("verb", ["run", "rebuild", "compact"])
def test_a_table_of_a_later_version_is_refused_and_left_alone(bench: CdcBench, verb: str) -> None:
    bench.feed({"mor": TABLES["mor"]}, target__table_version=8)
    history = History("mor", [], random.Random(1))
    history.deliver(bench)
    assert run_step("default", bench, "run").exit_codes == [0]
    before = digests(bench.lake / "refined")
    history.deliver(bench)
    bench.feed({"mor": TABLES["mor"]})
    step = run_step("glue-5.0", bench, verb)
    assert step.exit_codes == [2]
    assert "refined/hr/mor/ is a Hudi table of version 8, which needs Hudi 1.0 or later" in step.stderr
    assert digests(bench.lake / "refined") == before
