"""Writes the lake of ``tests/jobs/test_cdc_older_hudi.py``, in the lane glue-5.0: ``python -m tests.lanes.old_lake``.

To be repeated if the format of the log changes.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.cdc import CdcBench, Change
from tests.conftest import ROOT

ARCHIVE = ROOT / "tests/data/hudi_0_15_lake.tar.gz"
TABLES = {
    "cow": {"key": "emp_no", "partition_by": "department"},
    "mor": {"key": "emp_no", "partition_by": "department", "storage": "merge_on_read"},
}


def loaded(number: int, name: str, department: str) -> Change:
    return Change("", "", number, (number, name, department))


def changed(kind: str, day: int, number: int, name: str = "", department: str = "") -> Change:
    return Change(kind, f"2026-08-{day:02} 10:00:00.000000", number, (number, name or None, department or None))


FILES = [
    ("LOAD00000001.parquet", [loaded(1, "Ann", "HR"), loaded(2, "Bob", "HR"), loaded(3, "Cid", "R&D/lab")]),
    (
        "20260802-101500000.parquet",
        [changed("U", 2, 1, "Anna", "HR"), changed("U", 2, 2, "Bob", "R&D/lab"), changed("D", 2, 3)],
    ),
]


def put(bench: CdcBench, name: str, changes: list[Change]) -> None:
    """Write a file of both tables."""
    rows = [
        change.values if name.startswith("LOAD") else (change.kind, change.time, *change.values) for change in changes
    ]
    for table in TABLES:
        bench.put(name, rows, table=table)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = CdcBench(Path(folder), None)  # type: ignore[arg-type]
        bench.lake.mkdir()
        bench.feed(TABLES)
        for name, changes in FILES:
            put(bench, name, changes)
            for path in bench.lake.rglob(name):
                os.utime(path, (1_785_578_400, 1_785_578_400))  # whole seconds, which the archive restores
            arguments = ("run", "hr", "--lake", str(bench.lake), "--config", str(bench.root / "conf"))
            subprocess.run([sys.executable, "-m", "jobs", *arguments], cwd=ROOT, check=True)
        with tarfile.open(ARCHIVE, "w:gz") as archive:
            archive.add(bench.lake, "lake", filter=lambda member: None if member.name.endswith(".crc") else member)


if __name__ == "__main__":
    main()
