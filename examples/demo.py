"""The demo: every job on real data and the worked examples, into ``./lake``, with the results.

Run as ``python examples/demo.py PART [LAKE]``: first the part ``core``, whose jobs need no Spark, then ``hudi``.
"""

import gzip
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import screen  # puts the project on the path
from rich.text import Text

from jobs.cli.screens.gates import gate_lines
from jobs.cli.screens.receipts import row_sum
from lakewright.log.log import Log
from lakewright.runs.job.request import Request
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake

LAKEWRIGHT: Final = ".venv/bin/python -m jobs"
SHOWN_ROWS: Final = 4
#: An event with attributes that no event had before.
NEW_EVENT: Final = {
    "event": "quake",
    "event_id": "demo",
    "ts": 1517966800000,
    "feature": {"properties": {"mag": 2.5}},
    "observer": {"name": "a reader of the demo"},
}


@dataclass(frozen=True)
class Shown:
    """A feed of the demo.

    Attributes:
        title: What the job does with it.
        zone: The source zone of the lake, delivered from the examples' folder of that name.
        later: Whether more files arrive after a first run, from the examples' folder ``later``.
        sample: Three lines of input.
        next: The command to try next.
    """

    feed: str
    title: str
    zone: str
    sample: Callable[[], Sequence[str]]
    next: str
    later: str = ""


def main(part: str, lake: Path) -> int:
    """Run a part of the demo; the exit code is 1 if a run fails."""
    for shown in DEMO[part]:
        screen.print_line(Text.assemble((shown.feed, "bold"), f"  {shown.title}"))
        for label, line in zip(("  in   ", *["       "] * 2), shown.sample(), strict=True):
            screen.print_line(label + line)
        screen.deliver(screen.EXAMPLES / shown.zone, lake / shown.zone)
        receipts = screen.run_feed(lake, shown.feed, Request())
        if shown.later:
            screen.deliver(screen.EXAMPLES / "later" / shown.later, lake / shown.zone)
            receipts += screen.run_feed(lake, shown.feed, Request())
        if shown.feed == "events":
            put_event(lake / shown.zone / "geo.quakes/partition=0/geo.quakes+0+0000000854.json.gz")
            receipts += screen.run_feed(lake, shown.feed, Request())
        show_table(lake, shown)
        for number, receipt in enumerate(receipts):
            screen.print_line(("  rows " if number == 0 else "  then ") + outcome(receipt))
        for gates in [batch["gates"] for receipt in receipts[:1] for batch in receipt.batches if "gates" in batch]:
            verdict, *unmet = gate_lines(gates).splitlines()
            screen.print_line(f"  gate {verdict}")
            for line in unmet:
                screen.print_line(f"       {line}")
        screen.print_line(Text.assemble("  next ", (f"{LAKEWRIGHT} {shown.next}", "cyan")))
        screen.console.print()
    if part != LAST_PART:
        return 0
    screen.print_line(
        Text.assemble("The source systems' own examples, checked row by row: ", ("make walkthrough", "cyan"))
    )
    screen.print_line(Text.assemble("A page of all feeds: ", (f"{LAKEWRIGHT} report --html lake/report.html", "cyan")))
    screen.print_line(
        Text.assemble("All commands: ", (f"{LAKEWRIGHT} --help", "cyan"), "; start again: ", ("make clean", "cyan"))
    )
    return 0


def show_table(lake: Path, shown: Shown) -> None:
    """Show the first rows of a feed's table, or of its scrubbed object."""
    if shown.feed == "uploads":
        lines = (lake / "dataset/notes.json").read_text().splitlines()
        screen.print_line("  out  dataset/notes.json, in place")
        for line in filter(None, lines):
            screen.print_line(f"       {line}")
        return
    opened, (job, *_) = screen.open_jobs(lake, shown.feed)
    read = read_hudi if job.feed.job == "cdc_to_hudi" else read_parquet
    table = read(opened, job.target.path)
    table = table.select([name for name in table.column_names if not name.startswith("_")])
    rows = table.sort_by(table.column_names[0]).slice(0, SHOWN_ROWS).to_pylist()
    state, _ = Log(opened, job.target.state_folder).read()
    quarantine = f"; rejected rows are in {job.target.quarantine_folder}" if state.quarantine else ""
    screen.print_line(f"  out  {job.target.path}: {len(rows)} of {table.num_rows} rows{quarantine}")
    screen.print_table(table.column_names, [list(row.values()) for row in rows])


