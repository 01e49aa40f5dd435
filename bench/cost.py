"""Measure the scenarios of docs/cost.md on this machine, and price them with conf/prices.yaml.

``python bench/cost.py`` takes about three minutes: a small daily CSV file on both engines; the scrub by timer against
hourly passes; messages one by one against packed ones. Prices of services that lakewright does not price are below.
"""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.csv_to_parquet import COLUMNS  # noqa: E402 - needs the path set above
from bench.growth.measure import Cost, jobs_command, measure  # noqa: E402
from bench.growth.subject import write_feed  # noqa: E402
from bench.json_scrub import BUCKET, s3_server, text_of  # noqa: E402
from lakewright.config_files import Conf  # noqa: E402
from lakewright.costs.prices import Prices  # noqa: E402
from lakewright.costs.pricing import price_requests, price_time  # noqa: E402
from lakewright.measuring.meters import metered  # noqa: E402
from lakewright.measuring.runtime import Runtime  # noqa: E402

RESULTS: Final = ROOT / "bench/results/cost.json"
RUNS: Final = 3
DAYS: Final = 30

CSV_BYTES: Final = 10_000_000
SPARK: Final = Runtime("glue", "G.1X", 2)
#: A function with two CPUs, as this machine has: 1,769 MB each.
LAMBDA: Final = Runtime("lambda", memory_mb=3538)

UPLOADS_A_DAY: Final = 1_000
UPLOAD_BYTES: Final = 100_000
SAMPLE: Final = 20
PASSES_A_DAY: Final = 24
PASS_OBJECTS: Final = (1_000, 6_000)
SCHEDULE: Final = Runtime("lambda", memory_mb=256)
SCRUB: Final = Runtime("lambda", memory_mb=1024)
#: DynamoDB on demand, us-east-1, read 2026-11-27: writes of items up to 1 KB. Deletion by time to live is free, and so
#: are reads of the stream by a Lambda.
MILLION_ITEMS: Final = Decimal("0.625")

MESSAGES: Final = 100_000_000
#: Amazon SNS, us-east-1, read 2026-11-27: each 64 KB of a message that is published are one request.
MILLION_PUBLISHES: Final = Decimal("0.50")
CHUNK: Final = 64 * 1024


def main() -> None:
    """Measure, print and write all scenarios."""
    prices = Prices.load(Conf(str(ROOT / "conf")))
    if prices is None:
        raise SystemExit("conf/prices.yaml is missing")
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count()},
        "prices": {"date": prices.date.isoformat(), "region": prices.region},
    }
    with tempfile.TemporaryDirectory() as folder:
        results["daily_csv"] = daily_csv(Path(folder) / "csv", prices)
        results["scrub"] = scrub(Path(folder) / "scrub", prices)
        results["messages"] = messages(example_records())
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def daily_csv(work: Path, prices: Prices) -> dict[str, Any]:
    """Price one CSV file a day on Glue with Spark, and on the local engine in a Lambda."""
    source = csv_file(work)
    costs = {engine: median_run(work, source, engine) for engine in ("local", "spark")}
    seconds = {engine: Decimal(str(cost.seconds)) for engine, cost in costs.items()}
    runs = {
        "glue_spark_2_g1x": (SPARK, seconds["spark"]),
        "lambda_3538_mb": (LAMBDA, seconds["local"]),
    }
    a_run = {name: amount_of(runtime, each, prices) for name, (runtime, each) in runs.items()}
    return {
        "bytes": source.stat().st_size,
        "measured": {
            engine: {"seconds": cost.seconds, "driver_mb": cost.driver_mb, "workers_mb": cost.workers_mb}
            for engine, cost in costs.items()
        },
        "usd_a_run": {name: float(round(amount, 8)) for name, amount in a_run.items()},
        "usd_a_year": {name: float(round(amount * 365, 4)) for name, amount in a_run.items()},
    }


def csv_file(work: Path) -> Path:
    """Write the beginning of TPC-H lineitem as a CSV file."""
    generator = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([generator, "csv", "-s", "0.1", "--tables", "lineitem", "-o", work], check=True)
    path = work / "day.csv"
    with (work / "lineitem.csv").open("rb") as lines:
        path.write_bytes(b"".join(lines.readlines(CSV_BYTES)))
    return path


