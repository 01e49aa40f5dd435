from datetime import UTC, date, datetime
from decimal import Decimal
from math import nan

import duckdb
import pyarrow as pa
import pytest

from lakewright.quality.expectation import Expectation
from lakewright.quality.result import ExpectationResult
from lakewright.quality.sql.arguments import NotCompiledError
from lakewright.quality.sql.compiled import Aggregate, library_reason, row_predicate

COLUMNS = {
    "id": "bigint",
    "name": "string",
    "price": "decimal(12,2)",
    "wide": "DECIMAL(38,18)",
    "x": "double",
    "f": "real",
    "ok": "boolean",
    "day": "date",
    "at": "TIMESTAMP WITH TIME ZONE",
    "tags": "VARCHAR[]",
}
TYPES = {
    "id": pa.int64(),
    "name": pa.string(),
    "price": pa.decimal128(12, 2),
    "x": pa.float64(),
    "day": pa.date32(),
    "at": pa.timestamp("us", "UTC"),
    "tags": pa.list_(pa.string()),
}
NOT_NULL, UNIQUE, IN_SET, BETWEEN, REGEX = (
    f"expect_column_values_to_{words}"
    for words in ("not_be_null", "be_unique", "be_in_set", "be_between", "match_regex")
)
LENGTHS = "expect_column_value_lengths_to_be_between"
COMPOUND = "expect_compound_columns_to_be_unique"
ROW_COUNT = "expect_table_row_count_to_be_between"


def evaluate(expectation: Expectation, **values: list) -> ExpectationResult | None:
    """Evaluate an expectation with DuckDB on a table of some columns."""
    aggregate = Aggregate([expectation], {name: COLUMNS[name] for name in values}, "duckdb")
    batch = pa.table({name: pa.array(each, TYPES[name]) for name, each in values.items()})
    with duckdb.connect() as connection:
        connection.register("batch", batch)
        return aggregate.evaluate("batch", lambda sql: connection.sql(sql).to_arrow_table().to_pylist()[0])[0]


def test_percentages_are_of_the_values_that_are_not_missing():
    result = evaluate(
        Expectation(IN_SET, {"column": "name", "value_set": ["a"]}, number=3), name=["a", "b", None, None]
    )
    assert result == ExpectationResult(
        type=IN_SET,
        number=3,
        columns=("name",),
        on_failure="refuse_batch",
        engine="sql",
        success=False,
        element_count=4,
        unexpected_count=1,
        unexpected_percent=50.0,
        missing_count=2,
        missing_percent=50.0,
        unexpected_percent_total=25.0,
        unexpected_percent_nonmissing=50.0,
    )


