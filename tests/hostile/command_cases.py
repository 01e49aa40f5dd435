"""The command line, the arguments of a Glue job, and feeds that conflict."""

from typing import Any, Final

from tests.hostile.cases import Case, Outcome, Scenario, Step
from tests.hostile.cdc_cases import feed_of
from tests.hostile.csv_cases import LINES, TWO, feed
from tests.hostile.event_cases import events_feed, name_of
from tests.hostile.scrub_cases import scrub_feed

NOWHERE: Final = ()
FILES: Final = {"raw/a/x.csv": LINES}


def csv(source: str, target: str) -> dict[str, Any]:
    return feed({"path": target}, path=source)


def checked(rule: str, feeds: dict[str, Any], *outcomes: Outcome, only: tuple[str, ...] = ()) -> Case:
    return Case(rule, Scenario(feeds, (Step(("check", *only)),), where=("--config", "{conf}")), outcomes)


_TABLES: Final = ("one", "two")
_FEEDS_TOGETHER: Final = (
    checked(
        "check names two feeds with one target",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/")},
        Outcome(2, mentions=("one", "two", "refined/x")),
    ),
    checked(
        "check normalizes slashes of targets",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined//x")},
        Outcome(2, mentions=("one", "two")),
        Outcome(2, mentions=("refined//x",)),
    ),
    checked(
        "check names a target inside another target",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/y/")},
        Outcome(2, mentions=("one", "two", "refined/x")),
    ),
    checked(
        "check names a target inside the source of another feed",
        {"one": csv("raw/", "refined/x/"), "two": csv("landing/b/", "raw/b/")},
        Outcome(2, mentions=("one", "two", "raw/b")),
    ),
    checked(
        "check names a target inside the source of a scrub",
        {"one": scrub_feed("refined/"), "two": csv("raw/b/", "refined/b/")},
        Outcome(2, mentions=("one", "two", "refined/b")),
    ),
    checked(
        "check names a table of change data that is the target of another feed",
        {"one": feed_of({"t": {}}), "two": csv("raw/b/", "refined/s/t/")},
        Outcome(2, mentions=("one", "two", "refined/s")),
    ),
    checked(
        "check names events and change data with one target",
        {"one": feed_of({"t": {}}), "two": events_feed() | {"target": {"path": "refined/s/"}}},
        Outcome(2, mentions=("one", "two", "refined/s")),
    ),
    checked(
        "check accepts targets with a common prefix",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/ab/", "refined/xy/"), "three": scrub_feed()},
        Outcome(0),
    ),
    checked(
        "check accepts two feeds with one source",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/a/", "refined/y/")},
        Outcome(0),
    ),
    checked(
        "check continues with other feeds after an invalid one",
        {"one": csv("raw/a/", "refined/x/"), "two": csv("raw/b/", "refined/x/"), "three": "job: nonsense\n"},
        Outcome(2, mentions=("one", "two", "refined/x", "nonsense")),
    ),
)


def ran(rule: str, arguments: tuple[str, ...], *outcomes: Outcome, feeds: Any = None, **options: Any) -> Case:
    environment = options.pop("environment", {})
    scenario = Scenario(feeds or {"f": feed()}, (Step(arguments, FILES),), where=NOWHERE, environment=environment)
    return Case(rule, scenario, outcomes, table="refined/a/", columns=("id", "name"), **options)