def median_run(work: Path, source: Path, engine: str) -> Cost:
    """Run a feed on an empty lake with one object, some times, and return the run of median length."""
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/lineitem/", "columns": COLUMNS},
        "target": {"path": "refined/lineitem/"},
    }
    costs = []
    for _ in range(RUNS):
        shutil.rmtree(work / "lake", ignore_errors=True)
        write_feed(work, "lineitem", feed)
        (work / "lake/raw/lineitem").mkdir(parents=True)
        shutil.copy(source, work / "lake/raw/lineitem")
        options = ("--engine", engine, "--lake", str(work / "lake"), "--config", str(work / "conf"))
        costs.append(measure(jobs_command("run", "lineitem", *options), cwd=ROOT))
    return sorted(costs)[RUNS // 2]


def scrub(work: Path, prices: Prices) -> dict[str, Any]:
    """Price a day of uploads: each by the timer; hourly runs over what is new; hourly passes over all of 30 days."""
    scrubs = {"job": "json_scrub", "source": {"path": "dataset/"}, "scrub": {"fields": ["file_contents"]}}
    write_feed(work, "uploads", scrubs)
    timer = measure_timer(work)
    full = {objects: pass_seconds(work, objects) for objects in PASS_OBJECTS}
    (few, short), (many, long) = full.items()
    per_object = max((long - short) / (many - few), 0.0)
    kept = UPLOADS_A_DAY * DAYS
    pass_of_all = Decimal(str(round(long + (kept - many) * per_object, 2)))
    invocations = sum(
        amount_of(runtime, Decimal(str(timer[f"{name}_seconds"])), prices)
        for name, runtime in (("schedule", SCHEDULE), ("scrub", SCRUB))
    )
    requests = price_of(timer["requests"], prices)
    one_read = price_of({"GetObject": 1}, prices)
    by_timer = UPLOADS_A_DAY * (invocations + requests + MILLION_ITEMS / 1_000_000)
    new_only = PASSES_A_DAY * amount_of(SPARK, Decimal(0), prices) + UPLOADS_A_DAY * requests
    full_pass = PASSES_A_DAY * (amount_of(SPARK, pass_of_all, prices) + kept * one_read) + UPLOADS_A_DAY * requests
    return {
        "uploads_a_day": UPLOADS_A_DAY,
        "bytes_an_upload": UPLOAD_BYTES,
        "days_kept": DAYS,
        "measured": {
            **timer,
            "full_pass_seconds": {str(objects): seconds for objects, seconds in full.items()},
            "full_pass_seconds_of_all": float(pass_of_all),
        },
        "usd_a_day": {
            "timer": float(round(by_timer, 5)),
            "hourly_run_over_new_objects": float(round(new_only, 5)),
            "hourly_pass_over_all_objects": float(round(full_pass, 5)),
        },
        "timer_is_cheaper_by": {
            "than_hourly_run_over_new_objects": float(round(1 - by_timer / new_only, 3)),
            "than_hourly_pass_over_all_objects": float(round(1 - by_timer / full_pass, 3)),
        },
        "uploads_a_day_at_which_hourly_runs_cost_the_same": round(
            PASSES_A_DAY * amount_of(SPARK, Decimal(0), prices) / (by_timer / UPLOADS_A_DAY - requests)
        ),
    }


def measure_timer(work: Path) -> dict[str, Any]:
    """Pass uploads to both handlers of the timer, and count their requests to S3."""
    import boto3

    with s3_server(work):
        s3 = boto3.client("s3")
        dynamodb = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="objects-to-process",
            KeySchema=[{"AttributeName": "path", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "path", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        body = text_of(4096, UPLOAD_BYTES)
        keys = [f"dataset/{number}.json" for number in range(SAMPLE)]
        for key in keys:
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        schedule, expire = handlers(work)
        with metered() as meter:
            scheduled = [timed(lambda key=key: schedule(created(key, len(body)))) for key in keys]
            scrubbed = [timed(lambda key=key: expire(expired(key))) for key in keys]
    return {
        "schedule_seconds": round(statistics.median(scheduled), 4),
        "scrub_seconds": round(statistics.median(scrubbed), 4),
        "requests": {operation: round(count / SAMPLE) for operation, count in sorted(meter.requests.items())},
    }


def handlers(work: Path) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return the two handlers of the timer, as their Lambdas call them."""
    from jobs.feeds.json_scrub import JsonScrubFeed
    from lakewright.config_files import FeedDocument
    from lakewright.json.scrub_timer import ScrubJob, schedule_scrubs, scrub_expired

    conf, lake = str(work / "conf"), f"s3://{BUCKET}"
    feed = FeedDocument(Conf(conf), "uploads").parse(JsonScrubFeed)
    job = ScrubJob("json_scrub", "uploads", lake, conf, source=feed.source_uri(lake))
    return (
        lambda event: schedule_scrubs(event, table="objects-to-process", delay_seconds=300),
        lambda event: scrub_expired(event, rules=feed.rules(), largest_bytes=1 << 26, job=job),
    )


def created(key: str, size: int) -> dict[str, Any]:
    """Return S3's event of an upload."""
    written = {"bucket": {"name": BUCKET}, "object": {"key": key, "size": size}}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": written}]}


def expired(key: str) -> dict[str, Any]:
    """Return DynamoDB's event of an expired item."""
    change = {"SequenceNumber": "1", "Keys": {"path": {"S": f"s3://{BUCKET}/{key}"}}}
    by = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return {"Records": [{"eventName": "REMOVE", "userIdentity": by, "dynamodb": change}]}


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that work takes; a result that names failures ends the benchmark."""
    began = time.monotonic()
    result = work()
    if isinstance(result, dict) and result["batchItemFailures"]:
        raise SystemExit("an object was not scrubbed")
    return time.monotonic() - began


def pass_seconds(work: Path, objects: int) -> float:
    """Return the seconds of a pass of Spark over all objects of a local folder."""
    shutil.rmtree(work / "lake", ignore_errors=True)
    folder = work / "lake/dataset"
    folder.mkdir(parents=True)
    body = text_of(4096, UPLOAD_BYTES)
    for number in range(objects):
        (folder / f"{number}.json").write_bytes(body)
    options = ("--engine", "spark", "--lake", str(work / "lake"), "--config", str(work / "conf"))
    return measure(jobs_command("rebuild", "uploads", *options), cwd=ROOT).seconds


def messages(records: Iterable[bytes]) -> dict[str, Any]:
    """Price messages sent one by one, and packed as JSON lines up to 64 KB: of 1,024 bytes, and the records given."""
    real = list(records)
    claimed = [b"x" * 1024] * 10_000
    return {
        "messages": MESSAGES,
        "of_1024_bytes": price_messages(claimed),
        "records_of_the_examples": {
            "records": len(real),
            "mean_bytes": round(statistics.mean(map(len, real))),
            **price_messages(real),
        },
    }


def price_messages(records: list[bytes]) -> dict[str, Any]:
    """Price 100 million messages like the records."""
    one_by_one = sum(-(-len(record) // CHUNK) for record in records)
    packed = sum(-(-size // CHUNK) for size in packed_sizes(records))
    return {
        "usd": {
            name: float(round(Decimal(publishes) * MESSAGES / len(records) * MILLION_PUBLISHES / 1_000_000, 2))
            for name, publishes in (("one_by_one", one_by_one), ("packed", packed))
        },
        "records_a_message": round(len(records) / packed, 1),
    }


def packed_sizes(records: Iterable[bytes]) -> Iterator[int]:
    """Yield the sizes of messages of JSON lines up to 64 KB; a longer record is a message of its own."""
    size = 0
    for record in records:
        line = len(record) + 1
        if size and size + line > CHUNK + 1:  # the last line needs no line feed
            yield size - 1
            size = 0
        size += line
    if size:
        yield size - 1


def example_records() -> Iterator[bytes]:
    """Yield the records of the example's events."""
    for path in sorted((ROOT / "examples/raw/topics").rglob("*.gz")):
        yield from gzip.decompress(path.read_bytes()).splitlines()


def amount_of(runtime: Runtime, seconds: Decimal, prices: Prices) -> Decimal:
    """Return the price of the time of a run."""
    return sum((item.amount for item in price_time(runtime, "", seconds, prices).items), Decimal(0))


def price_of(requests: Mapping[str, int], prices: Prices) -> Decimal:
    """Return the price of requests to S3."""
    return sum((item.amount for item in price_requests(requests, prices)), Decimal(0))


if __name__ == "__main__":
    main()
