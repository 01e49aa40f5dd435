"""Laws of flattening records into typed columns and back."""

import json
import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.events.event_oracle import normal_record, rebuild
from transforms.errors import DataError
from transforms.events.declared.errors import DoesNotFitError
from transforms.events.flat_rows import FlatRows, flatten
from transforms.events.lines import parse_lines
from transforms.events.schema import (
    EventColumn,
    EventSchema,
    News,
    ValueStatistics,
    collect_statistics,
    learn_columns,
    learn_type,
)
from transforms.events.typed_columns import as_text, from_text, to_arrow, type_columns
from transforms.events.types import ArrayType, RecordField, RecordType, arrow_type, converter, ddl_type

RESERVED = ("_object", "year")

# Few keys that collide, so that attributes and names do.
KEYS = st.sampled_from(["a", "b", "A", "a_b", "", "_", "a.b", "__text", "year", "é"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=3
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.sampled_from([2**53 + 1, 2**63, 10**40, 0.5, 1.0, 1e300, 5e-324, "n/a", "12", "true", '"', " 1", ""])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
VALUES: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), min_size=1, max_size=8)


def to_line(record: dict[str, Any]) -> bytes:
    """Serialize a record as JSON; decimals become numbers with all digits."""
    marks: dict[str, str] = {}

    def mark(value: Any) -> str:
        marks[f'"\ue000{len(marks)}\ue000"'] = str(value)
        return list(marks)[-1][1:-1]

    text = json.dumps(record, default=mark, ensure_ascii=False)
    for marked, number in marks.items():
        text = text.replace(marked, number)
    return text.encode()


def flat(lines: list[bytes]) -> FlatRows:
    parsed = parse_lines(lines)
    rows = flatten(parsed.records, parsed.lines)
    assert parsed.rejected == rows.rejected == []
    return rows


def news_of(lines: list[bytes], schema: EventSchema) -> News:
    rows = flat(lines)
    return type_columns(rows.values, len(rows.lines), schema, {}).news


def learn(schema: EventSchema, parts: list[list[bytes]]) -> EventSchema:
    """Learn as a batch does: from all parts together, until no part asks for more columns."""
    for _ in range(3):
        news = News()
        for part in parts:
            news = news.merge(news_of(part, schema))
        if not news.needs_columns(schema):
            return schema
        added = learn_columns(schema, news, separator="_", reserved=RESERVED, formats={})
        assert added
        schema = schema.plus(added)
    raise AssertionError("the schema does not converge")


def rows_of(lines: list[bytes], schema: EventSchema) -> list[dict[str, Any]]:
    rows = flat(lines)
    typed = type_columns(rows.values, len(rows.lines), schema, {})
    assert not typed.news.needs_columns(schema)
    columns = {name: typed.columns[name] for name in schema.arrow_types}
    rows_out: list[dict[str, Any]] = pa.table({"_line": [line.number for line in rows.lines]} | columns).to_pylist()
    for row in rows_out:
        del row["_line"]
    return rows_out


@settings(max_examples=examples(120), deadline=None)
@given(RECORDS)
def test_records_can_be_rebuilt_from_flat_rows(records: list[dict[str, Any]]) -> None:
    lines = [to_line(record) for record in records]
    schema = learn(EventSchema(), [lines])
    names = [name.lower() for name in (*RESERVED, *schema.arrow_types)]
    assert len(set(names)) == len(names)
    for record, row in zip(records, rows_of(lines, schema), strict=True):
        assert normal_record(rebuild(row, schema.columns)) == normal_record(record)


