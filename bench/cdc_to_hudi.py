"""Benchmark cdc_to_hudi against the usual job: a bulk insert, then upserts and deletes in two commits.

Our job and the peers alternate on the same load of one million rows in 20 partitions and the same 200,000 changes. Each
load and each batch of changes runs in a separate process; times include Python's start. ``--growth`` measures cost by
batch size and by number of tables, ``--state`` five million changes over one million keys.
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
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
PARTITIONS: Final = 20
LOAD_FILES: Final = 4
CHANGE_FILES: Final = 4
COLUMNS: Final = f"""
    id, 'name ' || id AS name, 'department ' || (id * 7919 % {PARTITIONS}) AS department, 'city ' || (id % 997) AS city,
    ((id * 31 + version) % 100000 / 100.0)::DECIMAL(12,2) AS salary, version, md5(id::VARCHAR || version) AS note,
    DATE '2000-01-01' + (id % 9000)::INTEGER AS hired"""

#: The job of the public samples, in the session of Hudi's guide; ``tuned`` replaces their parallelism by that of this
#: machine.
TWO_COMMITS: Final = """
import os, sys
from pathlib import Path
from pyspark.sql import SparkSession
from lakewright.engine.spark.jvm import java_home
what, source, target, tuned = sys.argv[1:]
os.environ["JAVA_HOME"] = java_home()
spark = SparkSession.builder.master("local[*]").config(map={
    "spark.jars": ",".join(str(jar) for jar in Path("jars").glob("*.jar")),
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.kryo.registrator": "org.apache.spark.HoodieSparkKryoRegistrar",
    "spark.sql.extensions": "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}).getOrCreate()
tasks = spark.sparkContext.defaultParallelism if tuned == "tuned" else 0
spark.conf.set("spark.sql.shuffle.partitions", 2 * tasks or 200)
options = {
    "hoodie.table.name": "people",
    "hoodie.datasource.write.recordkey.field": "id",
    "hoodie.datasource.write.partitionpath.field": "department",
    "hoodie.datasource.write.precombine.field": "update_ts_dms",
    "hoodie.datasource.write.hive_style_partitioning": "true",
    "hoodie.clean.commits.retained": "10",
    "hoodie.write.table.version": "6",
    "hoodie.write.auto.upgrade": "false",
    "hoodie.bulkinsert.shuffle.parallelism": str(tasks or 3),
    "hoodie.upsert.shuffle.parallelism": str(tasks or 20),
    "hoodie.delete.shuffle.parallelism": str(tasks or 20),
}

def write(rows, operation, mode):
    how = options | {"hoodie.datasource.write.operation": operation}
    rows.write.format("hudi").options(**how).mode(mode).save(target)

rows = spark.read.parquet(source)
if rows.count() > 0:
    if what == "load":
        write(rows, "bulk_insert", "overwrite")
    else:
        upserts = rows.filter("Op != 'D'").drop("Op")
        deletes = rows.filter("Op = 'D'").drop("Op")
        if upserts.count() > 0:
            write(upserts, "upsert", "append")
        if deletes.count() > 0:
            write(deletes, "delete", "append")
"""


def main() -> None:
    """Generate the input, run the benchmarks, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--state", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if options.growth:
            measure_growth(work, options.rows)
        elif options.state:
            measure_state(work, options.rows)
        else:
            measure(work, options.rows, options.changes, options.runs)


def make_load(folder: Path, rows: int) -> None:
    """Write a full load as DMS does."""
    for part in range(LOAD_FILES):
        where = f"SELECT range AS id, 0 AS version FROM range({part}, {rows}, {LOAD_FILES})"
        query = f"SELECT {COLUMNS}, '2026-07-31 00:00:00.000000' AS update_ts_dms FROM ({where})"
        copy(query, folder / f"LOAD{part + 1:08}.parquet")


def make_changes(folder: Path, first: int, count: int, rows: int, *, files: int = CHANGE_FILES) -> None:
    """Write changes: eight updates, one delete and one insert in ten; each key's changes are in order."""
    ends = [first + part * count // files for part in range(files + 1)]
    for part in range(files):
        query = f"""
            SELECT CASE n % 10 WHEN 0 THEN 'D' WHEN 1 THEN 'I' ELSE 'U' END AS Op,
                   CASE n % 10 WHEN 1 THEN {rows} + n ELSE hash(n) % {rows} END::BIGINT AS id, n AS version
            FROM (SELECT range AS n FROM range({ends[part]}, {ends[part + 1]}))"""
        moment = "strftime(TIMESTAMP '2026-08-01' + to_milliseconds(version), '%Y-%m-%d %H:%M:%S.%f')"
        query = f"SELECT Op, {COLUMNS}, {moment} AS update_ts_dms FROM ({query}) ORDER BY version"
        copy(query, folder / f"20260801-{first:07}{part:02}.parquet")


def copy(query: str, path: Path) -> None:
    """Write the result of a query to a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")


def measure(work: Path, rows: int, changes: int, runs: int) -> None:
    """Run our job and the peers by turns on a load and a batch of changes."""
    load, delta = work / "load", work / "changes"
    make_load(load, rows)
    make_changes(delta, 0, changes, rows)
    jobs: dict[str, Callable[[str], list[str]]] = {
        "ours": lambda what: ours(work, what, load, delta),
        "two_commits": lambda what: two_commits(work, what, load, delta, "as_in_samples"),
        "two_commits_tuned": lambda what: two_commits(work, what, load, delta, "tuned"),
    }
    seconds: dict[str, dict[str, list[float]]] = {what: {name: [] for name in jobs} for what in ("load", "changes")}
    for _ in range(runs):
        for name, command in jobs.items():
            for what in ("load", "changes"):
                seconds[what][name].append(timed(command(what)))
            shutil.rmtree(work / "lake", ignore_errors=True)
            shutil.rmtree(work / "peer", ignore_errors=True)
    for what, seconds_by_job in seconds.items():
        name = "cdc_to_hudi" if what == "changes" else "cdc_to_hudi_load"
        source = {"rows": rows, "partitions": PARTITIONS} | ({"changes": changes} if what == "changes" else {})
        medians = {job: round(statistics.median(each), 2) for job, each in seconds_by_job.items()}
        peers = {
            peer: {"seconds": median, "ratio": round(medians["ours"] / median, 2), "all": seconds_by_job[peer]}
            for peer, median in medians.items()
            if peer != "ours"
        }
        write(name, source, {"ours": {"seconds": medians["ours"], "all": seconds_by_job["ours"]}, "peers": peers})


def measure_growth(work: Path, rows: int) -> None:
    """Measure batches of several sizes on one table, and runs over several numbers of small tables."""
    lake = work / "lake"
    raw = lake / "raw/bench/people"
    make_load(raw, rows)
    feed(work, ["people"])
    load = timed(run(work))
    first, batches = 0, {}
    for count in (2_000, 20_000, 200_000):
        make_changes(raw, first, count, rows)
        batches[str(count)] = timed(run(work))
        first += count
    tables: dict[str, dict[str, float]] = {}
    for number in (1, 10, 50):
        shutil.rmtree(lake)
        names = [f"t{n:02}" for n in range(number)]
        feed(work, names)
        for name in names:
            make_load(lake / "raw/bench" / name, 1000)
        loaded = timed(run(work))
        for name in names:
            make_changes(lake / "raw/bench" / name, 0, 100, 1000, files=1)
        tables[str(number)] = {"load": loaded, "changes": timed(run(work)), "nothing_new": timed(run(work))}
    result = {"load": load, "batch_of_changes": batches, "tables_in_one_run": tables}
    write("cdc_to_hudi_growth", {"rows": rows, "partitions": PARTITIONS}, result)


def measure_state(work: Path, rows: int) -> None:
    """Process up to five million changes in one batch; compare the table with DuckDB, and measure peak memory."""
    lake, results = work / "lake", {}
    for count in (500_000, 5_000_000):
        shutil.rmtree(lake, ignore_errors=True)
        raw = lake / "raw/bench/people"
        make_load(raw, rows)
        feed(work, ["people"])
        timed(run(work))
        make_changes(raw, 0, count, rows, files=10)
        began = time.monotonic()
        python_peak, java_peak = peaks_of(run(work))
        results[str(count)] = {
            "seconds": round(time.monotonic() - began, 1),
            "python_peak_mb": python_peak,
            "java_peak_mb": java_peak,
            "equals_source": equals_source(raw, lake / "refined/bench/people"),
        }
    write("cdc_to_hudi_state", {"rows": rows, "partitions": PARTITIONS}, {"changes_in_one_batch": results})


def equals_source(raw: Path, table: Path) -> bool:
    """Compare the newest base files of a table with DuckDB's result from the source."""
    expected = f"""
        SELECT id, version, department FROM (
            SELECT *, row_number() OVER (PARTITION BY id ORDER BY update_ts_dms DESC) AS n
            FROM read_parquet('{raw}/*.parquet', union_by_name=true)
        ) WHERE n = 1 AND coalesce(Op, 'I') != 'D'"""
    newest: dict[str, Path] = {}
    for path in sorted(table.glob("*/*.parquet"), key=lambda path: path.stem.rsplit("_", 1)[-1]):
        newest[f"{path.parent}/{path.name.split('_')[0]}"] = path
    actual = f"SELECT id, version, department FROM read_parquet({[str(path) for path in newest.values()]})"
    differences = (
        f"(FROM ({expected}) EXCEPT ALL FROM ({actual})) UNION ALL (FROM ({actual}) EXCEPT ALL FROM ({expected}))"
    )
    return duckdb.sql(f"SELECT count(*) FROM ({differences})").fetchall() == [(0,)]


def feed(work: Path, tables: list[str]) -> None:
    """Write the feed of our job."""
    document = {
        "job": "cdc_to_hudi",
        "source": {"path": "raw/bench/", "time_column": "update_ts_dms"},
        "target": {"path": "refined/bench/"},
        "tables": {name: {"key": "id", "partition_by": "department"} for name in tables},
    }
    path = work / "conf/feeds/bench.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def run(work: Path) -> list[str]:
    """Return the command of our job."""
    return [sys.executable, "-m", "jobs", "run", "bench", "--lake", str(work / "lake"), "--config", str(work / "conf")]


def ours(work: Path, what: str, load: Path, changes: Path) -> list[str]:
    """Prepare the source, and return the command of our job."""
    feed(work, ["people"])
    raw = work / "lake/raw/bench/people"
    raw.mkdir(parents=True, exist_ok=True)
    for path in (load if what == "load" else changes).iterdir():
        os.link(path, raw / path.name)
    return run(work)


def two_commits(work: Path, what: str, load: Path, changes: Path, how: str) -> list[str]:
    """Return the command of the usual job."""
    source = load if what == "load" else changes
    return [sys.executable, "-c", TWO_COMMITS, what, str(source), str(work / "peer"), how]


def timed(command: list[str]) -> float:
    """Run a command in a separate process, and return the seconds."""
    began = time.monotonic()
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-3000:]}")
    return round(time.monotonic() - began, 2)


def peaks_of(command: list[str]) -> tuple[int, int]:
    """Run a command, and return the peak memory of its Python process and its JVM, in MB."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    python = java = 0
    while process.poll() is None:
        children = children_of(process.pid)
        python = max(python, peak_of(str(process.pid)))
        java = max([java, *(peak_of(child) for child in children)])
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return python, java


def children_of(pid: int) -> list[str]:
    """Return the ids of the child processes of any thread of a process."""
    try:
        return [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def peak_of(pid: str) -> int:
    """Return the peak memory of a process, in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def write(name: str, source: dict[str, Any], result: dict[str, Any]) -> None:
    """Print and write a result."""
    machine = {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
    }
    date = datetime.now(UTC).date().isoformat()
    document = {"name": name, "date": date, "machine": machine, "input": source, **result}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{name}: {source}")
    print(yaml.safe_dump(result, sort_keys=False))


if __name__ == "__main__":
    main()