@pytest.mark.parametrize(
    ("kind", "kwargs", "values", "unexpected"),
    [
        pytest.param(NOT_NULL, {"column": "name"}, {"name": ["", None]}, 1, id="an-empty-text-is-not-null"),
        pytest.param(NOT_NULL, {"column": "tags"}, {"tags": [[], None]}, 1, id="nulls-of-any-type-are-counted"),
        pytest.param(UNIQUE, {"column": "id"}, {"id": [1, 1, 1, 2, None, None]}, 3, id="each-copy-counts-and-nulls-do-not"),
        pytest.param(UNIQUE, {"column": "x"}, {"x": [0.0, -0.0]}, 2, id="zero-equals-minus-zero"),
        pytest.param(
            COMPOUND,
            {"column_list": ["id", "name"]},
            {"id": [1, 1, None, None], "name": [None, None, None, None]},
            2,
            id="nulls-are-equal-and-rows-of-nulls-ignored",
        ),
        pytest.param(
            COMPOUND,
            {"column_list": ["id", "name"], "ignore_row_if": "any_value_is_missing"},
            {"id": [1, 1, 2, 2], "name": [None, None, "a", "a"]},
            2,
            id="rows-with-a-null-can-be-ignored",
        ),
        pytest.param(
            COMPOUND,
            {"column_list": ["id", "name"], "ignore_row_if": "never"},
            {"id": [None, None], "name": [None, None]},
            2,
            id="rows-of-nulls-can-be-compared",
        ),
        pytest.param(IN_SET, {"column": "name", "value_set": []}, {"name": ["a", None]}, 1, id="nothing-is-in-an-empty-set"),
        pytest.param(IN_SET, {"column": "name", "value_set": ["o'b\\"]}, {"name": ["o'b\\", "o"]}, 1, id="quotes-in-a-set"),
        pytest.param(
            IN_SET,
            {"column": "price", "value_set": [9.99, 2]},
            {"price": [Decimal("9.99"), Decimal("2.00"), Decimal("9.98")]},
            1,
            id="decimals-are-compared-as-doubles",
        ),
        pytest.param(IN_SET, {"column": "x", "value_set": [1, 0.1]}, {"x": [1.0, 0.1, 2.0]}, 1, id="integers-in-a-set-of-doubles"),
        pytest.param(
            BETWEEN,
            {"column": "price", "min_value": 0.01, "max_value": 0.3},
            {"price": [Decimal("0.00"), Decimal("0.01"), Decimal("0.30"), Decimal("0.31")]},
            2,
            id="decimals-at-inexact-bounds-are-between",
        ),
        pytest.param(
            BETWEEN,
            {"column": "price", "min_value": 0.01, "max_value": 0.3, "strict_min": True, "strict_max": True},
            {"price": [Decimal("0.01"), Decimal("0.02"), Decimal("0.30")]},
            2,
            id="strict-bounds-are-excluded",
        ),
        pytest.param(BETWEEN, {"column": "id", "min_value": 0.5, "max_value": 1e300}, {"id": [0, 1]}, 1, id="bounds-beyond-integers"),
        pytest.param(BETWEEN, {"column": "id", "max_value": -1e300}, {"id": [0, None]}, 1, id="everything-beyond-a-bound"),
        pytest.param(
            BETWEEN,
            {"column": "day", "min_value": "2020-01-01", "max_value": "2020-01-02"},
            {"day": [date(2019, 12, 31), date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)]},
            2,
            id="dates",
        ),
        pytest.param(
            BETWEEN,
            {"column": "at", "min_value": "2020-01-01T01:00:00+01:00", "strict_min": True},
            {"at": [datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]},
            1,
            id="times-with-an-offset",
        ),
        pytest.param(
            BETWEEN,
            {"column": "at", "max_value": "2020-01-01"},
            {"at": [datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)]},
            1,
            id="a-date-is-midnight-in-UTC",
        ),
        pytest.param(REGEX, {"column": "name", "regex": r"^S\d{9}"}, {"name": ["S123456789", "S12345678", None]}, 1, id="digits"),
        pytest.param(
            REGEX,
            {"column": "name", "regex": r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,4}$"},
            {"name": ["a.b@example.com", "a@examplecom", "a@b.c"]},
            2,
            id="backslashes-survive",
        ),
        pytest.param(LENGTHS, {"column": "name", "max_value": 2}, {"name": ["😀😀", "日本語", None]}, 1, id="lengths-in-characters"),
    ],
)  # fmt: skip
def test_unexpected_rows_are_counted(kind, kwargs, values, unexpected):
    result = evaluate(Expectation(kind, kwargs), **values)
    assert result
    assert (result.unexpected_count, result.success) == (unexpected, False)
    assert evaluate(Expectation(kind, kwargs | {"mostly": 0}), **values).success


@pytest.mark.parametrize(
    ("mostly", "success"),
    [
        pytest.param(0.75, True, id="reached"),
        pytest.param(0.76, False, id="not-reached"),
        pytest.param(0, True, id="none"),
        pytest.param(1, False, id="all"),
    ],
)
def test_mostly_is_the_least_share_of_values_that_are_not_missing(mostly, success):
    kwargs = {"column": "id", "min_value": 0, "mostly": mostly}
    assert evaluate(Expectation(BETWEEN, kwargs), id=[0, 1, 2, -1, None]).success == success


@pytest.mark.parametrize(
    ("kwargs", "success"),
    [
        pytest.param({"min_value": 2, "max_value": 2}, True, id="bounds-are-included"),
        pytest.param({"min_value": 2, "strict_min": True}, False, id="a-strict-minimum-is-not"),
        pytest.param({"max_value": 2, "strict_max": True}, False, id="a-strict-maximum-is-not"),
        pytest.param({}, True, id="no-bounds"),
    ],
)
def test_rows_are_counted(kwargs, success):
    result = evaluate(Expectation(ROW_COUNT, kwargs), id=[1, None])
    assert (result.success, result.observed_value, result.element_count) == (success, 2, None)


