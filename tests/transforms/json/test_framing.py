"""Tests of framing: generated streams with known records, in chunks of every size."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.json.test_text import RECORDS
from transforms.errors import FramingError
from transforms.json.framing import Framing, framed_blocks, likely_records
from transforms.json.object_count import ObjectCount
from transforms.json.proof import DECODER
from transforms.json.values import read_values

LIMIT = 1 << 20
BOM = b"\xef\xbb\xbf"
FRAMINGS = ("concatenated", "array", "document")
GAPS = st.sampled_from([b"", b"", b" ", b"\n", b"\r\n\t ", b"\n\n"])


def chunked(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def split(chunks: list[bytes], framing: Framing, limit: int = LIMIT) -> tuple[list[bytes], list[bytes]]:
    """Split a stream; return the bytes between its records, joined across chunks, and the records."""
    gaps, records = [b""], []
    content = b"".join(chunks)
    for block in framed_blocks(chunks, framing, max_record_bytes=limit):
        position = block.offset
        for number, piece in enumerate(block.pieces):
            assert content.startswith(piece, position), "pieces are at the offset of their block"
            position += len(piece)
            if number % 2:
                records.append(piece)
                gaps.append(b"")
            else:
                gaps[-1] += piece
    return gaps, records


def values(chunks: list[bytes], framing: Framing, limit: int = LIMIT) -> list[Any]:
    return list(read_values(chunks, framing, max_record_bytes=limit, decoder=DECODER))


def count(chunks: list[bytes]) -> int:
    counter = ObjectCount()
    assert list(counter.counted(chunks)) == chunks
    return counter.records


@st.composite
def streams(draw: st.DrawFn) -> tuple[Framing, list[bytes], list[bytes]]:
    """A framing, the records of a stream and the gaps around them."""
    framing = draw(st.sampled_from(FRAMINGS))
    most = 1 if framing == "document" else 4
    records = [
        record.write().strip(" \t\r\n").encode("utf-8", "surrogatepass")
        for record in draw(st.lists(RECORDS, max_size=most))
    ]
    gaps = [draw(GAPS) for _ in range(len(records) + 1)]
    if framing == "array":
        gaps = [gaps[0] + b",", *(draw(GAPS) + b"," + gap for gap in gaps[1:-1]), gaps[-1]] if records else gaps
        if records:
            gaps = [draw(GAPS) + b"[" + gaps[0][:-1], *gaps[1:-1], gaps[-1] + b"]" + draw(GAPS)]
        else:
            gaps = [b"[" + gaps[0] + b"]"]
    elif framing == "concatenated":
        gaps = [gap + draw(st.sampled_from([b"", b"", BOM])) for gap in gaps]
    if not gaps[0].startswith(BOM):
        gaps[0] = draw(st.sampled_from([b"", BOM])) + gaps[0]
    return framing, gaps, records


@settings(max_examples=examples(50), deadline=None)
@given(stream=streams())
def test_chunk_boundaries_do_not_change_the_split(stream: tuple[Framing, list[bytes], list[bytes]]) -> None:
    framing, gaps, records = stream
    content = b"".join(itertools.chain.from_iterable(zip(gaps, [*records, b""], strict=True)))
    parsed = [DECODER.decode(record.decode()) for record in records]
    for size in {*range(1, min(len(content), 20)), *range(20, len(content), 7), len(content) or 1}:
        chunks = chunked(content, size)
        assert split(chunks, framing) == (gaps, records)
        assert values(chunks, framing) == parsed
        assert count(chunks) == len(records)


@settings(max_examples=examples(150), deadline=None)
@given(stream=streams(), data=st.data())
def test_a_stream_is_refused_if_and_only_if_a_strict_parser_refuses_it(
    stream: tuple[Framing, list[bytes], list[bytes]], data: Any
) -> None:
    framing, gaps, records = stream
    content = bytearray(b"".join(itertools.chain.from_iterable(zip(gaps, [*records, b""], strict=True))))
    for _ in range(data.draw(st.integers(1, 2))):
        position = data.draw(st.integers(0, len(content)))
        content[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"{}", b"\x00", b"0", b" ", BOM, b"\xff"])
        )
    expected = parsed_strictly(bytes(content), framing)
    size = data.draw(st.integers(1, len(content) + 1))
    try:
        _, split_records = split(chunked(bytes(content), size), framing)
        parsed = [strict(record.decode()) for record in split_records]
    except (FramingError, ValueError):
        parsed = None
    assert parsed == expected
    try:
        parsed = values(chunked(bytes(content), size), framing)
    except ValueError:
        parsed = None
    assert parsed == (
        None if expected is None else [DECODER.decode(json_text) for json_text in texts(content, framing)]
    )


def strict(text: str) -> Any:
    return json.loads(text, object_pairs_hook=tuple, parse_constant=refuse)


def refuse(constant: str) -> Any:
    raise ValueError(constant)


def texts(content: bytes, framing: Framing) -> list[str]:
    """Return the records of a stream by a simple implementation on the whole text."""
    text = content.decode().removeprefix("\ufeff").strip(" \t\r\n")
    decoder, record_texts, position = json.JSONDecoder(), [], 0
    if framing == "array" and text:
        position = 1
        assert isinstance(json.loads(text), list)
    while position < len(text):
        if text[position] in " \t\r\n\ufeff,]":
            position += 1
            continue
        _, end = decoder.raw_decode(text, position)
        record_texts.append(text[position:end])
        position = end
    return record_texts


def parsed_strictly(content: bytes, framing: Framing) -> list[Any] | None:
    """Parse a stream by its definition with Python's parser; None if it is refused."""
    try:
        text = content.decode().removeprefix("\ufeff").strip(" \t\r\n")
        if framing == "concatenated":
            records = []
            while text := text.lstrip(" \t\r\n\ufeff"):
                value, end = json.JSONDecoder(object_pairs_hook=tuple, parse_constant=refuse).raw_decode(text)
                text = text[end:]
                records.append(value)
        elif not text:
            return []
        else:
            records = strict(text) if framing == "array" else [strict(text)]
            if framing == "array" and not text.startswith("["):
                return None
    except ValueError:
        return None
    return records if all(isinstance(record, tuple) for record in records) else None


