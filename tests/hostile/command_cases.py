"""The command line, the arguments of a Glue job, and feeds that are in each other's way."""

from typing import Any, Final

from tests.hostile.cases import Case, Ending, Scenario, Step
from tests.hostile.cdc_cases import feed_of
from tests.hostile.csv_cases import LINES, TWO, feed
from tests.hostile.event_cases import events_feed, name_of
from tests.hostile.scrub_cases import scrub_feed

NOWHERE: Final = ()
FILES: Final = {"raw/a/x.csv": LINES}


def csv(source: str, target: str) -> dict[str, Any]:
    return feed({"path": target}, path=source)


def checked(rule: str, feeds: dict[str, Any], *endings: Ending, only: tuple[str, ...] = ()) -> Case:
    return Case(rule, Scenario(feeds, (Step(("check", *only)),), where=("--config", "{conf}")), endings)


_TABLES: Final = ("one", "two")
_FEEDS_TOGETHER: Final = (
    checked(
        "check names two feeds with one target",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/")},
        Ending(2, says=("one", "two", "refined/x")),
    ),
    checked(
        "check sees one target however its slashes are written",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined//x")},
        Ending(2, says=("one", "two")),
        Ending(2, says=("refined//x",)),
    ),
    checked(
        "check names a target inside of another target",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/y/")},
        Ending(2, says=("one", "two", "refined/x")),
    ),
    checked(
        "check names a target inside of the source of another feed",
        {"one": csv("raw/", "refined/x/"), "two": csv("landing/b/", "raw/b/")},
        Ending(2, says=("one", "two", "raw/b")),
    ),
    checked(
        "check names a target inside of the source of a scrub",
        {"one": scrub_feed("refined/"), "two": csv("raw/b/", "refined/b/")},
        Ending(2, says=("one", "two", "refined/b")),
    ),
    checked(
        "check names a table of change data that is the target of another feed",
        {"one": feed_of({"t": {}}), "two": csv("raw/b/", "refined/s/t/")},
        Ending(2, says=("one", "two", "refined/s")),
    ),
    checked(
        "check names events and change data with one target",
        {"one": feed_of({"t": {}}), "two": events_feed() | {"target": {"path": "refined/s/"}}},
        Ending(2, says=("one", "two", "refined/s")),
    ),
    checked(
        "check takes feeds whose targets only begin alike",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/ab/", "refined/xy/"), "three": scrub_feed()},
        Ending(0),
    ),
    checked(
        "check takes two feeds that read one source",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/a/", "refined/y/")},
        Ending(0),
    ),
    checked(
        "check goes on to other feeds where one is wrong",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/"), "three": "job: nonsense\n"},
        Ending(2, says=("one", "two", "refined/x", "nonsense")),
    ),
)


def ran(rule: str, arguments: tuple[str, ...], *endings: Ending, feeds: Any = None, **options: Any) -> Case:
    environment = options.pop("environment", {})
    scenario = Scenario(feeds or {"f": feed()}, (Step(arguments, FILES),), where=NOWHERE, environment=environment)
    return Case(rule, scenario, endings, table="refined/a/", columns=("id", "name"), **options)


LAKE: Final = ("--lake", "{lake}", "--json")
READ: Final = Ending(0, rows=TWO)
SCRIPT: Final = ("script", "csv_to_parquet", "--feed", "f", "--lake", "{lake}")
TWO_TOPICS: Final = {name_of(0, topic=topic): b'{"id":1}\n' for topic in "abc"}

