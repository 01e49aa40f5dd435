"""Benchmark gates: what a suite of 12 expectations adds to a CSV job, and against other checkers of the same rows.

TPC-H orders, 10 million rows. The job runs with and without its gate by turns. On Spark, our SQL and Great Expectations
evaluate the same frame: cached, and read from Parquet as a gate reads it, in the order of its keys and shuffled. DuckDB
evaluates the same files; so do Great Expectations on pandas, and Pointblank with polars, installed into a
temporary environment. ``python bench/quality.py --rows 10_000_000``
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
RESULT: Final = ROOT / "bench/results/quality.json"
RUNS: Final = 3
ROWS_OF_SCALE: Final = 1_500_000
POINTBLANK: Final = ("pointblank==1.1.1", "polars==2.1.0", "pyarrow==26.0.1")

COLUMNS: Final = {
    "o_orderkey": "long",
    "o_custkey": "long",
    "o_orderstatus": "string",
    "o_totalprice": "decimal(12,2)",
    "o_orderdate": "date",
    "o_orderpriority": "string",
    "o_clerk": "string",
    "o_shippriority": "int",
    "o_comment": "string",
}
PRIORITIES: Final = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
EXPECTATIONS: Final = [
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_column_values_to_not_be_null", {"column": "o_orderkey"}),
    ("expect_column_values_to_be_unique", {"column": "o_orderkey"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["o_orderkey", "o_custkey"]}),
    ("expect_column_values_to_not_be_null", {"column": "o_custkey"}),
    ("expect_column_values_to_be_in_set", {"column": "o_orderstatus", "value_set": ["F", "O", "P"]}),
    ("expect_column_values_to_be_in_set", {"column": "o_orderpriority", "value_set": PRIORITIES}),
    ("expect_column_values_to_be_between", {"column": "o_totalprice", "min_value": 0.01, "max_value": 1_000_000}),
    ("expect_column_values_to_be_between", {"column": "o_orderdate", "min_value": "1992-01-01"}),
    ("expect_column_values_to_match_regex", {"column": "o_clerk", "regex": r"^Clerk#\d{9}$"}),
    ("expect_column_value_lengths_to_be_between", {"column": "o_comment", "min_value": 1, "max_value": 79}),
    ("expect_column_values_to_be_between", {"column": "o_shippriority", "min_value": 0, "max_value": 0}),
]
SUITE: Final = {
    "name": "orders",
    "expectations": [{"type": kind, "kwargs": kwargs, "meta": {}} for kind, kwargs in EXPECTATIONS],
    "meta": {"great_expectations_version": "1.24.1"},
}

OURS: Final = """
from lakewright.quality.sql.compiled import Aggregate
from lakewright.quality.expectation import Expectation
expectations = [Expectation(each["type"], each["kwargs"]) for each in suite["expectations"]]
def check(results):
    assert all(result.success for result in results), results
"""

ON_DUCKDB: Final = """
import json, sys, time
from glob import glob
import duckdb
import pyarrow.parquet as pq
files, suite = glob(sys.argv[1]), json.loads(sys.argv[2])
OURS
files.sort(key=lambda path: pq.read_metadata(path).row_group(0).column(0).statistics.min)
relation = f"read_parquet({files})"
began = time.monotonic()
with duckdb.connect() as connection:
    columns = {name: kind for name, kind, *_ in connection.sql(f"DESCRIBE FROM {relation}").fetchall()}
    aggregate = Aggregate(expectations, columns, "duckdb")
    check(aggregate.evaluate(relation, lambda sql: connection.sql(sql).to_arrow_table().to_pylist()[0]))
print(json.dumps({"seconds": time.monotonic() - began}))
""".replace("OURS", OURS)

BY_LIBRARY: Final = """
import great_expectations as gx
from great_expectations.core import ExpectationSuite
def check_by_library(add_source, frame):
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = add_source(context.data_sources).add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("w").get_batch({"dataframe": frame})
    result_format = {"result_format": "BASIC", "partial_unexpected_count": 0}
    result = batch.validate(ExpectationSuite(**suite), result_format=result_format)
    assert result.success, result
"""

ON_SPARK: Final = """
import json, os, sys, time, warnings
import pyarrow.parquet as pq
from lakewright.engine.spark.judged.rows import SparkTable
from lakewright.engine.spark.session import get_session
from lakewright.engine.spark.workers import SparkWorkers
from lakewright.log.records import DataFile
from lakewright.storage.uris import open_lake
warnings.simplefilter("ignore")
lake, suite, is_cached = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "cached"
OURS
BY_LIBRARY
spark = get_session()
frame = spark.read.parquet(lake)
if is_cached:
    frame = frame.cache()
    frame.count()
    table = SparkTable(frame)
