"""Benchmark flatten_events against alternatives: Spark's schema inference with a recursive select, and DuckDB.

600,000 generated events of a shop, 250 MB of JSON in 12 gzip objects of a sink, with typical repetition: 20,000 users
and 5,000 products, both skewed; few event names, versions, countries, agents; texts of a few words. Times and event ids
are unique; the ids are numbers that grow with time. With random UUIDs as text instead, much less space is saved, since
neither gzip nor Parquet can compress them; that is measured too. Our job and the peers alternate, each run in a
separate process; times include Python's start. The first day learns the schema, the second day has it.
``python bench/flatten_events.py --events 600000``
"""

import argparse
import gzip
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
RUNS: Final = 3
ENGINES: Final = ("local", "spark")
DAYS: Final = ("first_day", "known_schema_day")
FILES: Final = 12
TOPICS: Final = (10, 100)
WORDS: Final = (
    *("red", "blue", "green", "small", "large", "new", "used", "light", "dark"),
    *("soft", "hard", "round", "flat", "tall", "short", "warm", "cold"),
)
COUNTRIES: Final = ("DE", "FR", "US", "GB", "IN", "BR", "JP")
AGENTS: Final = tuple(f"Shop/4.{n} (iPhone; iOS 1{n % 9}.{n % 4}) Mobile/15E{n * 7}" for n in range(40))

INFER_AND_FLATTEN: Final = """
import os, sys
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from lakewright.engine.spark.jvm import java_home
os.environ["JAVA_HOME"] = java_home()
spark = SparkSession.builder.master("local[*]").config(map={
    "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
}).getOrCreate()

def leaves(kind, path=()):
    for field in kind.fields:
        here = (*path, field.name)
        if isinstance(field.dataType, StructType):
            yield from leaves(field.dataType, here)
        else:
            yield here

source, target = sys.argv[1:]
events = spark.read.option("recursiveFileLookup", True).json(source)
columns = [F.col(".".join(f"`{key}`" for key in path)).alias("_".join(path)) for path in leaves(events.schema)]
events.select(*columns).write.parquet(target)
"""

DUCKDB: Final = """
import sys
import duckdb
source, target = sys.argv[1:]
found = duckdb.sql(f"DESCRIBE SELECT * FROM read_json('{source}', format='newline_delimited', sample_size=-1)")
def leaves(kind, path):
    if kind.id != "struct":
        yield path
        return
    for name, inner in kind.children:
        yield from leaves(inner, (*path, name))
events = duckdb.sql(f"SELECT * FROM read_json('{source}', format='newline_delimited', sample_size=-1)")
names = [path for name, kind in zip(events.columns, events.types) for path in leaves(kind, (name,))]
columns = ", ".join(".".join(f'"{key}"' for key in path) + " AS " + f'"{"_".join(path)}"' for path in names)
duckdb.sql(f"COPY (SELECT {columns} FROM read_json('{source}', format='newline_delimited', sample_size=-1)) "
           f"TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
"""

#: The same query in an engine without job startup, to measure reading only.
DUCKDB_QUERY: Final = """
import sys, time
import duckdb
kind, source = sys.argv[1:]
if kind == "json":
    events = f"read_json('{source}/**/*.json.gz', format='newline_delimited')"
    country, total = "user.country", '"order".total'
else:
    events = f"read_parquet('{source}/*.parquet')"
    country, total = "user_country", "order_total"
query = f"SELECT {country}, count(*), sum({total}) FROM {events} WHERE event = 'order_placed' GROUP BY 1 ORDER BY 1"
seconds = []
for _ in range(4):
    began = time.monotonic()
    rows = duckdb.sql(query).fetchall()
    seconds.append(time.monotonic() - began)
print(min(seconds), len(rows), sum(row[1] for row in rows))
"""

QUERY: Final = """
import sys, time
from lakewright.engine.spark.session import get_session
kind, source = sys.argv[1:]
spark = get_session()
if kind == "json":
    schema = spark.read.option("recursiveFileLookup", True).json(source).schema
    events = spark.read.schema(schema).option("recursiveFileLookup", True).json(source)
    query = ("select user.country c, count(*) n, sum(order.total) s from events "
             "where event = 'order_placed' group by 1 order by 1")
else:
    events = spark.read.parquet(source)
    query = ("select user_country c, count(*) n, sum(order_total) s from events "
             "where event = 'order_placed' group by 1 order by 1")
events.createOrReplaceTempView("events")
seconds = []
for _ in range(4):
    began = time.monotonic()
    rows = spark.sql(query).collect()
    seconds.append(time.monotonic() - began)
print(min(seconds), len(rows), sum(row["n"] for row in rows))
"""