WIDE = b'{"a":' + b"[" * 300 + b'"}]\\""' + b"]" * 300 + b',"b":{"c":"' + b'\\"' * 200 + b'"}}'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 10_000])
def test_chunk_boundaries_do_not_change_the_split_of_deep_records_and_long_strings(size: int) -> None:
    assert split(chunked(WIDE * 3, size), "concatenated")[1] == [WIDE] * 3
    assert count(chunked(WIDE * 3, size)) == 3
    assert values(chunked(b"[" + WIDE + b"," + WIDE + b"]", size), "array") == [DECODER.decode(WIDE.decode())] * 2


def test_ten_thousand_levels_are_one_record() -> None:
    deep = b'{"a":' + b"[{}," * 10_000 + b"1" + b"]" * 10_000 + b"}"
    for size in (1 << 20, 999):
        assert split(chunked(deep * 2, size), "concatenated")[1] == [deep] * 2


@pytest.mark.parametrize(
    ("framing", "content", "error", "likely"),
    [
        pytest.param("array", b'{"a":1}\n{"a":2}', "at offset 0: an array was expected", "lines", id="lines-as-array"),
        pytest.param("array", b' {"a":1}{"a":2}', "at offset 1: an array was", "concatenated", id="firehose-as-array"),
        pytest.param("array", b'{\n "a": 1\n}\n', "at offset 0: an array was", "document", id="document-as-array"),
        pytest.param("array", b"", "", "", id="empty"),
        pytest.param("array", b" \n", "", "", id="whitespace-only"),
        pytest.param("array", b"[]", "", "", id="no-elements"),
        pytest.param("array", b"[{},]", "at offset 4: a record was expected", "", id="trailing-comma"),
        pytest.param("array", b"[,{}]", "at offset 1: a record or the array's end was", "", id="leading-comma"),
        pytest.param("array", b"[{},,{}]", "at offset 4: a record was", "", id="two-commas"),
        pytest.param("array", b"[{} {}]", "at offset 4: a comma or the array's end was", "", id="no-comma"),
        pytest.param("array", b"[{},1]", "at offset 4: a record was", "", id="number-as-element"),
        pytest.param("array", b"[[{}]]", "at offset 1: a record or the array's end was", "", id="array-in-array"),
        pytest.param("array", b"[{}", "at offset 3: the object ends where a comma or the", "", id="no-end"),
        pytest.param("array", b"[{},{", "at offset 4: the object ends within the record", "", id="truncated-record"),
        pytest.param("array", b"[{}][{}]", "at offset 4: the end of the object was expected", "", id="two-arrays"),
        pytest.param("array", b"[{}]}", "at offset 4: the end of the object was expected", "", id="surplus-bracket"),
        pytest.param("concatenated", b' [{"a":1}]', "at offset 1: a record was", "array", id="array-as-concatenated"),
        pytest.param("concatenated", b"{}\n{}\r\n\n{}", "", "", id="lines-are-valid-as-concatenated"),
        pytest.param("concatenated", b"{},{}", "at offset 2: a record was expected", "", id="comma-between"),
        pytest.param("concatenated", b"{}}", "at offset 2: a record was expected", "", id="surplus-brace"),
        pytest.param("concatenated", b"{}\x00{}", "at offset 2: a record was expected", "", id="nul-between"),
        pytest.param("concatenated", b"{}{", "at offset 2: the object ends within the record", "", id="truncated"),
        pytest.param(
            "concatenated", b'{}{"a":"\\', "at offset 2: the object ends within", "", id="truncated-in-an-escape"
        ),
        pytest.param("concatenated", b"{}\xef\xbb", "at offset 2: the object ends where a record", "", id="half-a-bom"),
        pytest.param("array", b"\xef", "at offset 0: the object ends where an array was", "", id="a-third-of-a-bom"),
        pytest.param("concatenated", b"null", "at offset 0: a record was expected", "", id="null"),
        pytest.param("document", b'[{"a":1}]', "at offset 0: a record was expected", "array", id="array-as-document"),
        pytest.param("document", b"{}\n{}", "at offset 3: the end of the object", "concatenated", id="two-documents"),
        pytest.param(
            "document", b" " + BOM + b"{}", "at offset 1: a record was expected", "", id="bom-after-whitespace"
        ),
        pytest.param("document", b"{}" + BOM, "at offset 2: the end of the object was", "", id="bom-at-the-end"),
    ],
)
def test_streams_of_another_framing_are_refused_with_the_offset(
    framing: Framing, content: bytes, error: str, likely: str
) -> None:
    for size in (1, len(content) or 1):
        if not error:
            split(chunked(content, size), framing)
            values(chunked(content, size), framing)
            continue
        with pytest.raises(FramingError) as refused:
            split(chunked(content, size), framing)
        assert str(refused.value).startswith(error)
        with pytest.raises(ValueError, match=r"."):
            values(chunked(content, size), framing)
    assert not error or refused.value.looks_like == likely


