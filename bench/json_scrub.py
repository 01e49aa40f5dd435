"""Benchmark json_scrub against the usual Lambda loop: read all, json.loads, blank, json.dumps, put.

First only the text function, for records of three sizes; then whole runs in separate processes, over a folder and over
a local S3 server, with a few large objects and with many small ones. Our job and the loop alternate.
``python bench/json_scrub.py``; the S3 server dominates the times of runs that use it.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
import yaml

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from transforms.json.text import scrubber  # noqa: E402 - needs the path set above

RESULTS: Final = ROOT / "bench" / "results"
RUNS: Final = 3
FIELD: Final = "file_contents"
BUCKET: Final = "bench"
ENGINE: Final = "local"
RECORD_BYTES: Final = {"100_bytes": 100, "4_kb": 4 << 10, "1_mb": 1 << 20}
TEXT_BYTES: Final = 48 << 20
LARGE_OBJECTS: Final = 8
LARGE_BYTES: Final = {"local": 192 << 20, "s3": 48 << 20}
LINES_OF_A_SMALL_OBJECT: Final = 5

LOOP_LOCAL: Final = """
import json, sys
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("landing/uploads/*")):
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    for record in records:
        record["file_contents"] = ""
    path.write_text("".join(json.dumps(record) + "\\n" for record in records))
"""

LOOP_S3: Final = """
import json, boto3
s3 = boto3.client("s3")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bench", Prefix="landing/uploads/"):
    for entry in page["Contents"]:
        key = {"Bucket": "bench", "Key": entry["Key"]}
        if any(tag["Key"] == "PROCESSED" for tag in s3.get_object_tagging(**key)["TagSet"]):
            continue
        records = [json.loads(line) for line in s3.get_object(**key)["Body"].read().splitlines()]
        for record in records:
            record["file_contents"] = ""
        s3.put_object(**key, Body="".join(json.dumps(record) + "\\n" for record in records).encode())
        s3.put_object_tagging(**key, Tagging={"TagSet": [{"Key": "PROCESSED", "Value": "True"}]})
"""

COUNTING_SERVER: Final = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app = DomainDispatcherApplication(create_backend_app)
count = 0
def counting(environ, start_response):
    global count
    if environ["PATH_INFO"] == "/count":
        start_response("200 OK", [])
        return [str(count).encode()]
    count += "/landing/uploads/" in environ["PATH_INFO"]
    return app(environ, start_response)
run_simple("127.0.0.1", int(sys.argv[1]), counting, threaded=True)
"""


def main() -> None:
    """Run the benchmarks, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000, help="number of small objects")
    small = parser.parse_args().objects
    write(
        "json_scrub", {"record_bytes": RECORD_BYTES["4_kb"], "bytes": TEXT_BYTES}, *measure_text(RECORD_BYTES["4_kb"])
    )
    for name in ("100_bytes", "1_mb"):
        results = measure_text(RECORD_BYTES[name])
        write(f"json_scrub_{name}", {"record_bytes": RECORD_BYTES[name], "bytes": TEXT_BYTES}, *results)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        large, source = large_objects(LARGE_BYTES["local"])
        write("json_scrub_local", source, *measure_runs(work, lambda: fill_folder(work, large), local_commands(work)))
        with s3_server(work) as count:
            large, source = large_objects(LARGE_BYTES["s3"])
            write("json_scrub_s3", source, *measure_runs(work, lambda: fill_bucket(large), s3_commands(work)))
            body = text_of(RECORD_BYTES["100_bytes"], LINES_OF_A_SMALL_OBJECT * RECORD_BYTES["100_bytes"])
            many = {f"{number:06}.json": body for number in range(small)}
            before = count()
            results = measure_runs(work, lambda: fill_bucket(many), s3_commands(work), count=count)
            source = {"objects": small, "bytes": small * len(body), "requests_an_object": requests(results, small)}
            source["requests_of_a_second_run"] = second_run(work, count)
            print(f"{count() - before} requests in total")
            write("json_scrub_small_objects", source, *results)


def measure_text(record_bytes: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Time the text function and that of the loop on the same lines, by turns, in this process."""
    lines = text_of(record_bytes, TEXT_BYTES).splitlines(keepends=True)
    scrub = scrubber((FIELD,)).scrub

    def ours() -> None:
        for line in lines:
            scrub(line)

    def loop() -> None:
        for line in lines:
            record = json.loads(line)
            record[FIELD] = ""
            json.dumps(record).encode()

    seconds: dict[str, list[float]] = {"ours": [], "lambda_loop": []}
    for _ in range(RUNS):
        for variant, work in (("ours", ours), ("lambda_loop", loop)):
            began = time.process_time()
            work()
            seconds[variant].append(round(time.process_time() - began, 3))
    size = sum(map(len, lines)) / 1e6
    return seconds, {"mb_per_second_and_core": {variant: round(size / min(s)) for variant, s in seconds.items()}}


