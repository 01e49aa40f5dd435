"""Unusual names of objects and folders, links, and paths that lead out of the lake."""

from typing import Any, Final

import pyarrow as pa

from tests.hostile.cases import REFUSED, Case, Link, Outcome, Scenario, Step
from tests.hostile.cdc_cases import changes, feed_of, load
from tests.hostile.csv_cases import LINES, TWO, case, feed
from tests.hostile.event_cases import DAY, events_feed
from tests.hostile.scrub_cases import scrub_feed

BAD: Final = b"no such header\n1\n"

_ODD: Final = (
    case(
        "a newline in a name does not split messages",
        {"x\ny.csv": BAD, "good.csv": LINES},
        Outcome(3, mentions=(("x\\ny.csv", "x\\\\ny.csv"),), rows=TWO),
    ),
    case(
        "an object named with a newline is read or refused alone",
        {"x\ny.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Outcome(0, rows=[*TWO, (3, "c")]),
        Outcome(3, mentions=(("x\\ny.csv", "x\\\\ny.csv"),), rows=TWO),
    ),
    *(
        case(
            f"an object named {name} is read or refused alone",
            {name: b"id,name\n3,c\n", "good.csv": LINES},
            Outcome(0, rows=[*TWO, (3, "c")]),
            Outcome(3, mentions=(shown,), rows=TWO),
        )
        for name, shown in (
            ("a:b.csv", "a:b.csv"),
            ("50%.csv", "50%.csv"),
            ("a%20b.csv", "a%20b.csv"),
            ("Zürich é.csv", "Zürich é.csv"),
            ("a b+c.csv", "a b+c.csv"),
            ("[1-2]{a,b}*?.csv", "[1-2]{a,b}*?.csv"),
            ("#x?y.csv", "#x?y.csv"),
            ("back\\slash.csv", "slash.csv"),
            ("tab\there.csv", "here.csv"),
            ("quote'\".csv", "quote'"),
        )
    ),
    case(
        "a folder named with a colon is read or refused alone",
        {"h:m/x.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Outcome(0, rows=[*TWO, (3, "c")]),
        Outcome(3, mentions=("h:m/x.csv",), rows=TWO),
    ),
    case(
        "a name that is not UTF-8 is read or refused alone",
        {"\udcff.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Outcome(0, rows=[*TWO, (3, "c")]),
        Outcome(3, mentions=(".csv",), rows=TWO),
        may_skip=("raw/a/\udcff.csv",),
    ),
)


def linked(rule: str, files: dict[str, Any], *outcomes: Outcome) -> Case:
    scenario = Scenario({"f": feed()}, (Step(files=files),), outside={"outside/p.csv": b"id,name\n9,secret\n"})
    return Case(rule, scenario, outcomes, table="refined/a/", columns=("id", "name"))


_LINKS: Final = (
    linked(
        "a link to a file outside the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/p.csv": Link("{root}/outside/p.csv")},
        Outcome((0, 3), mentions=("p.csv",), rows=TWO),
    ),
    linked(
        "a link to a folder outside the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/more": Link("{root}/outside")},
        Outcome((0, 3), mentions=("more",), rows=TWO),
    ),
    linked(
        "a relative link that leads out of the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/p.csv": Link("../../../outside/p.csv")},
        Outcome((0, 3), mentions=("p.csv",), rows=TWO),
    ),
    linked(
        "a link to a parent folder is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/loop": Link("..")},
        Outcome((0, 3), mentions=("loop",), rows=TWO),
    ),
    linked(
        "a link to itself is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/self.csv": Link("self.csv")},
        Outcome((0, 3), mentions=("self.csv",), rows=TWO),
    ),
    linked(
        "a broken link is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/none.csv": Link("nowhere.csv")},
        Outcome((0, 3), mentions=("none.csv",), rows=TWO),
    ),
    Case(
        "a scrub rewrites nothing outside the lake through a link",
        Scenario(
            {"f": scrub_feed()},
            (
                Step(
                    files={
                        "landing/u/a.json": b'{"email":"x"}\n',
                        "landing/u/link.json": Link("{root}/outside/o.json"),
                    }
                ),
            ),
            outside={"outside/o.json": b'{"email":"kept"}\n'},
        ),
        (Outcome((0, 3), mentions=("link.json",), files={"landing/u/a.json": b'{"email":""}\n'}),),
    ),
)


