"""Whole columns are typed like one value at a time."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.typed_cases import CASES
from tests.transforms.csv.typed_texts import columns, texts
from transforms.csv import typed_columns
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_columns import arrow_type, type_texts
from transforms.csv.typed_value import type_text

COLUMNS = list(columns())
BY_NAME = pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)


def assert_typed_like_single_values(written: list[str | None], column: TypedColumn) -> None:
    # A slice, so that offsets and validity do not begin at the first byte.
    array = pa.array(["x", None, *written, "y"], pa.string()).slice(2, len(written))
    typed = type_texts(array, column)
    assert typed.values.type == arrow_type(column)
    assert len(typed.values) == len(written)
    typed.values.validate(full=True)
    rules = [None] * len(written) if typed.rules is None else typed.rules.to_pylist()
    assert typed.rules is None or any(rules)
    for text, value, rule in zip(written, typed.values.to_pylist(), rules, strict=True):
        expected = type_text(text, column)
        assert (value, rule) == expected, repr(text)
        assert not isinstance(value, float) or math.copysign(1, value) == math.copysign(1, expected[0]), text


@BY_NAME
@pytest.mark.parametrize("dirty", [0.0, 0.01, 0.5], ids=["clean", "1-percent-dirty", "half-dirty"])
def test_generated_texts(column: TypedColumn, dirty: float) -> None:
    assert_typed_like_single_values(texts(column, examples(400), seed=1, dirty=dirty), column)


@pytest.mark.parametrize(("column", "expected"), CASES)
def test_cases(column: TypedColumn, expected: dict[str | None, Any]) -> None:
    assert_typed_like_single_values(list(expected), column)
    for text in expected:  # alone, a text may be typed by another kernel
        assert_typed_like_single_values([text], column)


@BY_NAME
def test_no_texts_and_only_nulls(column: TypedColumn) -> None:
    assert_typed_like_single_values([], column)
    assert_typed_like_single_values([None, None], column)
    assert type_texts(pa.array([], pa.string()), column).rules is None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COLUMNS), st.data())
def test_any_texts(column: TypedColumn, data: st.DataObject) -> None:
    canonical = [text or "" for text in texts(column, 5, seed=2, dirty=0.2)]
    alphabet = "".join({*"".join(canonical), *" \t+-.,:eE09TZz\ufffd\u0661\x00"})
    text = st.one_of(st.sampled_from(canonical), st.text(alphabet, max_size=24), st.none())
    assert_typed_like_single_values(data.draw(st.lists(text, max_size=8)), column)


@pytest.mark.parametrize("alone", [False, True], ids=["among-bad-texts", "alone"])
@pytest.mark.parametrize(
    ("column", "text"),
    [
        pytest.param(TypedColumn("v", "long"), lambda moment: f"-{moment.minute:012d}", id="long"),
        pytest.param(TypedColumn("v", "int"), lambda moment: f"  {moment.year}", id="padded-int"),
        pytest.param(TypedColumn("v", "double"), lambda moment: f"+{moment.timestamp()}e5", id="double"),
        pytest.param(TypedColumn("v", "boolean"), lambda moment: "Yes", id="boolean"),
        pytest.param(TypedColumn("v", "decimal(12,1)"), lambda moment: f"{moment.year}.500", id="decimal"),
        pytest.param(
            TypedColumn("v", "decimal(12,2)", decimal_separator=","),
            lambda moment: f"{moment.year},{moment.day:02d}",
            id="decimal-with-comma",
        ),
        pytest.param(
            TypedColumn("v", "long", thousands_separator=","),
            lambda moment: f"{moment.timestamp():,.0f}",
            id="thousands",
        ),
        pytest.param(
            TypedColumn("v", "decimal(12,2)", thousands_separator=",", currency=("$",), negative=("parentheses",)),
            lambda moment: f"($ {moment.timestamp():,.2f})",
            id="accounting",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", epoch="millis"), lambda moment: f"{moment.timestamp():.3f}", id="epoch"
        ),
        pytest.param(
            TypedColumn("v", "date", format="dd/MM/yyyy", other_formats=("yyyy-MM-dd",)),
            lambda moment: moment.strftime("%d/%m/%Y" if moment.hour % 2 else "%Y-%m-%d"),
            id="two-formats",
        ),
        pytest.param(
            TypedColumn("v", "date", format="dd/MM/yy", two_digit_year_from=1970),
            lambda moment: moment.strftime("%d/%m/%y"),
            id="short-years",
        ),
        pytest.param(
            TypedColumn("v", "timestamp", format="yyyy-MM-dd HH:mm:ss.SSSSSSSSS"),
            lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.%f000"),
            id="nanoseconds",
        ),
        *(
            pytest.param(
                TypedColumn("v", kind, format=pattern, timezone="Europe/Paris"),
                lambda moment, python=python: moment.strftime(python),
                id=pattern,
            )
            for kind, pattern, python in [
                ("date", "yyyy-MM-dd", "%Y-%m-%d"),
                ("date", "dd/MM/yyyy", "%d/%m/%Y"),
                ("date", "d.M.yyyy", "%-d.%-m.%Y"),
                ("date", "yyyyMMdd", "%Y%m%d"),
                ("date", "dd-MMM-yyyy", "%d-%b-%Y"),
                ("timestamp", "yyyy-MM-dd HH:mm:ss[.SSSSSS]", "%Y-%m-%d %H:%M:%S.%f"),
                ("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "%Y-%m-%dT%H:%M:%S.123Z"),
                ("timestamp", "yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "%Y-%m-%dT%H:%M:%S-02:30"),
                ("timestamp", "yyyyMMddHHmmss", "%Y%m%d%H%M%S"),
                ("timestamp", "M/d/yyyy h:mm a", "%-m/%-d/%Y %-I:%M %p"),
                ("timestamp", "dd/MM/yyyy HH:mm:ss Z", "%d/%m/%Y %H:%M:%S +0200"),
            ]
        ),
    ],
)
def test_kernels_type_canonical_texts(
    monkeypatch: pytest.MonkeyPatch, column: TypedColumn, text: Callable[[datetime], str], alone: bool
) -> None:
    """The slow reference sees only bad texts."""
    slow: list[str] = []
    monkeypatch.setattr(typed_columns, "type_text", lambda text, column: slow.append(text) or type_text(text, column))
    moments = [datetime(2025, 7, 1, 12, 30) + number * timedelta(hours=7, seconds=11) for number in range(100)]
    bad = [] if alone else ["?", "", "x"]
    typed = type_texts(pa.array([*map(text, moments), *bad]), column)
    assert typed.values.null_count == len(bad)
    assert slow == bad
