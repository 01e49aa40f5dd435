"""Benchmark csv_to_parquet against alternatives: a hand-written typed Spark job, DuckDB and polars.

TPC-H lineitem as one file, as one file in which 1 % of the rows have a bad value, as 16 files, and as 1,000 files of
10 kB; and the whole command for 1 kB. Our job and the peers alternate, each run in a separate process; times include
Python's start. ``python bench/csv_to_parquet.py --scale 1 --engine local``
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
RUNS: Final = 3
FILES: Final = 16
SMALL_FILES, SMALL_BYTES = 1_000, 10_000
ONE_IN: Final = 100

COLUMNS: Final = {
    "l_orderkey": "long",
    "l_partkey": "long",
    "l_suppkey": "long",
    "l_linenumber": "int",
    "l_quantity": "decimal(12,2)",
    "l_extendedprice": "decimal(12,2)",
    "l_discount": "decimal(12,2)",
    "l_tax": "decimal(12,2)",
    "l_returnflag": "string",
    "l_linestatus": "string",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "string",
    "l_shipmode": "string",
    "l_comment": "string",
}
#: Bad values: the place of a column, and the text.
BAD: Final = ((1, b"12O7"), (5, b"24386.675"), (10, b"1996-02-30"), (4, b"x"), (12, b"soon"))

HANDWRITTEN: Final = """
import sys
from lakewright.engine.spark.session import get_session
source, target, schema, multiline = sys.argv[1:]
reader = get_session().read.schema(schema).options(header=True, escape='"', multiLine=multiline)
reader.csv(source).write.parquet(target)
"""

BARE_SPARK: Final = """
import sys
from lakewright.engine.spark.session import get_session
get_session().range(1).write.parquet(sys.argv[1])
"""

DUCKDB: Final = """
import json, sys
import duckdb
source, target, types = sys.argv[1:]
duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}', header=true, store_rejects=true, columns={json.loads(types)})) "
           f"TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
"""

POLARS: Final = """
import json, sys
import polars as pl
source, target, types = sys.argv[1:]
kinds = {"long": pl.Int64, "int": pl.Int32, "decimal(12,2)": pl.Decimal(12, 2), "date": pl.Date, "string": pl.String}
schema = {name: kinds[kind] for name, kind in json.loads(types).items()}
pl.scan_csv(source, schema=schema, ignore_errors=True).sink_parquet(target, compression="snappy")
"""


@dataclass(frozen=True)
class Case:
    """A benchmark: its input, and the alternatives it is compared with."""

    name: str
    source: Path
    multiline: bool = True
    peers: tuple[str, ...] = ("handwritten_spark", "duckdb", "polars")


def main() -> None:
    """Generate the input, run the benchmarks, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--engine", choices=["local", "spark"], default="local")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for case in make_cases(work, options.scale):
            measure(case, work, engine=options.engine, scale=options.scale)