else:
    def file_of_worker(name):
        rows, size = pq.read_metadata(f"{lake}/{name}").num_rows, os.path.getsize(f"{lake}/{name}")
        return DataFile(name, name, "", rows, size, arrow_bytes=size)
    def first_key(name):
        return pq.read_metadata(f"{lake}/{name}").row_group(0).column(0).statistics.min
    files = {name: file_of_worker(name) for name in sorted(os.listdir(lake), key=first_key)}
    table = SparkWorkers().judged_table(open_lake(lake), files, dict(frame.dtypes), frozenset())
def by_sql():
    aggregate = Aggregate(expectations, table.columns, table.dialect)
    check(aggregate.results(lambda counts: table.counts(counts, list(table.columns))))
def by_library():
    check_by_library(lambda sources: sources.add_spark("s", persist=False), frame)
seconds = {"ours": [], "great_expectations": []}
for _ in range(3):
    for name, run in (("ours", by_sql), ("great_expectations", by_library)):
        began = time.monotonic()
        run()
        seconds[name].append(time.monotonic() - began)
print(json.dumps(seconds))
""".replace("OURS", OURS).replace("BY_LIBRARY", BY_LIBRARY)

ON_PANDAS: Final = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pyarrow as pa
import pyarrow.parquet as pq
files, suite = sys.argv[1], json.loads(sys.argv[2])
BY_LIBRARY
began = time.monotonic()
table = pq.read_table(files)
place = table.column_names.index("o_totalprice")
table = table.set_column(place, "o_totalprice", table["o_totalprice"].cast(pa.float64()))
check_by_library(lambda sources: sources.add_pandas("p"), table.to_pandas(date_as_object=True))
print(json.dumps({"seconds": time.monotonic() - began}))
""".replace("BY_LIBRARY", BY_LIBRARY)

ON_POLARS: Final = """
import datetime, json, sys, time
import pointblank as pb
import polars as pl
files, priorities = sys.argv[1], json.loads(sys.argv[2])
began = time.monotonic()
rows = pl.read_parquet(files)
result = (
    pb.Validate(rows)
    .col_vals_not_null(columns=["o_orderkey", "o_custkey"])
    .rows_distinct(columns_subset=["o_orderkey"])
    .rows_distinct(columns_subset=["o_orderkey", "o_custkey"])
    .col_vals_in_set(columns="o_orderstatus", set=["F", "O", "P"])
    .col_vals_in_set(columns="o_orderpriority", set=priorities)
    .col_vals_between(columns="o_totalprice", left=0.01, right=1_000_000, na_pass=True)
    .col_vals_ge(columns="o_orderdate", value=datetime.date(1992, 1, 1), na_pass=True)
    .col_vals_regex(columns="o_clerk", pattern=r"^Clerk#[0-9]{9}$", na_pass=True)
    .col_vals_expr(expr=pl.col("o_comment").str.len_chars().is_between(1, 79))
    .col_vals_between(columns="o_shippriority", left=0, right=0, na_pass=True)
    .interrogate(get_first_n=0)
)
assert rows.height >= 1 and result.all_passed(), result.n_failed()
print(json.dumps({"seconds": time.monotonic() - began}))
"""

SHUFFLE: Final = """
import sys
import duckdb
files, shuffled = sys.argv[1:]
duckdb.sql("SET preserve_insertion_order = false")
rows = f"FROM read_parquet('{files}') ORDER BY hash(o_orderkey)"
duckdb.sql(f"COPY ({rows}) TO '{shuffled}' (FORMAT parquet, COMPRESSION snappy, FILE_SIZE_BYTES '64MB')")
"""


