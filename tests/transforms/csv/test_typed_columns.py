"""Whole columns are typed like one value at a time."""

import math

import pyarrow as pa
import pytest

from tests.transforms.csv.typed_texts import columns, texts
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_columns import arrow_type, type_texts
from transforms.csv.typed_value import type_text

COLUMNS = list(columns())
BY_NAME = pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)


def assert_typed_like_single_values(written: list[str | None], column: TypedColumn) -> None:
    typed = type_texts(pa.array(written, pa.string()), column)
    assert typed.values.type == arrow_type(column)
    assert len(typed.values) == len(written)
    rules = [None] * len(written) if typed.rules is None else typed.rules.to_pylist()
    assert typed.rules is None or any(rules)
    for text, value, rule in zip(written, typed.values.to_pylist(), rules, strict=True):
        expected = type_text(text, column)
        assert (value, rule) == expected, repr(text)
        assert not isinstance(value, float) or math.copysign(1, value) == math.copysign(1, expected[0]), text


@BY_NAME
@pytest.mark.parametrize("dirty", [0.0, 0.01, 0.5], ids=["clean", "1-percent-dirty", "half-dirty"])
def test_generated_texts(column: TypedColumn, dirty: float) -> None:
    assert_typed_like_single_values(texts(column, 400, seed=1, dirty=dirty), column)
