"""Widening of types: laws over all types and their values."""

from decimal import Decimal, localcontext
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.changes.column_types import can_cast, common_type, keeps_text

PLAIN = ["void", "int", "bigint", "float", "double", "string", "binary", "boolean", "date", "timestamp", "array<int>"]
DECIMALS = st.integers(1, 38).flatmap(
    lambda precision: st.integers(0, precision).map(lambda scale: f"decimal({precision},{scale})")
)
TYPES = st.sampled_from(PLAIN) | DECIMALS
NUMBERS = st.sampled_from(["int", "bigint", "float", "double"]) | DECIMALS


def join(*kinds: str) -> str | None:
    widest: str | None = "void"
    for kind in kinds:
        widest = None if widest is None else common_type(widest, kind)
    return widest


@given(TYPES, TYPES, TYPES)
def test_the_order_of_types_does_not_matter(first: str, second: str, third: str) -> None:
    assert len({join(*kinds) for kinds in permutations((first, second, third))}) == 1
    right = common_type(second, third)
    assert join(first, second, third) == (None if right is None else common_type(first, right))
    assert common_type(first, first) == first


@given(TYPES, TYPES)
def test_the_common_type_represents_both(first: str, second: str) -> None:
    both = common_type(first, second)
    if both is not None:
        assert common_type(both, first) == both == common_type(both, second)


def extremes(kind: str) -> list[Decimal]:
    """Exact extreme values of a type."""
    if kind in ("int", "bigint"):
        bits = 31 if kind == "int" else 63
        return [Decimal(-(2**bits)), Decimal(2**bits - 1), Decimal(2 ** (bits - 1) + 1)]
    if kind in ("float", "double"):
        made = np.float32 if kind == "float" else np.float64
        return [Decimal(float(made(text))) for text in ("0.1", "-1.1e30", "1e-30")]
    precision, scale = map(int, kind[len("decimal(") : -1].split(","))
    return [Decimal(int("9" * precision)).scaleb(-scale), Decimal(-1).scaleb(-scale)]


def holds_value(kind: str, value: Decimal) -> bool:
    if kind in ("int", "bigint"):
        return value == int(value) and -(2 ** (31 if kind == "int" else 63)) <= value < 2 ** (
            31 if kind == "int" else 63
        )
    if kind in ("float", "double"):
        made = np.float32 if kind == "float" else np.float64
        return Decimal(float(made(float(value)))) == value
    precision, scale = map(int, kind[len("decimal(") : -1].split(","))
    scaled = value.scaleb(scale)
    return scaled == int(scaled) and abs(scaled) < 10**precision


@given(NUMBERS, NUMBERS)
def test_no_value_is_lost(first: str, second: str) -> None:
    both = common_type(first, second)
    with localcontext(prec=200):
        if both is not None:
            assert all(holds_value(both, value) for kind in (first, second) for value in extremes(kind)), both


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("bigint", "double", None),
        ("bigint", "float", None),
        ("int", "float", "double"),
        ("decimal(38,0)", "decimal(38,2)", None),
        ("decimal(10,2)", "double", None),
        ("bigint", "decimal(5,2)", "decimal(21,2)"),
        ("string", "int", None),
        ("date", "timestamp", None),
    ],
)
def test_common_types(first: str, second: str, both: str | None) -> None:
    assert common_type(first, second) == both


@pytest.mark.parametrize(
    ("first", "second", "keeps"),
    [
        ("int", "bigint", True),
        ("decimal(10,2)", "decimal(12,2)", True),
        ("decimal(10,2)", "decimal(12,3)", False),
        ("int", "decimal(10,0)", False),
        ("float", "double", False),
    ],
)
def test_types_with_equal_text_forms(first: str, second: str, keeps: bool) -> None:
    assert keeps_text(first, second) is keeps


@pytest.mark.parametrize(
    ("kind", "wanted", "can"),
    [
        ("string", "decimal(38,38)", True),
        ("string", "decimal(39,0)", False),
        ("string", "decimal(2,3)", False),
        ("timestamp", "date", True),
        ("date", "int", False),
        ("boolean", "int", True),
        ("binary", "string", False),
        ("array<int>", "string", False),
        ("string", "text", False),
    ],
)
def test_supported_casts(kind: str, wanted: str, can: bool) -> None:
    assert can_cast(kind, wanted) is can
