"""Benchmark csv_to_parquet against alternatives: a hand-written typed Spark job, and DuckDB.

TPC-H lineitem as one file (split by lines) and as 16 files (one task each). Our job and the peers alternate, each run
in a separate process; times include Python's start. ``python bench/csv_to_parquet.py --scale 1``
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
RUNS: Final = 3
FILES: Final = 16

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

HANDWRITTEN: Final = """
import sys
from lakewright.engine.spark.session import get_session
source, target, schema, multiline = sys.argv[1:]
reader = get_session().read.schema(schema).options(header=True, escape='"', multiLine=multiline)
reader.csv(source).write.parquet(target)
"""

DUCKDB: Final = """
import json, sys
import duckdb
source, target, types = sys.argv[1:]
duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}', header=true, columns={json.loads(types)})) TO '{target}' "
           "(FORMAT parquet, COMPRESSION snappy)")
"""


def main() -> None:
    """Generate the input, run the benchmarks, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        one, many = make_input(work, scale)
        for name, source, multiline in (("csv_to_parquet", one, False), ("csv_to_parquet_16_files", many, True)):
            measure(name, work, source, multiline=multiline, scale=scale)


def make_input(work: Path, scale: float) -> tuple[Path, Path]:
    """Write lineitem as one file, and as 16 with a header each."""
    one, many = work / "one", work / "many"
    generator = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([generator, "csv", "-s", str(scale), "--tables", "lineitem", "-o", one], check=True)
    many.mkdir()
    with (one / "lineitem.csv").open("rb") as lines:
        header = next(lines)
        share = (one / "lineitem.csv").stat().st_size // FILES
        for number in range(FILES):
            body = lines.readlines(share) if number < FILES - 1 else lines.readlines()
            (many / f"lineitem_{number:02}.csv").write_bytes(header + b"".join(body))
    return one, many


def measure(name: str, work: Path, source: Path, *, multiline: bool, scale: float) -> None:
    """Run our job and the peers by turns, and write the medians."""
    commands = {
        "ours": lambda out: ours(work, source, out, multiline=multiline),
        "handwritten_spark": lambda out: handwritten(source, out, multiline=multiline),
        "duckdb": lambda out: duckdb(source, out),
    }
    seconds: dict[str, list[float]] = {variant: [] for variant in commands}
    for _ in range(RUNS):
        for variant, command in commands.items():
            out = work / "out"
            seconds[variant].append(timed(command(out), out))
    medians = {variant: round(statistics.median(each), 2) for variant, each in seconds.items()}
    result = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        },
        "input": {
            "table": "TPC-H lineitem",
            "scale": scale,
            "files": len(list(source.iterdir())),
            "bytes": sum(file.stat().st_size for file in source.iterdir()),
            "multiline": multiline,
        },
        "ours": {"seconds": medians["ours"], "all": seconds["ours"]},
        "peers": {
            variant: {"seconds": median, "ratio": round(medians["ours"] / median, 2), "all": seconds[variant]}
            for variant, median in medians.items()
            if variant != "ours"
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)


def ours(work: Path, source: Path, out: Path, *, multiline: bool) -> list[str]:
    """Return the command of our job, on a lake with only this source."""
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/lineitem/", "csv": {"multiline": multiline}, "columns": COLUMNS},
        "target": {"path": "refined/lineitem/"},
    }
    (out / "raw").mkdir(parents=True)
    (out / "raw/lineitem").symlink_to(source)
    (work / "conf/feeds").mkdir(parents=True, exist_ok=True)
    (work / "conf/feeds/lineitem.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
    return [sys.executable, "-m", "jobs", "run", "lineitem", "--lake", str(out), "--config", str(work / "conf")]


def handwritten(source: Path, out: Path, *, multiline: bool) -> list[str]:
    """Return the command of a minimal Spark job: typed columns, errors become null."""
    schema = ", ".join(f"{name} {kind.replace('long', 'bigint')}" for name, kind in COLUMNS.items())
    return [sys.executable, "-c", HANDWRITTEN, str(source), str(out), schema, str(multiline)]


def duckdb(source: Path, out: Path) -> list[str]:
    """Return the command of DuckDB."""
    types = {name: {"string": "varchar", "long": "bigint"}.get(kind, kind) for name, kind in COLUMNS.items()}
    return [sys.executable, "-c", DUCKDB, f"{source}/*.csv", f"{out}.parquet", json.dumps(types)]


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
    print(f"\n{result['name']}: {size:.0f} MB in {result['input']['files']} files")
    print(f"  {'ours':20} {result['ours']['seconds']:7.2f} s")
    for variant, peer in result["peers"].items():
        print(f"  {variant:20} {peer['seconds']:7.2f} s   ours is {peer['ratio']:.2f} times that")


if __name__ == "__main__":
    main()