def main() -> None:
    """Generate the input, run the benchmark, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=600_000)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        result = measure(work, events)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "flatten_events.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def event(rng: random.Random, number: int, *, uuids: bool = False) -> dict[str, Any]:
    """Generate one event."""
    name = rng.choices(["page_view", "click", "search", "cart_add", "order_placed"], [60, 20, 10, 7, 3])[0]
    user, product = int(rng.random() ** 2 * 20_000), int(rng.random() ** 3 * 5_000)
    ts = 1_785_542_400_000 + number * 140 + rng.randrange(140)
    record: dict[str, Any] = {
        "event": name,
        "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)) if uuids else ts << 22 | user % 1024,
        "ts": ts,
        "user": {
            "id": 7_000_000 + user * 31,
            "country": COUNTRIES[user % 7],
            "city": f"{WORDS[user % 17]} {WORDS[user % 13]}ton",
            "is_member": user % 3 == 0,
            "session": {"number": user % 97 + number // 20_000, "referrer": ("search", "mail", None)[user % 3]},
        },
        "device": {"agent": AGENTS[user % len(AGENTS)], "screen": [390 + user % 5 * 24, 844 + user % 3 * 44]},
        "app": {"version": f"4.{number // 200_000}.1", "locale": "en_GB", "flags": {"new_cart": user % 2 == 0}},
        "product": {
            "id": 100_000 + product,
            "price": product % 90 + 0.99,
            "category": WORDS[product % 17],
            "title": f"{WORDS[product % 17]} {WORDS[product % 11]} {WORDS[product % 7]} thing {product}",
        },
    }
    if name == "search":
        record["query"] = " ".join(rng.choices(WORDS, k=2))
    if name == "order_placed":
        items = [
            {"sku": f"p{rng.randrange(5000)}", "count": rng.randrange(1, 4), "price": rng.randrange(90) + 0.5}
            for _ in range(rng.randrange(1, 4))
        ]
        record["order"] = {"id": number, "total": sum(item["count"] * item["price"] for item in items), "items": items}
    return record


def make_input(lake: Path, events: int, topics: int, *, uuids: bool = False) -> dict[str, Any]:
    """Write the events of a day as a sink does, divided into topics; return their size."""
    rng = random.Random(1)  # noqa: S311 - benchmark data, not a secret
    size = {"json_bytes": 0, "gzip_bytes": 0, "files": 0}
    for topic in range(topics):
        share, files = events // topics, max(1, FILES // topics)
        for file in range(files):
            numbers = range(file * share // files, (file + 1) * share // files)
            text = b"".join(
                json.dumps(event(rng, number, uuids=uuids), separators=(",", ":")).encode() + b"\n"
                for number in numbers
            )
            path = (
                lake / f"raw/topics/shop.t{topic}/year=2026/month=08/day=01/shop.t{topic}+0+{numbers.start:010}.json.gz"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text, 6))
            size["json_bytes"] += len(text)
            size["gzip_bytes"] += path.stat().st_size
            size["files"] += 1
    return size


def measure(work: Path, events: int) -> dict[str, Any]:
    """Run our job and the peers by turns; then measure cost by number of topics, space and a query."""
    lake = work / "lake"
    size = make_input(lake, events, 1)
    conf = work / "conf/feeds"
    conf.mkdir(parents=True)
    feed = {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}}
    (conf / "events.yaml").write_text(yaml.safe_dump(feed))
    run = [sys.executable, "-m", "jobs", "run", "events", "--config", str(work / "conf"), "--lake"]
    raw, out = lake / "raw", work / "out"
    peers = ("infer_and_flatten", "duckdb")
    seconds: dict[str, list[float]] = {
        variant: [] for variant in (*(f"{engine}_{day}" for engine in ENGINES for day in DAYS), *peers)
    }
    for _ in range(RUNS):
        for engine in reversed(ENGINES):  # the later steps read what the local engine wrote
            shutil.rmtree(lake / "refined", ignore_errors=True)
            shutil.rmtree(lake / "state", ignore_errors=True)
            for day, step in zip(DAYS, (1, -1), strict=True):
                seconds[f"{engine}_{day}"].append(timed([*run, str(lake), "--engine", engine]))
                next_day(lake, step)
        for variant, command in (("infer_and_flatten", INFER_AND_FLATTEN), ("duckdb", DUCKDB)):
            source = str(raw) if variant != "duckdb" else f"{raw}/topics/*/*/*/*/*.json.gz"
            seconds[variant].append(timed([sys.executable, "-c", command, source, str(out)]))
            shutil.rmtree(out, ignore_errors=True)
            out.unlink(missing_ok=True)
    medians = {variant: round(statistics.median(each), 2) for variant, each in seconds.items()}
    print(medians, flush=True)
    parquet = parquet_bytes(lake) // 2  # of two equal days
    sources = {"json": raw, "parquet": next((lake / "refined").iterdir()) / "year=2026/month=08/day=01"}
    queries = {engine: query(program, sources) for engine, program in (("spark", QUERY), ("duckdb", DUCKDB_QUERY))}
    growth = {"1_topic": medians["local_first_day"]}
    for topics in TOPICS:
        many = work / f"topics_{topics}"
        make_input(many, events, topics)
        growth[f"{topics}_topics"] = timed([*run, str(many), "--engine", "local"])
        shutil.rmtree(many)
    with_uuids = work / "uuids"
    uuid_size = make_input(with_uuids, events // 4, 1, uuids=True)
    timed([*run, str(with_uuids)])
    ours = {engine: ours_on(engine, medians, seconds) for engine in ENGINES}
    return {
        "name": "flatten_events",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        },
        "input": {"events": events, **size, "data": "generated; see bench/flatten_events.py on how it repeats"},
        "ours": ours["local"],
        "ours_on_spark": ours["spark"],
        "peers": {
            variant: {
                "seconds": medians[variant],
                "ratio": round(ours["local"]["seconds"] / medians[variant], 2),
                "ratio_on_spark": round(ours["spark"]["seconds"] / medians[variant], 2),
                "first_day_ratio": round(ours["local"]["first_day_seconds"] / medians[variant], 2),
                "all": seconds[variant],
            }
            for variant in peers
        },
        "space": {
            "parquet_bytes": parquet,
            "saved": round(1 - parquet / size["gzip_bytes"], 3),
            "saved_with_uuids": round(1 - parquet_bytes(with_uuids) / uuid_size["gzip_bytes"], 3),
        },
        "query": {
            engine: {f"{kind}_seconds": round(seconds, 3) for kind, seconds in by_format.items()}
            | {"times_faster": round(by_format["json"] / by_format["parquet"], 1)}
            for engine, by_format in queries.items()
        },
        "growth": growth,
    }


def ours_on(engine: str, medians: dict[str, float], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Return the results of our job on an engine: a day with a known schema, and the first day."""
    first, known = (f"{engine}_{day}" for day in DAYS)
    return {
        "engine": engine,
        "seconds": medians[known],
        "first_day_seconds": medians[first],
        "all": seconds[known],
        "all_first_days": seconds[first],
    }


def query(program: str, sources: dict[str, Path]) -> dict[str, float]:
    """Run a query several times over each source, in a process each; return the best seconds. Results must agree."""
    outputs: dict[str, list[str]] = {}
    for kind, source in sources.items():
        command = [sys.executable, "-c", program, kind, str(source)]
        done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
        outputs[kind] = done.stdout.split()
    if outputs["json"][1:] != outputs["parquet"][1:]:
        raise SystemExit(f"the results of the query differ: {outputs}")
    return {kind: float(seconds) for kind, (seconds, *_) in outputs.items()}


def parquet_bytes(lake: Path) -> int:
    """Return the total size of a lake's Parquet files."""
    return sum(file.stat().st_size for file in lake.glob("refined/**/*.parquet"))


def next_day(lake: Path, by: int) -> None:
    """Move the events to the next day, or back."""
    for topic in (lake / "raw/topics").iterdir():
        month = topic / "year=2026/month=08"
        (day,) = month.iterdir()
        day.rename(month / f"day=0{int(day.name[-1]) + by}")


def timed(command: list[str]) -> float:
    """Run a command in a separate process, and return the seconds."""
    began = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return round(time.monotonic() - began, 2)


if __name__ == "__main__":
    main()
