"""The demo: real input from ``examples/raw`` through every job into ``./lake``, and what came out of it."""

import gzip
import json
import logging
import shutil
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pyspark.sql import DataFrame  # noqa: E402 - a script in a folder finds the project beside it only now
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from rich.text import Text  # noqa: E402

from jobs.cli import screen  # noqa: E402
from jobs.cli.registry import load_feed  # noqa: E402
from lakewright.config import Conf  # noqa: E402
from lakewright.engine.spark.session import get_session  # noqa: E402
from lakewright.log.log import Log  # noqa: E402
from lakewright.runs.job import Request  # noqa: E402
from lakewright.runs.lifecycle import Run, run_targets  # noqa: E402
from lakewright.runs.progress import closing_progress, make_progress  # noqa: E402
from lakewright.runs.receipts import Receipt  # noqa: E402
from lakewright.runs.views import schema_overview  # noqa: E402
from lakewright.storage.uris import open_lake  # noqa: E402

LAKE: Final = ROOT / "lake"
FEEDS: Final = ("birdstrikes", "customers", "retail_sales")
#: Feeds of change data: what they load lies in ``examples/raw``, what changes afterwards in ``examples/later``.
CHANGING: Final = ("human_resources", "dev")
SHOWN_ROWS: Final = 8
SHOWN_COLUMNS: Final = 6
console = Console()


def main() -> int:
    """Run the demo; the exit code is that of its worst run."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    for zone in ("raw", "landing"):
        if not (LAKE / zone).exists():
            shutil.copytree(ROOT / "examples" / zone, LAKE / zone)
    receipts = [receipt for feed in FEEDS for receipt in run(feed)]
    receipts += scrub("uploads", "landing/uploads/notes.json")
    receipts += events("events", "raw/topics/geo.quakes/partition=0/geo.quakes+0+0000000854.json.gz")
    receipts += [receipt for feed in CHANGING for receipt in change(feed)]
    console.rule("the commands to go on with")
    for line in (
        "lakewright plan customers          what a run would do",
        "lakewright run customers           nothing new: a second run changes nothing",
        "lakewright rebuild customers       the same table, from all sources again",
        "lakewright status customers        last batch, what is waiting, what is in quarantine",
        "lakewright receipt customers       the last receipt (--json for all of it)",
        "lakewright schema events           which columns events have, and since when",
        "lakewright compact dev             the log files of a merge-on-read table become base files",
        "lakewright check                   are the feeds in conf/feeds right?",
        "make clean                         remove the demo's lake",
    ):
        console.print(line.replace("lakewright", ".venv/bin/python -m jobs", 1), soft_wrap=True, highlight=False)
    return max(receipt.exit_code for receipt in receipts)


def run(feed_name: str) -> list[Receipt]:
    """Run one feed, and show its table, its quarantine and its receipt."""
    console.rule(f"{feed_name}: lakewright run {feed_name}")
    lake = open_lake(str(LAKE))
    receipts = []
    for job in load_feed(Conf(str(ROOT / "conf")), feed_name).targets(lake, []):
        with closing_progress(make_progress()) as progress:
            receipts.append(Run(lake, job, Request(), progress)())
        spark = get_session()
        state, _ = Log(lake, job.target.state_folder).read()
        table = spark.read.option("mergeSchema", True).parquet(lake.spark_uri(job.target.path))
        show_rows(f"{job.target.path} holds", table.select(sorted(table.columns, key=lambda name: name[0] == "_")))
        if state.quarantine:
            rejected = spark.read.parquet(*(lake.spark_uri(path) for path in state.quarantine))
            told = rejected.selectExpr(
                "transform(reasons, r -> concat_ws(': ', r.column, r.rule)) reasons",
                "text",
                "to_json(fields) fields",
                "object",
            )
            show_rows(f"{job.target.quarantine_folder} holds", told)
    screen.show_receipts([receipt.dump() for receipt in receipts])
    return receipts


def scrub(feed_name: str, path: str) -> list[Receipt]:
    """Run a scrub, and show what has become of the bytes of one object."""
    console.rule(f"{feed_name}: lakewright run {feed_name}")
    lake = open_lake(str(LAKE))
    with closing_progress(make_progress()) as progress:
        receipts = run_targets(
            lake, load_feed(Conf(str(ROOT / "conf")), feed_name).targets(lake, []), Request(), progress
        )
    before, after = ((root / path).read_bytes().decode() for root in (ROOT / "examples", LAKE))
    told = Text(f"{path}: ").append("[-bytes that are gone-]", "red").append(" {+bytes that are new+}", "green")
    told.append(", all others as they were\n")
    for kind, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            told.append(visible(before[start:end]))
            continue
        told.append(f"[-{visible(before[start:end])}-]" if start < end else "", "red")
        told.append(f"{{+{visible(after[new_start:new_end])}+}}" if new_start < new_end else "", "green")
    console.print(told, soft_wrap=True)
    screen.show_receipts([receipt.dump() for receipt in receipts])
    return receipts


def events(feed_name: str, path: str) -> list[Receipt]:
    """Flatten events; let one with a new attribute arrive, and show how the schema has come about."""
    receipts = run(feed_name)
    console.rule(f"{feed_name}: an event with a new attribute arrives at {path}")
    event = {"event": "quake", "event_id": "demo", "ts": 1517966800000, "feature": {"properties": {"mag": 2.5}}}
    event["observer"] = {"name": "a reader of the demo", "stations": ["here", "there"]}
    (LAKE / path).write_bytes(gzip.compress(json.dumps(event).encode() + b"\n", mtime=0))
    receipts += run(feed_name)
    console.rule(f"{feed_name}: lakewright schema {feed_name}")
    lake = open_lake(str(LAKE))
    jobs = load_feed(Conf(str(ROOT / "conf")), feed_name).targets(lake, [])
    screen.show_schemas([schema_overview(lake, job) for job in jobs])
    return receipts


def visible(text: str) -> str:
    """Show the line ends too."""
    return text.replace("\r", "␍").replace("\n", "␊\n")


def change(feed_name: str) -> list[Receipt]:
    """Load the tables of a feed, let their changes arrive, run again; show the tables before and after."""
    receipts = []
    for title, source in (("loaded", "raw"), ("after the changes", "later")):
        console.rule(f"{feed_name}: lakewright run {feed_name} ({title})")
        shutil.copytree(ROOT / "examples" / source / feed_name, LAKE / "raw" / feed_name, dirs_exist_ok=True)
        lake = open_lake(str(LAKE))
        jobs = load_feed(Conf(str(ROOT / "conf")), feed_name).targets(lake, [])
        with closing_progress(make_progress()) as progress:
            receipts += run_targets(lake, jobs, Request(), progress)
        for job in jobs:
            rows = get_session().read.format("hudi").load(lake.spark_uri(job.target.path))
            own = [name for name in rows.columns if not name.startswith("_")]
            show_rows(f"{job.target.path} holds", rows.select(own).orderBy(own[0]), most=len(own), rows_shown=20)
    screen.show_receipts([receipts[-1].dump()])
    return receipts


def show_rows(title: str, rows: DataFrame, *, most: int = SHOWN_COLUMNS, rows_shown: int = SHOWN_ROWS) -> None:
    """Show the first rows of a frame."""
    columns = rows.columns[:most]
    more = f", {len(rows.columns) - most} more columns" if len(rows.columns) > most else ""
    table = Table(*columns, title=f"{title} {rows.count()} rows{more}", title_justify="left")
    for row in rows.select(*columns).limit(rows_shown).collect():
        table.add_row(*("null" if value is None else str(value).replace("[", r"\[") for value in row))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