@pytest.mark.parametrize(
    ("ids", "copies"),
    [
        pytest.param([*range(300_000)], 0, id="in-order"),
        pytest.param([*range(300_000), 7], 2, id="a-copy-at-the-end"),
        pytest.param([*range(300_000, 0, -1)], 0, id="in-descending-order"),
        pytest.param([None, *range(300_000), None], 0, id="with-nulls"),
    ],
)
def test_copies_are_counted_in_any_order(ids, copies):
    assert evaluate(Expectation(UNIQUE, {"column": "id"}), id=ids).unexpected_count == copies


@pytest.mark.parametrize("kind", [NOT_NULL, UNIQUE, BETWEEN, COMPOUND])
def test_an_empty_table_meets_expectations_about_rows(kind):
    kwargs = {"column_list": ["id", "name"]} if kind == COMPOUND else {"column": "id"}
    result = evaluate(Expectation(kind, kwargs | ({"min_value": 1} if kind == BETWEEN else {})), id=[], name=[])
    assert (result.success, result.unexpected_count, result.unexpected_percent) == (True, 0, None)


def test_a_missing_column_fails_without_a_query_about_it():
    result = evaluate(Expectation(COMPOUND, {"column_list": ["id", "name"]}), id=[1])
    assert (result.success, result.exception) == (False, 'the table has no column "name"')
    assert result.element_count is None


@pytest.mark.parametrize(
    ("expectation", "values"),
    [
        pytest.param(Expectation(NOT_NULL, {"column": "x"}), {"x": [1.0, nan]}, id="nan-is-null-in-pandas-only"),
        pytest.param(Expectation(UNIQUE, {"column": "x"}), {"x": [1.0, nan]}, id="nan-among-unique-values"),
        pytest.param(
            Expectation(REGEX, {"column": "name", "regex": r"^\d+$"}),
            {"name": ["1", "\u0661"]},
            id="digits-beyond-ascii",
        ),
        pytest.param(
            Expectation(REGEX, {"column": "name", "regex": r"^\d+$"}), {"name": ["1", "1\n"]}, id="a-final-line-end"
        ),
        pytest.param(
            Expectation(REGEX, {"column": "name", "regex": "^.+$"}), {"name": ["a\u2028b"]}, id="a-line-separator"
        ),
    ],
)
def test_sql_does_not_decide_doubtful_rows(expectation, values):
    assert evaluate(expectation, **values) is None


