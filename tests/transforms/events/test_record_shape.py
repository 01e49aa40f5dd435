"""Reading by shape yields the same values as reading record by record, or declines."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.events.test_flat_events import RECORDS, SCALARS, to_line
from transforms.events import record_shape
from transforms.events.flat_rows import flatten
from transforms.events.lines import parse_lines
from transforms.events.record_shape import RecordShape
from transforms.events.schema import Path


def with_types(values: dict[Path, list[Any]]) -> dict[Path, list[str]]:
    """Represent values with their types, since 1 == 1.0 == True in Python."""
    return {path: [repr(value) for value in column] for path, column in values.items()}


def one_by_one(lines: list[bytes]) -> dict[Path, list[Any]] | None:
    parsed = parse_lines(lines)
    rows = flatten(parsed.records, parsed.lines)
    return None if parsed.rejected or parsed.blank or rows.rejected else rows.values


def shape_of(lines: list[bytes]) -> RecordShape:
    shape = RecordShape()
    shape.learn(parse_lines(lines).records)
    return shape


def agree(shape: RecordShape, lines: list[bytes]) -> bool:
    """Return whether lines were read by a shape, after comparing the values with those read one by one."""
    by_shape, alone = shape.read(lines), one_by_one(lines)
    if by_shape is not None:
        assert alone is not None
        assert with_types(by_shape) == with_types(alone)
    return by_shape is not None


@settings(max_examples=examples(300), deadline=None)
@given(RECORDS, RECORDS)
def test_values_by_shape_agree_with_values_one_by_one(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    lines, more = [to_line(record) for record in some], [to_line(record) for record in others]
    shape = shape_of(lines)
    agree(shape, lines)
    agree(shape, more)
    agree(shape_of(lines + more), more)


LEAVES = SCALARS | st.lists(SCALARS | st.dictionaries(st.sampled_from("xy"), SCALARS), max_size=3)
ALIKE = st.fixed_dictionaries(
    {"id": LEAVES, "user": st.fixed_dictionaries({"id": LEAVES, "é .": LEAVES}, optional={"plan": LEAVES})},
    optional={"note": LEAVES, "order": st.none() | st.fixed_dictionaries({"id": LEAVES, "to": st.just({"a": 1})})},
)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(ALIKE, min_size=1, max_size=6), st.booleans(), st.booleans())
def test_records_of_the_same_shape_are_read_by_shape(
    records: list[dict[str, Any]], is_tight: bool, in_ascii: bool
) -> None:
    whole = {"id": 1, "user": {"id": 1, "é .": 1, "plan": 1}, "note": 1, "order": {"id": 1, "to": {"a": 1}}}
    shape = shape_of([json.dumps(whole).encode()])
    separators = (",", ":") if is_tight else (", ", ": ")
    lines = [
        json.dumps(record, default=str, separators=separators, ensure_ascii=in_ascii).encode() for record in records
    ]
    # A text that begins with a colon looks like the end of a key, and is read record by record.
    colon = any(b'\\\\":' in line or re.search(rb'[:\[,] ?":', line) for line in lines)
    assert agree(shape, lines) or colon


PLAIN = b'{"a":1,"b":{"c":2,"d":{"e":3}},"f":[{"g":1}]}'


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":1,"a":2,"b":{"c":2,"d":{"e":3}}}', id="duplicate-key"),
        pytest.param(b'{"a":null,"a":2,"b":{"c":2}}', id="duplicate-key-that-was-null"),
        pytest.param(b'{"a":1,"b":{"c":2},"b":{"d":{"e":3}}}', id="duplicate-object"),
        pytest.param(b'{"a":1,"f":[{"g":1,"g":2}]}', id="duplicate-key-in-an-array"),
        pytest.param(b'{"a" :1,"b":{"c":2,"c":3}}', id="duplicate-key-and-a-key-with-a-space"),
        pytest.param(b'{"a":1,"b":{}}', id="object-without-attributes"),
        pytest.param(b'{"a":1,"b":{"c":1,"d":{}}}', id="inner-object-without-attributes"),
        pytest.param(b'{"a":{"x":1}}', id="object-instead-of-a-value"),
        pytest.param(b'{"a":1,"b":3}', id="value-instead-of-an-object"),
        pytest.param(b'{"a":1,"new":null}', id="new-key"),
        pytest.param(b'{"a":1,"b":{"new":1}}', id="new-inner-key"),
        pytest.param(b'{"a":1,"b\\n":1}', id="key-with-a-line-feed"),
        pytest.param(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", id="deep"),
        pytest.param(b'{"a":1e999999999999999999999}', id="huge-exponent"),
        pytest.param(b'{"a":"\xff"}', id="not-utf-8"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":1}{"a":2}', id="two-records-on-a-line"),
        pytest.param(b"[1]", id="array"),
        pytest.param(b" \r", id="blank"),
        pytest.param(b"", id="empty"),
    ],
)
def test_irregular_lines_are_not_read_by_shape(line: bytes) -> None:
    shape = shape_of([PLAIN])
    assert agree(shape, [PLAIN, PLAIN])
    assert not agree(shape, [PLAIN, line, PLAIN])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":{},"b":null,"f":[]}', id="values-of-other-kinds"),
        pytest.param(b'{"b":{"d":null,"c":"\\":1"},"a":12345678901234567890.5}\r', id="out-of-order"),
        pytest.param(b'{"\\u0061":1,"b":{"c":[[{"x":{"y":1}}]]}}', id="escaped-key"),
        pytest.param(b"{}", id="no-keys"),
    ],
)
def test_unusual_valid_lines_are_read_by_shape(line: bytes) -> None:
    assert agree(shape_of([PLAIN]), [PLAIN, line])


@pytest.mark.parametrize("blanks", [b" ", b"  ", b"\t \r"])
def test_one_line_cannot_compensate_for_the_fault_of_another(blanks: bytes) -> None:
    lines = [b'{"a"%s:1}' % blanks, b'{"a":1,"a":2}']
    assert not agree(shape_of([PLAIN]), lines)
    assert one_by_one([b'{"a"%s:1,"a":2}' % blanks]) is None


def test_a_shape_learns_new_keys() -> None:
    shape = shape_of([PLAIN])
    more = [PLAIN, b'{"a":1,"b":{"c":2,"new":1}}']
    assert not agree(shape, more)
    shape.learn(parse_lines(more).records)
    assert agree(shape, more)
    shape.learn(parse_lines([PLAIN, b'{"a":1,"b\\n":1}']).records)
    assert agree(shape, more)


def test_a_sparse_shape_is_not_used() -> None:
    sparse = [json.dumps({f"k{number}": 1}).encode() for number in range(9)]
    assert not agree(shape_of(sparse), sparse)

    wide = shape_of([json.dumps({f"k{number}": 1 for number in range(9)}).encode()])
    assert agree(wide, sparse)
    assert not agree(wide, sparse), "backs off"


def test_the_size_of_a_shape_is_limited() -> None:
    shape = RecordShape()
    for day in range(100):
        lines = [json.dumps({f"{day}-{number}": 1 for number in range(50)}).encode()]
        shape.learn(parse_lines(lines).records)
    assert shape.read(lines) is None


def test_the_fast_path_backs_off_after_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, odd = shape_of([PLAIN]), [PLAIN, b'{"b":1}']
    attempts: list[bytes] = []
    monkeypatch.setattr(record_shape, "is_loose", attempts.append)
    for _ in range(200):
        assert shape.read(odd) is None
        shape.learn(parse_lines(odd).records)
    assert 5 <= len(attempts) <= 10
    while shape.read([PLAIN]) is None:
        shape.learn([{"a": 1}])
    assert len(attempts) <= 12