def checked(rule: str, built: dict[str, Any], *mentions: str) -> Case:
    scenario = Scenario({"f": built}, (Step(("check", "f")),), where=("--config", "{conf}"))
    return Case(rule, scenario, (Outcome(2, mentions=mentions),))


_PATHS: Final = (
    checked("check refuses an absolute source", feed(path="/etc/"), "source.path", "/etc"),
    checked("check refuses an absolute target", feed({"path": "/srv/a/"}), "target.path", "/srv/a"),
    checked("check refuses a source above the lake", feed(path="../raw/"), "source.path"),
    checked("check refuses a target above the lake", feed({"path": "refined/../../x/"}), "target.path"),
    checked("check refuses an absolute source of a scrub", scrub_feed(path="/landing/u/"), "source.path"),
    checked("check refuses an absolute source of events", events_feed(path="/raw/topics/"), "source.path"),
    checked(
        "check refuses an absolute source of change data",
        {
            "job": "cdc_to_hudi",
            "source": {"path": "/raw/s/", "time_column": "ts"},
            "target": {"path": "refined/s/"},
            "tables": {"t": {"key": "id"}},
        },
        "source.path",
    ),
    Case(
        "a run refuses an absolute source before anything is read",
        Scenario({"f": feed(path="/etc/")}, (Step(("run", "f")),)),
        (Outcome(REFUSED, mentions=("/etc",)),),
    ),
)

_EVENT_NAMES: Final = (
    Case(
        "an event object named with a newline is read or named on one line",
        Scenario(
            {"f": events_feed()},
            (
                Step(
                    files={
                        f"raw/topics/t/{DAY}/t+0+0000000000.json": b'{"id":1}\n',
                        f"raw/topics/t/{DAY}/x\ny.json": b'{"id":2}\n',
                    }
                ),
            ),
        ),
        (Outcome((0, 3), mentions=(("x\\ny.json", "x\\\\ny.json"),), rows=[(1,)]),),
        table="refined/events/t/",
        columns=("id",),
    ),
    Case(
        "a scrubbed object named with a newline is scrubbed or refused on one line",
        Scenario({"f": scrub_feed()}, (Step(files={"landing/u/x\ny.json": b"not JSON\n"}),)),
        (Outcome(3, mentions=(("x\\ny.json", "x\\\\ny.json"),)),),
    ),
)

_CHANGE_NAMES: Final = (
    Case(
        "a change file whose name Spark cannot open is refused alone and quoted",
        Scenario(
            {"f": feed_of({"t": {}})},
            (
                Step(
                    files={
                        **load("t", pa.string(), "a"),
                        "raw/s/t/x\ny.parquet": next(iter(changes("t", pa.string(), ("U", 1, 1, "x")).values())),
                    }
                ),
            ),
        ),
        (
            Outcome(
                3, mentions=(("x\\ny.parquet", "x\\\\ny.parquet"),), rows=[(1, "a")]
            ),  # Nobody can report which changes a file without a stamp is later than: then nothing of its table is taken.
            Outcome(3, mentions=(("x\\ny.parquet", "x\\\\ny.parquet"),), rows=[]),
            Outcome(0, rows=[(1, "x")]),
        ),
        table="refined/s/t/",
        columns=("id", "v"),
        is_slow=True,
    ),
)

CASES: Final = (*_CHANGE_NAMES, *_ODD, *_LINKS, *_PATHS, *_EVENT_NAMES)
