"""Records in any framing, against the records that were written."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import FramingError
from transforms.events.lines import RejectedLine
from transforms.events.raw.faults import words_of_fault
from transforms.events.raw.splitting import PlacedText, place_in, split_records
from transforms.json.framing import Records

RECORDS: Any = st.lists(
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=4), max_size=3), min_size=1, max_size=6
)
GAPS = st.text(" \t\r\n", max_size=3)


def place(text: bytes, offset: int) -> tuple[int, int]:
    """Return line and column of a byte, by splitting the text before it."""
    lines = text[:offset].decode().split("\n")
    return len(lines), len(lines[-1]) + 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS, st.data())
def test_records_and_their_places_are_those_written(records: list[Any], data: st.DataObject) -> None:
    framing: Records = data.draw(st.sampled_from(["concatenated", "array", "document"]))
    records = records[:1] if framing == "document" else records
    records = [None if framing == "array" and data.draw(st.booleans()) else record for record in records]
    between = "," if framing == "array" else ""
    text, offsets = ("[" if framing == "array" else "").encode(), []
    for number, record in enumerate(records):
        text += f"{data.draw(GAPS)}{between if number else ''}{data.draw(GAPS)}".encode()
        offsets.append(len(text))
        text += json.dumps(record, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=False).encode()
    text += (data.draw(GAPS) + ("]" if framing == "array" else "") + data.draw(GAPS)).encode()
    size = data.draw(st.integers(1, len(text)))
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    found = [each for texts in split_records(iter(blocks), framing, max_bytes=1000) for each in texts]
    assert list(map(json.loads, found)) == records
    assert [(each.line, each.column) for each in found if isinstance(each, PlacedText)] == [
        place(text, offset) for offset in offsets
    ]
    assert [place_in(blocks, offset) for offset in offsets] == [place(text, offset) for offset in offsets]


@pytest.mark.parametrize(
    ("framing", "text", "place"),
    [
        pytest.param("array", b'[\n{"a": 1},\n nul]', (3, 2), id="half-a-null"),
        pytest.param("array", b"[nul", (1, 2), id="cut-off-in-a-null"),
        pytest.param("array", b"[nullx]", (1, 6), id="more-than-a-null"),
        pytest.param("array", b"[null null]", (1, 7), id="no-comma-after-a-null"),
        pytest.param("array", b"null", (1, 1), id="null-instead-of-an-array"),
        pytest.param("concatenated", b'{"a": 1}\nnull', (2, 1), id="null-after-a-record"),
        pytest.param("array", b'{"a": 1}', (1, 1), id="no-array"),
        pytest.param("document", b'{"a": 1}\n{"a": 2}', (2, 1), id="two-documents"),
        pytest.param("concatenated", b'{"a": 1}\n{"a":', (2, 1), id="cut-off"),
        pytest.param("concatenated", '{"é": 1} x'.encode(), (1, 10), id="text-after-a-record"),
    ],
)
def test_an_object_in_another_framing_is_refused_with_the_place(
    framing: Records, text: bytes, place: tuple[int, int]
) -> None:
    with pytest.raises(FramingError) as error:
        list(split_records([text], framing, max_bytes=1000))
    assert place_in([text], error.value.offset) == place


@pytest.mark.parametrize(
    ("rule", "text", "words"),
    [
        pytest.param("record", b" [1]", "an array", id="array"),
        pytest.param("record", b"null", "null", id="null"),
        pytest.param("record", b"-1", "a number", id="number"),
        pytest.param("record", b'"x"', "a string", id="string"),
        pytest.param("json", b'{"a":1}{"a":2}', "two records on a line", id="two-records"),
        pytest.param("json", b'{"a":1} , 2', "trailing characters at column 9", id="more-text"),
        pytest.param("json", '{"é":x}'.encode(), "invalid character at column 6", id="columns-are-characters"),
        pytest.param("json", b'{"a":1', "truncated", id="truncated"),
        pytest.param("encoding", b'{"a":"\x81"}', "byte 0x81 at 7", id="byte"),
        pytest.param("doubled_key", b"{}", "", id="a-rule-that-says-it-all"),
    ],
)
def test_words_say_what_stands_there(rule: str, text: bytes, words: str) -> None:
    assert words_of_fault(RejectedLine(1, rule, text)) == words


def test_words_never_contain_values() -> None:
    secret = b'{"name": canary}'
    assert "canary" not in words_of_fault(RejectedLine(1, "json", secret))