@settings(max_examples=examples(60), deadline=None)
@given(RECORDS, RECORDS, RECORDS, st.randoms(use_true_random=False))
def test_order_and_split_do_not_matter_and_later_days_change_no_column(
    first: list[dict[str, Any]], second: list[dict[str, Any]], third: list[dict[str, Any]], random: random.Random
) -> None:
    schema = learn(EventSchema(), [[to_line(record) for record in first]])
    lines = [to_line(record) for record in (*second, *third)]
    after = learn(schema, [lines[: len(second)], lines[len(second) :]])
    assert after.columns[: len(schema.columns)] == schema.columns
    shuffled = random.sample(lines, len(lines))
    cut = random.randrange(len(lines) + 1)
    again = learn(schema, [shuffled[cut:], [], shuffled[:cut]])
    assert again.columns == after.columns
    rows = dict(zip(shuffled, rows_of(shuffled, again), strict=True))
    assert [rows[line] for line in lines] == rows_of(lines, after)


@given(st.lists(SCALARS | st.lists(SCALARS, max_size=3)), st.lists(SCALARS), st.lists(SCALARS))
def test_statistics_merge_in_any_order(some: list[Any], others: list[Any], more: list[Any]) -> None:
    a, b, c = collect_statistics(some), collect_statistics(others), collect_statistics(more)
    assert a.merge(b) == b.merge(a) == collect_statistics([*others, *some])
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(ValueStatistics()) == a


@given(VALUES)
def test_text_columns_are_reversible(value: Any) -> None:
    line = to_line({"a": value})
    (record,) = parse_lines([line]).records
    assert normal_record({"a": [from_text(as_text(record["a"]))]}) == normal_record({"a": [value]})


