"""A test's lake of events, and the expected records from a simple reading of its raw objects."""

import gzip
import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from lakewright.log.log import Log
from lakewright.log.schemas import known_schema
from lakewright.log.state import TableState
from lakewright.storage.uris import open_lake
from tests.conftest import Answer, Bench, command
from tests.transforms.events.event_oracle import normal_record, rebuild

DAY = "year=2026/month=08/day=01"


@dataclass
class EventBench(Bench):
    """``Bench`` for the feed ``events``."""

    clock: int = 1_785_542_400  # 2026-08-01
    engine: str = "auto"

    def feed(self, **changes: Any) -> None:
        feed: dict[str, Any] = {
            "job": "flatten_events",
            "source": {"path": "raw/topics/"},
            "target": {"path": "refined/"},
            "max_rejected": 1.0,
            "lease_seconds": 2,
        }
        for key, value in changes.items():
            *parents, last = key.split("__")
            section = feed
            for parent in parents:
                section = section.setdefault(parent, {})
            section[last] = value
        path = self.root / "conf/feeds/events.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(feed, sort_keys=False))

    def put_object(self, path: str, body: bytes) -> Path:
        """Write a raw object, and advance the clock, so that a rewrite is detected."""
        file = self.lake / "raw/topics" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        self.clock += 60
        os.utime(file, (self.clock, self.clock))
        return file

    def put_events(
        self, start: int, *events: Any, topic: str = "t", partition: int = 0, folder: str = DAY, end: str = ".json.gz"
    ) -> str:
        """Write events as the sink does, text and bytes as raw lines; return the object's path."""
        lines = [
            event.encode()
            if isinstance(event, str)
            else event
            if isinstance(event, bytes)
            else json.dumps(event).encode()
            for event in events
        ]
        body = b"".join(line + b"\n" for line in lines)
        path = f"{topic}/{folder}/{topic}+{partition}+{start:010}{end}"
        self.put_object(path, gzip.compress(body) if end.endswith(".gz") else body)
        return f"raw/topics/{path}"

    def command(self, verb: str, *arguments: str) -> Answer:
        engine = ("--engine", self.engine) if self.engine != "auto" and verb in ("run", "rebuild") else ()
        where = ("--lake", str(self.lake), "--config", str(self.root / "conf"))
        return command(verb, "events", *where, *engine, *arguments)

    def state(self, table: str = "t") -> TableState:
        return Log(open_lake(str(self.lake)), f"state/events/{table}/").read()[0]

    def types(self, table: str = "t") -> dict[str, str]:
        """Return the columns of attributes, with their types."""
        names = known_schema(self.state(table).schema_versions).arrow_types
        return {name: kind for name, kind in self.state(table).columns.items() if name in names}

    def table(self, table: str = "t") -> list[dict[str, Any]]:
        """Read the table's files one by one; missing columns are null."""
        state = self.state(table)
        schema = known_schema(state.schema_versions)
        rows: list[dict[str, Any]] = []
        for path, file in state.files.items():
            content = pq.read_table(self.lake / path, partitioning=None)
            assert content.num_rows == file.rows
            for name in content.column_names:
                assert name.startswith("_") or content.schema.field(name).type == schema.arrow_types[name]
            blank = dict.fromkeys(schema.arrow_types) | {"_day": file.partition}
            rows += [blank | row for row in content.to_pylist()]
        return sorted(rows, key=lambda row: (row["_topic"], row["_partition"], row["_offset"], row["_line"]))

    def records(self, table: str = "t") -> list[dict[str, Any]]:
        """Rebuild the records from the rows of the table, in the order of their offsets."""
        columns = known_schema(self.state(table).schema_versions).columns
        return [normal_record(rebuild(row, columns)) for row in self.table(table)]

    def rejects(self, table: str = "t") -> list[tuple[str, int, list[tuple[str, str | None]], str]]:
        """Read the quarantine."""
        rows = [
            (
                row["object"].rsplit("/", 1)[-1],
                row["position"],
                [(reason["rule"], reason["column"]) for reason in row["reasons"]],
                row["text"],
            )
            for path in self.state(table).quarantine
            for row in pq.read_table(self.lake / path, partitioning=None).to_pylist()
        ]
        return sorted(rows, key=lambda row: row[:2])

    def strays(self) -> list[str]:
        """Return files that are not accounted for."""
        known: set[str] = set()
        for log in self.lake.glob("state/events/*/log"):
            state = self.state(log.parent.name)
            known |= {*state.files, *state.quarantine}
        strays = []
        for file in self.lake.rglob("*"):
            path = file.relative_to(self.lake).as_posix()
            ours = path.startswith("raw/") or (
                path.startswith("state/")
                and any(part in path for part in ("/log/0", "/log/head", "/log/replayed", "/receipts/"))
            )
            if (file.is_dir() and "_staging" in path) or (file.is_file() and path not in known and not ours):
                strays.append(path)
        return strays


def expected_records(bench: EventBench, topic: str = "t") -> list[dict[str, Any]]:
    """Read the raw objects of a topic line by line, each offset of a folder once."""
    records: dict[tuple[str, int, int], Any] = {}
    for file in sorted((bench.lake / "raw/topics" / topic).rglob("*.json*")):
        body = file.read_bytes()
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        _, partition, start = file.name.split(".json")[0].rsplit("+", 2)
        for number, line in enumerate(text.decode().splitlines()):
            record = json.loads(line, parse_float=Decimal)
            position = (file.parent.name, int(partition), int(start) + number)
            assert records.setdefault(position, record) == record
    by_offset = sorted(records.items(), key=lambda item: item[0][1:])
    return [normal_record(record) for _, record in by_offset]
