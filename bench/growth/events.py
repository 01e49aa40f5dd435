"""Lakes of events: few bytes over many days, and small objects of wide events."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.growth.subject import write_feed

RECORDS: Final = 60_000
ATTRIBUTES: Final = 2_900
FIRST_DAY: Final = datetime(2016, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """A lake's objects: how many, how many records each, and over how many days."""

    objects: int
    records: int
    days: int = 1
    attributes: int = 0


def make_lake(work: Path, case: Case) -> None:
    """Write a feed and the objects of a case."""
    feed: dict[str, Any] = {"job": "flatten_events", "source": {"path": "raw/topics/"}, "target": {"path": "refined/"}}
    if not case.attributes:
        feed["source"] |= {"day": {"from": "field", "field": "ts"}, "timestamps": {"ts": "epoch_millis"}}
    write_feed(work, "events", feed)
    folder = work / "lake/raw/topics/t/year=2026/month=08/day=01"
    folder.mkdir(parents=True)
    for number in range(case.objects):
        first = number * case.records
        numbers = range(first, first + case.records)
        text = "".join(json.dumps(_event(each, case), separators=(",", ":")) + "\n" for each in numbers)
        (folder / f"t+0+{first:010}.json").write_text(text)


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


def shift(work: Path) -> None:
    """Move the objects to another folder: the same records come again as new ones, and the schema is known."""
    folder = work / "lake/raw/topics/t/year=2026/month=08"
    (folder / "day=01").rename(folder / "day=02")
