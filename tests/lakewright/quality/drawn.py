"""Random tables and expectations; most expectations have a few values at or near their bounds."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lakewright.quality.expectation import Expectation

ARROW = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "decimal(12,2)": pa.decimal128(12, 2),
    "decimal(38,18)": pa.decimal128(38, 18),
    "double": pa.float64(),
    "float": pa.float32(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "binary": pa.binary(),
}
COLUMNS = {
    "id": "bigint",
    "n": "int",
    "price": "decimal(12,2)",
    "wide": "decimal(38,18)",
    "x": "double",
    "f": "float",
    "name": "string",
    "Code 2": "string",
    "ok": "boolean",
    "day": "date",
    "at": "timestamp",
    "raw": "binary",
}
TEXTS = [
    "",
    "a",
    "b",
    "AB-12",
    "AB-1",
    "ab-12",
    "é",
    "日本",
    "😀",
    "a b",
    "a'b",
    'a"b',
    "a\\b",
    "x" * 70_000,
    "${a}",
    "%",
    "nan",
    "None",
]
ODD_TEXTS = [
    "AB-12\n",
    "AB-12\r\n",
    "AB-\u0661\u0662",
    "a\u2028b",
    "AB-12\u0085",
    "a\nb",
    "a\u00a0b",
    "a\x1cb",
    "a\x0bb",
]
VALUES: dict[str, list[Any]] = {
    "bigint": [0, 1, 2, 3, -1, 10, 2**53],
    "int": [0, 1, 2, 3, -1, 10, 2**31 - 1],
    "decimal(12,2)": [
        Decimal(text) for text in ("0.00", "0.01", "0.10", "0.30", "1.00", "9.99", "-0.01", "9999999999.99")
    ],
    "decimal(38,18)": [
        Decimal(text).quantize(Decimal("1e-18")) for text in ("0", "0.1", "0.5", "1.25", "-3", "1234567890")
    ],
    "double": [0.0, -0.0, 0.1, 0.3, 1.0, 2.5, 1e300, -1.0, math.inf, -math.inf],
    "float": [0.0, 0.5, 1.0, 2.5],
    "boolean": [True, False],
    "date": [date(2020, 1, 1), date(2020, 1, 2), date(1969, 12, 31), date(2400, 2, 29)],
    "timestamp": [
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(1969, 7, 20, 20, 17, tzinfo=UTC),
    ],
    "binary": [b"", b"a", b"\xff"],
}
BOUNDS: dict[str, list[Any]] = {
    "number": [0, 1, 2, 3, -1, 0.01, 0.1, 0.3, 0.5, 1.25, 2.5, 9.99, 1e300, 2**53, -1e19, 1e19, "1", True],
    "date": ["2020-01-01", "2020-01-02", "1969-12-31", "2020-1-2"],
    "time": [
        "2020-01-01T00:00:00+00:00",
        "2020-01-01 01:00:00+01:00",
        "2020-01-01T00:00:00.000001Z",
        "2020-01-01T00:00:00",
    ],
}
SETS: dict[str, list[Any]] = {
    "string": ["", "a", "b", "AB-12", "é", "😀", "a'b", "a\\b", "${a}", "A", "x" * 70_000],
    "number": [0, 1, 2, -1, 0.1, 0.3, 9.99, 2.5, 2**53, 0.5],
    "boolean": [True, False],
}
PATTERNS = [
    r"^[A-Z]{2}-\d+$",
    r"^AB-[0-9]{2}$",
    r"\d",
    r"^\w+$",
    r"\s",
    "^.*$",
    r"^[^@\s]+$",
    "a|b",
    "^(?:AB|ab)-1?2?$",
    "é",
    r"a\\b",
    "'",
    "^.{1,3}$",
    "",
    r"(?i)ab",
    r"\bAB",
    "[^-]-[12]",
    r"^S[0-9]{9}",
    "b$|^a",
    "^$",
    "😀",
    r"[\w-]+2",
    r"\.",
    "x{255}",
]


def draw_rows(random: Random, *, with_oddities: bool) -> list[dict[str, Any]]:
    """Draw rows of all columns; oddities are NaN, and texts that engines read differently."""
    share_of_nulls = random.choice([0, 0.2, 0.2, 0.2, 1])
    texts = TEXTS + ODD_TEXTS * with_oddities
    pools = {**VALUES, "string": texts, "double": VALUES["double"] + [math.nan] * with_oddities}
    pools = {kind: random.sample(pool, k=random.randint(1, len(pool))) for kind, pool in pools.items()}

    def value(kind: str) -> Any:
        return None if random.random() < share_of_nulls else random.choice(pools[kind])

    rows = [{name: value(kind) for name, kind in COLUMNS.items()} for _ in range(random.choice([0, 1, 3, 20, 20, 20]))]
    if random.random() < 0.5:
        for number, row in enumerate(rows):
            row["id"] = number
    return rows


def draw_expectation(random: Random) -> Expectation:
    """Draw an expectation of a random column, seldom one that the table does not have."""
    draw: Callable[[Random, str], dict[str, Any]]
    kind, draw = random.choice(DRAWERS)
    column = random.choice([*COLUMNS, "name", "name", "Code 2", "price", "price", "x", "missing"])
    kwargs = draw(random, COLUMNS.get(column, "string"))
    if "column_list" not in kwargs and kind != "expect_table_row_count_to_be_between":
        kwargs["column"] = column
    if kind != "expect_table_row_count_to_be_between" and random.random() < 0.5:
        kwargs["mostly"] = random.choice([0, 0.5, 0.9, 1, 1.0, 2 / 3, 0.95])
    return Expectation(kind, kwargs)


def _nothing(_random: Random, _kind: str) -> dict[str, Any]:
    return {}


def _set(random: Random, kind: str) -> dict[str, Any]:
    pool = SETS.get(kind, SETS["number"]) if random.random() < 0.9 else SETS[random.choice(list(SETS))]
    return {"value_set": random.sample(pool, k=random.randint(0, len(pool))) + [None] * (random.random() < 0.05)}


def _between(random: Random, kind: str) -> dict[str, Any]:
    pool = BOUNDS[{"date": "date", "timestamp": "time"}.get(kind, "number")]
    if random.random() < 0.1:
        pool = BOUNDS[random.choice(list(BOUNDS))]
    return _strictness(random) | _some_bounds(random, pool)


def _lengths(random: Random, _kind: str) -> dict[str, Any]:
    return _strictness(random) | _some_bounds(random, [0, 1, 2, 3, 5, 5, 70_000])


def _row_count(random: Random, _kind: str) -> dict[str, Any]:
    bounds = _some_bounds(random, [0, 1, 3, 20])
    if sorted(bounds.values()) != [bounds[name] for name in ("min_value", "max_value") if name in bounds]:
        return {}
    return _strictness(random) | bounds


def _strictness(random: Random) -> dict[str, Any]:
    return {name: random.choice([True, False]) for name in ("strict_min", "strict_max") if random.random() < 0.5}


def _some_bounds(random: Random, pool: list[Any]) -> dict[str, Any]:
    names = random.choice([["min_value"], ["max_value"], ["min_value", "max_value"], ["min_value", "max_value"]])
    values = [random.choice(pool) for _ in names]
    if len({isinstance(value, str) for value in values}) == 1 and random.random() < 0.9:
        values.sort()
    return dict(zip(names, values, strict=True))


def _regex(random: Random, _kind: str) -> dict[str, Any]:
    return {"regex": random.choice(PATTERNS)}


def _compound(random: Random, _kind: str) -> dict[str, Any]:
    names = random.sample([*COLUMNS, "missing"], k=random.randint(2, 3))
    ignored = random.choice(["all_values_are_missing", "any_value_is_missing", "never", None])
    return {"column_list": names} | ({"ignore_row_if": ignored} if ignored else {})


DRAWERS = [
    ("expect_column_values_to_not_be_null", _nothing),
    ("expect_column_values_to_be_unique", _nothing),
    ("expect_column_values_to_be_in_set", _set),
    ("expect_column_values_to_be_in_set", _set),
    ("expect_column_values_to_be_between", _between),
    ("expect_column_values_to_be_between", _between),
    ("expect_column_values_to_be_between", _between),
    ("expect_column_values_to_match_regex", _regex),
    ("expect_column_values_to_match_regex", _regex),
    ("expect_column_value_lengths_to_be_between", _lengths),
    ("expect_table_row_count_to_be_between", _row_count),
    ("expect_compound_columns_to_be_unique", _compound),
]


def arrow_table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], ARROW[kind]) for name, kind in COLUMNS.items()})


def pandas_frame(table: pa.Table) -> pd.DataFrame:
    """Return the frame on which the library runs locally: decimals as doubles, as in Spark's comparisons."""
    frame = table.to_pandas()
    frame["price"] = frame["price"].map(lambda value: np.nan if value is None else float(value)).astype("float64")
    return frame
