"""The law of change data: for all keys, a table equals a database after the same statements."""

import datetime as dt
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench

pytestmark = pytest.mark.slow

#: By type of key: its types in Arrow and in the database, and values that are easily confused.
KEYS: dict[str, tuple[list[tuple[pa.DataType, str]], list[tuple[Any, ...]]]] = {
    "whole": ([(pa.int64(), "bigint")], [(n,) for n in (0, 1, -1, 10, 2**31, 2**31 + 1, -(2**63))]),
    "text": (
        [(pa.string(), "varchar")],
        [(text,) for text in ("a", "A", "a ", "0", "00", "null", "\ufffd", "ü", "u\u0308", "a,b", "%2C", "x:y")],
    ),
    "bytes": ([(pa.binary(), "blob")], [(bytes([0, n]),) for n in range(0x7C, 0x86)] + [(b"ef",), (b"\xff",)]),
    "decimal": (
        [(pa.decimal128(10, 2), "decimal(10,2)")],
        [(Decimal(text),) for text in ("0.00", "1.00", "1.10", "-1.00", "10.01", "99999999.99")],
    ),
    "day": ([(pa.date32(), "date")], [(dt.date(year, 1, 2),) for year in (1, 1582, 1899, 1970, 2026, 9999)]),
    "moment": (
        [(pa.timestamp("us"), "timestamp")],
        [(dt.datetime(2026, 1, 1, 0, 0, 0, micros),) for micros in (0, 1, 10, 100, 100_000, 999_999)],
    ),
    "float": ([(pa.float64(), "double")], [(n,) for n in (0.0, 1.0, 0.1, 1e300, 5e-324, 1 / 3, 123456789.125)]),
    "bit": ([(pa.bool_(), "boolean")], [(True,), (False,)]),
    "pair": (
        [(pa.string(), "varchar"), (pa.int32(), "integer")],
        [(text, n) for text in ("a", "a,1", "a%2C1", "%") for n in (1, 2)],
    ),
}
PLACES = [None, "a", "b/c"]
START = dt.datetime(2026, 8, 1, 10)


@dataclass
class Source:
    """A database table, and the rows that its replication writes for each statement."""

    name: str
    rng: random.Random
    database: Any = field(default_factory=duckdb.connect)
    changes: list[list[tuple[Any, ...]]] = field(default_factory=list)  # by statement
    clock: int = 0
    #: Whether statements move rows onto keys of other rows; then files arrive in order.
    moves_at_once: bool = False

    def __post_init__(self) -> None:
        kinds, self.pool = KEYS[self.name]
        self.key = [f"k{n}" for n in range(len(kinds))]
        columns = ", ".join(f"{name} {kind}" for name, (_, kind) in zip(self.key, kinds, strict=True))
        self.database.execute(
            f"create table t ({columns}, v bigint, place varchar, primary key ({', '.join(self.key)}))"
        )
        self.schema = pa.schema(
            [
                *((name, kind) for name, (kind, _) in zip(self.key, kinds, strict=True)),
                ("v", pa.int64()),
                ("place", pa.string()),
            ]
        )
        self.moves_at_once = self.rng.random() < 0.5
        self.before = pa.schema([(f"BI_{name}", kind) for name, (kind, _) in zip(self.key, kinds, strict=True)])

    def rows(self) -> list[tuple[Any, ...]]:
        return sorted(self.database.execute("select * from t").fetchall(), key=repr)

    def statement(self) -> None:
        """Run one statement, and record its changes."""
        used = [row[: len(self.key)] for row in self.rows()]
        free = [key for key in self.pool if key not in used]
        kind = self.rng.choice("IIUUUKKDS" if self.moves_at_once else "IIUUUKKD")
        self.clock += self.rng.choice([0, 0, 1])  # statements of one transaction share their time
        self.changes.append([])
        where = " and ".join(f"{name} = ?" for name in self.key)
        values = (self.rng.randrange(1000), self.rng.choice(PLACES))
        none = (None,) * len(self.key)
        if kind == "I" and free:
            key = self.rng.choice(free)
            self.database.execute(f"insert into t values ({', '.join('?' * (len(key) + 2))})", [*key, *values])
            self.note("I", key, values, none)
        elif kind == "U" and used:
            key = self.rng.choice(used)
            self.database.execute(f"update t set v = ?, place = ? where {where}", [*values, *key])
            self.note("U", key, values, key)
        elif kind == "K" and used and free:
            key, new = self.rng.choice(used), self.rng.choice(free)
            # DuckDB cannot update a key to one that was deleted in the same transaction.
            self.database.execute(f"delete from t where {where}", key)
            self.database.execute(f"insert into t values ({', '.join('?' * (len(key) + 2))})", [*new, *values])
            self.note("U", new, values, key)
        elif kind == "D" and used:
            key = self.rng.choice(used)
            self.database.execute(f"delete from t where {where}", key)
            self.note("D", key, (None, None), none)

        elif kind == "S" and len(used) > 2:
            self.move_at_once(used, free, where)

    def move_at_once(self, used: list[tuple[Any, ...]], free: list[tuple[Any, ...]], where: str) -> None:
        """Move rows onto keys of other rows in one statement: each to the next key, the last to a free one."""
        moving = self.rng.sample(used, self.rng.randint(2, min(4, len(used))))
        targets = [*moving[1:], self.rng.choice([*free[:1], moving[0]])]
        rows = [self.database.execute(f"select * from t where {where}", key).fetchone() for key in moving]
        for key in moving:
            self.database.execute(f"delete from t where {where}", key)
        for key, new, row in zip(moving, targets, rows, strict=True):
            values = row[len(self.key) :]
            self.database.execute(f"insert into t values ({', '.join('?' * (len(new) + 2))})", [*new, *values])
            self.note("U", new, values, key)

    def note(self, kind: str, key: Sequence[Any], values: Sequence[Any], before: Sequence[Any]) -> None:
        moment = (START + dt.timedelta(seconds=self.clock)).isoformat(" ", "microseconds")
        self.changes[-1].append((kind, moment, *key, *values, *before))

    def write_load(self, cdc: CdcBench, files: int) -> None:
        rows = self.rows()
        for number in range(files):
            cdc.put(f"LOAD{number + 1:08}.parquet", rows[number::files], self.schema, table=self.name)

    def write_changes(self, cdc: CdcBench, minute: int, *, late: bool) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """Write the recorded changes as two files, one of them later if ``late``."""
        half = self.rng.randint(0, len(self.changes))
        files = [
            (f"20260801-10{minute:02}0{n}000.parquet", [change for statement in part for change in statement])
            for n, part in enumerate((self.changes[:half], self.changes[half:]))
        ]
        self.changes = []
        schema = pa.schema([*self.schema, *self.before])
        now, later = (files[1:], files[:1]) if late and not self.moves_at_once else (files, [])
        for name, part in now:
            cdc.put(name, part, schema, table=self.name)
        return later

    def rows_in(self, cdc: CdcBench) -> list[tuple[Any, ...]]:
        rows = cdc.rows(*self.key, "v", "place", table=self.name)
        in_table = [tuple(bytes(value) if isinstance(value, bytearray) else value for value in row) for row in rows]
        return sorted(in_table, key=repr)