@pytest.mark.parametrize(
    ("value", "text"),
    [("n/a", "n/a"), ("12", '"12"'), (12, "12"), (True, "true"), ("true", '"true"'), ("truly", "truly"), ({}, "{}")],
)
def test_text_columns_are_readable(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("values", "kind", "left_out"),
    [
        pytest.param([1, None, -(2**63)], "bigint", [], id="integers"),
        pytest.param([1, 2.5], "double", [], id="integers-and-fractions"),
        pytest.param([2**53 + 1, 0.5], "decimal(38,1)", [], id="integers-beyond-double-precision"),
        pytest.param([1, 2**63], "decimal(38,0)", [], id="beyond-64-bits"),
        pytest.param(
            [Decimal("0.12345678901234567890"), 0.5], "decimal(38,19)", [], id="digits-beyond-double-precision"
        ),
        pytest.param([10**40], None, [10**40], id="beyond-any-type"),
        pytest.param([10**40, 5], "bigint", [10**40], id="beyond-any-type-and-a-small-number"),
        pytest.param(
            [Decimal("1e-300"), 10**30 + 1, 0.5],
            "double",
            [Decimal("1e-300"), 10**30 + 1],
            id="too-many-digits-for-decimal",
        ),
        pytest.param([True, "yes", "no"], "string", [True], id="booleans-and-texts"),
        pytest.param([True, "yes"], "boolean", ["yes"], id="as-many-booleans-as-texts"),
        pytest.param([True, 1], "bigint", [True], id="true-is-not-a-number"),
        pytest.param([[], [1], [None]], ArrayType("bigint"), [], id="empty-and-other-arrays"),
        pytest.param([[], []], None, [[], []], id="only-empty-arrays"),
        pytest.param([[None]], None, [[None]], id="arrays-of-null"),
        pytest.param([[1, "a", 2]], ArrayType("bigint"), [[1, "a", 2]], id="arrays-of-mixed-values-are-left-out-whole"),
        pytest.param([[1], [2.5]], ArrayType("double"), [], id="arrays-of-numbers"),
        pytest.param([{}], None, [{}], id="empty-objects"),
        pytest.param([], None, [], id="no-values"),
        pytest.param(
            [[{"b": 1, "a.x": "t"}, {"c": None}, None]],
            ArrayType(RecordType((RecordField("a.x", "a_x", "string"), RecordField("b", "b", "bigint")))),
            [[{"b": 1, "a.x": "t"}, {"c": None}, None]][:0],
            id="arrays-of-records",
        ),
        pytest.param(
            [[{"id": 1, "ID": 2}]],
            ArrayType(RecordType((RecordField("ID", "ID", "bigint"), RecordField("id", "id_2", "bigint")))),
            [],
            id="fields-that-differ-only-in-case",
        ),
    ],
)
def test_learned_types(values: list[Any], kind: Any, left_out: list[Any]) -> None:
    learned = learn_type(collect_statistics(values))
    assert learned.type == kind
    misfits = [values[row] for row in to_arrow(values, kind)[1]] if kind else values
    assert misfits == left_out
    assert learned.leaves_out == bool(left_out)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("bigint", 1.0, 1),
        ("bigint", Decimal("9007199254740993.0"), 9007199254740993),
        ("bigint", 1.5, None),
        ("bigint", 2**63, None),
        ("bigint", Decimal("1e400"), None),
        ("bigint", True, None),
        ("bigint", "1", None),
        ("double", 2**54, float(2**54)),
        ("double", 2**55, None),  # a double reads 36028797018963970
        ("double", 2**53 + 1, None),
        ("double", 10**400, None),
        ("double", Decimal("0.12345678901234567890"), None),
        ("decimal(38,2)", 1.25, Decimal("1.25")),
        ("decimal(38,2)", 1.125, None),
        ("decimal(38,2)", 10**36 - 1, Decimal(10**36 - 1)),
        ("decimal(38,2)", 10**36, None),
        ("decimal(38,2)", Decimal("1e999999"), None),
        ("string", 1, None),
        ("boolean", 1, None),
        ("timestamp(epoch_seconds)", 1.5, datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)),
        ("timestamp(epoch_millis)", -1, datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)),
        ("timestamp(epoch_nanos)", 1000, datetime(1970, 1, 1, 0, 0, 0, 1, UTC)),
        ("timestamp(epoch_nanos)", 1001, None),
        ("timestamp(epoch_seconds)", 10**30, None),
        ("timestamp(epoch_seconds)", Decimal("1e999999"), None),
        ("timestamp(epoch_seconds)", "1", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("timestamp(epoch_millis)", "-1.5", datetime(1969, 12, 31, 23, 59, 59, 998_500, UTC)),
        ("timestamp(epoch_millis)", "1e3", None),
        ("timestamp(epoch_millis)", "", None),
        ("timestamp(iso)", "2026-08-01T10:00:00.5+02:00", datetime(2026, 8, 1, 8, 0, 0, 500_000, UTC)),
        ("timestamp(iso)", "2026-08-01 10:00Z", datetime(2026, 8, 1, 10, 0, tzinfo=UTC)),
        ("timestamp(iso)", "2026-08-01", datetime(2026, 8, 1, tzinfo=UTC)),
        ("timestamp(iso)", "2026-08-01T", None),
        ("timestamp(iso)", "2026-08-01 10:00:00 +02:00", datetime(2026, 8, 1, 8, tzinfo=UTC)),
        ("timestamp(iso)", "2026-08-01 10:00:00+00", datetime(2026, 8, 1, 10, tzinfo=UTC)),
        ("timestamp(iso)", "2026-08-01 10:00:00 Z", datetime(2026, 8, 1, 10, tzinfo=UTC)),
        ("timestamp(iso)", "2026-08-01 10:00:00  Z", None),
        ("timestamp(iso)", "2026-08-01T10:00:00.123456000Z", datetime(2026, 8, 1, 10, 0, 0, 123_456, UTC)),
        ("timestamp(iso)", "2026-08-01T10:00:00.1234560001Z", None),
        ("timestamp(iso)", "2026-08-01T10:00.5Z", None),
        ("timestamp(iso)", "\uff12026-08-01", None),
    ],
)
def test_values_that_fit_are_unchanged_and_others_are_reported(kind: str, value: Any, expected: Any) -> None:
    array, misfits = to_arrow([value, None], kind)
    assert array.type == arrow_type(kind)
    assert array.to_pylist() == [expected, None]
    assert misfits == ([0] if expected is None else [])
    assert ddl_type(kind) == re.sub(r"^timestamp.*", "timestamp", kind)