def test_utf_16_is_recognized() -> None:
    with pytest.raises(FramingError, match=r"^at offset 0: the object is UTF-16, by its byte order mark; records are"):
        split(['{"a": 1}'.encode("utf-16")], "concatenated")


@pytest.mark.parametrize("framing", ["concatenated", "document", "array"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_record_above_the_limit_is_refused_with_its_offset(framing: Framing, size: int) -> None:
    begin, end = (b"[", b"]") if framing == "array" else (b" ", b"")
    content = begin + b'{"a":"12"}' + end
    assert split(chunked(content, size), framing, limit=10)[1] == [b'{"a":"12"}']
    with pytest.raises(
        FramingError, match=r"^at offset 1: the record is longer than 9 bytes; raise max_record_bytes if"
    ):
        split(chunked(content, size), framing, limit=9)


@pytest.mark.slow
def test_offsets_go_beyond_32_bits() -> None:
    chunks = itertools.chain([b"[{}"], itertools.repeat(b" " * (1 << 20), 4 << 10), [b"x"])
    with pytest.raises(FramingError, match=f"^at offset {3 + (4 << 30)}: "):
        for _ in framed_blocks(chunks, "array", max_record_bytes=1024):
            pass


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        pytest.param(b'{"a": 1}\n{"a": 2}\n', "lines", id="lines"),
        pytest.param(b'{"a": 1}', "lines", id="one-record"),
        pytest.param(BOM + b' {"a": "}{"}{"b": 1}', "concatenated", id="concatenated"),
        pytest.param(b'{\n"a": 1\n}{\n"b": 1\n}', "concatenated", id="pretty-printed-and-concatenated"),
        pytest.param(b'{\n "a": 1\n}\n', "document", id="document"),
        pytest.param(b'{"a":\n 1, ' + b" " * 100_000 + b"}", "document", id="document-larger-than-the-guess-reads"),
        pytest.param(b'[\n {"a": 1},\n {"a": 2}]', "array", id="array"),
        pytest.param(b"[]", "array", id="no-elements"),
        pytest.param(b"[1]", None, id="array-of-numbers"),
        pytest.param(b'{"a": 1\n{"a": 2}\n', None, id="truncated-line"),
        pytest.param(b'{"a": 1,\n{"a": 2}\n', None, id="truncated-line-after-a-comma"),
        pytest.param(b"{} garbage", None, id="garbage-after-a-record"),
        pytest.param(b"a,b\n1,2\n", None, id="csv"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_the_likely_framing_is_guessed_from_the_first_record(text: bytes, likely: str | None) -> None:
    assert likely_records(text) == likely
