"""What is read by its shape is what is read record by record, or it is not read so."""

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


def told(values: dict[Path, list[Any]]) -> dict[Path, list[str]]:
    """Write values down with their types: to Python, 1 is 1.0 is True."""
    return {path: [repr(value) for value in found] for path, found in values.items()}


def one_by_one(lines: list[bytes]) -> dict[Path, list[Any]] | None:
    parsed = parse_lines(lines)
    rows = flatten(parsed.records, parsed.lines)
    return None if parsed.rejected or parsed.blank or rows.rejected else rows.values


def shape_of(lines: list[bytes]) -> RecordShape:
    shape = RecordShape()
    shape.learn(parse_lines(lines).records)
    return shape


def agree(shape: RecordShape, lines: list[bytes]) -> bool:
    """Tell whether lines were read by a shape; if so, as one by one."""
    by_shape, alone = shape.read(lines), one_by_one(lines)
    if by_shape is not None:
        assert alone is not None
        assert told(by_shape) == told(alone)
    return by_shape is not None


@settings(max_examples=examples(300), deadline=None)
@given(RECORDS, RECORDS)
def test_any_records_are_read_alike(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
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
def test_records_that_are_alike_are_read_by_their_shape(
    records: list[dict[str, Any]], is_tight: bool, in_ascii: bool
) -> None:
    whole = {"id": 1, "user": {"id": 1, "é .": 1, "plan": 1}, "note": 1, "order": {"id": 1, "to": {"a": 1}}}
    shape = shape_of([json.dumps(whole).encode()])
    separators = (",", ":") if is_tight else (", ", ": ")
    lines = [
        json.dumps(record, default=str, separators=separators, ensure_ascii=in_ascii).encode() for record in records
    ]
    # A text that begins with a colon looks like the end of a key; that is found out record by record.
    colon = any(b'\\\\":' in line or re.search(rb'[:\[,] ?":', line) for line in lines)
    assert agree(shape, lines) or colon


PLAIN = b'{"a":1,"b":{"c":2,"d":{"e":3}},"f":[{"g":1}]}'


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":1,"a":2,"b":{"c":2,"d":{"e":3}}}', id="doubled-key"),
        pytest.param(b'{"a":null,"a":2,"b":{"c":2}}', id="doubled-key-that-was-null"),
        pytest.param(b'{"a":1,"b":{"c":2},"b":{"d":{"e":3}}}', id="doubled-object"),
        pytest.param(b'{"a":1,"f":[{"g":1,"g":2}]}', id="doubled-key-in-an-array"),
        pytest.param(b'{"a" :1,"b":{"c":2,"c":3}}', id="doubled-key-and-one-that-is-not-tight"),
        pytest.param(b'{"a":1,"b":{}}', id="object-without-attributes"),
        pytest.param(b'{"a":1,"b":{"c":1,"d":{}}}', id="inner-object-without-attributes"),
        pytest.param(b'{"a":{"x":1}}', id="object-where-a-value-was"),
        pytest.param(b'{"a":1,"b":3}', id="value-where-an-object-was"),
        pytest.param(b'{"a":1,"new":null}', id="new-key"),
        pytest.param(b'{"a":1,"b":{"new":1}}', id="new-inner-key"),
        pytest.param(b'{"a":1,"b\\n":1}', id="key-that-names-no-field"),
        pytest.param(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", id="deep"),
        pytest.param(b'{"a":1e999999999999999999999}', id="beyond-measure"),
        pytest.param(b'{"a":"\xff"}', id="no-utf-8"),
        pytest.param(b'{"a":NaN}', id="no-number"),
        pytest.param(b'{"a":1}{"a":2}', id="two-on-a-line"),
        pytest.param(b"[1]", id="no-record"),
        pytest.param(b" \r", id="blank"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_alone(line: bytes) -> None:
    shape = shape_of([PLAIN])
    assert agree(shape, [PLAIN, PLAIN])
    assert not agree(shape, [PLAIN, line, PLAIN])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":{},"b":null,"f":[]}', id="values-of-other-kinds"),
        pytest.param(b'{"b":{"d":null,"c":"\\":1"},"a":12345678901234567890.5}\r', id="out-of-order"),
        pytest.param(b'{"\\u0061":1,"b":{"c":[[{"x":{"y":1}}]]}}', id="escaped-key"),
        pytest.param(b"{}", id="no-key-at-all"),
    ],
)
def test_what_is_odd_but_right_is_read(line: bytes) -> None:
    assert agree(shape_of([PLAIN]), [PLAIN, line])


@pytest.mark.parametrize("blanks", [b" ", b"  ", b"\t \r"])
def test_one_lines_fault_is_not_made_up_for_by_another(blanks: bytes) -> None:
    lines = [b'{"a"%s:1}' % blanks, b'{"a":1,"a":2}']
    assert not agree(shape_of([PLAIN]), lines)
    assert one_by_one([b'{"a"%s:1,"a":2}' % blanks]) is None


def test_a_shape_grows() -> None:
    shape = shape_of([PLAIN])
    more = [PLAIN, b'{"a":1,"b":{"c":2,"new":1}}']
    assert not agree(shape, more)
    shape.learn(parse_lines(more).records)
    assert agree(shape, more)
    shape.learn(parse_lines([PLAIN, b'{"a":1,"b\\n":1}']).records)
    assert agree(shape, more)


def test_a_thin_shape_is_none() -> None:
    thin = [json.dumps({f"k{number}": 1}).encode() for number in range(9)]
    assert not agree(shape_of(thin), thin)

    wide = shape_of([json.dumps({f"k{number}": 1 for number in range(9)}).encode()])
    assert agree(wide, thin)
    assert not agree(wide, thin), "worth no other try for now"


def test_a_shape_ends_growing() -> None:
    shape = RecordShape()
    for day in range(100):
        lines = [json.dumps({f"{day}-{number}": 1 for number in range(50)}).encode()]
        shape.learn(parse_lines(lines).records)
    assert shape.read(lines) is None


def test_the_more_often_it_fails_the_less_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, odd = shape_of([PLAIN]), [PLAIN, b'{"b":1}']
    tried: list[bytes] = []
    monkeypatch.setattr(record_shape, "is_loose", tried.append)
    for _ in range(200):
        assert shape.read(odd) is None
        shape.learn(parse_lines(odd).records)
    assert 5 <= len(tried) <= 10
    while shape.read([PLAIN]) is None:
        shape.learn([{"a": 1}])
    assert len(tried) <= 12
