"""Buckets: folder markers, archived objects, and keys that need quoting."""

from typing import Any, Final

import pyarrow as pa

from tests.hostile.cases import Case, Files, Outcome, Scenario, Step, StoredObject
from tests.hostile.cdc_cases import feed_of, load
from tests.hostile.csv_cases import LINES, TWO, feed
from tests.hostile.event_cases import ONE, ROWS, events_feed, name_of
from tests.hostile.scrub_cases import scrub_feed

_CSV: Final = ("csv", feed(), "refined/a/", ("id", "name"), {"raw/a/x.csv": LINES}, TWO)
_CSV_OF_URI: Final = ("csv at a URI", feed(path="{lake}/raw/a/"), *_CSV[2:])
_EVENTS: Final = (
    "events",
    events_feed(),
    "refined/events/t/",
    ("_partition", "_offset", "id"),
    {name_of(0): ONE},
    ROWS,
)


def on_s3(rule: str, of: tuple[Any, ...], more: Files, *outcomes: Outcome) -> Case:
    """Return a case of a run over a valid object and others."""
    _, built, table, columns, good, _ = of
    scenario = Scenario({"f": built}, (Step(files={**good, **more}),), is_on_s3=True)
    return Case(rule, scenario, outcomes, table=table, columns=columns)


def scrubbed_on_s3(rule: str, more: Files, *outcomes: Outcome) -> Case:
    files = {"landing/u/a.json": b'{"email":"x"}\n', **more}
    return Case(rule, Scenario({"f": scrub_feed()}, (Step(files=files),), is_on_s3=True), outcomes)


SCRUBBED: Final = {"landing/u/a.json": b'{"email":""}\n'}
ARCHIVED: Final = (("archived", "archive"), "restore")

CASES: Final = (
    *(
        on_s3(f"an empty key {key} is ignored by {of[0]}", of, {key: b""}, Outcome(0, rows=of[5]))
        for of, key in (
            (_CSV, "raw/a/"),
            (_CSV, "raw/a/sub/"),
            (_CSV, "raw/a_$folder$"),
            (_CSV, "raw/a/sub_$folder$"),
            (_CSV, "raw/a/_$folder$"),
            (_CSV, "raw/a//"),
            (_CSV_OF_URI, "raw/a/"),
            (_CSV_OF_URI, "raw/a_$folder$"),
            (_CSV_OF_URI, "raw/a/sub_$folder$"),
            (_EVENTS, "raw/topics/"),
            (_EVENTS, "raw/topics/t/"),
            (_EVENTS, "raw/topics/t_$folder$"),
        )
    ),
    *(
        scrubbed_on_s3(f"an empty key {key} is ignored by a scrub", {key: b""}, Outcome(0, files=SCRUBBED))
        for key in ("landing/u/", "landing/u/sub/", "landing/u/sub_$folder$", "landing/u/_$folder$", "landing/u//")
    ),
    *(
        Case(
            f"an empty key {key} is not a change file",
            Scenario(
                {"f": feed_of({"t": {}})},
                (Step(("plan", "f"), {**load("t", pa.string(), "a"), key: b""}),),
                is_on_s3=True,
            ),
            (Outcome(0),),
        )
        for key in ("raw/s/", "raw/s/t/", "raw/s/t_$folder$", "raw/s/_$folder$", "raw/s/t/2026_$folder$", "raw/s/t//")
    ),
    *(
        on_s3(
            f"an object of {of[0]} in {storage_class} is refused by name and the others are read",
            of,
            {key: StoredObject(body, storage_class)},
            Outcome(3, mentions=(key.rsplit("/", 1)[-1], *ARCHIVED), rows=of[5]),
        )
        for of, key, body in ((_CSV, "raw/a/cold.csv", LINES), (_EVENTS, name_of(7), ONE))
        for storage_class in ("GLACIER", "DEEP_ARCHIVE")
    ),
    *(
        on_s3(
            f"an object of {of[0]} in {storage_class} is read",
            of,
            {key: StoredObject(body, storage_class)},
            Outcome(0, rows=[*of[5], *more]),
        )
        for of, key, body, more in (
            (_CSV, "raw/a/cool.csv", LINES, TWO),
            (_EVENTS, name_of(7), ONE, [(0, 7, 1), (0, 8, 2)]),
        )
        for storage_class in ("STANDARD_IA", "GLACIER_IR")
    ),
    on_s3(
        "a restored archived object is read",
        _CSV,
        {"raw/a/cold.csv": StoredObject(b"id,name\n3,c\n", "GLACIER", is_restored=True)},
        Outcome(0, rows=[*TWO, (3, "c")]),
    ),
    scrubbed_on_s3(
        "an archived object of a scrub is refused by name and the others are read",
        {"landing/u/cold.json": StoredObject(b'{"email":"x"}\n', "GLACIER")},
        Outcome(3, mentions=("cold.json", *ARCHIVED), files=SCRUBBED),
    ),
    on_s3(
        "an object named like a folder is not empty and is named",
        _CSV,
        {"raw/a/sub/": b"id,name\n3,c\n"},
        Outcome(0, mentions=("raw/a/sub/", "but not empty"), rows=TWO),
    ),
    Case(
        "plan names an archived object",
        Scenario(
            {"f": feed()},
            (Step(("plan", "f"), {"raw/a/x.csv": LINES, "raw/a/cold.csv": StoredObject(LINES, "GLACIER")}),),
            is_on_s3=True,
        ),
        (Outcome(3, mentions=("cold.csv", *ARCHIVED)),),
    ),
    *(
        on_s3(
            f"a key with {name} is read or refused alone",
            _CSV,
            {f"raw/a/{name}": b"id,name\n3,c\n"},
            Outcome(0, rows=[*TWO, (3, "c")]),
            Outcome(3, mentions=(name,), rows=TWO),
        )
        for name in ("50% é+ &=.csv", "a:b.csv", "[1]{2}*?.csv", "double//slash.csv")
    ),
)
