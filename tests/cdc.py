"""A lake with change data, and the expected tables by rules in plain Python."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from tests.conftest import JARS, Answer, command
from tests.quarantine import quarantined_rows

EMPLOYEES = pa.schema([("emp_no", pa.int32()), ("name", pa.string()), ("department", pa.string())])
#: Tests of tables that the lane's Hudi cannot write.
needs_table_version_8 = pytest.mark.skipif(
    any("-0.15." in jar.name for jar in Path(JARS).glob("hudi-*.jar")), reason="Hudi 0.15 writes table version 6 only"
)
#: A case of a matrix: ``make test`` runs another one that stands for it, ``make test-matrix`` runs this one.
matrix = pytest.mark.matrix
#: Both kinds of Hudi tables, one of which stands for both.
STORAGES = ["copy_on_write", pytest.param("merge_on_read", marks=matrix)]
STORAGES_BY_MERGE_ON_READ = [pytest.param("copy_on_write", marks=matrix), "merge_on_read"]
_OP = pa.field("Op", pa.string())
_TIME = pa.field("ts", pa.string())


@dataclass
class CdcBench:
    """A lake and a feed of the schema ``hr``, with tables keyed by emp_no and partitioned by department."""

    root: Path
    spark: SparkSession

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def feed(self, tables: Any = None, **changes: Any) -> None:
        """Write the feed; keyword arguments change it, with two underscores for a dot."""
        feed: dict[str, Any] = {
            "job": "cdc_to_hudi",
            "source": {"path": "raw/hr/", "time_column": "ts", "replication_columns": ["ts"]},
            "target": {"path": "refined/hr/", "parallelism": 2},
            "tables": tables or {"employees": {"key": "emp_no", "partition_by": "department"}},
            "lease_seconds": 2,
        }
        for key, value in changes.items():
            *parents, last = key.split("__")
            place = feed
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path = self.root / "conf" / "feeds" / "hr.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(feed, sort_keys=False))

    def put(
        self,
        name: str,
        rows: Iterable[Sequence[Any]],
        schema: pa.Schema = EMPLOYEES,
        *,
        table: str = "employees",
        has_times: bool = True,
    ) -> Path:
        """Write a file: rows of a load unchanged, rows of changes prefixed with kind and time."""
        if not name.startswith("LOAD"):
            schema = pa.schema([_OP, *([_TIME] if has_times else []), *schema])
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        path = self.lake / "raw/hr" / table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
        return path

    def command(self, verb: str, *arguments: str) -> Answer:
        return command(verb, "hr", "--lake", str(self.lake), "--config", str(self.root / "conf"), *arguments)

    def run(self, *arguments: str, verb: str = "run") -> dict[str, Any]:
        answer = self.command(verb, "--json", *arguments)
        assert answer.stdout, answer.stderr
        (receipt,) = answer.data
        assert receipt["exit_code"] == answer.exit_code, answer.stderr
        return receipt

    def rows(self, *columns: str, table: str = "employees") -> list[tuple[Any, ...]]:
        """Read the table through Hudi, with the partition values in its files."""
        from lakewright.hudi.versions import hudi_version

        frame = self.spark.read.format("hudi").load(str(self.lake / "refined/hr" / table))
        properties = (self.lake / "refined/hr" / table / ".hoodie/hoodie.properties").read_text()
        if "hoodie.table.type=COPY_ON_WRITE" in properties:
            fields = re.search(r"^hoodie.table.partition.fields=(.*)$", properties, re.MULTILINE)
            names = [name.partition(":")[0] for name in fields[1].split(",")] if fields else []
            frame = hudi_version(self.spark).with_stored_values(frame, names)
        wanted = columns or ("emp_no", "name", "department")
        return sorted((tuple(row) for row in frame.select(*wanted).collect()), key=repr)

    def batches(self, table: str = "employees") -> list[int]:
        """Return the batch numbers on the table's timeline, in order."""
        from lakewright.hudi.timeline import Timeline

        commits = Timeline(self.spark, f"file:{self.lake}/refined/hr/{table}").commits()
        return [commit.number for commit in commits if commit.number][::-1]

    def quarantine(self, table: str = "employees") -> list[dict[str, Any]]:
        return quarantined_rows(self.lake / f"quarantine/hr/target={table}")

    def strays(self, table: str = "employees") -> list[str]:
        """Return unaccounted files: staging, a lease, files that are not in the log."""
        from lakewright.log.log import Log
        from lakewright.storage.uris import open_lake

        state, _ = Log(open_lake(str(self.lake)), f"state/hr/{table}/").read()
        known = {*state.files, *state.quarantine, *state.tombstone_files}
        kept = ("log/0", "log/head", "log/replayed", "receipts/")
        fine = ("raw/", *(f"state/hr/{table}/{name}" for name in kept), f"refined/hr/{table}/")
        paths = [path.relative_to(self.lake).as_posix() for path in self.lake.rglob("*") if table in path.parts]
        return [
            path
            for path in paths
            if "_staging" in path or ((self.lake / path).is_file() and path not in known and not path.startswith(fine))
        ]

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def committed(receipt: dict[str, Any]) -> dict[str, int]:
    """Return the row counts of a run that must have succeeded, without zeros."""
    assert receipt["exit_code"] == 0, receipt["error"]
    return {name: count for name, count in receipt["counts"].items() if count}


@dataclass(frozen=True)
class Change:
    """A row of a file; in a load the kind is empty."""

    kind: str
    time: str
    key: Any
    values: tuple[Any, ...] = ()
    sequence: str | None = None


def last_changes(files: Iterable[tuple[str, Sequence[Change]]]) -> dict[Any, Change]:
    """Return the last change of each key by the rules of the job, in plain Python."""
    last: dict[Any, tuple[tuple[Any, ...], Change]] = {}
    for name, changes in files:
        is_load = name.rsplit("/", 1)[-1].startswith("LOAD")
        for position, change in enumerate(changes):
            moment = change.sequence or "".join(filter(str.isdigit, change.time)).ljust(20, "0")
            order = (0, "", name, position) if is_load else (1, moment, name, position)
            if change.key is not None and (change.key not in last or order > last[change.key][0]):
                last[change.key] = (order, change)
    return {key: change for key, (_, change) in last.items()}


def rows_after(files: Iterable[tuple[str, Sequence[Change]]]) -> dict[Any, tuple[Any, ...]]:
    """Return the expected rows of a table after files, independent of batches."""
    return {key: change.values for key, change in last_changes(files).items() if change.kind != "D"}
