"""Values of the types that a feed declares."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from transforms.events.declared.times import floor_micros
from transforms.events.typed_columns import to_arrow
from transforms.events.types import arrow_type, ddl_type


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("epoch_days", 20_666, date(2026, 8, 1)),
        ("epoch_days", -1, date(1969, 12, 31)),
        ("epoch_days", 10**7, None),
        ("epoch_days", 1.5, None),
        ("time_millis", 36_672_500, "10:11:12.5"),
        ("time_micros", 1, "00:00:00.000001"),
        ("time_nanos", 86_399_999_999_999, "23:59:59.999999999"),
        ("time_micros", 0, "00:00:00"),
        ("time_micros", 86_400_000_000, None),
        ("time_micros", -1, None),
        ("base64_decimal(2)", "AMgm", Decimal("512.38")),
        ("base64_decimal(2)", "/w==", Decimal("-0.01")),
        ("base64_decimal(0)", "f////////////////////w==", None),
        ("base64_decimal(2)", "", None),
        ("base64_decimal(2)", "no base64", None),
        ("base64_decimal(2)", 1, None),
        ("variable_scale_decimal(2)", '{"scale":1,"value":"Dw=="}', Decimal("1.50")),
        ("variable_scale_decimal(2)", '{"scale":3,"value":"Dw=="}', None),
        ("variable_scale_decimal(2)", '{"scale":-2,"value":"Dw=="}', Decimal("1500.00")),
        ("variable_scale_decimal(2)", "[1]", None),
        ("json_text", '{"a": 1}', '{"a": 1}'),
        ("json_map", '{"a": 1.50, "b":"x", "c":null, "d":"1"}', [("a", "1.50"), ("b", "x"), ("c", None), ("d", '"1"')]),
        ("json_map", '{"a": "1e400", "b": 1e400}', [("a", '"1e400"'), ("b", "1e400")]),
        ("json_map", '{"a": 1, "a": 2}', None),
        ("json_map", "[1]", None),
        ("timestamp(iso)", "2026-08-01T10:00:00.1234567Z", None),
        ("timestamp(iso)", "2026-02-30T10:00:00Z", None),
        ("timestamp(iso)", "0001-01-01T00:00:00+14:00", None),
        ("timestamp(iso)", 5, None),
    ],
)
def test_encoded_values_are_exact_and_others_are_reported(kind: str, value: Any, expected: Any) -> None:
    array, misfits = to_arrow([value, None], kind)
    assert array.type == arrow_type(kind)
    assert array.to_pylist() == [expected, None]
    assert misfits == ([0] if expected is None else [])


@pytest.mark.parametrize(
    ("kind", "ddl"),
    [
        ("timestamp(iso)", "timestamp"),
        ("epoch_days", "date"),
        ("time_micros", "string"),
        ("base64_decimal(2)", "decimal(38,2)"),
        ("variable_scale_decimal(9)", "decimal(38,9)"),
        ("json_text", "string"),
        ("json_map", "map<string,string>"),
    ],
)
def test_the_catalog_shows_plain_types(kind: str, ddl: str) -> None:
    assert ddl_type(kind) == ddl


@pytest.mark.parametrize(
    ("value", "form", "micros"),
    [
        pytest.param("1970-01-01T00:00:00.000001999Z", "iso", 1, id="nanoseconds-are-cut"),
        pytest.param(-1, "epoch_nanos", -1, id="downwards-before-1970"),
        pytest.param("x", "iso", None, id="no-time"),
        pytest.param(10**30, "epoch_nanos", None, id="out-of-range"),
    ],
)
def test_the_day_of_a_time_needs_no_microseconds(value: Any, form: str, micros: int | None) -> None:
    assert floor_micros(value, form) == micros
