"""Values do not depend on a session's time zone or ANSI mode; unsuitable settings are refused."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from transforms.errors import SessionSettingError
from transforms.spark.changes import keep_last_changes, keep_rejected_changes, with_change_order
from transforms.spark.delivered_changes import with_delivery
from transforms.spark.typed_rows import TypedColumn, keep_good, keep_rejected, with_typed_values

WRITTEN = "yyyy-MM-dd HH:mm:ss"


@pytest.fixture(
    params=[
        "Europe/Berlin",
        *(pytest.param(zone, marks=pytest.mark.slow) for zone in ("America/Sao_Paulo", "Asia/Tokyo")),
    ]
)
def elsewhere(spark: SparkSession, request: pytest.FixtureRequest) -> SparkSession:
    """A session in another time zone, in ANSI mode."""
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", request.param)
    session.conf.set("spark.sql.ansi.enabled", True)
    session.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
    return session


@pytest.mark.parametrize(
    ("column", "text", "micros"),
    [
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN), "2026-03-29 02:30:00", 1774751400000000, id="gap-of-berlin"
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN),
            "9999-12-31 23:59:59",
            253402300799000000,
            id="last-second",
            marks=pytest.mark.slow,
        ),
        pytest.param(TypedColumn("v", "timestamp", WRITTEN), "10000-01-01 00:00:00", None, id="year-10000"),
        pytest.param(
            TypedColumn("v", "timestamp", "yyyy-MM-dd'T'HH:mm:ss['Z']"),
            "2026-08-01T10:00:00",
            1785578400000000,
            id="optional-letter-absent",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
            "2026-08-01T10:00:00Z",
            1785578400000000,
            id="quoted-letter-at-the-end",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN, timezone="Europe/Paris"),
            "2026-08-01 10:00:00",
            1785571200000000,
            id="declared-zone",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN, timezone="Europe/Paris"),
            "2026-03-29 02:30:00",
            None,
            id="skipped-hour",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN + "[XXX]"),
            "2026-08-01 10:00:00+02:00",
            1785571200000000,
            id="optional-offset",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN + "[XXX]"),
            "2026-08-01 10:00:00",
            1785578400000000,
            id="offset-absent",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", WRITTEN + "[ VV]"),
            "2026-08-01 10:00:00 Europe/Paris",
            1785571200000000,
            id="optional-region",
            marks=pytest.mark.slow,
        ),
        pytest.param(TypedColumn("v", "date", "dd.MM.yyyy"), "04.11.2018", 1541289600000000, id="skipped-midnight"),
        pytest.param(
            TypedColumn("v", "timestamp", "dd.MM.yy HH:mm", two_digit_year_from=1970),
            "01.01.70 00:00",
            0,
            id="short-year",
        ),
        pytest.param(
            TypedColumn("v", "date", "dd.MM.yy", two_digit_year_from=1970),
            "31.12.69",
            3155673600000000,
            id="short-year-of-a-date",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TypedColumn("v", "timestamp", epoch="seconds"), "-0.5", -500000, id="epoch", marks=pytest.mark.slow
        ),
        pytest.param(
            TypedColumn("v", "timestamp", epoch="millis"), "9" * 25, None, id="epoch-overflow", marks=pytest.mark.slow
        ),
        pytest.param(TypedColumn("v", "long"), "twelve", None, id="not-a-number"),
        pytest.param(TypedColumn("v", "boolean"), "perhaps", None, id="not-a-boolean", marks=pytest.mark.slow),
    ],
)
def test_values_equal_those_of_a_utc_session(
    elsewhere: SparkSession, column: TypedColumn, text: str, micros: int | None
) -> None:
    rows = elsewhere.createDataFrame([(text,)], "v string")
    judged = rows.transform(with_typed_values, columns=[column])
    good = judged.transform(keep_good, columns=[column])
    if column.type == "date":
        good = good.selectExpr("unix_date(v) * 86400000000L micros")
    elif column.type == "timestamp":
        good = good.selectExpr("unix_micros(v) micros")
    assert [row.micros for row in good.collect()] == ([] if micros is None else [micros])
    assert judged.transform(keep_rejected, columns=[column]).count() == (micros is None)


def text_rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([("1", "2026-8-1"), ("x", None)], "id string, day string")


def test_rows_without_reader_columns(spark: SparkSession) -> None:
    """Without the reader's columns rows have no source and no row-level faults."""
    columns = [TypedColumn("id", "long"), TypedColumn("day", "date", "yyyy-M-d")]
    judged = text_rows(spark).transform(with_typed_values, columns=columns)
    good = spark.sql("select 1L id, date'2026-08-01' day")
    assert_df_equality(judged.transform(keep_good, columns=columns), good, ignore_nullable=True)
    rejected = spark.createDataFrame(
        [(None, [("type", "id")], None, {"id": "x", "day": None})],
        "object string, reasons array<struct<rule:string,column:string>>, text string, fields map<string,string>",
    )
    without_reader = judged.transform(keep_rejected, columns=columns)
    assert [row.asDict(True) for row in without_reader.collect()] == [row.asDict(True) for row in rejected.collect()]
    assert without_reader.schema.simpleString() == rejected.schema.simpleString()


@pytest.mark.parametrize("policy", ["EXCEPTION", "LEGACY"])
def test_a_session_with_another_pattern_policy_is_refused(spark: SparkSession, policy: str) -> None:
    session = spark.newSession()
    session.conf.set("spark.sql.legacy.timeParserPolicy", policy)
    rows = text_rows(session)
    with pytest.raises(SessionSettingError, match=f"timeParserPolicy={policy}, .*set it to CORRECTED"):
        rows.transform(with_typed_values, columns=[TypedColumn("day", "date", "yyyy-M-d")])
    plain = rows.transform(with_typed_values, columns=[TypedColumn("id", "long"), TypedColumn("day", "date")])
    assert plain.where("_lakewright_rejected").count() == 2


def test_changes_are_settled_in_ansi_mode(spark: SparkSession) -> None:
    session = spark.newSession()
    session.conf.set("spark.sql.ansi.enabled", True)
    time = "2026-08-01 10:00:0{}.000000"
    rows = [
        ("LOAD00000001.parquet", 0, None, None, 1, "a"),
        ("20260801-100001000.parquet", 0, "U", time.format(2), 1, "later"),
        ("20260801-100002000.parquet", 0, "U", time.format(1), 1, "earlier"),
        ("20260801-100002000.parquet", 1, "I", "soon", 2, "no time"),
        ("20260801-100002000.parquet", 2, "D", time.format(3), 3, None),
    ]
    files = session.createDataFrame(rows, "file string, position long, Op string, ts string, id int, name string")
    ordered = files.transform(
        with_delivery, file_column="file", position_column="position", time_column="ts"
    ).transform(with_change_order, key=["id"], kind_column="Op", time_column="ts")
    last = ordered.transform(keep_last_changes).select("id", "name", "_hoodie_is_deleted")
    assert sorted(last.collect()) == [(1, "later", None), (3, None, True)]
    rejected = ordered.transform(keep_rejected_changes, columns=["id", "name"]).select("reasons", "fields.name")
    assert rejected.collect() == [([("order", "ts")], "no time")]