_CONFIG: Final = (
    ran("--config names the folder of the config", ("run", "f", *LAKE, "--config", "{conf}"), READ),
    ran(
        "LAKEWRIGHT_CONFIG names the folder of the config",
        ("run", "f", *LAKE),
        READ,
        environment={"LAKEWRIGHT_CONFIG": "{conf}"},
    ),
    ran(
        "--config counts more than LAKEWRIGHT_CONFIG",
        ("run", "f", *LAKE, "--config", "{conf}"),
        READ,
        environment={"LAKEWRIGHT_CONFIG": "{root}/nowhere"},
    ),
    ran("--conf still names the folder on the command line", ("run", "f", *LAKE, "--conf", "{conf}"), READ),
    *(
        Case(
            f"{verb} takes --config",
            Scenario({"f": feed()}, (Step((verb, "f", *where, "--config", "{conf}"), FILES),), where=NOWHERE),
            (Ending(0),),
            may_skip=tuple(FILES),
        )
        for verb, where in (("check", ()), ("plan", LAKE), ("status", LAKE), ("schema", LAKE))
    ),
    ran(
        "a config folder that is not there is named",
        ("run", "f", *LAKE, "--config", "{root}/nowhere"),
        Ending(2, says=("nowhere",)),
    ),
    ran("a script takes --config", (*SCRIPT, "--config", "{conf}"), READ),
    ran("a script takes LAKEWRIGHT_CONFIG", SCRIPT, READ, environment={"LAKEWRIGHT_CONFIG": "{conf}"}),
    ran(
        "a script leaves --conf to Glue",
        (*SCRIPT, "--conf", "spark.sql.shuffle.partitions=4 --conf spark.task.cpus=1", "--config", "{conf}"),
        READ,
    ),
    ran(
        "a script leaves --conf with an equals sign to Glue",
        (*SCRIPT, "--conf=spark.sql.shuffle.partitions=4", "--config", "{conf}"),
        READ,
    ),
)

_LISTS: Final = (
    Case(
        "--target takes tables by commas",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a,b"), TWO_TOPICS),)),
        (Ending(0, says=('"target": "a"', '"target": "b"')),),
        never=('"target": "c"',),
        may_skip=tuple(TWO_TOPICS),
    ),
    Case(
        "--target takes tables by commas with blanks",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a, b"), TWO_TOPICS),)),
        (Ending(0),),
        never=('"target": "c"',),
        target="b",
    ),
    Case(
        "--target that is repeated still works on the command line",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a", "--target", "b"), TWO_TOPICS),)),
        (Ending(0),),
        never=('"target": "c"',),
        target="b",
    ),
    Case(
        "an unknown table among several is named",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a,bb"), TWO_TOPICS),)),
        (Ending(2, says=("'bb'",)),),
    ),
    ran(
        "--set takes several settings by commas",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5,target.compression=zstd"),
        READ,
    ),
    ran(
        "each of several settings is checked",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5,max_rejectd=1"),
        Ending(2, says=("max_rejectd",)),
    ),
    ran(
        "--set that is repeated still works on the command line",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5", "--set", "target.compression=zstd"),
        READ,
    ),
    ran(
        "a comma in a list of a setting parts nothing",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "target.partition_by=[year, month, day],max_rejected=0.5"),
        Ending((0, 2, 3)),
        Ending(0, rows=TWO),
        never=("month, not", "takes key=value"),
    ),
    ran(
        "a comma in a mapping of a setting parts nothing",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.columns={"id": "long", "name": "string"}'),
        READ,
    ),
    ran(
        "a comma in a text of a list parts nothing",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.csv.null_text=["x,max_rejected=7","y"]'),
        READ,
    ),
    ran(
        "a text before a column's type keeps its commas",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.columns={"id": "decimal(12,2)", "name": "string"}'),
        Ending(0),
    ),
    ran(
        "a script takes several settings by commas",
        (*SCRIPT, "--config", "{conf}", "--set", "max_rejected=0.5,target.compression=zstd"),
        READ,
    ),
    ran(
        "a script takes objects as the Lambda names them",
        (
            "script",
            "json_scrub",
            "--feed",
            "s",
            "--lake",
            "{lake}",
            "--config",
            "{conf}",
            "--set",
            'source.objects=["a,b=1.json", "c.json"]',
        ),
        Ending((0, 3)),
        feeds={"s": scrub_feed()},
        never=("takes key=value", "unknown key"),
    ),
    ran("a script takes a list of targets", (*SCRIPT, "--config", "{conf}", "--target", "a"), READ),
    ran(
        "a script names an unknown one of several targets",
        (*SCRIPT, "--config", "{conf}", "--target", "a,bb"),
        Ending(2, says=("bb",)),
    ),
)