@pytest.mark.parametrize(
    ("kind", "kwargs", "reason"),
    [
        pytest.param("expect_column_max_to_be_between", {"column": "id"}, "it is not among the compiled expectations", id="others"),
        pytest.param(NOT_NULL, {"column": "id", "row_condition": "id > 1"}, "it has the argument row_condition", id="row-condition"),
        pytest.param(BETWEEN, {"column": "id", "min_value": {"$PARAMETER": "low"}}, "its min_value is a parameter", id="parameters"),
        pytest.param(NOT_NULL, {"column": "id", "mostly": "0.5"}, "its mostly is not a number from 0 to 1", id="mostly-as-text"),
        pytest.param(NOT_NULL, {"column": "ID"}, "the case of the column name 'ID' is not the table's", id="names-in-another-case"),
        pytest.param(NOT_NULL, {"column": "a.b"}, "the column name 'a.b' has a dot, a backtick or an unusual character", id="names-with-dots"),
        pytest.param(UNIQUE, {"column": "tags"}, "its columns are of a type whose values DuckDB and Spark may compare differently", id="nested-values"),
        pytest.param(COMPOUND, {"column_list": ["id"]}, "its column_list is not a list of two or more columns", id="one-column"),
        pytest.param(COMPOUND, {"column_list": ["id", "id"]}, "its columns are not distinct names", id="one-column-twice"),
        pytest.param(IN_SET, {"column": "name", "value_set": ["a", None]}, "its value_set has values that are not of the column's type", id="null-in-a-set"),
        pytest.param(IN_SET, {"column": "id", "value_set": [True]}, "its value_set has values that are not of the column's type", id="booleans-among-integers"),
        pytest.param(IN_SET, {"column": "id", "value_set": ["1"]}, "its value_set has values that are not of the column's type", id="texts-among-integers"),
        pytest.param(IN_SET, {"column": "day", "value_set": ["2020-01-01"]}, "its value_set has values that are not of the column's type", id="dates-in-a-set"),
        pytest.param(IN_SET, {"column": "f", "value_set": [0.5]}, "its value_set has values that are not of the column's type", id="floats-of-32-bits"),
        pytest.param(IN_SET, {"column": "id", "value_set": None}, "its value_set is not a list", id="no-set"),
        pytest.param(BETWEEN, {"column": "name", "min_value": 1}, "its bounds do not fit the column's type", id="numbers-for-text"),
        pytest.param(BETWEEN, {"column": "id", "min_value": "2020-01-01"}, "its bounds do not fit the column's type", id="dates-for-integers"),
        pytest.param(BETWEEN, {"column": "day", "min_value": "2020-01-01T00:00:00"}, "its bounds do not fit the column's type", id="times-for-dates"),
        pytest.param(BETWEEN, {"column": "day", "min_value": "2020-1-1"}, "a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)", id="dates-not-in-full"),
        pytest.param(BETWEEN, {"column": "day", "min_value": "1582-10-04"}, "a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)", id="dates-of-the-julian-calendar"),
        pytest.param(IN_SET, {"column": "name", "value_set": ["a\0"]}, "its value_set has values that are not of the column's type", id="nul-in-a-set"),
        pytest.param(BETWEEN, {"column": "at", "max_value": "9999-12-31T23:00:00-05:00"}, "a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)", id="times-after-the-year-9999"),
        pytest.param(BETWEEN, {"column": "id", "max_value": 10**400}, "a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)", id="numbers-beyond-doubles"),
        pytest.param(BETWEEN, {"column": "id", "min_value": "1"}, "a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)", id="numbers-as-text"),
        pytest.param(BETWEEN, {"column": "id", "min_value": 2, "max_value": 1}, "its min_value is greater than its max_value", id="bounds-the-wrong-way-round"),
        pytest.param(BETWEEN, {"column": "at", "min_value": "2020-01-01T00:00:00", "max_value": "2020-01-02T00:00:00Z"}, "only one of its bounds has an offset from UTC", id="one-offset"),
        pytest.param(BETWEEN, {"column": "at", "min_value": "2020-01-01", "max_value": "2020-01-02T00:00:00Z"}, "its bounds are of different types", id="a-date-and-a-time"),
        pytest.param(BETWEEN, {"column": "wide", "max_value": 0.1}, "its bounds are rounded, which matters for decimals of 38 digits", id="inexact-bounds-of-long-decimals"),
        pytest.param(BETWEEN, {"column": "id"}, "it has neither min_value nor max_value", id="no-bounds"),
        pytest.param(LENGTHS, {"column": "id", "min_value": 1}, "its column is not text", id="lengths-of-numbers"),
        pytest.param(LENGTHS, {"column": "name", "min_value": 1.5}, "its min_value is not a whole number", id="half-characters"),
        pytest.param(REGEX, {"column": "id", "regex": "1"}, "its column is not text", id="patterns-for-numbers"),
        pytest.param(REGEX, {"column": "name"}, "its regex is not a text", id="no-pattern"),
        pytest.param(REGEX, {"column": "name", "regex": r"\bA"}, "engines may read its regex differently: '\\b'", id="unshared-syntax"),
        pytest.param(ROW_COUNT, {"min_value": True}, "its min_value is not a whole number", id="a-boolean-count"),
        pytest.param(ROW_COUNT, {"min_value": 1, "strict_min": "yes"}, "its strict_min is not a boolean", id="a-text-for-a-boolean"),
    ],
)  # fmt: skip
def test_the_library_evaluates_what_sql_might_read_differently(kind, kwargs, reason):
    assert library_reason(Expectation(kind, kwargs), COLUMNS) == reason


