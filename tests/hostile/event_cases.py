"""Events: objects that are damaged, duplicated, reordered or rewritten."""

import gzip
import json
from typing import Any, Final

from tests.hostile.cases import CANARY, Case, Files, Outcome, Scenario, Step

DAY: Final = "year=2026/month=08/day=01"
HOURS: Final = "2026-08-01T10:00:00Z"


def events_feed(path: str = "raw/topics/", **source: Any) -> dict[str, Any]:
    return {
        "job": "flatten_events",
        "source": {"path": path, **source},
        "target": {"path": "refined/events/"},
        "max_rejected": 1.0,
    }


def name_of(offset: int, partition: int = 0, topic: str = "t", end: str = ".json") -> str:
    return f"raw/topics/{topic}/{DAY}/{topic}+{partition}+{offset:010}{end}"


def lines(*events: Any) -> bytes:
    return b"".join((event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n" for event in events)


def case(rule: str, steps: tuple[Files, ...], *outcomes: Outcome, of: Any = None, **options: Any) -> Case:
    scenario = Scenario({"f": of or events_feed()}, tuple(Step(files=files) for files in steps))
    options.setdefault("columns", ("_partition", "_offset", "id"))
    return Case(rule, scenario, outcomes, table="refined/events/t/", **options)


ONE: Final = lines({"id": 1}, {"id": 2})
ROWS: Final = [(0, 0, 1), (0, 1, 2)]

CASES: Final = (
    case(
        "an empty event object next to another has no rows",
        ({name_of(0): ONE, name_of(9): b""},),
        Outcome(0, rows=ROWS),
    ),
    case(
        "a truncated gzip of events is refused and others are read",
        ({name_of(0): ONE, name_of(9, end=".json.gz"): gzip.compress(ONE * 5000)[:-9]},),
        Outcome(3, mentions=("t+0+0000000009",), rows=ROWS),
    ),
    case(
        "an event of 5 MB is read",
        ({name_of(0): lines({"id": 1, "x": "y" * 5_000_000}, {"id": 2})},),
        Outcome(0, rows=ROWS),
    ),
    case(
        "a line that is not JSON is rejected and not shown",
        ({name_of(0): lines({"id": 1}, f'{{"a":{CANARY}}}'.encode(), {"id": 3})},),
        Outcome(0, rows=[(0, 0, 1), (0, 2, 3)], rejected=1),
        never=(CANARY,),
    ),
    case(
        "the same events under two offsets that overlap count once or are named",
        ({name_of(0): ONE, name_of(1): lines({"id": 2}, {"id": 3})},),
        Outcome(0, rows=[*ROWS, (0, 2, 3)]),
    ),
    case(
        "different events at one offset are both kept and named",
        ({name_of(0): ONE, name_of(1): lines({"id": 77})},),
        Outcome(0, rows=[*ROWS, (0, 1, 77)], mentions=("offset",)),
    ),
    case(
        "objects that arrive in reverse order count once",
        ({name_of(5): lines({"id": 6})}, {name_of(0): ONE}),
        Outcome(0, rows=[*ROWS, (0, 5, 6)]),
    ),
    case(
        "a rewritten object replaces its rows",
        ({name_of(0): ONE}, {name_of(0): lines({"id": 10})}),
        Outcome(0, rows=[(0, 0, 10)]),
    ),
    case(
        "a value that is not a time is rejected and not shown",
        ({name_of(0): lines({"id": 1, "ts": HOURS}, {"id": 2, "ts": CANARY})},),
        Outcome(0, rows=[(0, 0, 1)], rejected=1),
        of=events_feed(day={"from": "field", "field": "ts"}, timestamps={"ts": "iso"}),
        never=(CANARY,),
    ),
    case(
        "events in Latin-1 are rejected and the others are kept",
        ({name_of(0): lines({"id": 1}, b'{"id":2,"n":"caf\xe9"}')},),
        Outcome(0, rows=[(0, 0, 1)], rejected=1),
    ),
    case(
        "nesting of 3000 levels is rejected",
        ({name_of(0): lines({"id": 1}, b'{"id":2,"a":' + b"[" * 3000 + b"]" * 3000 + b"}")},),
        Outcome(0, rows=[(0, 0, 1)], rejected=1),
    ),
    case(
        "a number of 400 digits is kept exactly",
        ({name_of(0): lines({"id": 1}, b'{"id":2,"n":' + b"9" * 400 + b"}")},),
        Outcome(0, rows=ROWS),
        Outcome(0, rows=[(0, 0, 1)], rejected=1),
    ),
    case(
        "attributes whose names differ only in case are both columns",
        ({name_of(0): lines({"id": 1, "Ä b": 1, "ä B": 2, "a.b": 3, "a": {"b": 4}})},),
        Outcome(0, rows=[(1, 1, 2, 4, 3)]),
        columns=("id", "Ä_b", "ä_B_2", "a_b", "a_b_2"),
    ),
)
