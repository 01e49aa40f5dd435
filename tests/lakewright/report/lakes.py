"""Lakes for reports: feeds in every health, made of a few real runs, and of receipts as runs leave them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import yaml

from lakewright.log.log import FORMAT, Append, Log, Plan
from lakewright.log.records import Counts, SourceObject
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.runs.lease import Lease
from lakewright.runs.receipts.receipt import Receipt
from lakewright.storage.local import LocalLake
from tests.conftest import command

GOOD, REJECTED = "id,name\n1,a\n2,b\n", "id,name\nx,a\n3,c\n"
PRICES = Path(__file__).parents[3] / "conf/prices.yaml"


@dataclass
class ReportedLake:
    """A lake and its config folder."""

    root: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    made: int = 0

    def __post_init__(self) -> None:
        self.lake.mkdir(exist_ok=True)
        (self.conf / "feeds").mkdir(parents=True, exist_ok=True)

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def conf(self) -> Path:
        return self.root / "conf"

    def price(self) -> None:
        (self.conf / "prices.yaml").write_bytes(PRICES.read_bytes())

    def feed(self, name: str, **changes: Any) -> None:
        """Write a feed with a table of the same name."""
        self.made += 1
        feed = {
            "job": "csv_to_parquet",
            "source": {"path": f"raw/{self.made}/", "columns": {"id": "long", "name": "string"}},
            "target": {"path": f"refined/{self.made}/{name}/", "fill": "append"},
        }
        (self.conf / f"feeds/{name}.yaml").write_text(yaml.safe_dump(feed | changes))

    def put(self, text: str = GOOD, *, name: str = "a.csv") -> None:
        """Put an object into the source of the last feed."""
        file = self.lake / f"raw/{self.made}/{name}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, feed: str) -> int:
        return command("run", feed, "--lake", str(self.lake), "--config", str(self.conf)).exit_code

    def receipt(self, feed: str, ago: timedelta, *, target: str = "", **fields: Any) -> str:
        """Write the receipt of a run that began some time ago, and return the run's ID."""
        began = self.now - ago
        self.made += 1
        run = f"{began:%Y%m%dT%H%M%S%f}Z-{self.made:08x}"
        receipt = Receipt(
            run=run,
            feed=feed,
            target=target or feed,
            verb="run",
            started=began.isoformat(),
            **{
                "job": "csv_to_parquet",
                "finished": (began + timedelta(seconds=40)).isoformat(),
                "status": "committed",
                "counts": Counts(read=1_000, written=990, rejected=10),
                "usage": Usage(seconds=40.0, requests={"GetObject": 120, "PutObject": 30}),
                "runtime": Runtime(platform="glue", worker_type="G.1X", workers=2),
                "process": run,
                **fields,
            },
        )
        path = self.lake / f"state/{feed}/{target or feed}/receipts/{run}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(receipt))
        return run

    def failed(self, feed: str, ago: timedelta, **fields: Any) -> str:
        problem = "s3://erp-exports/daily/ could not be reached: connection refused; run again once it answers"
        failure = {"status": "failed", "exit_code": 5, "error": problem, "counts": Counts()}
        return self.receipt(feed, ago, **(failure | fields))

    def plan(self, feed: str, ago: timedelta, number: int = 1) -> None:
        """Open a batch, as a killed run leaves it."""
        began = self.now - ago
        run = f"{began:%Y%m%dT%H%M%S%f}Z-0000dead"
        objects = [SourceObject(path=f"raw/{self.made}/a.csv", size=21, etag="e")]
        plan = Plan(FORMAT, number, run, "csv_to_parquet", f"{began:%Y-%m-%d}", "c", objects, Append())
        Log(self.storage, f"state/{feed}/{feed}/").write_plan(plan)

    @property
    def storage(self) -> LocalLake:
        return LocalLake(str(self.lake))

    def lease(self, feed: str) -> Lease:
        return Lease(self.storage, f"state/{feed}/{feed}/", run="20261127T101500000000Z-0000beef", seconds=60)

    def report(self, *arguments: str) -> Any:
        """Return the answer of ``report --json``."""
        return command("report", *arguments, "--json", "--lake", str(self.lake), "--config", str(self.conf))


def fill_with_every_health(lake: ReportedLake) -> None:
    """Make a feed of every health, and names that must stay text."""
    lake.price()
    hour, day = timedelta(hours=1), timedelta(days=1)
    lake.feed("orders", description="Orders of the web shop, every four hours.")
    lake.put()
    for number in range(40, 0, -1):
        lake.receipt("orders", number * 4 * hour, counts=Counts(read=900 * number, written=900 * number))
    lake.run("orders")

    lake.feed("invoices")
    lake.put()
    lake.receipt("invoices", 2 * day)
    for number in (3, 2, 1):
        lake.failed("invoices", number * hour)

    lake.feed("customers")
    lake.put(REJECTED)
    lake.run("customers")

    lake.feed("shipments")
    lake.put()
    lake.plan("shipments", 5 * hour)

    lake.feed("stock_levels")
    lake.put()
    for number in range(6):
        lake.receipt("stock_levels", 2 * day + number * hour)

    lake.feed("returns")
    lake.put()
    lake.feed("visits")

    lake.feed("sensors", max_rejected=1.0)
    lake.put(REJECTED)
    lake.run("sensors")

    lake.feed("ledger")
    log = lake.lake / "state/ledger/ledger/log/000000001.outcome.json"
    log.parent.mkdir(parents=True)
    log.write_text('{"format": 1, "num')

    lake.feed("payments")
    lake.put()
    (lake.conf / "feeds/suppliers.yaml").write_text("job: csv_to_parquet\nsauce: {}\n")
    lake.receipt("former_feed", 20 * day)

    lake.feed("<img src=x onerror=alert(1)>")
    lake.failed("<img src=x onerror=alert(1)>", hour, error="<script>alert('no')</script> \u202e gnihtemos")
    lake.feed("long" * 50)
    damaged = lake.receipt("long" * 50, hour)
    path = lake.lake / f"state/{'long' * 50}/{'long' * 50}/receipts/{damaged}.json"
    path.write_bytes(path.read_bytes()[:200])
