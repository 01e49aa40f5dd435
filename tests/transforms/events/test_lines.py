import json
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import LongRecordError
from transforms.events.flat_rows import flatten
from transforms.events.lines import exact_number, has_doubled_keys, is_cut_off, parse_lines, split_lines


def rejected(text: bytes) -> list[tuple[int, str]]:
    parsed = parse_lines(text.split(b"\n"))
    flat = flatten(parsed.records, parsed.lines)
    return sorted((line.number, line.rule) for line in (*parsed.rejected, *flat.rejected))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        pytest.param(b'{"a":1', "json", id="truncated"),
        pytest.param(b'{"a":1}{"b":2}', "json", id="two-records"),
        pytest.param(b'{"a":1} {"b":2}', "json", id="two-records-with-a-space-between"),
        pytest.param(b'{"a":NaN}', "json", id="nan"),
        pytest.param(b'{"a":-Infinity}', "json", id="infinity"),
        pytest.param(b'{"a":01}', "json", id="leading-zero"),
        pytest.param(b'{"a":.5}', "json", id="no-digit-before-the-decimal-point"),
        pytest.param(b'{"a":1,}', "json", id="trailing-comma"),
        pytest.param(b"{'a':1}", "json", id="single-quotes"),
        pytest.param(b'{"a":"x\x00y"}', "json", id="nul-in-a-text"),
        pytest.param(b'\x00{"a":1}', "json", id="nul-before-the-record"),
        pytest.param(b'{"a":"\\ud800"}', "json", id="lone-surrogate"),
        pytest.param(b'{"a":"caf\xe9"}', "encoding", id="latin-1"),
        pytest.param(b'{"caf\xe9":1}', "encoding", id="latin-1-in-a-key"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "encoding", id="surrogates-in-utf-8"),
        pytest.param(b"[1]", "record", id="array"),
        pytest.param(b"null", "record", id="null"),
        pytest.param(b"5", "record", id="number"),
        pytest.param(b'{"a":1,"a":1}', "doubled_key", id="duplicate-key"),
        pytest.param(b'{"a":{"b":1,"b" :2}}', "doubled_key", id="duplicate-key-with-a-space"),
        pytest.param(b'{"x":[[{"b":1,"b":2}]]}', "doubled_key", id="duplicate-key-in-arrays"),
        pytest.param(b'{"a\\\\":1,"a\\\\":2}', "doubled_key", id="duplicate-key-that-ends-in-a-backslash"),
        pytest.param(b'{"a":1,"\\u0061":2}', "doubled_key", id="duplicate-key-with-escape"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "nesting", id="200-levels"),
        pytest.param(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nesting", id="200-levels-of-arrays"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, "nesting", id="5000-levels"),
        pytest.param(b'{"a":1e99999999999999999999}', "number", id="huge-exponent"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "number", id="5000-digits"),
    ],
)
def test_invalid_lines_are_rejected_by_rule(line: bytes, rule: str) -> None:
    assert rejected(b'{"n":1}\n' + line + b'\n\n{"n":2}') == [(2, rule)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":"\\":","b":"\\\\"}', id="escaped-quotes"),
        pytest.param(b'{ "a" : 1 , "b" : {"a" :2} }\r', id="whitespace"),
        pytest.param(b'{"a":"{\\"a\\":1,\\"a\\":2}"}', id="json-in-a-text"),
        pytest.param(b'{"a":' * 60 + b"1" + b"}" * 60, id="60-levels"),
        pytest.param(b'{"a":"\\u0000\\ud83d\\ude00"}', id="escapes"),
    ],
)
def test_valid_lines_are_parsed(line: bytes) -> None:
    assert rejected(line) == []
    (record,) = parse_lines([line]).records
    assert record == json.loads(line)


KEYS = st.sampled_from(["a", "b", '"', "\\", ":", '":', 'x\\"', ""])
VALUES: Any = st.recursive(
    st.none() | st.integers() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(tuple),
    max_leaves=10,
)