def read_parquet(lake: Lake, path: str) -> pa.Table:
    """Read a Parquet table whose files may have different columns."""
    files = ds.dataset(f"{lake.uri}/{path}", partitioning="hive")
    schemas = [file.physical_schema for file in files.get_fragments()]
    return files.replace_schema(pa.unify_schemas([*schemas, files.schema])).to_table()


def read_hudi(lake: Lake, path: str) -> pa.Table:
    """Read a Hudi table."""
    from lakewright.engine.spark.session import get_session  # the other part runs where Spark is not installed

    table = get_session().read.format("hudi").load(lake.spark_uri(path))
    return pa.Table.from_pylist([row.asDict() for row in table.collect()])


def outcome(receipt: Receipt) -> str:
    """Format a run's row counts and learned columns."""
    counts = row_sum(receipt.dump()["counts"]) or "nothing new"
    learned = f"; {', '.join(receipt.schema_changes)}" if 0 < len(receipt.schema_changes) <= SHOWN_ROWS else ""
    return counts + learned


def put_event(path: Path) -> None:
    """Deliver an event with new attributes, unless an earlier demo did."""
    if not path.exists():
        path.write_bytes(gzip.compress(json.dumps(NEW_EVENT).encode() + b"\n", mtime=0))


def lines_of(path: str) -> Callable[[], Sequence[str]]:
    """Return the path of a text file and its first two lines."""

    def sample() -> Sequence[str]:
        first, second, *_ = (screen.EXAMPLES / path).read_text(encoding="utf-8-sig").splitlines()
        return path, first, second

    return sample


def events_of(folder: str) -> Callable[[], Sequence[str]]:
    """Return a folder of events, its number of objects, and one event."""

    def sample() -> Sequence[str]:
        paths = sorted((screen.EXAMPLES / folder).rglob("*.json.gz"))
        events = [line for path in paths for line in gzip.decompress(path.read_bytes()).splitlines()]
        return folder, f"{len(events)} events in {len(paths)} objects", events[0].decode()

    return sample


def changes_of(folder: str, later: str) -> Callable[[], Sequence[str]]:
    """Return the files of a replicated table with their row counts, and the first change."""

    def sample() -> Sequence[str]:
        (load,), (changes,) = ((screen.EXAMPLES / each).glob("*.parquet") for each in (folder, later))
        first: dict[str, Any] = pq.read_table(changes).to_pylist()[0]
        return (
            f"{folder}/{load.name}: {pq.read_metadata(load).num_rows} rows",
            f"{folder}/{changes.name}: {pq.read_metadata(changes).num_rows} changes",
            " ".join(str(value) for value in first.values()),
        )

    return sample


CORE: Final = (
    Shown(
        "birdstrikes",
        "csv_to_parquet: bird strikes as the FAA lists them",
        "raw/birdstrikes",
        lines_of("raw/birdstrikes/birdstrikes_20260801.csv"),
        "plan birdstrikes",
    ),
    Shown(
        "customers",
        "csv_to_parquet: a day's folder becomes that day of the table",
        "raw/customers",
        lines_of("raw/customers/year=2019/month=08/day=21/customers_20190821.csv"),
        "gates customers",
    ),
    Shown(
        "retail_sales",
        "csv_to_parquet: rows are appended to the day of their processing",
        "raw/retail_sales",
        lines_of("raw/retail_sales/retail_sales_1.csv"),
        "status retail_sales",
        later="retail_sales",
    ),
    Shown(
        "uploads",
        "json_scrub: objects lose their file_contents; every other byte stays",
        "dataset",
        lines_of("dataset/notes.json"),
        "receipt uploads",
    ),
    Shown(
        "events",
        "flatten_events: JSON from Kafka Connect becomes a flat table that learns its columns",
        "raw/topics",
        events_of("raw/topics/geo.quakes"),
        "schema events",
    ),
)
HUDI: Final = (
    Shown(
        "human_resources",
        "cdc_to_hudi: a load and its changes become a copy-on-write Hudi table",
        "raw/human_resources",
        changes_of("raw/human_resources/employee_details", "later/human_resources/employee_details"),
        "status human_resources",
        later="human_resources",
    ),
    Shown(
        "dev",
        "cdc_to_hudi: the same for retail transactions",
        "dmsdata/dev",
        changes_of("dmsdata/dev/retail_transactions", "later/dev/retail_transactions"),
        "rebuild dev",
        later="dev",
    ),
)
DEMO: Final = {"core": CORE, "hudi": HUDI}
LAST_PART: Final = "hudi"


if __name__ == "__main__":
    part, *root = sys.argv[1:]
    try:
        with screen.failures_shown():
            sys.exit(main(part, Path(*root) if root else screen.ROOT / "lake"))
    except screen.FailedRunError as error:
        sys.exit(f"error: {error}")
