"""Texts are generated together with their expected scrub, independently of the scanner."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from transforms.errors import NotARecordError
from transforms.json.text import scrub_line, scrubber

FIELD = "file_contents"
NAMES = (FIELD, "file_contentsx", "meta", "a.b", "", 'say "file_contents"', "Zürich 😀", "back\\slash", "x/y", "\u0001")
BLANKS = st.sampled_from(["", "", "", " ", "\t", "  \t", "\r"])
NUMBERS = st.sampled_from(["0", "-0", "1.00", "1e400", "-1E-7", "1" * 30, "12.50e+3"])
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ['\\"', "\\\\", f'"{FIELD}":', "{[}]", "\\\\\\\\", 'C:\\dir\\"', "\ud83d", f'\\"{FIELD}\\": 1', "\\u0041"]
    ),
)
SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Node:
    """A serialized value; its pieces are texts, nodes of an array, and pairs of a key's name and its value."""

    pieces: tuple[Any, ...]

    def write(self, rule: Any = None) -> str:
        """Serialize the node: unchanged, or with the field's values replaced, by path or anywhere."""
        written = ""
        for piece in self.pieces:
            if isinstance(piece, str):
                written += piece
            elif isinstance(piece, Node):
                written += piece.write(rule)
            elif rule == "any":
                written += '""' if piece[0] == FIELD else piece[1].write(rule)
            elif rule and piece[0] == rule[0]:
                written += piece[1].write(rule[1:]) if len(rule) > 1 else '""'
            else:
                written += piece[1].write()
        return written


@st.composite
def strings(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> tuple[str, str]:
    """Generate a text, and one of its spellings in JSON."""
    text = draw(texts)
    written = ""
    for character in text:
        units = character.encode("utf-16-be", "surrogatepass")
        escaped = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
        forms = [escaped, escaped.upper().replace("\\U", "\\u")]
        forms += [SHORT[character]] if character in SHORT else []
        if character not in '"\\' and character >= " " and not "\ud800" <= character <= "\udfff":
            forms += [character] * 6
        written += draw(st.sampled_from(forms))
    return text, f'"{written}"'


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[Node]) -> Node:
    pieces: list[Any] = ["{", draw(BLANKS)]
    for number in range(draw(st.integers(0, 5))):
        name, written = draw(strings(st.sampled_from(NAMES)))
        pieces += ["," if number else "", draw(BLANKS), written, draw(BLANKS), ":", draw(BLANKS)]
        pieces += [(name, draw(values)), draw(BLANKS)]
    return Node((*pieces, "}"))


@st.composite
def arrays(draw: st.DrawFn, values: st.SearchStrategy[Node]) -> Node:
    pieces: list[Any] = ["[", draw(BLANKS)]
    for number in range(draw(st.integers(0, 3))):
        pieces += ["," if number else "", draw(BLANKS), draw(values), draw(BLANKS)]
    return Node((*pieces, "]"))


SCALARS = st.one_of(
    strings().map(lambda pair: Node((pair[1],))),
    NUMBERS.map(lambda text: Node((text,))),
    st.sampled_from(["null", "true", "false", '""']).map(lambda text: Node((text,))),
)
VALUES = st.recursive(SCALARS, lambda values: st.one_of(objects(values), arrays(values)), max_leaves=12)
RECORDS = st.tuples(BLANKS, objects(VALUES), BLANKS, st.sampled_from(["", "\n", "\r\n"])).map(Node)


@pytest.mark.parametrize(
    ("fields", "depth", "rule"),
    [
        pytest.param([FIELD], "top", (FIELD,), id="top"),
        pytest.param([FIELD], "any", "any", id="any-depth"),
        pytest.param([f"meta.{FIELD}"], "top", ("meta", FIELD), id="path"),
        pytest.param([f"a\\.b.meta.{FIELD}"], "top", ("a.b", "meta", FIELD), id="path-with-a-dot-in-a-name"),
        pytest.param([FIELD, "nowhere", "else"], "top", (FIELD,), id="several-fields"),
        pytest.param(['say "file_contents"'], "top", ('say "file_contents"',), id="key-with-quotes"),
        pytest.param(["Zürich 😀"], "top", ("Zürich 😀",), id="key-beyond-ascii"),
        pytest.param(["x/y"], "top", ("x/y",), id="key-with-a-short-escape"),
    ],
)
@settings(max_examples=examples(60), deadline=None)
@given(record=RECORDS)
def test_only_values_of_the_fields_change(fields: list[str], depth: Any, rule: Any, record: Node) -> None:
    line, expected = (record.write(each).encode("utf-8", "surrogatepass") for each in (None, rule))
    scrubbed, changed = scrubber(tuple(fields), depth).scrub(line)
    assert scrubbed == expected
    assert (changed > 0) == (line != expected)
    assert scrub_line(scrubbed, fields, depth=depth) == scrubbed
    if depth == "any":
        assert values_of(FIELD, scrubbed) <= {'""'}