#: Arguments that Glue adds or takes by itself, from its documentation.
GLUES: Final = (
    ("--JOB_NAME", "j"),
    ("--JOB_ID", "j_1"),
    ("--JOB_RUN_ID", "jr_1"),
    ("--SECURITY_CONFIGURATION", "s"),
    ("--job-language", "python"),
    ("--job-bookmark-option", "job-bookmark-disable"),
    ("--job-bookmark-from", "x"),
    ("--TempDir", "s3://temp/"),
    ("--enable-metrics", "true"),
    ("--enable-observability-metrics", "true"),
    ("--enable-glue-datacatalog", "true"),
    ("--enable-spark-ui", "true"),
    ("--spark-event-logs-path", "s3://logs/"),
    ("--enable-continuous-cloudwatch-log", "true"),
    ("--continuous-log-logGroup", "/g"),
    ("--continuous-log-logStreamPrefix", "p"),
    ("--enable-auto-scaling", "true"),
    ("--enable-job-insights", "true"),
    ("--datalake-formats", "hudi"),
    ("--extra-py-files", "s3://code/x.zip"),
    ("--extra-jars", "s3://code/x.jar"),
    ("--extra-files", "s3://code/x"),
    ("--additional-python-modules", "s3://code/lakewright.whl"),
    ("--python-modules-installer-option", "--no-deps"),
    ("--user-jars-first", "true"),
    ("--use-postgres-driver", "true"),
    ("--disable-proxy-v2", "true"),
    ("--customer-driver-env-vars", "A=b"),
    ("--customer-executor-env-vars", "A=b"),
    ("--encryption-type", "sse-s3"),
    ("--scriptLocation", "s3://code/csv_to_parquet.py"),
    ("--class", "x"),
)


def alone(option: str) -> tuple[str, ...]:
    """Give the ways in which a message may name an option, which is the beginning of its own misspelling."""
    return tuple(before + option + after for before in " '\"`(" for after in " '\"`)?.,;:\n")


_TYPOS: Final = (
    *(
        ran(
            f"a script refuses {typo} and names {meant}",
            (*SCRIPT, "--config", "{conf}", typo, "2026-08-01"),
            Ending(2, says=(typo, alone(meant)), rows=()),
        )
        for typo, meant in (
            ("--dates", "--date"),
            ("--Date", "--date"),
            ("--targets", "--target"),
            ("--partitions", "--partition"),
            ("--partiton", "--partition"),
            ("--sets", "--set"),
            ("--drop_open", "--drop-open"),
            ("--configs", "--config"),
            ("--lakes", "--lake"),
        )
    ),
    ran(
        "a script refuses a typo with an equals sign",
        (*SCRIPT, "--config", "{conf}", "--dates=2026-08-01"),
        Ending(2, says=("--dates", alone("--date")), rows=()),
    ),
    ran(
        "a script leaves all arguments of Glue alone",
        (*SCRIPT, "--config", "{conf}", *(word for pair in GLUES for word in pair)),
        READ,
    ),
    ran("a script refuses a word without an option", (*SCRIPT, "--config", "{conf}", "2026-08-01"), Ending(2), READ),
    ran(
        "the command line refuses --dates",
        ("run", "f", *LAKE, "--conf", "{conf}", "--dates", "2026-08-01"),
        Ending(2, says=("--dates",)),
    ),
)

_FEED_FILES: Final = (
    checked("a feed of a list is refused", {"f": "- job: csv_to_parquet\n"}, Ending(2, says=("f.yaml",))),
    checked("an empty feed is refused", {"f": ""}, Ending(2, says=("f.yaml",))),
    checked(
        "a feed that is no YAML is refused with its line",
        {"f": "job: csv_to_parquet\nsource: {path\n"},
        Ending(2, says=("f.yaml:",)),
    ),
    checked(
        "a key twice is refused with its line",
        {"f": "job: csv_to_parquet\njob: json_scrub\n"},
        Ending(2, says=("f.yaml:2", "job")),
    ),
    checked(
        "an unknown job is refused and the nearest named",
        {"f": "job: csv_to_parqet\n"},
        Ending(2, says=("csv_to_parquet",)),
    ),
    checked(
        "a number as a path is refused",
        {"f": "job: csv_to_parquet\nsource: {path: 7, columns: {id: long}}\ntarget: {path: refined/a/}\n"},
        Ending(2, says=("source.path",)),
    ),
)

CASES: Final = (*_FEEDS_TOGETHER, *_CONFIG, *_LISTS, *_TYPOS, *_FEED_FILES)