LAKE: Final = ("--lake", "{lake}", "--json")
READ: Final = Outcome(0, rows=TWO)
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
        "--config takes precedence over LAKEWRIGHT_CONFIG",
        ("run", "f", *LAKE, "--config", "{conf}"),
        READ,
        environment={"LAKEWRIGHT_CONFIG": "{root}/nowhere"},
    ),
    ran("--conf still names the folder on the command line", ("run", "f", *LAKE, "--conf", "{conf}"), READ),
    *(
        Case(
            f"{verb} accepts --config",
            Scenario({"f": feed()}, (Step((verb, "f", *where, "--config", "{conf}"), FILES),), where=NOWHERE),
            (Outcome(0),),
            may_skip=tuple(FILES),
        )
        for verb, where in (("check", ()), ("plan", LAKE), ("status", LAKE), ("schema", LAKE))
    ),
    ran(
        "a missing config folder is named",
        ("run", "f", *LAKE, "--config", "{root}/nowhere"),
        Outcome(2, mentions=("nowhere",)),
    ),
    ran("a script accepts --config", (*SCRIPT, "--config", "{conf}"), READ),
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
        "--target accepts tables separated by commas",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a,b"), TWO_TOPICS),)),
        (Outcome(0, mentions=('"target": "a"', '"target": "b"')),),
        never=('"target": "c"',),
        may_skip=tuple(TWO_TOPICS),
    ),
    Case(
        "--target accepts tables separated by commas and blanks",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a, b"), TWO_TOPICS),)),
        (Outcome(0),),
        never=('"target": "c"',),
        target="b",
    ),
    Case(
        "--target can be repeated on the command line",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a", "--target", "b"), TWO_TOPICS),)),
        (Outcome(0),),
        never=('"target": "c"',),
        target="b",
    ),
    Case(
        "an unknown table among several is named",
        Scenario({"f": events_feed()}, (Step(("plan", "f", "--target", "a,bb"), TWO_TOPICS),)),
        (Outcome(2, mentions=("'bb'",)),),
    ),
    ran(
        "--set accepts several settings separated by commas",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5,target.compression=zstd"),
        READ,
    ),
    ran(
        "each of several settings is validated",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5,max_rejectd=1"),
        Outcome(2, mentions=("max_rejectd",)),
    ),
    ran(
        "--set can be repeated on the command line",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "max_rejected=0.5", "--set", "target.compression=zstd"),
        READ,
    ),
    ran(
        "a comma in a list of a setting does not separate settings",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", "target.partition_by=[year, month, day],max_rejected=0.5"),
        Outcome(3, mentions=("x.csv", "have the year")),
        never=("month, not", "takes key=value"),
    ),
    ran(
        "a comma in a mapping of a setting does not separate settings",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.columns={"id": "long", "name": "string"}'),
        READ,
    ),
    ran(
        "a comma in a string of a list does not separate settings",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.csv.null_text=["x,max_rejected=7","y"]'),
        READ,
    ),
    ran(
        "a string before a column's type keeps its commas",
        ("run", "f", *LAKE, "--config", "{conf}", "--set", 'source.columns={"id": "decimal(12,2)", "name": "string"}'),
        Outcome(0),
    ),
    ran(
        "a script accepts several settings separated by commas",
        (*SCRIPT, "--config", "{conf}", "--set", "max_rejected=0.5,target.compression=zstd"),
        READ,
    ),
    ran(
        "a script accepts objects as passed by the Lambda",
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
        Outcome(3, mentions=("refused landing/u/a,b=1.json: the object does not exist (and 1 more)",)),
        feeds={"s": scrub_feed()},
        never=("takes key=value", "unknown key"),
    ),
    ran("a script takes a list of targets", (*SCRIPT, "--config", "{conf}", "--target", "a"), READ),
    ran(
        "a script names an unknown one of several targets",
        (*SCRIPT, "--config", "{conf}", "--target", "a,bb"),
        Outcome(2, mentions=("bb",)),
    ),
)

#: Arguments that Glue adds or consumes, from its documentation.
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
    """Return how a message may quote an option that is a prefix of its misspelling."""
    return tuple(before + option + after for before in " '\"`(" for after in " '\"`)?.,;:\n")


_TYPOS: Final = (
    *(
        ran(
            f"a script refuses {typo} and names {meant}",
            (*SCRIPT, "--config", "{conf}", typo, "2026-08-01"),
            Outcome(2, mentions=(typo, alone(meant)), rows=()),
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
        Outcome(2, mentions=("--dates", alone("--date")), rows=()),
    ),
    ran(
        "a script leaves all arguments of Glue alone",
        (*SCRIPT, "--config", "{conf}", *(word for pair in GLUES for word in pair)),
        READ,
    ),
    ran(
        "a script refuses a word without an option",
        (*SCRIPT, "--config", "{conf}", "2026-08-01"),
        Outcome(2, mentions=("2026-08-01",), rows=()),
    ),
    ran(
        "the command line refuses --dates",
        ("run", "f", *LAKE, "--conf", "{conf}", "--dates", "2026-08-01"),
        Outcome(2, mentions=("--dates",)),
    ),
)

_FEED_FILES: Final = (
    checked("a feed of a list is refused", {"f": "- job: csv_to_parquet\n"}, Outcome(2, mentions=("f.yaml",))),
    checked("an empty feed is refused", {"f": ""}, Outcome(2, mentions=("f.yaml",))),
    checked(
        "a feed that is not YAML is refused with the line",
        {"f": "job: csv_to_parquet\nsource: {path\n"},
        Outcome(2, mentions=("f.yaml:",)),
    ),
    checked(
        "a repeated key is refused with the line",
        {"f": "job: csv_to_parquet\njob: json_scrub\n"},
        Outcome(2, mentions=("f.yaml:2", "job")),
    ),
    checked(
        "an unknown job is refused and the closest name suggested",
        {"f": "job: csv_to_parqet\n"},
        Outcome(2, mentions=("csv_to_parquet",)),
    ),
    checked(
        "a number as a path is refused",
        {"f": "job: csv_to_parquet\nsource: {path: 7, columns: {id: long}}\ntarget: {path: refined/a/}\n"},
        Outcome(2, mentions=("source.path",)),
    ),
)

CASES: Final = (*_FEEDS_TOGETHER, *_CONFIG, *_LISTS, *_TYPOS, *_FEED_FILES)