def values_of(name: str, line: bytes) -> set[str]:
    """Return the values of a key at any depth, with a parser that preserves duplicate keys, and numbers as text."""
    values: set[str] = set()

    def pairs(members: list[tuple[str, Any]]) -> Any:
        values.update(json.dumps(value) for key, value in members if key == name)
        return members

    json.loads(line, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return values


def test_two_fields_and_a_path_at_once() -> None:
    line = b'{"b": {"c": 1, "d": [{"c": 2}]}, "a" : 1.00,"b":{"c":"x"}, "a":[[[[[[1]]]]]], "e": [[[[{"a":{}}]]]]}'
    scrubbed = b'{"b": {"c": "", "d": [{"c": 2}]}, "a" : "","b":{"c":""}, "a":"", "e": [[[[{"a":{}}]]]]}'
    assert scrub_line(line, ["a", "b.c"]) == scrubbed
    assert scrub_line(b'{"b": {"c": 1}}', ["b.c", "b"]) == b'{"b": ""}'
    assert scrub_line(b'{"b": [[{"c": 1}], 2]}', ["b.c"], replacement=b"null") == b'{"b": [[{"c": null}], 2]}'


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b" \t\r\n", b'{"other": "file_contents"}', b'{"x": {"file_contents": 1}}', b'{"file_contents": ""}'],
)
def test_lines_without_a_value_to_scrub_are_returned_as_is(line: bytes) -> None:
    assert scrub_line(line, [FIELD]) is line


def test_a_bom_is_preserved() -> None:
    assert scrub_line(b'\xef\xbb\xbf{"file_contents":1}', [FIELD]) == b'\xef\xbb\xbf{"file_contents":""}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b'{"a": 1', "truncated", id="truncated"),
        pytest.param(b'{"a": 1}{"a": 2}', "trailing characters", id="two-records-on-a-line"),
        pytest.param(b'{"a": NaN}', "invalid character", id="NaN"),
        pytest.param(b'{"a": 01}', "invalid number", id="leading-zero"),
        pytest.param(b'{"a": "\x00"}', "invalid character", id="NUL"),
        pytest.param(b'{"a": "\\x"}', "invalid escape", id="invalid-escape"),
        pytest.param(b"[1]", "not a JSON object", id="array"),
        pytest.param(b"1", "not a JSON object", id="number"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8 (byte 8 of the record)", id="latin-1"),
        pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply", id="100000-levels"),
    ],
)
def test_invalid_records_are_refused(line: bytes, reason: str) -> None:
    with pytest.raises(NotARecordError) as raised:
        scrub_line(line, [FIELD])
    assert reason in str(raised.value)


def test_two_top_level_fields_are_scrubbed_idempotently() -> None:
    line = b'{"file_contents": "x", "more": "y", "other": "\\"file_contents\\": 1"}'
    scrubbed = b'{"file_contents": "", "more": "", "other": "\\"file_contents\\": 1"}'
    for text in (line, scrubbed):
        assert scrub_line(text, ["file_contents", "more"]) == scrubbed
        assert scrub_line(text, ["more", "file_contents"], depth="any") == scrubbed


def test_many_levels_are_valid() -> None:
    line = b'{"x":' + b'{"y":[' * 100 + b'"}"' + b"]}" * 100 + b',"file_contents":' + b"[" * 50 + b"]" * 50 + b"}"
    assert scrub_line(line, [FIELD]).endswith(b'}]},"file_contents":""}')
    assert scrub_line(line, ["x.y.y.z"]) == line


@settings(max_examples=examples(200), deadline=None)
@given(record=RECORDS, data=st.data())
def test_a_line_is_refused_if_and_only_if_a_strict_parser_refuses_it(record: Node, data: Any) -> None:
    line = bytearray(record.write().encode("utf-8", "surrogatepass"))
    for _ in range(data.draw(st.integers(1, 2))):
        position = data.draw(st.integers(0, max(len(line) - 1, 0)))
        line[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"{", b"}", b",", b"\xc3", b"\x00", b"0", b"\\u", b" "])
        )
    try:
        refused = not isinstance(json.loads(bytes(line).decode(), parse_constant=refuse), dict)
    except ValueError:
        refused = bool(line.strip(b" \t\r\n"))
    try:
        scrub_line(bytes(line), [FIELD])
    except NotARecordError:
        assert refused
    else:
        assert not refused


def refuse(constant: str) -> Any:
    raise ValueError(constant)


def test_a_backslash_in_a_name_needs_no_escape() -> None:
    line = rb'{"C:\\dir": "secret", "C:dir": "kept"}'
    assert scrub_line(line, [r"C:\dir"]) == scrub_line(line, [r"C:\\dir"]) == rb'{"C:\\dir": "", "C:dir": "kept"}'