@pytest.fixture
def cdc(tmp_path: Path, spark: SparkSession) -> Iterator[CdcBench]:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    yield bench
    bench.remove()


def run(cdc: CdcBench, verb: str = "run") -> dict[str, Any]:
    answer = cdc.command(verb, "--json")
    receipts = {receipt["target"]: receipt for receipt in json.loads(answer.stdout)}
    assert answer.exit_code == 0, answer.stderr
    for receipt in receipts.values():
        counts = receipt["counts"]
        parts = ("written", "deleted", "superseded", "rejected")
        assert counts["read"] == sum(counts[part] for part in parts), receipt["target"]
        assert counts["rejected"] == 0
    return receipts


def act(sources: Sequence[Source], statements: int, *, noted: bool = True) -> None:
    for source in sources:
        for _ in range(statements):
            source.statement()
        if not noted:
            source.changes = []


def deliver(cdc: CdcBench, sources: Sequence[Source], minute: int, rng: random.Random) -> None:
    """Write the changes of all tables, and run; for some tables, the first file arrives a run after the second."""
    late = {source.name: source.write_changes(cdc, minute, late=rng.choice([True, False])) for source in sources}
    run(cdc)
    for source in sources:
        for name, rows in late[source.name]:
            cdc.put(name, rows, pa.schema([*source.schema, *source.before]), table=source.name)
    run(cdc)


def check(cdc: CdcBench, sources: Sequence[Source]) -> None:
    for source in sources:
        assert source.rows_in(cdc) == source.rows(), source.name
        columns = cdc.spark.read.format("hudi").load(str(cdc.lake / "refined/hr" / source.name)).columns
        assert not [name for name in columns if name.startswith("BI_")]


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))))
def test_the_table_equals_the_database(cdc: CdcBench, seed: int) -> None:
    rng = random.Random(seed)
    sources = [Source(name, random.Random(f"{seed} {name}")) for name in KEYS]
    tables = {
        source.name: {
            "key": source.key,
            "storage": ["copy_on_write", "merge_on_read"][(number + seed) % 2],
            "partition_by": "place" if number % 3 else (),
        }
        for number, source in enumerate(sources)
    }
    cdc.feed(tables=tables, source__before_image_prefix="BI_", target__on_stale_load="drop")
    act(sources, 20, noted=False)
    for source in sources:
        source.write_load(cdc, files=2)
    run(cdc)
    for minute in (10, 20):
        act(sources, 25)
        deliver(cdc, sources, minute, rng)
        check(cdc, sources)

    # A reload of one file: the other belongs to the previous load.
    act(sources, 15, noted=False)
    for source in sources:
        source.write_load(cdc, files=1)
    assert cdc.command("run").exit_code == 3
    run(cdc, "rebuild")
    check(cdc, sources)