def make_cases(work: Path, scale: float) -> list[Case]:
    """Write the inputs of all cases; each file has a header."""
    generator = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([generator, "csv", "-s", str(scale), "--tables", "lineitem", "-o", work / "one"], check=True)
    table = work / "one/lineitem.csv"
    size = table.stat().st_size
    write_files(table, work / "many", FILES, size // FILES)
    write_files(table, work / "small", SMALL_FILES, SMALL_BYTES)
    write_files(table, work / "tiny", 1, 1_000)
    with table.open("rb") as lines:
        header = next(lines)
        write(work / "dirty/lineitem.csv", [header, *damaged(lines)])
    return [
        Case("csv_to_parquet", work / "one", multiline=False),
        Case("csv_to_parquet_dirty", work / "dirty"),
        Case("csv_to_parquet_16_files", work / "many"),
        Case("csv_to_parquet_small_files", work / "small"),
        Case("csv_to_parquet_1_kb", work / "tiny", peers=("bare_spark",)),
    ]


def write_files(table: Path, folder: Path, count: int, size: int) -> None:
    """Write the beginning of a table as files of about a size; the last of a whole table has the rest."""
    with table.open("rb") as lines:
        header = next(lines)
        for number in range(count):
            body = lines.readlines() if number == count - 1 == FILES - 1 else lines.readlines(size - len(header))
            write(folder / f"lineitem_{number:04}.csv", [header, *body])


def damaged(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Replace a value in some lines, evenly."""
    bad = cycle(BAD)
    for number, line in enumerate(lines):
        if number % ONE_IN:
            yield line
        else:
            place, text = next(bad)
            fields = line.split(b",", len(COLUMNS) - 1)
            yield b",".join((*islice(fields, place), text, *islice(fields, place + 1, None)))


def write(path: Path, lines: Sequence[bytes]) -> None:
    """Write a file and its folder."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(lines))


def measure(case: Case, work: Path, *, engine: str, scale: float) -> None:
    """Run our job and the peers by turns, and write the medians."""
    makers: dict[str, Callable[[Path], list[str]]] = {
        "ours": lambda out: ours(case, work, out, engine),
        "handwritten_spark": lambda out: handwritten(case, out),
        "duckdb": lambda out: duckdb(case, out),
        "polars": lambda out: polars(case, out),
        "bare_spark": lambda out: [sys.executable, "-c", BARE_SPARK, str(out)],
    }
    variants = ("ours", *case.peers)
    seconds: dict[str, list[float]] = {variant: [] for variant in variants}
    for _ in range(RUNS):
        for variant in variants:
            out = work / "out"
            seconds[variant].append(timed(makers[variant](out), out))
    medians = {variant: round(statistics.median(each), 2) for variant, each in seconds.items()}
    result = {
        "name": case.name if engine == "local" else f"{case.name}_on_{engine}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        },
        "input": {
            "table": "TPC-H lineitem",
            "scale": scale,
            "files": len(list(case.source.iterdir())),
            "bytes": sum(file.stat().st_size for file in case.source.iterdir()),
            "multiline": case.multiline,
        },
        "ours": {"seconds": medians["ours"], "engine": engine, "all": seconds["ours"]},
        "peers": {
            variant: {"seconds": median, "ratio": round(medians["ours"] / median, 2), "all": seconds[variant]}
            for variant, median in medians.items()
            if variant != "ours"
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result['name']}.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)


def ours(case: Case, work: Path, out: Path, engine: str) -> list[str]:
    """Return the command of our job, on a lake with only this source."""
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/lineitem/", "csv": {"multiline": case.multiline}, "columns": COLUMNS},
        "target": {"path": "refined/lineitem/"},
        "max_rejected": 2 / ONE_IN,
    }
    (out / "raw").mkdir(parents=True)
    (out / "raw/lineitem").symlink_to(case.source)
    (work / "conf/feeds").mkdir(parents=True, exist_ok=True)
    (work / "conf/feeds/lineitem.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
    place = ["--lake", str(out), "--config", str(work / "conf")]
    return [sys.executable, "-m", "jobs", "run", "lineitem", "--engine", engine, *place]


def handwritten(case: Case, out: Path) -> list[str]:
    """Return the command of a minimal Spark job: typed columns, errors become null."""
    schema = ", ".join(f"{name} {kind.replace('long', 'bigint')}" for name, kind in COLUMNS.items())
    return [sys.executable, "-c", HANDWRITTEN, str(case.source), str(out), schema, str(case.multiline)]


def duckdb(case: Case, out: Path) -> list[str]:
    """Return the command of DuckDB; bad rows are stored in its table of rejects."""
    types = {name: {"string": "varchar", "long": "bigint"}.get(kind, kind) for name, kind in COLUMNS.items()}
    return [sys.executable, "-c", DUCKDB, f"{case.source}/*.csv", f"{out}.parquet", json.dumps(types)]


def polars(case: Case, out: Path) -> list[str]:
    """Return the command of polars; bad values become null."""
    return [sys.executable, "-c", POLARS, f"{case.source}/*.csv", f"{out}.parquet", json.dumps(COLUMNS)]


def timed(command: list[str], out: Path) -> float:
    """Run a command in a separate process, delete its output, and return the seconds."""
    began = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    seconds = time.monotonic() - began
    shutil.rmtree(out, ignore_errors=True)
    Path(f"{out}.parquet").unlink(missing_ok=True)
    return round(seconds, 2)


def show(result: dict[str, Any]) -> None:
    """Print one result."""
    size = result["input"]["bytes"] / 1e6
    print(f"\n{result['name']}: {size:.2f} MB in {result['input']['files']} files")
    print(f"  {'ours':20} {result['ours']['seconds']:7.2f} s")
    for variant, peer in result["peers"].items():
        print(f"  {variant:20} {peer['seconds']:7.2f} s   ours is {peer['ratio']:.2f} times that")


if __name__ == "__main__":
    main()
