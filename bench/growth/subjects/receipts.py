"""Many runs of one table: what reports and status read of their receipts."""

import json
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.growth.measure import jobs_command
from bench.growth.results import ROOT
from bench.growth.subject import Step, Subject, write_feed

_FEED: Final[dict[str, Any]] = {
    "job": "csv_to_parquet",
    "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
    "target": {"path": "refined/people/"},
}
_SPAN: Final = timedelta(days=6)


def make(folder: Path, runs: int) -> None:
    """Run the job once, and write receipts like its own for runs in the six days before."""
    write_feed(folder, "people", _FEED)
    (folder / "lake/raw/people").mkdir(parents=True)
    (folder / "lake/raw/people/a.csv").write_text("id,name\n1,one\n")
    where = ("--lake", str(folder / "lake"), "--config", str(folder / "conf"))
    subprocess.run(jobs_command("run", "people", *where), cwd=ROOT, check=True, capture_output=True)
    receipts = folder / "lake/state/people/people/receipts"
    (first,) = receipts.iterdir()
    receipt = json.loads(first.read_text())
    for number in range(1, runs):
        began = datetime.now(UTC) - _SPAN * number / runs
        run = f"{began:%Y%m%dT%H%M%S%f}Z-{uuid.uuid4().hex[:8]}"
        times = {"started": began.isoformat(), "finished": (began + timedelta(seconds=1)).isoformat()}
        text = json.dumps(receipt | times | {"run": run, "process": uuid.uuid4().hex})
        (receipts / f"{run}.json").write_text(text)


SUBJECT: Final = Subject(
    title="receipts of one table",
    unit="receipts",
    base=625,
    make=make,
    steps=(
        Step("`report`", ("report", "--json")),
        Step("`status`", ("status", "people", "--json"), is_flat=True),
    ),
)