def measure_runs(
    work: Path,
    fill: Callable[[], None],
    commands: dict[str, list[str]],
    *,
    count: Callable[[], int] | None = None,
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Time whole processes over the same objects, by turns."""
    seconds: dict[str, list[float]] = {variant: [] for variant in commands}
    requested: dict[str, int] = {}
    for _ in range(RUNS):
        for variant, command in reversed(commands.items()):  # ours last, so that a second run finds its result
            fill()
            shutil.rmtree(work / "lake/state", ignore_errors=True)
            before = count() if count else 0
            began = time.monotonic()
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
            seconds[variant].append(round(time.monotonic() - began, 2))
            requested[variant] = count() - before if count else 0
    return seconds, {"requests": requested} if count else {}


def requests(results: tuple[dict[str, list[float]], dict[str, Any]], objects: int) -> dict[str, float]:
    """Return the number of requests per object."""
    return {variant: round(number / objects, 2) for variant, number in results[1]["requests"].items()}


def second_run(work: Path, count: Callable[[], int]) -> int:
    """Count the requests of a run after all objects are done."""
    before = count()
    subprocess.run(s3_commands(work)["ours"], check=True, cwd=ROOT, capture_output=True)
    return count() - before


def text_of(record_bytes: int, size: int) -> bytes:
    """Generate JSON lines whose field has most of the bytes: prose with some quotes and line feeds."""
    rng = random.Random(record_bytes)  # noqa: S311 - the same text each time
    words = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(500)]

    def prose(length: int) -> str:
        text = ""
        while len(text) < length:
            text += " ".join(rng.choices(words, k=12)) + rng.choice([".\n", ".\n", '. "Yes."\n', ", é\n"])
        return text[:length]

    pool = []
    for number in range(20):
        record = {"id": number, "path": f"/data/{number}.txt", "meta": {"a": 1.5, "tags": ["x", "y"]}, FIELD: ""}
        record[FIELD] = prose(max(10, record_bytes - len(json.dumps(record)) - 1))
        pool.append(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    return b"".join(pool[number % len(pool)] for number in range(max(1, size // len(pool[0]))))


def large_objects(size: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Generate large objects, and return them with a description."""
    record_bytes = RECORD_BYTES["4_kb"]
    objects = {f"{number}.json": text_of(record_bytes, size) for number in range(LARGE_OBJECTS)}
    return objects, {"objects": LARGE_OBJECTS, "bytes": LARGE_OBJECTS * size, "record_bytes": record_bytes}


def fill_folder(work: Path, objects: dict[str, bytes]) -> None:
    """Write the objects to a local lake."""
    folder = work / "lake/landing/uploads"
    shutil.rmtree(work / "lake", ignore_errors=True)
    folder.mkdir(parents=True)
    for name, body in objects.items():
        (folder / name).write_bytes(body)


def fill_bucket(objects: dict[str, bytes]) -> None:
    """Replace the objects of the bucket."""
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.objects.all().delete()
    for name, body in objects.items():
        bucket.put_object(Key=f"landing/uploads/{name}", Body=body)


def local_commands(work: Path) -> dict[str, list[str]]:
    """Return the commands for the local folder."""
    return {
        "ours": ours(work, str(work / "lake")),
        "lambda_loop": [sys.executable, "-c", LOOP_LOCAL, str(work / "lake")],
    }


def s3_commands(work: Path) -> dict[str, list[str]]:
    """Return the commands for the bucket."""
    return {"ours": ours(work, f"s3://{BUCKET}"), "lambda_loop": [sys.executable, "-c", LOOP_S3]}


def ours(work: Path, lake: str) -> list[str]:
    """Return the command of our job."""
    feed = {"job": "json_scrub", "source": {"path": "landing/uploads/"}, "scrub": {"fields": [FIELD]}}
    (work / "conf/feeds").mkdir(parents=True, exist_ok=True)
    (work / "conf/feeds/uploads.yaml").write_text(yaml.safe_dump(feed))
    return [
        sys.executable,
        "-m",
        "jobs",
        "run",
        "uploads",
        "--engine",
        ENGINE,
        "--lake",
        lake,
        "--config",
        str(work / "conf"),
    ]


@contextmanager
def s3_server(work: Path) -> Iterator[Callable[[], int]]:
    """Run an S3 server on loopback that counts requests for objects."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = (work / "server.log").open("wb")
    server = subprocess.Popen([sys.executable, "-c", COUNTING_SERVER, str(port)], stdout=log, stderr=log)
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def count() -> int:
        with urllib.request.urlopen(f"{url}/count") as answer:  # noqa: S310 - our own server
            return int(answer.read())

    try:
        for _ in range(100):
            try:
                count()
                break
            except OSError:
                time.sleep(0.1)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield count
    finally:
        server.terminate()
        server.wait()
        log.close()


def write(name: str, source: dict[str, Any], seconds: dict[str, list[float]], more: dict[str, Any]) -> None:
    """Write and print the medians of one benchmark."""
    medians = {variant: statistics.median(each) for variant, each in seconds.items()}
    result = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        },
        "input": source,
        "ours": {"seconds": medians["ours"], "all": seconds["ours"], "engine": ENGINE},
        "peers": {
            variant: {"seconds": median, "ratio": round(medians["ours"] / median, 2), "all": seconds[variant]}
            for variant, median in medians.items()
            if variant != "ours"
        },
        **more,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"\n{name}: {source} {more}")
    for variant, median in medians.items():
        print(f"  {variant:20} {median:7.2f} s   ours is {medians['ours'] / median:.2f} times that")


if __name__ == "__main__":
    main()