def main() -> None:
    """Generate the input, run the benchmarks, print and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = make_source(work, rows)
        load = os.getloadavg()[0]
        jobs = time_jobs(work, source)
        files = f"{work}/lake/refined/orders/*.parquet"
        shuffled = f"{work}/shuffled"
        run([sys.executable, "-c", SHUFFLE, files, shuffled])
        suite = json.dumps(SUITE)
        seconds = {
            **jobs,
            "duckdb": [printed([sys.executable, "-c", ON_DUCKDB, files, suite])["seconds"] for _ in range(RUNS)],
            "duckdb_shuffled": [
                printed([sys.executable, "-c", ON_DUCKDB, f"{shuffled}/*", suite])["seconds"] for _ in range(RUNS)
            ],
            "pointblank": time_pointblank(work, files),
        }
        table = f"{work}/lake/refined/orders"
        on_pandas = [sys.executable, "-c", ON_PANDAS, table, suite]
        seconds["great_expectations_on_pandas"] = [printed(on_pandas)["seconds"] for _ in range(RUNS)]
        for kind, rows_at in (("cached", table), ("parquet", table), ("shuffled", shuffled)):
            on_spark = printed([sys.executable, "-c", ON_SPARK, rows_at, suite, kind])
            seconds[f"spark_{kind}"] = on_spark["ours"]
            seconds[f"great_expectations_on_spark_{kind}"] = on_spark["great_expectations"]
        write(rows, sum(file.stat().st_size for file in source.iterdir()), load, seconds)


def make_source(work: Path, rows: int) -> Path:
    """Write the orders as one CSV file."""
    generator = Path(sys.executable).with_name("tpchgen-cli")
    scale = str(rows / ROWS_OF_SCALE)
    run([str(generator), "csv", "-s", scale, "--tables", "orders", "-o", str(work / "source")])
    return work / "source"


def time_jobs(work: Path, source: Path) -> dict[str, list[float]]:
    """Run the job without and with its gate by turns; the last run's table stays in ``lake``."""
    seconds: dict[str, list[float]] = {"job": [], "job_with_gate": []}
    for _ in range(RUNS):
        for name, gates in (("job", {}), ("job_with_gate", {"gates": {"suite": "orders"}})):
            shutil.rmtree(work / "lake", ignore_errors=True)
            (work / "lake/raw").mkdir(parents=True)
            (work / "lake/raw/orders").symlink_to(source)
            conf = work / name
            write_config(conf, gates)
            began = time.monotonic()
            run([sys.executable, "-m", "jobs", "run", "orders", "--lake", f"{work}/lake", "--config", str(conf)])
            seconds[name].append(time.monotonic() - began)
    return seconds


def write_config(conf: Path, gates: dict[str, Any]) -> None:
    """Write the feed and its suite."""
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/orders/", "csv": {"multiline": False}, "columns": COLUMNS},
        "target": {"path": "refined/orders/"},
        **gates,
    }
    for folder in ("feeds", "quality"):
        (conf / folder).mkdir(parents=True, exist_ok=True)
    (conf / "feeds/orders.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
    (conf / "quality/orders.json").write_text(json.dumps(SUITE, indent=2))


def time_pointblank(work: Path, files: str) -> list[float]:
    """Run Pointblank in an environment of its own."""
    environment = work / "pointblank"
    run([sys.executable, "-m", "venv", str(environment)])
    python = str(environment / "bin/python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *POINTBLANK])
    command = [python, "-c", ON_POLARS, files, json.dumps(PRIORITIES)]
    return [printed(command)["seconds"] for _ in range(RUNS)]


def printed(command: list[str]) -> dict[str, Any]:
    """Run a command in a separate process and return the JSON in its last line."""
    return json.loads(run(command).splitlines()[-1])


def run(command: list[str]) -> str:
    """Run a command and return its output; if it fails, print what it wrote."""
    # Millions of cached rows need more than the JVM's default.
    env = os.environ | {"PYSPARK_SUBMIT_ARGS": "--driver-memory 8g pyspark-shell"}
    finished = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if finished.returncode:
        print(finished.stdout, finished.stderr, file=sys.stderr)
        finished.check_returncode()
    return finished.stdout


def write(rows: int, size: int, load: float, seconds: dict[str, list[float]]) -> None:
    """Write and print the medians, what the gate adds to the job, and the ratios to others."""
    medians = {name: round(statistics.median(each), 2) for name, each in seconds.items()}
    result = {
        "name": "quality",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "load_before": round(load, 1),
        },
        "input": {"table": "TPC-H orders", "rows": rows, "bytes": size, "expectations": len(EXPECTATIONS)},
        "seconds": medians,
        "all": {name: [round(each, 2) for each in runs] for name, runs in seconds.items()},
        "added_to_the_job": round(medians["job_with_gate"] / medians["job"] - 1, 3),
        "ratio_to_great_expectations": {
            "spark_cached": round(medians["spark_cached"] / medians["great_expectations_on_spark_cached"], 3),
            "spark_parquet": round(medians["spark_parquet"] / medians["great_expectations_on_spark_parquet"], 3),
            "spark_shuffled": round(medians["spark_shuffled"] / medians["great_expectations_on_spark_shuffled"], 3),
            "pandas": round(medians["duckdb"] / medians["great_expectations_on_pandas"], 3),
        },
        "ratio_to_pointblank": round(medians["duckdb"] / medians["pointblank"], 3),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