@pytest.mark.parametrize(
    ("kind", "kwargs", "dialect", "predicate"),
    [
        pytest.param(NOT_NULL, {"column": "id"}, "duckdb", 'coalesce("id" IS NULL, FALSE)', id="null"),
        pytest.param(IN_SET, {"column": "name", "value_set": ["o'b\\$"]}, "spark", r"coalesce(`name` NOT IN ('o\'b\\\u0024'), FALSE)", id="literals-of-spark"),
        pytest.param(IN_SET, {"column": "name", "value_set": ["o'b\\$"]}, "duckdb", r"""coalesce("name" NOT IN ('o''b\$'), FALSE)""", id="literals-of-duckdb"),
        pytest.param(BETWEEN, {"column": "price", "min_value": 0.01, "max_value": 9.99, "strict_max": True}, "spark", "coalesce(`price` < CAST('0.01' AS DECIMAL(12,2)) OR `price` >= CAST('9.99' AS DECIMAL(12,2)), FALSE)", id="bounds"),
        pytest.param(REGEX, {"column": "name", "regex": r"^\d$"}, "spark", r"coalesce(NOT `name` RLIKE '\\A[0-9]\\z', FALSE)", id="patterns-of-spark"),
        pytest.param(REGEX, {"column": "name", "regex": r"^\d$"}, "duckdb", r"""coalesce(NOT regexp_matches("name", '\A[0-9]\z'), FALSE)""", id="patterns-of-duckdb"),
    ],
)  # fmt: skip
def test_a_row_predicate_is_true_for_rows_to_reject(kind, kwargs, dialect, predicate):
    assert row_predicate(Expectation(kind, kwargs), COLUMNS, dialect) == predicate


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        pytest.param(Expectation(UNIQUE, {"column": "id"}), "whether a row meets it depends on other rows", id="uniqueness"),
        pytest.param(Expectation(NOT_NULL, {"column": "none"}), "the table has no column 'none'", id="missing-columns"),
    ],
)  # fmt: skip
def test_other_expectations_have_no_row_predicate(expectation, reason):
    with pytest.raises(NotCompiledError, match=reason):
        row_predicate(expectation, COLUMNS, "duckdb")


@pytest.mark.parametrize(
    ("ids", "names", "copies", "statements"),
    [
        pytest.param([1, 2, 3], ["a", "a", None], 0, 1, id="a-unique-column-makes-its-groups-unique"),
        pytest.param([1, 1, 2], ["a", "a", "b"], 2, 2, id="groups-of-a-column-with-copies-are-counted"),
        pytest.param([1, 1, 2], ["a", "b", "b"], 0, 2, id="groups-of-a-column-with-copies-may-be-unique"),
        pytest.param([1, None, None], ["a", "b", "b"], 2, 2, id="groups-of-a-column-with-nulls-are-counted"),
    ],
)
def test_columns_are_grouped_together_only_if_none_of_them_is_unique(ids, names, copies, statements):
    expectations = [Expectation(COMPOUND, {"column_list": ["name", "id"]}), Expectation(UNIQUE, {"column": "id"})]
    aggregate = Aggregate(expectations, {name: COLUMNS[name] for name in ("id", "name")}, "duckdb")
    batch = pa.table({"id": pa.array(ids, pa.int64()), "name": names})
    run = []
    with duckdb.connect() as connection:
        connection.register("batch", batch)

        def one_row(sql):
            run.append(sql)
            return connection.sql(sql).to_arrow_table().to_pylist()[0]

        compound, _ = aggregate.evaluate("batch", one_row)
    assert (compound.unexpected_count, len(run)) == (copies, statements)


@pytest.mark.parametrize("text", ["", "é", "éé", "ééé", "𝄞𝄞", "𝄞𝄞𝄞", "abc", "abcd"])
@pytest.mark.parametrize("strict", [True, False])
def test_lengths_are_in_characters_however_many_bytes_they_have(text, strict):
    limits = {"min_value": 2, "max_value": 3, "strict_min": strict, "strict_max": strict}
    result = evaluate(Expectation(LENGTHS, {"column": "name", **limits}), name=[text])
    assert result.success is (2 < len(text) < 3 if strict else 2 <= len(text) <= 3)
