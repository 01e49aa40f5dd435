"""The public transforms give what the jobs give, dirty rows included, in a session that is none of this project's."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.feeds.flatten_events import RESERVED
from lakewright.log.schemas import known_schema
from tests.cdc import CdcBench
from tests.conftest import Bench
from tests.jobs.event_bench import EventBench
from tests.jobs.test_json_scrub import Uploads
from transforms import flatten_events, keep_last_changes, scrub_lines, with_typed_values
from transforms.spark.changes import keep_rejected_changes, with_change_order
from transforms.spark.delivered_changes import with_delivery
from transforms.spark.flat_events import learn_schema
from transforms.spark.typed_rows import TypedColumn, keep_good, keep_rejected


@pytest.fixture
def plain(spark: SparkSession) -> SparkSession:
    """A session of another time zone, in ANSI mode."""
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "America/New_York")
    session.conf.set("spark.sql.ansi.enabled", True)
    session.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
    return session


#: The reasons as transforms know them; quarantine adds words.
REASONS = "transform(reasons, each -> struct(each.rule, each.column)) reasons"
CSV_ROWS = [
    ("1", "1,50", "true", "01.08.2026", "2026-08-01 10:00:00", "plain"),
    ("2", "12,345", "no", "1.8.2026", "2026-03-29 02:30:00", "ü, with a comma"),
    (None, None, None, None, None, None),
    ("9223372036854775808", "x", "perhaps", "31.02.2026", "2026-08-01", ""),
    (" 7 ", "0,1", "T", "31.12.9999", "9999-12-31 23:59:59.5", "line\nend"),
    ("n/a", "n/a", "n/a", "n/a", "n/a", "n/a"),
]
CSV_COLUMNS = {
    "id": "long",
    "amount": "decimal(9,2)",
    "paid": "boolean",
    "born": "date",
    "at": "timestamp",
    "note": "string",
}


@pytest.mark.slow
def test_with_typed_values(bench: Bench, plain: SparkSession) -> None:
    options = {
        "date_format": "dd.MM.yyyy",
        "timezone": "Europe/Paris",
        "decimal_separator": ",",
        "null_text": ["n/a"],
    }
    bench.feed(source__columns=CSV_COLUMNS, source__csv=options)
    cells = [["" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row] for row in CSV_ROWS]
    bench.put("rows.csv", "\n".join(",".join(row) for row in [list(CSV_COLUMNS), *cells]) + "\n")
    assert bench.run()["counts"]["rejected"] == 2

    rows = plain.createDataFrame(CSV_ROWS, ", ".join(f"{name} string" for name in CSV_COLUMNS))
    formats = {"date": "dd.MM.yyyy", "timestamp": "yyyy-MM-dd HH:mm:ss[.SSSSSS]"}
    columns = [
        TypedColumn(name, kind, formats.get(kind, ""), ",", "Europe/Paris", ("n/a",))
        for name, kind in CSV_COLUMNS.items()
    ]
    judged = rows.transform(with_typed_values, columns=columns)
    table = bench.spark.read.parquet(str(bench.lake / "refined/people")).select(*CSV_COLUMNS)
    same_rows(judged.transform(keep_good, columns=columns), table)
    rejected = bench.spark.read.parquet(*map(str, (bench.lake / "quarantine/people/target=people").rglob("*.parquet")))
    told = [F.expr(REASONS), *(F.col("fields")[name].alias(name) for name in CSV_COLUMNS)]
    same_rows(judged.transform(keep_rejected, columns=columns).select(*told), rejected.select(*told))


def same_rows(found: DataFrame, expected: DataFrame) -> None:
    """Compare whole frames, sorted here: chispa takes an empty array for a null one when it sorts."""
    rows = expected.collect()
    assert rows
    frames = [
        expected.sparkSession.createDataFrame(sorted(held, key=repr), schema)
        for held, schema in ((found.collect(), found.schema), (rows, expected.schema))
    ]
    assert_df_equality(*frames, ignore_nullable=True)


LINES = [
    b'{"id": 1.00, "email" : {"deep": ["x"]} ,"name":"a"}',
    b'{"email": "a", "e\\u006dail": 2}\r',
    b"",
    b'\xef\xbb\xbf{"meta": [{"email": "in"}, {"email": null}], "cut": "\\ud800"}',
    b'  {"other": "email", "Message": "{\\"email\\": \\"in\\"}"}  ',
]
REFUSED = [b'{"email": "cut o', b'{"email": 1} {"email": 2}', b'["email"]', b'{"email": "\xff"}', b'{"email": nope}']


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    uploads = Uploads(tmp_path)
    uploads.path("").mkdir(parents=True)
    yield uploads
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"fields": ["email"]}, id="at-the-top"),
        pytest.param({"fields": ["email", "name", "meta.email"]}, id="below"),
        pytest.param({"fields": ["email"], "depth": "any", "replacement": "gone"}, id="anywhere"),
        pytest.param({"fields": ["email"], "inside_strings": ["Message"]}, id="inside-strings"),
    ],
)
def test_scrub_lines(uploads: Uploads, plain: SparkSession, rules: dict[str, Any]) -> None:
    uploads.feed(**rules)
    clean = uploads.put("clean.json", b"\n".join(LINES) + b"\n")
    before = clean.read_bytes()
    dirty = [uploads.put(f"dirty{n}.json", b"\n".join([*LINES, line])) for n, line in enumerate(REFUSED)]
    receipt = uploads.run()
    assert set(receipt["refused"]) == {f"landing/uploads/{path.name}" for path in dirty}

    how = rules | ({"replacement": b'"gone"'} if "replacement" in rules else {})
    lines = plain.createDataFrame([(line,) for line in before.split(b"\n")[:-1]], "value binary")
    scrubbed = plain.createDataFrame([(line,) for line in clean.read_bytes().split(b"\n")[:-1]], "value binary")
    assert clean.read_bytes() != before
    assert_df_equality(lines.transform(scrub_lines, **how), scrubbed)
    refused = plain.createDataFrame([(line,) for line in REFUSED], "value binary")
    for row in refused.transform(scrub_lines, **how, on_refused_line="reject").collect():
        assert row["value"] is None
        assert any(row["_lakewright_fault"] in reason for reason in receipt["refused"].values())
    with pytest.raises(PythonException, match="NotARecordError"):
        lines.unionByName(refused.limit(1)).transform(scrub_lines, **how).collect()


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_keep_last_changes(tmp_path: Path, spark: SparkSession, plain: SparkSession) -> None:
    bench = CdcBench(tmp_path, spark)
    bench.lake.mkdir()
    bench.feed(max_rejected=1.0)
    time = "2026-08-01 10:00:0{}.000000"
    bench.put("LOAD00000001.parquet", [(1, "a", "IT"), (2, "b", "HR"), (3, "c", "HR"), (None, "no key", "HR")])
    bench.put(
        "20260801-100001000.parquet",
        [
            ("U", time.format(2), 1, "late file, later time", "HR"),
            ("D", time.format(1), 2, None, None),
            ("I", time.format(1), 4, "new", "IT"),
            ("X", time.format(1), 3, "no kind", "IT"),
            ("U", "soon", 3, "no time", "IT"),
        ],
    )
    bench.put(
        "2026/08/01/20260801-100002000.parquet",
        [
            ("U", time.format(1), 1, "earlier", "IT"),
            ("U", time.format(3), 4, "x", "IT"),
            ("U", time.format(3), 4, "y", "IT"),
        ],
    )
    assert bench.run()["counts"]["rejected"] == 3

    files = plain.read.options(mergeSchema=True, recursiveFileLookup=True).parquet(str(bench.lake / "raw/hr/employees"))
    delivered = files.selectExpr(
        "*", "substring_index(_metadata.file_path, '/employees/', -1) file", "_metadata.row_index position"
    )
    ordered = delivered.transform(
        with_delivery, file_column="file", position_column="position", time_column="ts"
    ).transform(with_change_order, key=["emp_no"], kind_column="Op", time_column="ts")
    columns = ["emp_no", "name", "department", "_change_order"]
    last = ordered.transform(keep_last_changes).where("_hoodie_is_deleted is null").select(*columns)
    table = spark.read.format("hudi").load(str(bench.lake / "refined/hr/employees")).select(*columns)
    same_rows(last, table)
    rejected = spark.read.parquet(*map(str, (bench.lake / "quarantine/hr/target=employees").rglob("*.parquet")))
    found = ordered.transform(keep_rejected_changes, columns=["emp_no", "name", "department"])
    told = [F.expr(REASONS), F.expr("fields['name'] name"), "position"]
    same_rows(found.select(*told), rejected.select(*told))
    bench.remove()


KEYS = ["a", "b", "A", "a_b", "a.b", "é", "year", "nested", "list"]
SCALARS = [None, True, 0, 7, -(2**63), 2**63, 2**53 + 1, 10**40, 0.5, 1e300, "", "n/a", "12", "true", '"', "2026-08-01"]
DIRTY = [
    b"",
    b"no JSON",
    b'{"a": 1, "a": 2}',
    b'{"a": 1} {"a": 2}',
    b"[1]",
    b'{"a": "\xff"}',
    b'{"a": NaN}',
    b'{"a": 1e99999999999999999999}',
    b'{"a": ' * 120 + b"1" + b"}" * 120,
    b'{"a" : 123456789012345678901234567890.123}',
]


def some_value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth and kind < 0.2:
        return [some_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    if depth and kind < 0.4:
        return some_record(rng, depth - 1)
    return rng.choice(SCALARS)


def some_record(rng: random.Random, depth: int) -> dict[str, Any]:
    return {key: some_value(rng, depth) for key in rng.sample(KEYS, rng.randint(0, 4))}


@pytest.fixture
def events(tmp_path: Path, spark: SparkSession) -> Iterator[EventBench]:
    (tmp_path / "lake").mkdir()
    bench = EventBench(tmp_path, spark)
    yield bench
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_flatten_events(events: EventBench, plain: SparkSession, seed: int) -> None:
    """Alike and unlike records: the schema is learned to be the same, and then each row is."""
    rng = random.Random(seed)
    times = {"at": "epoch_millis", "nested.at": "iso"}
    events.feed(source__timestamps=times)
    alike = [{"at": n, "nested": {"at": "2026-08-01T10:00:00Z", "n": n / 4}, "list": [n]} for n in range(300)]
    unlike = [some_record(rng, 3) | {"at": rng.choice([1, None, "late"])} for _ in range(120)]
    lines = [json.dumps(record).encode() for record in alike + unlike] + DIRTY
    if seed % 2:
        rng.shuffle(lines)
    events.put_events(0, *lines[:200])
    events.put_events(200, *lines[200:])
    assert events.run()["counts"]["rejected"] == len(DIRTY) - 2

    records = plain.createDataFrame([(line,) for line in lines], "value binary")
    # What the job reserves for its own columns is reserved by columns that go along.
    records = records.select("value", *(F.lit(name).alias(name) for name in RESERVED)).repartition(3)
    schema = learn_schema(records, timestamps=times)
    assert schema.columns == known_schema(events.state().schema_versions).columns
    flat = records.transform(flatten_events, schema=schema)
    names = [f"`{column.name}`" for column in schema.columns]
    files = [str(events.lake / path) for path in events.state().files]
    table = events.spark.read.option("mergeSchema", True).parquet(*files)
    same_rows(flat.where("_lakewright_fault is null").select(*names), table.select(*names))
    assert flat.where("_lakewright_left_out is not null").isEmpty()
    rejected = flat.where("_lakewright_fault is not null").select("_lakewright_fault", "_lakewright_text").collect()
    assert sorted(map(tuple, rejected)) == sorted((reasons[0][0], text) for _, _, reasons, text in events.rejects())
