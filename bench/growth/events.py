"""How the cost of ``flatten_events`` grows: files that are settled, days, and small objects of wide events.

Each case runs at several sizes, each run in a separate process and lake; ``--code`` names another checkout to compare
with. ``python -m bench.growth.events days``
"""

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bench.growth.measured import Measured, measure

ROOT: Final = Path(__file__).parents[2]
RECORDS: Final = 60_000
ATTRIBUTES: Final = 2_900
FIRST_DAY: Final = datetime(2016, 1, 1, tzinfo=UTC)

SETTLE: Final = """
import sys, time
from bench.growth.settled_files import seconds_to_settle
print(seconds_to_settle(int(sys.argv[1])))
"""


class Case(NamedTuple):
    """A lake's objects: how many, how many records each, and over how many days."""

    name: str
    objects: int
    records: int
    days: int = 1
    attributes: int = 0


CASES: Final = {
    "days": [Case(f"{days} days", 6, RECORDS // 6, days) for days in (10, 400, 1600, 3650)],
    "wide": [
        Case("100 objects of 10 lines", 100, 10, attributes=ATTRIBUTES),
        *(Case(f"{objects} objects of 1 line", objects, 1, attributes=ATTRIBUTES) for objects in (63, 250, 1000)),
    ],
}


def main() -> None:
    """Measure the cases named on the command line, and print a row for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="+", choices=CASES)
    parser.add_argument("--code", type=Path, default=ROOT)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    for case in (case for name in options.cases for case in CASES[name] if options.only in case.name):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            size = make_lake(work, case)
            for run in ("first", "known schema"):
                measured = run_feed(work, options.code)
                row = {"case": case.name, "run": run, "mb": size >> 20, **measured._asdict(), **state_of(work)}
                print(json.dumps(row), flush=True)
                if run == "first":
                    shift(work)


def make_lake(work: Path, case: Case) -> int:
    """Write a feed and the objects of a case; return their size."""
    feed: dict[str, Any] = {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}}
    if not case.attributes:
        feed["source"] |= {"day": {"from": "field", "field": "ts"}, "timestamps": {"ts": "epoch_millis"}}
    (work / "conf/feeds").mkdir(parents=True)
    (work / "conf/feeds/events.yaml").write_text(yaml.safe_dump(feed))
    folder = work / "lake/raw/topics/t/year=2026/month=08/day=01"
    folder.mkdir(parents=True)
    size = 0
    for number in range(case.objects):
        first = number * case.records
        numbers = range(first, first + case.records)
        text = "".join(json.dumps(_event(each, case), separators=(",", ":")) + "\n" for each in numbers)
        (folder / f"t+0+{first:010}.json").write_text(text)
        size += len(text)
    return size


def _event(number: int, case: Case) -> dict[str, Any]:
    if case.attributes:
        return {f"a{place:04}": _value(number, place) for place in range(case.attributes)}
    ts = FIRST_DAY + timedelta(days=number % case.days, seconds=number % 86_400)
    return {
        "ts": int(ts.timestamp() * 1000),
        "id": number,
        "user": {"id": number * 31 % 20_000, "country": "DE", "city": f"city {number % 500}"},
        "product": {"id": number % 5000, "price": number % 90 + 0.5, "title": f"a soft red thing {number % 5000}"},
        "agent": "Shop/4.1 (iPhone; iOS 17.2) Mobile/15E148",
    }


def _value(number: int, place: int) -> float | str:
    return (number * 7 + place, f"text {number % 50}", number % 90 + 0.25)[place % 3]


def run_feed(work: Path, code: Path) -> Measured:
    """Run the feed in a separate process."""
    where = ("--lake", str(work / "lake"), "--config", str(work / "conf"))
    return measure([sys.executable, "-m", "jobs", "run", "events", "--engine", "local", *where], cwd=code)


def state_of(work: Path) -> dict[str, int]:
    """Return the number of the table's files, their bytes, and the bytes of the log."""
    files = list(work.glob("lake/refined/**/*.parquet"))
    log = [file for file in work.glob("lake/state/**/log/*") if file.is_file()]
    return {
        "files": len(files),
        "table_kb": sum(file.stat().st_size for file in files) >> 10,
        "log_kb": sum(file.stat().st_size for file in log) >> 10,
    }


def shift(work: Path) -> None:
    """Replace the objects by the same ones of later offsets and another folder, so that the schema is known."""
    folder = work / "lake/raw/topics/t/year=2026/month=08"
    (folder / "day=01").rename(folder / "day=02")


if __name__ == "__main__":
    main()
