"""Names of objects and folders: odd ones, links, and paths that lead out of the lake."""

from typing import Any, Final

import pyarrow as pa

from tests.hostile.cases import REFUSED, Case, Ending, Link, Scenario, Step
from tests.hostile.cdc_cases import changes, feed_of, load
from tests.hostile.csv_cases import LINES, TWO, case, feed
from tests.hostile.event_cases import DAY, events_feed
from tests.hostile.scrub_cases import scrub_feed

BAD: Final = b"no such header\n1\n"

_ODD: Final = (
    case(
        "a newline in a name cuts no message in two",
        {"x\ny.csv": BAD, "good.csv": LINES},
        Ending(3, says=(("x\\ny.csv", "x\\\\ny.csv"),), rows=TWO),
    ),
    case(
        "an object with a newline in its name is read or refused alone",
        {"x\ny.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Ending(0, rows=[*TWO, (3, "c")]),
        Ending(3, says=(("x\\ny.csv", "x\\\\ny.csv"),), rows=TWO),
    ),
    *(
        case(
            f"an object that is named {name} is read or refused alone",
            {name: b"id,name\n3,c\n", "good.csv": LINES},
            Ending(0, rows=[*TWO, (3, "c")]),
            Ending(3, says=(shown,), rows=TWO),
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
        "a folder with a colon in its name is read or refused alone",
        {"h:m/x.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Ending(0, rows=[*TWO, (3, "c")]),
        Ending(3, says=("h:m/x.csv",), rows=TWO),
    ),
    case(
        "a name that is no UTF-8 is read or refused alone",
        {"\udcff.csv": b"id,name\n3,c\n", "good.csv": LINES},
        Ending(0, rows=[*TWO, (3, "c")]),
        Ending(3, says=(".csv",), rows=TWO),
        may_skip=("raw/a/\udcff.csv",),
    ),
)


def linked(rule: str, files: dict[str, Any], *endings: Ending) -> Case:
    scenario = Scenario({"f": feed()}, (Step(files=files),), outside={"outside/p.csv": b"id,name\n9,secret\n"})
    return Case(rule, scenario, endings, table="refined/a/", columns=("id", "name"))


_LINKS: Final = (
    linked(
        "a link to a file outside of the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/p.csv": Link("{root}/outside/p.csv")},
        Ending((0, 3), says=("p.csv",), rows=TWO),
    ),
    linked(
        "a link to a folder outside of the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/more": Link("{root}/outside")},
        Ending((0, 3), says=("more",), rows=TWO),
    ),
    linked(
        "a relative link that leads out of the lake is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/p.csv": Link("../../../outside/p.csv")},
        Ending((0, 3), says=("p.csv",), rows=TWO),
    ),
    linked(
        "a link to a folder above itself is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/loop": Link("..")},
        Ending((0, 3), says=("loop",), rows=TWO),
    ),
    linked(
        "a link to itself is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/self.csv": Link("self.csv")},
        Ending((0, 3), says=("self.csv",), rows=TWO),
    ),
    linked(
        "a link to nothing is ignored and named",
        {"raw/a/good.csv": LINES, "raw/a/none.csv": Link("nowhere.csv")},
        Ending((0, 3), says=("none.csv",), rows=TWO),
    ),
    Case(
        "a scrub rewrites nothing outside of the lake through a link",
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
        (Ending((0, 3), says=("link.json",), files={"landing/u/a.json": b'{"email":""}\n'}),),
    ),
)


def checked(rule: str, built: dict[str, Any], *says: str) -> Case:
    scenario = Scenario({"f": built}, (Step(("check", "f")),), where=("--config", "{conf}"))
    return Case(rule, scenario, (Ending(2, says=says),))


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
        (Ending(REFUSED, says=("/etc",)),),
    ),
)

_EVENT_NAMES: Final = (
    Case(
        "an event object with a newline in its name is read or named on one line",
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
        (Ending((0, 3), says=(("x\\ny.json", "x\\\\ny.json"),), rows=[(1,)]),),
        table="refined/events/t/",
        columns=("id",),
    ),
    Case(
        "a scrubbed object with a newline in its name is scrubbed or refused on one line",
        Scenario({"f": scrub_feed()}, (Step(files={"landing/u/x\ny.json": b"not JSON\n"}),)),
        (Ending(3, says=(("x\\ny.json", "x\\\\ny.json"),)),),
    ),
)

_CHANGE_NAMES: Final = (
    Case(
        "a file of changes whose name Spark cannot open is refused alone and quoted",
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
            Ending(
                3, says=(("x\\ny.parquet", "x\\\\ny.parquet"),), rows=[(1, "a")]
            ),  # Nobody can tell which changes a file without a stamp is later than: then nothing of its table is taken.
            Ending(3, says=(("x\\ny.parquet", "x\\\\ny.parquet"),), rows=[]),
            Ending(0, rows=[(1, "x")]),
        ),
        table="refined/s/t/",
        columns=("id", "v"),
        is_slow=True,
    ),
)

CASES: Final = (*_CHANGE_NAMES, *_ODD, *_LINKS, *_PATHS, *_EVENT_NAMES)