@given(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5), st.sampled_from(["seconds", "millis", "micros"])
)
def test_times_of_a_column_are_converted_like_single_values(values: list[int | None], unit: str) -> None:
    kind = f"timestamp(epoch_{unit})"
    array, misfits = to_arrow(values, kind)
    convert = converter(kind)
    for row, value in enumerate(values):
        try:
            expected = convert(value)
        except DoesNotFitError:
            expected = None
            assert row in misfits
        assert array.cast(pa.int64())[row].as_py() == expected


#: Each day's record, and the columns that it adds (name and attribute; ``!``: as text), in order.
DAYS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a nested and a flat attribute": ({"a": {"b": 1}, "a_b": 2}, ["a_b<a.b", "a_b_2<a_b"]),
    "a name that differs in case, and a text": ({"A_B": "x", "a": {"b": "x"}}, ["A_B_3<A_B", "a_b__text<a.b!"]),
    "the name of a text column": ({"a_b__text": 1, "a": {"b": "y"}}, ["a_b__text_2<a_b__text"]),
    "a reserved name": ({"year": 1, "n": None, "tags": []}, ["year_2<year", "tags__text<tags!"]),
    "a first typed value": ({"tags": ["x"]}, ["tags<tags"]),
    "a number instead of an object": ({"tags": [], "a": 1}, ["a<a"]),
    "an empty object": ({"a": {}}, ["a__text<a!"]),
    "mistyped values with a text column": ({"tags": [1], "a": None}, []),
}


def test_columns_added_day_by_day() -> None:
    schema = EventSchema()
    added: dict[str, list[str]] = {}
    for day, (record, _) in DAYS.items():
        known = len(schema.columns)
        schema = learn(schema, [[to_line(record)]])
        added[day] = [f"{c.name}<{'.'.join(c.path)}{'!' if c.is_text else ''}" for c in schema.columns[known:]]
    assert added == {day: columns for day, (_, columns) in DAYS.items()}


def test_a_rebuilt_schema_reuses_names_of_the_former_one() -> None:
    former = EventSchema([EventColumn(("a_b",), "a_b", "bigint"), EventColumn(("a", "b"), "a_b_2", "bigint")])
    news = news_of([b'{"a":{"b":"x"},"a_b":"y","A":{"b":1}}'], EventSchema())
    columns = learn_columns(EventSchema(), news, separator="_", reserved=RESERVED, formats={}, former=former)
    assert [(column.path, column.name, column.type) for column in columns] == [
        (("A", "b"), "A_b_3", "bigint"),
        (("a", "b"), "a_b_2", "string"),
        (("a_b",), "a_b", "string"),
    ]


def test_sixty_levels_of_objects_or_arrays_are_flattened() -> None:
    deep: Any = 1
    arrays: Any = 1
    for _ in range(60):
        deep = {"k": deep}
    for _ in range(30):
        arrays = [{"k": arrays}]
    lines = [to_line({"deep": deep, "arrays": arrays})]
    schema = learn(EventSchema(), [lines])
    assert [column.name for column in schema.columns] == ["arrays", "deep" + "_k" * 60]
    (row,) = rows_of(lines, schema)
    assert rebuild(row, schema.columns) == {"deep": deep, "arrays": arrays}


def test_nulls_add_no_attributes() -> None:
    nulls = {f"key {number}": None for number in range(6000)} | {
        "deep": reduce(lambda inner, _: {"a": inner}, range(99), None)
    }
    rows = flat([to_line({"n": 1} | nulls)])
    assert rows.values == {("n",): [1]}


def test_more_than_5000_attributes_are_refused() -> None:
    parsed = parse_lines(
        [to_line({"by_user": {f"user {number}": {"n": 1, "m": 1} for number in range(n, n + 3000)}}) for n in (0, 3000)]
    )
    with pytest.raises(DataError, match=r"more than 5000 attributes, most of them below 'by_user': "):
        flatten(parsed.records, parsed.lines)