def as_json(value: Any, blank: str) -> tuple[str, bool]:
    """Serialize a value whose objects are tuples of pairs; return it and whether it has duplicate keys."""
    if isinstance(value, tuple):
        parts = [(json.dumps(key), *as_json(inner, blank)) for key, inner in value]
        doubled = len({key for key, _ in value}) < len(value) or any(part[2] for part in parts)
        return "{" + ",".join(f"{key}{blank}:{text}" for key, text, _ in parts) + "}", doubled
    if isinstance(value, list):
        items = [as_json(inner, blank) for inner in value]
        return "[" + ",".join(text for text, _ in items) + "]", any(doubled for _, doubled in items)
    return json.dumps(value), False


@given(st.lists(st.tuples(KEYS, VALUES), max_size=4).map(tuple), st.sampled_from(["", " "]))
def test_every_duplicate_key_is_rejected(record: Any, blank: str) -> None:
    text, doubled = as_json(record, blank)
    assert rejected(text.encode()) == ([(1, "doubled_key")] if doubled else [])


def test_has_doubled_keys_counts_before_it_parses() -> None:
    assert not has_doubled_keys(b'{"a":1,"b":2}', 2)
    assert has_doubled_keys(b'{"a":1,"a":2}', 1)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_numbers_are_exact(text: str) -> None:
    value = exact_number(text)
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    assert exact == Decimal(text)


LINES = st.lists(st.binary(max_size=6).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@given(LINES, st.integers(1, 7), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_block_boundaries_do_not_change_the_lines(lines: list[bytes], size: int, mark: bytes) -> None:
    text = mark + b"\n".join(lines)
    blocks = (text[i : i + size] for i in range(0, len(text), size))
    split = [line for part in split_lines(blocks, max_bytes=6) for line in part]
    expected = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert split == (expected if expected[-1] else expected[:-1])


@given(LINES, st.integers(1, 7), st.integers(0, 5), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_the_first_line_above_the_limit_is_reported(lines: list[bytes], size: int, limit: int, mark: bytes) -> None:
    text = mark + b"\n".join(lines)
    blocks = (text[i : i + size] for i in range(0, len(text), size))
    expected = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    too_long = [number for number, line in enumerate(expected, 1) if len(line) > limit]
    split: list[bytes] = []
    with pytest.raises(LongRecordError) if too_long else nullcontext() as refused:
        for part in split_lines(blocks, max_bytes=limit):
            split += part
    if refused is not None:
        assert (refused.value.line, refused.value.limit) == (too_long[0], limit)
    assert split == expected[: len(split)]


def test_a_line_is_read_no_further_than_the_limit() -> None:
    blocks_read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal blocks_read
        yield b'{"a":1}\n'
        while True:
            blocks_read += 1
            yield b"x" * 10

    with pytest.raises(LongRecordError, match="line 2 is longer than 1000 bytes; raise max_record_bytes if"):
        list(split_lines(blocks(), max_bytes=1000))
    assert blocks_read == 101


def test_lines_and_records_are_numbered() -> None:
    parsed = parse_lines([b'{"a":1}', b"", b"x", b" \r", b'{"a":2}'], after_line=10, after_record=7)
    assert [(line.number, line.ordinal) for line in parsed.lines] == [(11, 8), (15, 10)]
    assert [(line.number, line.rule, line.text) for line in parsed.rejected] == [(13, "json", b"x")]
    assert parsed.blank == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.data())
def test_every_prefix_of_a_record_is_cut_off(record: dict[str, Any], is_ascii: bool, data: st.DataObject) -> None:
    text = json.dumps(record, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    length = data.draw(st.integers(1, len(text) - 1))
    assert is_cut_off(text[:length])
    assert not is_cut_off(text)
    assert not is_cut_off(text + b" \r")


def test_a_record_is_cut_off_whatever_its_numbers() -> None:
    assert is_cut_off(b'{"a":1e400,"b"')


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" \t\r",
        b"n/a",
        b"no",
        b"x",
        b"}",
        b'"a": 1,',
        b'{"a":n/a',
        b'{"a":01',
        b'{"a":NaN',
        b'{"a":1}}',
        b"12",
        b"nul ",
    ],
)
def test_other_invalid_lines_are_not_cut_off(line: bytes) -> None:
    assert not is_cut_off(line)
